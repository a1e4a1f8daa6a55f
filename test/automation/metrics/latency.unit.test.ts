import fc from "fast-check";
import { expect, test } from "vitest";
import { between, quantile, quantiles } from "../../../automation/metrics/latency.ts";
import type { LatencyHistogram } from "../../../automation/ports/platform-metrics.ts";

const boundsMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

function histogramOf(times: readonly number[]): LatencyHistogram {
  return {
    boundsMs,
    upTo: boundsMs.map((bound) => times.filter((ms) => ms <= bound).length),
    count: times.length,
    sumMs: times.reduce((sum, ms) => sum + ms, 0),
  };
}

const times = fc.array(fc.double({ min: 0.01, max: 900, noNaN: true }), { minLength: 1, maxLength: 200 });

test("a quantile is in the bucket in which the real one is", () => {
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 0.95, 0.99), (all, share) => {
      const sorted = all.toSorted((a, b) => a - b);
      const real = sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
      const at = boundsMs.findIndex((bound) => real <= bound);
      const found = quantile(histogramOf(all), share) ?? Number.NaN;
      expect(found).toBeLessThanOrEqual(boundsMs[at] ?? Number.NaN);
      expect(found).toBeGreaterThanOrEqual(at === 0 ? 0 : (boundsMs[at - 1] ?? Number.NaN));
    }),
  );
});

test("without a request there is no quantile, and beyond the last bound it is that bound", () => {
  expect(quantile(histogramOf([]), 0.5)).toBeUndefined();
  expect(quantiles(histogramOf([]))).toBeUndefined();
  expect(quantile(histogramOf([5_000, 6_000]), 0.95)).toBe(1_000);
});

test("half of the times in one bucket is half of the way through it", () => {
  expect(quantile(histogramOf([60, 70, 80, 90]), 0.5)).toBeCloseTo(75);
});

test("what is between two moments is what came after the first", () => {
  fc.assert(
    fc.property(times, times, (before, after) => {
      expect(between(histogramOf(before), histogramOf([...before, ...after]))).toMatchObject({
        upTo: histogramOf(after).upTo,
        count: after.length,
      });
    }),
  );
});

test("a histogram that began anew, or has other bounds, gives no span", () => {
  expect(between(histogramOf([1, 2, 3]), histogramOf([1]))).toBeUndefined();
  expect(between({ ...histogramOf([1]), boundsMs: [7] }, histogramOf([1]))).toBeUndefined();
  // As many in all, but fewer in a bucket.
  expect(between(histogramOf([1, 1]), histogramOf([500, 500]))).toBeUndefined();
});
