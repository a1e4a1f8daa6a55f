import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { readIndexLines } from "../../../automation/adapters/helm-index-lines.ts";

const version = fc.oneof(
  fc.tuple(fc.nat(40), fc.nat(99), fc.nat(99)).map((parts) => parts.join(".")),
  fc.constantFrom("v1.31.1", "1.31.1+9f2b", "1.31.0-rc.1", "1.30", "007", "true", "1e3"),
);
const release = fc.record({
  apiVersion: fc.constant("v2"),
  description: fc.constantFrom(
    "short",
    "of two\nlines: here\n",
    "entries:\n  other:\n  - version: 9.9.9\n",
    "a text that is so long that it is folded over several lines, with a version: 9.9.9 in it, and much more text",
  ),
  dependencies: fc.constantFrom(undefined, [{ name: "base", version: "9.9.9" }]),
  name: fc.constant("chart"),
  urls: fc.constant(["https://charts.example.com/a-1.0.0.tgz"]),
  version,
});
const chartName = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
const index = fc
  .dictionary(chartName, fc.array(release, { minLength: 1, maxLength: 4 }), { maxKeys: 5 })
  .map((entries) => ({ apiVersion: "v1", entries, generated: "2026-09-21T10:00:00Z" }));

/** As Go's library writes: lists not indented below their key. */
const asHelm = (value: unknown): string => stringify(value, { indentSeq: false });

describe("an index by its lines", () => {
  test("has the same versions as the parser of all YAML finds, whatever stands in other fields", () => {
    fc.assert(
      fc.property(index, (value) => {
        const text = asHelm(value);
        const found = readIndexLines(text);
        if (Object.keys(value.entries).length === 0) return;
        const whole = (parse(text, { schema: "failsafe" }) as { entries: Record<string, { version: string }[]> })
          .entries;
        expect(Object.fromEntries(found ?? [])).toEqual(
          Object.fromEntries(Object.entries(whole).map(([name, all]) => [name, all.map((one) => one.version)])),
        );
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["nothing", ""],
    ["a page", "<html>\nentries:\n"],
    ["no apiVersion", "entries:\n  a:\n  - version: 1.0.0\n"],
    ["a chart twice", "apiVersion: v1\nentries:\n  a:\n  - version: 1.0.0\n  a:\n  - version: 2.0.0\n"],
    ["other indentation", "apiVersion: v1\nentries:\n    a:\n        - version: 1.0.0\n"],
    ["lists below their key", "apiVersion: v1\nentries:\n  a:\n    - version: 1.0.0\n      name: a\n  b: {}\n"],
    ["an anchor", "apiVersion: v1\nentries:\n  a: &a\n  - version: 1.0.0\n"],
    ["an alias for a version", "apiVersion: v1\nentries:\n  a:\n  - version: *v\n"],
    ["a version over two lines", "apiVersion: v1\nentries:\n  a:\n  - version: >-\n      1.0.0\n"],
    ["one line for all", "apiVersion: v1\nentries: {a: [{version: 1.0.0}]}\n"],
    ["an index cut off", "apiVersion: v1\nentries:\n  a:\n  - version: 1.0.0\n"],
    ["a version of no chart", "apiVersion: v1\nentries:\n  - version: 1.0.0\n"],
  ])("in another form is left to that parser: %s", (what, text) => {
    expect(readIndexLines(what === "an index cut off" ? text : `${text}generated: now\n`)).toBeUndefined();
  });

  test("of 4 MB takes well under the time in which a lease is renewed", () => {
    const releases = Array.from({ length: 15_000 }, (_, patch) => ({
      name: "a",
      digest: "a".repeat(200),
      version: `1.0.${patch}`,
    }));
    const lines = releases.map(
      (one) => `  - digest: ${one.digest}\n    name: ${one.name}\n    version: ${one.version}\n`,
    );
    const text = `apiVersion: v1\nentries:\n  a:\n${lines.join("")}generated: now\n`;
    expect(text.length).toBeGreaterThan(3_700_000);
    const start = performance.now();
    expect(readIndexLines(text)?.get("a")).toHaveLength(15_000);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
