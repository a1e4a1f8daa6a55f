import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addLatency,
  bucketCount,
  clearHistogram,
  createHistogram,
  decodeHistogram,
  encodeHistogram,
  histogramQuantile,
  histogramText,
  type LatencyHistogram,
} from "../../../../automation/swap/gates/latency-histogram.ts";
import { normalAbove, rankTest } from "../../../../automation/swap/gates/rank-test.ts";
import { quantile } from "../../../../automation/swap/gates/window.ts";
import { draws } from "./traffic.ts";

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = createHistogram();
  for (const value of values) addLatency(histogram, value);
  return histogram;
}

const latencies = fc.array(fc.double({ min: 0.1, max: 3_600_000, noNaN: true }), { maxLength: 200 });

describe("the latency histogram", () => {
  it("gives every quantile to 1.5 %", () => {
    fc.assert(
      fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const exact = quantile(values, q);
        const found = histogramQuantile(histogramOf(values), q);
        if (exact === undefined) expect(found).toBeUndefined();
        else expect(Math.abs((found ?? 0) / exact - 1)).toBeLessThan(0.0151);
      }),
    );
  });

  it("puts what is outside its range into the first or the last bucket", () => {
    const histogram = histogramOf([0, -1, Number.NaN, 1e9, Number.POSITIVE_INFINITY]);
    expect(histogram.counts[0]).toBe(3);
    expect(histogram.counts[bucketCount - 1]).toBe(2);
  });

  it("is empty after it was cleared, and has no quantile then", () => {
    const histogram = histogramOf([1, 100, 10_000]);
    clearHistogram(histogram);
    expect(histogram).toEqual(createHistogram());
    expect(histogramQuantile(histogram, 0.5)).toBeUndefined();
  });

  it("survives its text", () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const histogram = histogramOf(values);
        const text = histogramText.parse(encodeHistogram(histogram));
        expect(decodeHistogram(text)).toEqual(histogram);
      }),
    );
  });

  it("takes no other text", () => {
    for (const text of ["x y", "1,,2", "0", "zz:1", "1:", ":1", "-1", "zzzzzzz"])
      expect(histogramText.safeParse(text).success).toBe(false);
  });
});

describe("the rank test", () => {
  it("knows the normal tail", () => {
    // Tables of the standard normal distribution.
    for (const [z, p] of [
      [0, 0.5],
      [1.6448536269514722, 0.05],
      [2.3263478740408408, 0.01],
      [3, 1.3498980316300946e-3],
      [6, 9.865876450376946e-10],
      [10, 7.619853024160525e-24],
      [-1.6448536269514722, 0.95],
    ] as const)
      expect(normalAbove(z) / p).toBeCloseTo(1, 9);
  });

  it("errs on the candidate's side of the exact test in the tail, without ties", () => {
    // All ten of the candidate's above ten of the old side's: 1 in 20 over 10 by counting.
    const candidate = histogramOf(Array.from({ length: 10 }, (_, index) => 1_000 * 1.1 ** index));
    const old = histogramOf(Array.from({ length: 10 }, (_, index) => 10 * 1.1 ** index));
    const { pValue } = rankTest(candidate, old);
    expect(pValue).toBeGreaterThan(1 / 184_756);
    expect(pValue).toBeLessThan(1e-3);
  });

  it("agrees with a count of all pairs, ties as halves", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 40 }),
        fc.integer({ min: 1, max: 39 }),
        (levels, cut) => {
          const values = levels.map((level) => level * 10);
          const [ours, theirs] = [values.slice(0, cut), values.slice(cut)];
          const pairs = ours.flatMap((one) => theirs.map((other) => (one > other ? 1 : one === other ? 0.5 : 0)));
          const u = pairs.reduce<number>((sum, one) => sum + one, 0);
          const all = values.length;
          const ties = [...new Set(values)].reduce((sum, value) => {
            const alike = values.filter((one) => one === value).length;
            return sum + alike ** 3 - alike;
          }, 0);
          const variance = ((ours.length * theirs.length) / 12) * (all + 1 - ties / (all * (all - 1)));
          const { z, pValue } = rankTest(histogramOf(ours), histogramOf(theirs));
          if (!(variance > 1e-9)) expect(pValue).toBe(1);
          else expect(z).toBeCloseTo((u - pairs.length / 2 - 0.5) / Math.sqrt(variance), 9);
        },
      ),
    );
  });

  it("rejects alike sides as often as its level says, not more", () => {
    const random = draws(8);
    let rejected = 0;
    const runs = 4_000;
    for (let run = 0; run < runs; run += 1) {
      const values = (count: number) => Array.from({ length: count }, () => 10 * Math.exp(random() * 3));
      if (rankTest(histogramOf(values(50)), histogramOf(values(200))).pValue < 0.01) rejected += 1;
    }
    // 0.01 and three deviations of 4,000 runs.
    expect(rejected / runs).toBeLessThan(0.0148);
    expect(rejected / runs).toBeGreaterThan(0.005);
  });
});
