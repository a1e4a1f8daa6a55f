/** Quantiles and spans of latency histograms. Pure. */
import type { LatencyHistogram } from "../ports/platform-metrics.ts";

export interface LatencyQuantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/**
 * The quantile, ms, by a straight line within its bucket, as Prometheus' histogram_quantile; beyond the last bound that
 * bound. undefined without a request.
 */
export function quantile({ boundsMs, upTo, count }: LatencyHistogram, share: number): number | undefined {
  if (count === 0) return undefined;
  const rank = share * count;
  const at = upTo.findIndex((below) => below >= rank);
  if (at < 0) return boundsMs.at(-1);
  const [low, high] = [at === 0 ? 0 : (boundsMs[at - 1] ?? 0), boundsMs[at] ?? 0];
  const below = at === 0 ? 0 : (upTo[at - 1] ?? 0);
  const inside = (upTo[at] ?? 0) - below;
  return inside === 0 ? low : low + ((high - low) * (rank - below)) / inside;
}

/** undefined without a request. */
export function quantiles(histogram: LatencyHistogram): LatencyQuantiles | undefined {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(histogram, share));
  return p50 === undefined || p95 === undefined || p99 === undefined ? undefined : { p50, p95, p99 };
}

/** What came between two moments of one histogram; undefined where they are not of one (other bounds, or it began anew). */
export function between(earlier: LatencyHistogram, later: LatencyHistogram): LatencyHistogram | undefined {
  if (later.boundsMs.join() !== earlier.boundsMs.join() || later.count < earlier.count) return undefined;
  const upTo = later.upTo.map((one, at) => one - (earlier.upTo[at] ?? 0));
  if (upTo.some((one) => one < 0)) return undefined;
  return { boundsMs: later.boundsMs, upTo, count: later.count - earlier.count, sumMs: later.sumMs - earlier.sumMs };
}
