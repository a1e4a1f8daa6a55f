/** Cloud Monitoring's time series: their form, and numbers out of them. Pure. */
import { z } from "zod";
import type { LatencyHistogram, ScalingEvent } from "../ports/platform-metrics.ts";

/** int64 travels as text in JSON. */
const int64 = z.union([z.string().regex(/^-?\d+$/), z.number()]).transform(Number);

const distribution = z.object({
  count: int64.default(0),
  mean: z.number().default(0),
  bucketOptions: z
    .object({
      linearBuckets: z
        .object({ numFiniteBuckets: z.int(), width: z.number(), offset: z.number().default(0) })
        .optional(),
      exponentialBuckets: z
        .object({ numFiniteBuckets: z.int(), growthFactor: z.number(), scale: z.number() })
        .optional(),
      explicitBuckets: z.object({ bounds: z.array(z.number()).default([]) }).optional(),
    })
    .default({}),
  bucketCounts: z.array(int64).default([]),
});

const value = z.object({
  int64Value: int64.optional(),
  doubleValue: z.number().optional(),
  distributionValue: distribution.optional(),
});

const series = z.object({
  metric: z.object({ type: z.string().default(""), labels: z.record(z.string(), z.string()).default({}) }),
  points: z.array(z.object({ interval: z.object({ endTime: z.iso.datetime({ offset: true }) }), value })).default([]),
});

export const timeSeriesPage = z.object({
  timeSeries: z.array(series).default([]),
  nextPageToken: z.string().default(""),
});

export type TimeSeries = z.infer<typeof series>;
type Distribution = z.infer<typeof distribution>;

function numberOf(point: TimeSeries["points"][number]): number {
  return point.value.int64Value ?? point.value.doubleValue ?? 0;
}

/** Of a count of many periods (ALIGN_DELTA). */
export function sumOf({ points }: TimeSeries): number {
  return points.reduce((sum, point) => sum + numberOf(point), 0);
}

/** All series together per period, oldest first. */
export function gaugePoints(all: readonly TimeSeries[]): readonly { readonly at: number; readonly value: number }[] {
  const sums = new Map<number, number>();
  for (const { points } of all) {
    for (const point of points) {
      const at = Date.parse(point.interval.endTime);
      sums.set(at, (sums.get(at) ?? 0) + numberOf(point));
    }
  }
  return [...sums].map(([at, sum]) => ({ at, value: sum })).toSorted((a, b) => a.at - b.at);
}

/** The newest period's; undefined without a point. */
export function latestSum(all: readonly TimeSeries[]): number | undefined {
  return gaugePoints(all).at(-1)?.value;
}

/** What a number of instances, rounded, did from point to point. */
export function scalingOf(
  points: readonly { readonly at: number; readonly value: number }[],
  reason: string,
): readonly ScalingEvent[] {
  const events: ScalingEvent[] = [];
  for (const [index, { at, value: now }] of points.entries()) {
    const before = points[index - 1];
    if (before === undefined) continue;
    const [from, to] = [Math.round(before.value), Math.round(now)];
    if (from !== to) events.push({ at, from, to, reason });
  }
  return events;
}

/** Upper ends of the finite buckets and of the one below them. */
function boundsOf({ bucketOptions }: Distribution): readonly number[] {
  const { linearBuckets, exponentialBuckets, explicitBuckets } = bucketOptions;
  if (explicitBuckets !== undefined) return explicitBuckets.bounds;
  if (exponentialBuckets !== undefined) {
    const { numFiniteBuckets, growthFactor, scale } = exponentialBuckets;
    return Array.from({ length: numFiniteBuckets + 1 }, (_, index) => scale * growthFactor ** index);
  }
  if (linearBuckets !== undefined) {
    const { numFiniteBuckets, width, offset } = linearBuckets;
    return Array.from({ length: numFiniteBuckets + 1 }, (_, index) => offset + width * index);
  }
  return [];
}

/** All distributions added up; undefined without one, or where they have not the same buckets. */
export function histogramOf(all: readonly TimeSeries[]): LatencyHistogram | undefined {
  const found = all.flatMap(({ points }) => points.flatMap((point) => point.value.distributionValue ?? []));
  const [first] = found;
  if (first === undefined) return undefined;
  const boundsMs = boundsOf(first);
  if (boundsMs.length === 0 || found.some((one) => boundsOf(one).join() !== boundsMs.join())) return undefined;
  const upTo = boundsMs.map(() => 0);
  let [count, sumMs] = [0, 0];
  for (const one of found) {
    count += one.count;
    sumMs += one.count * one.mean;
    let below = 0;
    // Trailing zeros may be left out.
    for (const at of boundsMs.keys()) {
      below += one.bucketCounts[at] ?? 0;
      upTo[at] = (upTo[at] ?? 0) + below;
    }
  }
  return { boundsMs, upTo, count, sumMs };
}

/** Upper end of the highest bucket of the newest distribution that has anything in it. */
export function fullestShare(all: readonly TimeSeries[]): number | undefined {
  const newest = all
    .flatMap(({ points }) => points)
    .toSorted((a, b) => Date.parse(b.interval.endTime) - Date.parse(a.interval.endTime))
    .find((point) => (point.value.distributionValue?.count ?? 0) > 0)?.value.distributionValue;
  if (newest === undefined) return undefined;
  const bounds = boundsOf(newest);
  const at = newest.bucketCounts.findLastIndex((count) => count > 0);
  return bounds.length === 0 ? newest.mean : (bounds[at] ?? bounds.at(-1));
}
