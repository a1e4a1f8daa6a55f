import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { RequestOutcome } from "./feed.ts";

/** Percentiles of the time from a request's arrival to the last byte of its response, ms; 0 before the first one. */
export interface LatencySummary {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Upper ends of the buckets in which times are counted, ms; what is longer is in the total alone. */
export const bucketBoundsMs = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000,
] as const;

/** Times counted in buckets; two of them of different moments can be subtracted. */
export interface BucketCount {
  readonly count: number;
  readonly sumMs: number;
  /** Times up to each of `bucketBoundsMs`, so they rise. */
  readonly upTo: readonly number[];
}

export interface SideCount {
  /** Finished requests, those that the client left too. */
  readonly requests: number;
  /** Of these: answered 500 or above, or not completely. */
  readonly errors: number;
  /** The errors by who failed, as in the feed. */
  readonly application: number;
  readonly gateway: number;
  /** Requests that the client left; no error of the side. */
  readonly client: number;
  /** Begun and not finished. */
  readonly inFlight: number;
  readonly latencyMs: LatencySummary;
  /** To the first byte of the response, and to the last. */
  readonly firstByte: BucketCount;
  readonly whole: BucketCount;
}

export interface RequestTimes {
  readonly firstByteMs: number;
  readonly durationMs: number;
}

/** What requests did per listener and side since the start. Probes are never in it; users' and dark requests have one each. */
export interface SideCounters {
  begin(listener: string, side: string): void;
  /** Ends a request that `begin` counted. Without times (the client left) percentiles and buckets stay as they are. */
  end(listener: string, side: string, outcome: RequestOutcome, times: RequestTimes | undefined): void;
  /** Per side, of one listener or of all together. */
  snapshot(listener?: string): Readonly<Record<string, SideCount>>;
}

interface Buckets {
  count: number;
  sumMs: number;
  /** Per bucket alone. */
  readonly counts: number[];
}

interface Count {
  requests: number;
  application: number;
  gateway: number;
  client: number;
  inFlight: number;
  readonly latency: RecordableHistogram;
  readonly firstByte: Buckets;
  readonly whole: Buckets;
}

const microsecondsPerMs = 1000;
/** Longer than any request timeout (one hour). */
const longestMicroseconds = 7200 * 1000 * microsecondsPerMs;

export function createSideCounters(): SideCounters {
  const listeners = new Map<string, Map<string, Count>>();

  function countOf(listener: string, side: string): Count {
    const sides = listeners.get(listener) ?? new Map<string, Count>();
    listeners.set(listener, sides);
    const known = sides.get(side);
    if (known !== undefined) return known;
    const count = emptyCount();
    sides.set(side, count);
    return count;
  }

  return {
    begin(listener, side) {
      countOf(listener, side).inFlight += 1;
    },
    end(listener, side, outcome, times) {
      const count = countOf(listener, side);
      count.inFlight -= 1;
      count.requests += 1;
      if (outcome !== "ok") count[outcome] += 1;
      if (times === undefined) return;
      const microseconds = Math.round(times.durationMs * microsecondsPerMs);
      count.latency.record(Math.min(Math.max(1, microseconds), longestMicroseconds));
      put(count.firstByte, times.firstByteMs);
      put(count.whole, times.durationMs);
    },
    snapshot(listener) {
      const chosen = listener === undefined ? [...listeners.values()] : [listeners.get(listener) ?? new Map()];
      const sides: Record<string, SideCount> = {};
      for (const side of new Set(chosen.flatMap((counts) => [...counts.keys()]))) {
        const sum = merged(chosen.flatMap((counts) => counts.get(side) ?? []));
        const { requests, application, gateway, client, inFlight } = sum;
        sides[side] = {
          requests,
          errors: application + gateway,
          application,
          gateway,
          client,
          inFlight,
          latencyMs: summaryOf(sum.latency),
          firstByte: cumulative(sum.firstByte),
          whole: cumulative(sum.whole),
        };
      }
      return sides;
    },
  };
}

function emptyCount(): Count {
  const latency = createHistogram({ lowest: 1, highest: longestMicroseconds, figures: 3 });
  const noErrors = { application: 0, gateway: 0, client: 0 };
  return { requests: 0, ...noErrors, inFlight: 0, latency, firstByte: emptyBuckets(), whole: emptyBuckets() };
}

function emptyBuckets(): Buckets {
  return { count: 0, sumMs: 0, counts: bucketBoundsMs.map(() => 0) };
}

function put(buckets: Buckets, ms: number): void {
  buckets.count += 1;
  buckets.sumMs += ms;
  const at = bucketBoundsMs.findIndex((bound) => ms <= bound);
  if (at >= 0) buckets.counts[at] = (buckets.counts[at] ?? 0) + 1;
}

function cumulative({ count, sumMs, counts }: Buckets): BucketCount {
  let below = 0;
  return { count, sumMs, upTo: counts.map((one) => (below += one)) };
}

/** One count of several; the percentiles are those of all their requests. */
function merged(counts: readonly Count[]): Count {
  const [only] = counts;
  if (only !== undefined && counts.length === 1) return only;
  const sum = emptyCount();
  for (const count of counts) {
    for (const name of ["requests", "application", "gateway", "client", "inFlight"] as const) sum[name] += count[name];
    if (count.latency.count > 0) sum.latency.add(count.latency);
    for (const name of ["firstByte", "whole"] as const) {
      sum[name].count += count[name].count;
      sum[name].sumMs += count[name].sumMs;
      for (const [at, one] of count[name].counts.entries()) sum[name].counts[at] = (sum[name].counts[at] ?? 0) + one;
    }
  }
  return sum;
}

function summaryOf(latency: RecordableHistogram): LatencySummary {
  const at = (percentile: number): number =>
    latency.count === 0 ? 0 : latency.percentile(percentile) / microsecondsPerMs;
  return { p50: at(50), p95: at(95), p99: at(99) };
}
