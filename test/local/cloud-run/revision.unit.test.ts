import { describe, expect, it } from "vitest";
import { revisionName, revisionNameProblem, templateKey } from "../../../local/cloud-run/revision.ts";

it("names a revision SERVICE-00001-abc", () => {
  const numbers = [0, 0.04, 0.999];
  expect(revisionName("agent", 1, () => numbers.shift() ?? 0)).toBe("agent-00001-abz");
});

describe("a template", () => {
  const key = (template: object) => templateKey({ template: { ...template }, labels: { a: "b" } });

  it("is the same in another order, with absent fields, and with other service settings", () => {
    expect(key({ a: 1, b: { c: 2, d: null } })).toBe(key({ b: { c: 2 }, a: 1 }));
    expect(templateKey({ template: { a: 1 }, scaling: { minInstanceCount: 1 } })).toBe(
      templateKey({ template: { a: 1 } }),
    );
  });

  it("is another one after any change", () => {
    expect(key({ a: 1 })).not.toBe(key({ a: 2 }));
    expect(key({ list: [1, 2] })).not.toBe(key({ list: [2, 1] }));
  });
});

it.each([
  ["agent-blue", undefined],
  ["other-blue", /must start with 'agent-'/],
  ["agent-Blue", /a-z, 0-9 and -/],
  ["agent-blue-", /not end in -/],
  [`agent-${"x".repeat(58)}`, /longer than 63/],
])("judges the custom name %s (statement 51)", (name, problem) => {
  const found = revisionNameProblem("agent", name);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(problem);
});
