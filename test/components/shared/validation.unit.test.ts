import { RunError } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import {
  checkDistinct,
  checkInteger,
  describeProblem,
  hiddenValue,
  InvalidArgsError,
  rejectProblems,
} from "../../../components/shared/validation.ts";

const range = { default: 2, min: 1, max: 10, unit: "pods" };

describe("validation", () => {
  test("all problems are in one error, each with path, value and what is allowed", () => {
    const problems = [
      ...checkInteger("replicas", 0, range),
      ...checkDistinct("zones", ["a", "a"], 1),
      { path: "domain", value: undefined, allowed: "a host name" },
    ];
    expect(() => rejectProblems("gke agent", problems)).toThrow(new InvalidArgsError("gke agent", problems));
    expect(new InvalidArgsError("gke agent", problems).message).toBe(
      [
        "gke agent has 3 problems:",
        "  replicas is 0; allowed: an integer from 1 to 10 pods (default 2)",
        '  zones is ["a","a"]; allowed: 1 or more values, none twice',
        "  domain is missing; allowed: a host name",
      ].join("\n"),
    );
  });

  test("the engine prints the message without a stack", () => {
    expect(RunError.isInstance(new InvalidArgsError("x", []))).toBe(true);
  });

  test("nothing is thrown when nothing is wrong", () => {
    rejectProblems("gke agent", [
      ...checkInteger("replicas", 10, range),
      ...checkInteger("replicas", undefined, range),
    ]);
  });

  test("numbers: both ends are in, fractions and what lies outside are not", () => {
    for (const right of [1, 10]) expect(checkInteger("n", right, range)).toEqual([]);
    for (const wrong of [0, 11, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(checkInteger("n", wrong, range), String(wrong)).toHaveLength(1);
    }
  });

  test("what may be a secret is not printed, and long values are cut", () => {
    expect(describeProblem({ path: "p", value: hiddenValue, allowed: "x" })).toBe("p is not accepted; allowed: x");
    expect(describeProblem({ path: "p", value: "v".repeat(500), allowed: "x" }).length).toBeLessThan(160);
  });
});
