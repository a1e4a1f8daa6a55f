/** The one-sided Mann-Whitney test on two histograms with the same buckets. */
import type { LatencyHistogram } from "./latency-histogram.ts";

export interface RankResult {
  /** Standard deviations by which the candidate's ranks are above what chance gives. */
  readonly z: number;
  /** Chance of that or more if the candidate's values are not larger. */
  readonly pValue: number;
}

/**
 * Whether `candidate` tends to be larger than `old`: normal approximation with correction for ties and continuity (its tails are
 * heavier than the exact ones from some ten values a side on, so that it errs on the candidate's side). Without a value on a
 * side, or with all values alike, nothing is known: p is 1.
 */
export function rankTest(candidate: LatencyHistogram, old: LatencyHistogram): RankResult {
  const m = candidate.total;
  const n = old.total;
  const all = m + n;
  let oldBelow = 0;
  let u = 0;
  let ties = 0;
  const highest = Math.max(candidate.highest, old.highest);
  for (let bucket = Math.min(candidate.lowest, old.lowest); bucket <= highest; bucket += 1) {
    const here = candidate.counts[bucket] ?? 0;
    const there = old.counts[bucket] ?? 0;
    u += here * (oldBelow + there / 2);
    oldBelow += there;
    const alike = here + there;
    ties += alike ** 3 - alike;
  }
  const variance = all < 2 ? 0 : ((m * n) / 12) * (all + 1 - ties / (all * (all - 1)));
  if (!(variance > 0)) return { z: 0, pValue: 1 };
  const z = (u - (m * n) / 2 - 0.5) / Math.sqrt(variance);
  return { z, pValue: normalAbove(z) };
}

/** Chance that a standard normal value is above `z`; right to ten digits in the far tail too, where levels of 1e-10 are compared. */
export function normalAbove(z: number): number {
  if (z < 0) return 1 - normalAbove(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 3) {
    // Taylor series of the part below z.
    let term = z;
    let sum = z;
    for (let k = 1; Math.abs(term) > 1e-17; k += 1) {
      term *= (z * z) / (2 * k + 1);
      sum += term;
    }
    return 0.5 - density * sum;
  }
  // Laplace's continued fraction.
  let fraction = 0;
  for (let k = 100; k >= 1; k -= 1) fraction = k / (z + fraction);
  return density / (z + fraction);
}
