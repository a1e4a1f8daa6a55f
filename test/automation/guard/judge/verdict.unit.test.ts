import { describe, expect, test } from "vitest";
import {
  type SignalVerdict,
  validationOf,
  validationResult,
  verdictOf,
  verdictText,
} from "../../../../automation/guard/judge/verdict.ts";

const signal = (name: string, kind: SignalVerdict["kind"]): SignalVerdict => ({
  ...{ name, kind, before: 1, now: null, limit: 2 },
  why: `${name} ${kind}`,
});
const samples = { before: 10, now: 20 };
const of = (...kinds: readonly SignalVerdict["kind"][]) =>
  verdictOf(
    kinds.map((kind, index) => signal(`s${index}`, kind)),
    samples,
  );

describe("verdict", () => {
  test("failed before undecided before passed; nothing judged is undecided", () => {
    expect(of("passed", "undecided", "failed").kind).toBe("failed");
    expect(of("passed", "undecided").kind).toBe("undecided");
    expect(of("passed", "observed").kind).toBe("passed");
    expect(of("observed").kind).toBe("undecided");
    expect(of().kind).toBe("undecided");
  });

  test("as ValidationResult: passed follows from the verdict alone", () => {
    const result = validationResult.parse(validationOf("prod-1", of("passed", "failed", "undecided")));
    expect(result).toEqual({
      cluster_id: "prod-1",
      passed: false,
      verdict: "failed",
      metrics: { s0_before: 1, s1_before: 1, s2_before: 1 },
      threshold_violations: ["s1: s1 failed"],
      undecided: ["s2: s2 undecided"],
      samples,
    });
    expect(validationOf("prod-1", of("undecided")).passed).toBe(false);
    expect(validationOf("prod-1", of("passed")).passed).toBe(true);
  });

  test("in one sentence", () => {
    expect(verdictText(of("passed", "passed"))).toBe("2 signals passed");
    expect(verdictText(of("failed", "failed", "failed", "failed", "passed"))).toBe(
      "s0: s0 failed; s1: s1 failed; s2: s2 failed; and 1 more",
    );
    expect(verdictText(of())).toBe("nothing was judged");
  });
});
