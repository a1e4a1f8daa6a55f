import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type NamedKind,
  nameLimits,
  platformName,
  prefixMaxLength,
  prefixPattern,
  resourceName,
} from "../../../components/shared/naming.ts";

const kinds = Object.keys(nameLimits) as NamedKind[];
const part = fc.stringMatching(/^[a-z](?:[a-z0-9-]{0,80}[a-z0-9])?$/);

describe("resourceName", () => {
  test("is a label within the limit of its kind, and the same every time", () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.array(part, { minLength: 1, maxLength: 4 }), (kind, parts) => {
        const name = resourceName(kind, ...parts);
        expect(name).toMatch(/^[a-z](?:[a-z0-9-]*[a-z0-9])?$/);
        expect(name.length).toBeLessThanOrEqual(nameLimits[kind]);
        expect(resourceName(kind, ...parts)).toBe(name);
        if (parts.join("-").length <= nameLimits[kind]) expect(name).toBe(parts.join("-"));
      }),
    );
  });

  test("long names that differ only at the end stay different", () => {
    const stem = "a".repeat(80);
    expect(resourceName("compute", stem, "gke")).not.toBe(resourceName("compute", stem, "cloud-run"));
    expect(resourceName("serviceAccount", stem, "x")).toMatch(/^a+-[0-9a-f]{7}$/);
    expect(resourceName("serviceAccount", stem, "x")).toHaveLength(30);
  });

  test("refuses what no cloud would take", () => {
    for (const parts of [["Kiro"], ["1kiro"], ["kiro-"], ["kiro", ""], ["ki_ro"], [""]]) {
      expect(() => resourceName("compute", ...parts), parts.join("-")).toThrow(RangeError);
    }
  });

  test("names that others must tell stay whole for every allowed prefix", () => {
    const longest = "a".repeat(prefixMaxLength);
    expect(prefixPattern.test(longest)).toBe(true);
    expect(prefixPattern.test(`${longest}a`)).toBe(false);
    expect(platformName(longest, "cloud-run")).toBe(`${longest}-cloud-run`);
    expect(prefixPattern.test("k")).toBe(true);
    for (const wrong of ["", "-k", "k-", "K", "1k", "k_"]) expect(prefixPattern.test(wrong), wrong).toBe(false);
  });

  test("a service account's id has at least the six characters that IAM wants", () => {
    expect(resourceName("serviceAccount", "k", "gke", "sa").length).toBeGreaterThanOrEqual(6);
  });
});
