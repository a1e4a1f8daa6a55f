import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareVersions,
  formatVersion,
  isFloating,
  minorsBetween,
  parseMinor,
  parseVersion,
} from "../../../../automation/guard/plan/versions.ts";

describe("versions", () => {
  test.each([
    ["1.31.1", "1.31.1"],
    ["v1.31.1", "1.31.1"],
    ["1.31.1-distroless", "1.31.1"],
    ["1.31.0-rc.1", "1.31.0-rc.1"],
    ["1.31.1+9f2b1c", "1.31.1"],
    [" 1.30.5 ", "1.30.5"],
  ])("%s is %s", (text, expected) => {
    const version = parseVersion(text);
    expect(version === undefined ? undefined : formatVersion(version)).toBe(expected);
  });

  test.each(["1.31", "1.3", "1.x", "~1.31.0", ">=1.30.0", "latest", "", "1.31.1.2", "1.31.1-mine"])(
    "%s is no whole version",
    (text) => {
      expect(parseVersion(text)).toBeUndefined();
      expect(isFloating(text)).toBe(true);
    },
  );

  test.each([
    ["1.33", "1.33"],
    ["v1.33.4-eks-99b2f6a", "1.33"],
    ["1.33+", "1.33"],
    ["1.31.1", "1.31"],
    ["133", undefined],
    ["1.3x", undefined],
  ])("the minor of %s is %s", (text, expected) => {
    expect(parseMinor(text)).toBe(expected);
  });

  test("are ordered by number, and a release is above its candidates", () => {
    const order = ["1.9.9", "1.31.0-alpha.2", "1.31.0-rc.2", "1.31.0-rc.10", "1.31.0", "1.31.2", "1.31.10", "2.0.0"];
    const versions = order.map((text) => parseVersion(text)).filter((one) => one !== undefined);
    expect(versions.toReversed().toSorted(compareVersions).map(formatVersion)).toEqual(order);
  });

  test("parsing undoes formatting", () => {
    const number = fc.nat({ max: 200 });
    fc.assert(
      fc.property(number, number, number, fc.constantFrom("", "rc.1", "beta.0"), (major, minor, patch, pre) => {
        const version = { major, minor, patch, pre };
        expect(parseVersion(formatVersion(version))).toEqual(version);
      }),
    );
  });

  test("minors are not counted across majors", () => {
    expect(minorsBetween("1.29", "1.31")).toBe(2);
    expect(minorsBetween("1.31", "1.29")).toBe(-2);
    expect(minorsBetween("1.31", "2.0")).toBeUndefined();
  });
});
