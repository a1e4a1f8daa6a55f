import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Properties, PropertyValue } from "../compute/resources.ts";

/**
 * Pulumi's properties on the wire and as plain values. A decoded bag is plain JSON with two side notes: the paths of its
 * secrets, and UNKNOWN in place of every value that is not known yet.
 */

/** What the engine sends for a value that is not known yet; of its seven markers by type, the SDK uses this one. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The engine's markers for unknown booleans, numbers, strings, lists, assets, archives and objects (sdk/go/common/resource/plugin/rpc.go). */
const unknownMarkers: ReadonlySet<string> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  UNKNOWN,
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
/** Wrapped values that this provider does not ask for, or cannot take, by signature. */
const otherSignatures: Readonly<Record<string, string>> = {
  c44067f5952c0a294b673a41bacd8c17: "an asset",
  "0def7320c3a5731c473e5ecbe6d01bc7": "an archive",
  "5cf8f73096256a8f31e491e813e4eb8e": "a resource reference",
  d0e6a833031e9bbcd3f4e8bde6ca49a4: "an output value",
};

export type Path = readonly (string | number)[];

/** A property bag off the wire. */
export interface Decoded {
  readonly values: Properties;
  /** Where secrets are; never one below another. */
  readonly secrets: readonly Path[];
}

export const nothing: Decoded = { values: {}, secrets: [] };

/** Whether a value is, or a string was built from, something that is not known yet. */
export function isUnknown(value: PropertyValue | undefined): boolean {
  return typeof value === "string" && value.includes(UNKNOWN);
}

/** Whether anything in the value is unknown. */
export function containsUnknown(value: PropertyValue | undefined): boolean {
  if (Array.isArray(value)) return value.some(containsUnknown);
  if (typeof value === "object" && value !== null) return Object.values(value).some(containsUnknown);
  return isUnknown(value);
}

/** Plain values and notes from what the engine sent; nothing when it sent nothing. */
export function decode(message: struct.Struct | undefined): Decoded {
  if (message === undefined) return nothing;
  const secrets: Path[] = [];
  const values = decodeStruct(message, [], secrets);
  return { values: values, secrets };
}

function decodeStruct(message: struct.Struct, path: Path, secrets: Path[] | undefined): Properties {
  const entries: [string, PropertyValue][] = [];
  for (const [key, value] of message.getFieldsMap().entries()) {
    entries.push([key, decodeValue(value, [...path, key], secrets)]);
  }
  return Object.fromEntries(entries);
}

function decodeValue(value: struct.Value, path: Path, secrets: Path[] | undefined): PropertyValue {
  switch (value.getKindCase()) {
    case struct.Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case struct.Value.KindCase.STRING_VALUE: {
      const text = value.getStringValue();
      return unknownMarkers.has(text) ? UNKNOWN : text;
    }
    case struct.Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case struct.Value.KindCase.STRUCT_VALUE:
      return decodeObject(value.getStructValue() ?? new struct.Struct(), path, secrets);
    case struct.Value.KindCase.LIST_VALUE:
      return (value.getListValue()?.getValuesList() ?? []).map((item, index) =>
        decodeValue(item, [...path, index], secrets),
      );
    default:
      return null;
  }
}

function decodeObject(message: struct.Struct, path: Path, secrets: Path[] | undefined): PropertyValue {
  const signature = message.getFieldsMap().get(signatureKey)?.getStringValue();
  if (signature === undefined) return decodeStruct(message, path, secrets);
  const wrapped = message.getFieldsMap().get("value");
  if (signature === secretSignature) {
    secrets?.push(path);
    // A secret within a secret needs no note of its own.
    return wrapped === undefined ? null : decodeValue(wrapped, path, undefined);
  }
  const kind = otherSignatures[signature] ?? `a value with signature ${signature}`;
  throw new Error(`${formatPath(path)} is ${kind}; the local cloud takes plain values only.`);
}

/** The wire form: values at the secret paths are wrapped, strings built from an unknown become unknown as a whole. */
export function encode(decoded: Decoded): struct.Struct {
  const secrets = new Set(decoded.secrets.map((path) => JSON.stringify(path)));
  const message = new struct.Struct();
  for (const [key, value] of Object.entries(decoded.values)) {
    message.getFieldsMap().set(key, encodeValue(value, [key], secrets));
  }
  return message;
}

function encodeValue(value: PropertyValue, path: Path, secrets: ReadonlySet<string>): struct.Value {
  const plain = encodePlain(value, path, secrets);
  if (secrets.size === 0 || !secrets.has(JSON.stringify(path))) return plain;
  const wrapper = new struct.Struct();
  wrapper.getFieldsMap().set(signatureKey, struct.Value.fromJavaScript(secretSignature));
  wrapper.getFieldsMap().set("value", plain);
  return new struct.Value().setStructValue(wrapper);
}

function encodePlain(value: PropertyValue, path: Path, secrets: ReadonlySet<string>): struct.Value {
  if (isUnknown(value)) return struct.Value.fromJavaScript(UNKNOWN);
  if (Array.isArray(value)) {
    const items = value.map((item, index) => encodeValue(item, [...path, index], secrets));
    return new struct.Value().setListValue(new struct.ListValue().setValuesList(items));
  }
  if (typeof value === "object" && value !== null) {
    const message = new struct.Struct();
    for (const [key, item] of Object.entries(value)) {
      message.getFieldsMap().set(key, encodeValue(item, [...path, key], secrets));
    }
    return new struct.Value().setStructValue(message);
  }
  return struct.Value.fromJavaScript(value);
}

/** Pulumi's spelling of a path: template.containers[0].image, metadata.annotations["a.b/c"]. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** The parts of a path such as a.*.b[0]; for the constants of the type files, not for text from outside. */
export function parsePath(text: string): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  for (const match of text.matchAll(/\[(\d+|\*)\]|\["([^"]*)"\]|([^.[\]]+)/g)) {
    if (match[1] !== undefined) parts.push(match[1] === "*" ? "*" : Number(match[1]));
    else parts.push(match[2] ?? match[3] ?? "");
  }
  return parts;
}

/** The value at a path, or undefined. */
export function valueAt(values: PropertyValue | undefined, path: Path): PropertyValue | undefined {
  let current = values;
  for (const part of path) {
    if (Array.isArray(current)) current = typeof part === "number" ? current[part] : undefined;
    else if (typeof current === "object" && current !== null && typeof part === "string") {
      current = Object.hasOwn(current, part) ? current[part] : undefined;
    } else return undefined;
  }
  return current;
}

/** A copy with the value at a path of object keys replaced; objects on the way are made where there are none. */
export function withValueAt(values: Properties, path: Path, value: PropertyValue): Properties {
  const [first, ...rest] = path;
  if (first === undefined) return values;
  const key = String(first);
  if (rest.length === 0) return { ...values, [key]: value };
  const below = values[key];
  const inner = typeof below === "object" && below !== null && !Array.isArray(below) ? below : {};
  return { ...values, [key]: withValueAt(inner, rest, value) };
}
