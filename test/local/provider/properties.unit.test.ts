import fc from "fast-check";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { describe, expect, test } from "vitest";
import type { Properties, PropertyValue } from "../../../local/compute/resources.ts";
import {
  containsUnknown,
  decode,
  encode,
  formatPath,
  type Path,
  parsePath,
  UNKNOWN,
  valueAt,
  withValueAt,
} from "../../../local/provider/properties.ts";

// protobuf's maps are objects of JavaScript, which cannot hold this one key.
const key = fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== "__proto__");
const { value } = fc.letrec<{ value: PropertyValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.string(),
    fc.constant(UNKNOWN),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const bag: fc.Arbitrary<Properties> = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true });

/** Every path of a value, outermost first. */
function paths(values: PropertyValue, path: Path = []): Path[] {
  const below = Array.isArray(values)
    ? values.flatMap((item, i) => paths(item, [...path, i]))
    : typeof values === "object" && values !== null
      ? Object.entries(values).flatMap(([name, item]) => paths(item, [...path, name]))
      : [];
  return path.length === 0 ? below : [path, ...below];
}

const withSecrets = bag.chain((values) => {
  const all = paths(values);
  if (all.length === 0) return fc.constant({ values, secrets: [] as Path[] });
  return fc.subarray(all).map((chosen) => ({
    values,
    secrets: chosen.filter(
      (path) => !chosen.some((other) => other.length < path.length && other.every((part, i) => part === path[i])),
    ),
  }));
});

describe("the wire form", () => {
  test("gives back every value, every unknown and every secret", () => {
    fc.assert(
      fc.property(withSecrets, (given) => {
        const wire = struct.Struct.deserializeBinary(encode(given).serializeBinary());
        const back = decode(wire);
        expect(back.values).toEqual(given.values);
        expect(new Set(back.secrets.map(formatPath))).toEqual(new Set(given.secrets.map(formatPath)));
      }),
    );
  });

  test("wraps a secret as the engine does", () => {
    const wire = encode({ values: { a: [{ b: "s" }] }, secrets: [["a", 0, "b"]] }).toJavaScript();
    expect(wire).toEqual({
      a: [{ b: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: "s" } }],
    });
  });

  test("a string built from an unknown is unknown as a whole", () => {
    const wire = encode({ values: { id: `projects/${UNKNOWN}/x`, known: "y" }, secrets: [] });
    expect(wire.toJavaScript()).toEqual({ id: UNKNOWN, known: "y" });
  });

  test("every marker of an unknown is one", () => {
    const wire = struct.Struct.fromJavaScript({ list: "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2" });
    expect(decode(wire).values).toEqual({ list: UNKNOWN });
    expect(containsUnknown({ a: [{ b: UNKNOWN }] })).toBe(true);
    expect(containsUnknown({ a: [{ b: "known" }] })).toBe(false);
  });

  test("an asset is refused with its path", () => {
    const asset = { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", text: "x" };
    const wire = struct.Struct.fromJavaScript({ files: { one: asset } });
    expect(() => decode(wire)).toThrow("files.one is an asset");
  });
});

describe("paths", () => {
  test("are written as Pulumi writes them", () => {
    expect(formatPath(["a", 0, "b-c"])).toBe("a[0].b-c");
    expect(formatPath(["metadata", "annotations", "cloud.google.com/neg"])).toBe(
      'metadata.annotations["cloud.google.com/neg"]',
    );
  });

  test("are read back", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(99), fc.stringMatching(/^[a-z][\w./-]*$/)), { minLength: 1, maxLength: 5 }),
        (path) => {
          const text = formatPath(path);
          expect(parsePath(text)).toEqual(path);
        },
      ),
    );
    expect(parsePath("a.*.b[*]")).toEqual(["a", "*", "b", "*"]);
  });

  test("a value is set without changing the original", () => {
    const original: Properties = { a: { b: 1 }, c: 2 };
    expect(withValueAt(original, ["a", "d", "e"], 3)).toEqual({ a: { b: 1, d: { e: 3 } }, c: 2 });
    expect(original).toEqual({ a: { b: 1 }, c: 2 });
    expect(valueAt(original, ["a", "b"])).toBe(1);
    expect(valueAt(original, ["a", "toString"])).toBeUndefined();
  });
});
