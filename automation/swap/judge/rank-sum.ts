/** Wilcoxon's rank sum test of a shift between two series, by normal approximation (shared research, hot swap 2.4). */
import { findRoot } from "./root.ts";

/** Quantile of the standard normal distribution at 0.99: a two-sided confidence of 0.98, fixed in Kayenta. */
const zQuantile = 2.3263478740408408;
/** Tolerance of the search in R's wilcox.test and in Kayenta, in units of the metric. */
const shiftTolerance = 1e-4;

export interface ShiftEstimate {
  /** Bounds of the shift experiment - control at a confidence of 0.98. */
  readonly lower: number;
  readonly upper: number;
  /** The Hodges-Lehmann estimate. */
  readonly estimate: number;
}

/**
 * How far the rank sum of `x - shift` is from its mean, in standard deviations, with ties and continuity corrected.
 * Both series sorted. NaN when all values are tied.
 */
export function standardRankSum(x: readonly number[], y: readonly number[], shift: number): number {
  const n = x.length;
  const m = y.length;
  let rankSum = 0;
  let ties = 0;
  // A merge: both series are sorted, and a shift keeps an order.
  for (let i = 0, j = 0; i < n || j < m; ) {
    const nextX = i < n ? (x[i] ?? 0) - shift : Number.POSITIVE_INFINITY;
    const nextY = j < m ? (y[j] ?? 0) : Number.POSITIVE_INFINITY;
    const value = Math.min(nextX, nextY);
    const passed = i + j;
    const firstX = i;
    while (i < n && (x[i] ?? 0) - shift === value) i += 1;
    while (j < m && y[j] === value) j += 1;
    const tied = i + j - passed;
    rankSum += (i - firstX) * (passed + (tied + 1) / 2);
    ties += tied ** 3 - tied;
  }
  const distance = rankSum - (n * (n + 1)) / 2 - (n * m) / 2;
  const variance = ((n * m) / 12) * (n + m + 1 - ties / ((n + m) * (n + m - 1)));
  return variance > 0 ? (distance - Math.sign(distance) * 0.5) / Math.sqrt(variance) : Number.NaN;
}

/**
 * The shift between two series of finite numbers, neither of them empty; undefined when all values are tied at some shift,
 * as one point against one point always is. Numbers are R's `wilcox.test(x, y, conf.int = TRUE, conf.level = 0.98,
 * exact = FALSE)`; only the estimate keeps the continuity correction, as in Kayenta (R drops it there).
 */
export function estimateShift(experiment: readonly number[], control: readonly number[]): ShiftEstimate | undefined {
  const x = experiment.toSorted((a, b) => a - b);
  const y = control.toSorted((a, b) => a - b);
  const lower = (x[0] ?? Number.NaN) - (y.at(-1) ?? Number.NaN);
  const upper = (x.at(-1) ?? Number.NaN) - (y[0] ?? Number.NaN);
  const atLower = standardRankSum(x, y, lower);
  const atUpper = standardRankSum(x, y, upper);
  if (Number.isNaN(atLower) || Number.isNaN(atUpper)) return undefined;
  const shiftAt = (z: number): number =>
    findRoot(
      (shift) => standardRankSum(x, y, shift) - z,
      { lower, upper, atLower: atLower - z, atUpper: atUpper - z },
      shiftTolerance,
    );
  const boundAt = (z: number): number => {
    if (atLower - z <= 0) return lower;
    return atUpper - z >= 0 ? upper : shiftAt(z);
  };
  return { lower: boundAt(zQuantile), upper: boundAt(-zQuantile), estimate: shiftAt(0) };
}

/**
 * Whether two series of that many points could differ significantly at all, were every value of one above every value of
 * the other. Below (4 against 4, 2 against 9) the interval is merely the range of all differences, and says nothing.
 */
export function canShowShift(experimentPoints: number, controlPoints: number): boolean {
  const product = experimentPoints * controlPoints;
  if (product === 0) return false;
  return (product / 2 - 0.5) / Math.sqrt((product * (experimentPoints + controlPoints + 1)) / 12) > zQuantile;
}
