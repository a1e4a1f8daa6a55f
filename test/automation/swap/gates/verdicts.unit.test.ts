import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  defaultLimits,
  foldVerdict,
  noVerdicts,
  outcomeOf,
  type VerdictLimits,
  verdictTally,
} from "../../../../automation/swap/gates/limits.ts";
import { type Verdict, verdicts, worst } from "../../../../automation/swap/gates/verdict.ts";

describe("verdicts", () => {
  it("are ordered, and the worst wins", () => {
    expect(worst(["successful", "inconclusive"])).toBe("inconclusive");
    expect(worst(["failed", ...verdicts])).toBe("failed");
    expect(worst([])).toBe("inconclusive");
  });
});

describe("the limits of verdicts", () => {
  const end = (all: readonly Verdict[], limits: Partial<VerdictLimits> = {}) =>
    outcomeOf(all.reduce(foldVerdict, noVerdicts), { ...defaultLimits, ...limits });
  const times = (count: number, verdict: Verdict): Verdict[] => Array.from({ length: count }, () => verdict);

  it("bear no failure and no inconclusive verdict by default", () => {
    expect(end(times(100, "successful"))).toBeUndefined();
    expect(end(["successful", "failed"])).toBe("failed");
    expect(end(["successful", "inconclusive"])).toBe("inconclusive");
  });

  it("are greater-than limits: two failures are borne by a limit of two, three are not", () => {
    expect(end(times(2, "failed"), { failureLimit: 2 })).toBeUndefined();
    expect(end(times(3, "failed"), { failureLimit: 2 })).toBe("failed");
    expect(end(times(2, "inconclusive"), { inconclusiveLimit: 1 })).toBe("inconclusive");
  });

  it("never end on failures with a failure limit of -1", () => {
    expect(end(times(1_000, "failed"), { failureLimit: -1 })).toBeUndefined();
  });

  it("end with the fifth error in a row, and forgive four when the source answers again", () => {
    const four = times(4, "error");
    expect(end(four)).toBeUndefined();
    expect(end([...four, "error"])).toBe("error");
    expect(end([...four, "successful", ...four, "successful", ...four])).toBeUndefined();
  });

  it("let the worst win where several are passed", () => {
    expect(end([...times(5, "error"), "inconclusive", "failed"])).toBe("failed");
    expect(end([...times(5, "error"), "inconclusive"])).toBe("error");
  });

  it("once passed stay passed, and the tally is plain JSON", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...verdicts), { maxLength: 40 }),
        fc.array(fc.constantFrom(...verdicts), { maxLength: 40 }),
        (before, later) => {
          const tally = before.reduce(foldVerdict, noVerdicts);
          expect(verdictTally.parse(JSON.parse(JSON.stringify(tally)))).toEqual(tally);
          if (outcomeOf(tally, defaultLimits) !== undefined)
            expect(outcomeOf(later.reduce(foldVerdict, tally), defaultLimits)).toBeDefined();
        },
      ),
    );
  });
});
