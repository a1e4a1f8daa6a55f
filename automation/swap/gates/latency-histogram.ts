/**
 * Latencies in buckets that grow by 3 %, so that a quantile is right to 1.5 % and costs the same for a thousand requests as for a
 * million. From 0.1 ms to one hour; what is outside falls into the first or the last bucket.
 */
import { z } from "zod";

const leastMs = 0.1;
const logGrowth = Math.log(1.03);

/** Up to one hour: 0.1 ms x 1.03^589. */
export const bucketCount = 590;

/** Changed in place. */
export interface LatencyHistogram {
  readonly counts: Uint32Array;
  total: number;
  /** First and last bucket that may hold something: what is between is all there is to look at. */
  lowest: number;
  highest: number;
}

export function createHistogram(): LatencyHistogram {
  return { counts: new Uint32Array(bucketCount), total: 0, lowest: bucketCount, highest: -1 };
}

function bucketOf(ms: number): number {
  // NaN belongs nowhere; it counts as the least, so that a feed without latencies never looks slow.
  if (!(ms > leastMs)) return 0;
  return Math.min(bucketCount - 1, Math.ceil(Math.log(ms / leastMs) / logGrowth));
}

/** Geometric middle of a bucket, ms. */
function middleOf(bucket: number): number {
  return bucket === 0 ? leastMs : leastMs * Math.exp((bucket - 0.5) * logGrowth);
}

export function addLatency(histogram: LatencyHistogram, ms: number): void {
  const bucket = bucketOf(ms);
  histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
  histogram.total += 1;
  if (bucket < histogram.lowest) histogram.lowest = bucket;
  if (bucket > histogram.highest) histogram.highest = bucket;
}

export function clearHistogram(histogram: LatencyHistogram): void {
  if (histogram.total === 0) return;
  histogram.counts.fill(0, histogram.lowest, histogram.highest + 1);
  histogram.total = 0;
  histogram.lowest = bucketCount;
  histogram.highest = -1;
}

/** Nearest-rank quantile, ms, `q` in 0-1; undefined without samples: no data is never zero. */
export function histogramQuantile(histogram: LatencyHistogram, q: number): number | undefined {
  const { counts, total, lowest, highest } = histogram;
  if (total === 0) return undefined;
  // From the top: the quantiles that are asked for lie nearer to it.
  let above = total - Math.min(total, Math.max(1, Math.ceil(q * total)));
  for (let bucket = highest; bucket > lowest; bucket -= 1) {
    const count = counts[bucket] ?? 0;
    if (above < count) return middleOf(bucket);
    above -= count;
  }
  return middleOf(lowest);
}

/**
 * Sparse text: counts in base 36, comma-separated, in the order of the buckets; `gap:count` where buckets before it are empty.
 * `a:3,1,2:f` is 3 in bucket 10, 1 in bucket 11 and 15 in bucket 14.
 */
export function encodeHistogram({ counts, lowest, highest }: LatencyHistogram): string {
  const parts: string[] = [];
  let gap = lowest;
  for (let bucket = lowest; bucket <= highest; bucket += 1) {
    const count = counts[bucket] ?? 0;
    if (count === 0) {
      gap += 1;
      continue;
    }
    parts.push(gap === 0 ? count.toString(36) : `${gap.toString(36)}:${count.toString(36)}`);
    gap = 0;
  }
  return parts.join(",");
}

/** undefined: no such text. */
export function decodeHistogram(text: string): LatencyHistogram | undefined {
  const histogram = createHistogram();
  if (text === "") return histogram;
  let bucket = -1;
  for (const part of text.split(",")) {
    const match = /^(?:([0-9a-z]{1,2}):)?([0-9a-z]{1,7})$/.exec(part);
    if (match === null) return undefined;
    bucket += 1 + (match[1] === undefined ? 0 : Number.parseInt(match[1], 36));
    const count = Number.parseInt(match[2] ?? "", 36);
    if (bucket >= bucketCount || count === 0 || count > 0xffff_ffff) return undefined;
    histogram.counts[bucket] = count;
    histogram.total += count;
    histogram.lowest = Math.min(histogram.lowest, bucket);
    histogram.highest = bucket;
  }
  return histogram;
}

export const histogramText = z
  .string()
  .max(bucketCount * 11)
  .refine((text) => decodeHistogram(text) !== undefined, { message: "is no histogram" });
