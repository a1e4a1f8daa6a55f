/** Tukey's fences, widened (shared research, hot swap 2.4). */

/** Quantile of a sorted series by linear interpolation (type 7 of Hyndman and Fan); NaN for an empty one. */
export function quantileOfSorted(sorted: readonly number[], q: number): number {
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (position - Math.floor(position)) * (above - below);
}

/**
 * The values within `factor` interquartile ranges of the quartiles. A value between the 1st and 99th percentile always
 * stays, so that a series with hardly any spread does not lose its ordinary values.
 */
export function withoutOutliers(values: readonly number[], factor: number): readonly number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const lowerQuartile = quantileOfSorted(sorted, 0.25);
  const upperQuartile = quantileOfSorted(sorted, 0.75);
  const reach = factor * (upperQuartile - lowerQuartile);
  const lowerFence = Math.min(quantileOfSorted(sorted, 0.01), lowerQuartile - reach);
  const upperFence = Math.max(quantileOfSorted(sorted, 0.99), upperQuartile + reach);
  return values.filter((value) => value >= lowerFence && value <= upperFence);
}
