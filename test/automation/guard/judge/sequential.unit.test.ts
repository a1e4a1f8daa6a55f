import { describe, expect, test } from "vitest";
import { longRunVariance } from "../../../../automation/guard/judge/long-run.ts";
import { normal, poisson, randomOf } from "../../../../automation/guard/judge/noise.ts";
import { riseOf } from "../../../../automation/guard/judge/sequential.ts";

function series(seed: number, length: number, persistence: number, mean = 0): readonly number[] {
  const random = randomOf(seed);
  let value = normal(random);
  return Array.from({ length }, () => {
    value = persistence * value + Math.sqrt(1 - persistence ** 2) * normal(random);
    return mean + value;
  });
}

describe("long-run variance", () => {
  test.each([
    [0, 1],
    [0.5, 3],
    [0.8, 9],
  ])("of an autoregression with %s is about %s, and rather too large", (persistence, expected) => {
    const found = longRunVariance([series(7, 20_000, persistence)]) ?? 0;
    expect(found / expected).toBeGreaterThan(0.8);
    expect(found / expected).toBeLessThan(1.4);
  });

  test("needs 30 values, and is zero for a series that never moves", () => {
    expect(longRunVariance([series(1, 29, 0)])).toBeUndefined();
    expect(longRunVariance([Array.from({ length: 60 }, () => 4)])).toBe(0);
  });

  test("a jump between two windows is no noise", () => {
    const before = series(3, 180, 0.5);
    const now = series(4, 60, 0.5, 100);
    expect(longRunVariance([before, now]) ?? 0).toBeLessThan(10);
  });
});

describe("sequential rise", () => {
  const risk = 0.01;

  test("says nothing of fewer than five minutes", () => {
    const before = series(1, 180, 0);
    expect(riseOf(before, [1, 2, 3, 4], { risk })).toBeUndefined();
    expect(riseOf(before, [1, 2, null, null, 3, 4], { risk })).toBeUndefined();
    expect(riseOf(before, [1, 2, 3, 4, 5], { risk })?.samples).toEqual({ before: 180, now: 5 });
  });

  test("a series without noise is known exactly", () => {
    const flat = Array.from({ length: 60 }, () => 4);
    const found = riseOf(flat, [5, 5, 5, 5, 5], { risk });
    expect(found?.rise).toBe(1);
    expect(found?.lower).toBeCloseTo(1, 9);
  });

  test("looked at every minute, a bound is wrong in few runs, though minutes depend on each other", () => {
    const runs = 120;
    let wrong = 0;
    for (let run = 0; run < runs; run += 1) {
      const before = series(run + 1, 180, 0.7);
      const now = series(run + 50_001, 120, 0.7, 2);
      for (let minute = 5; minute <= 120; minute += 1) {
        const found = riseOf(before, now.slice(0, minute), { risk });
        if (found !== undefined && found.lower > 2) {
          wrong += 1;
          break;
        }
      }
    }
    // 1 % where the noise were known; it is estimated from three hours.
    expect(wrong / runs).toBeLessThanOrEqual(0.035);
  });

  test("bounds narrow with time and contain the estimate", () => {
    const before = series(1, 180, 0.3);
    const now = series(2, 120, 0.3);
    const early = riseOf(before, now.slice(0, 10), { risk });
    const late = riseOf(before, now, { risk });
    const width = (found: typeof early) => (found?.upper ?? 0) - (found?.lower ?? 0);
    expect(width(late)).toBeLessThan(width(early));
    expect(late?.lower).toBeLessThan(late?.rise ?? 0);
  });
});

describe("draws", () => {
  test.each([0.3, 9, 60, 450, 6_000])("Poisson of mean %s has that mean and that variance", (mean) => {
    const random = randomOf(11);
    const drawn = Array.from({ length: 4_000 }, () => poisson(random, mean));
    const average = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
    const variance = drawn.reduce((sum, one) => sum + (one - average) ** 2, 0) / drawn.length;
    expect(Math.abs(average - mean)).toBeLessThan(5 * Math.sqrt(mean / drawn.length));
    expect(variance / mean).toBeGreaterThan(0.88);
    expect(variance / mean).toBeLessThan(1.12);
  });
});
