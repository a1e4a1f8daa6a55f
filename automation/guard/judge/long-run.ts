/**
 * How far the mean of a series wanders: its long-run variance, which unlike the variance counts that one minute is like the one before.
 * A mean of n minutes has about longRunVariance / n. Pure.
 */
import { present, type Series, sumOf } from "./series.ts";

/** Minutes over which one value is taken to depend on another: daily season is slower, and the comparison takes it out. */
const lags = 15;

/** Windows with fewer values say nothing of noise. */
export const noiseFrom = 30;

/** Deviations from each window's own mean, in order; a missing value is 0, which is its mean. */
function deviations(windows: readonly Series[]): { readonly values: readonly number[]; readonly count: number } {
  const values: number[] = [];
  let count = 0;
  for (const window of windows) {
    const there = present(window);
    const mean = sumOf(there) / Math.max(1, there.length);
    for (const value of window) values.push(value === null ? 0 : value - mean);
    // Windows do not touch: what is far apart is not taken for neighbours.
    for (let lag = 0; lag < lags; lag += 1) values.push(0);
    count += there.length;
  }
  return { values, count };
}

/**
 * Of the noise in one or more windows, each with a mean of its own; undefined with fewer than 30 values. The larger of two estimates, since one that is
 * too small would blame the innocent: Bartlett's weights over 15 minutes, and an autoregression of first order.
 */
export function longRunVariance(windows: readonly Series[]): number | undefined {
  const { values, count } = deviations(windows);
  if (count < noiseFrom) return undefined;
  const covariance = (lag: number): number => {
    let sum = 0;
    for (let index = lag; index < values.length; index += 1) sum += (values[index] ?? 0) * (values[index - lag] ?? 0);
    return sum / count;
  };
  const variance = covariance(0);
  if (variance === 0) return 0;
  let bartlett = variance;
  for (let lag = 1; lag <= lags; lag += 1) bartlett += 2 * (1 - lag / (lags + 1)) * covariance(lag);
  const correlation = Math.min(0.95, Math.max(0, covariance(1) / variance));
  const autoregressive = (variance * (1 + correlation)) / (1 - correlation);
  // Means that were taken out took some of the noise with them.
  const correction = 1 / (1 - Math.min(0.5, (lags * windows.length) / count));
  return Math.max(bartlett, autoregressive, variance) * correction;
}
