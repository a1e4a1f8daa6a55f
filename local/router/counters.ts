import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** Percentiles of the time from a request's arrival to the last byte of its response, ms; 0 before the first one. */
export interface LatencySummary {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface SideCount {
  /** Finished requests, those that the client left too. */
  readonly requests: number;
  /** Of these: answered 500 or above, or not completely. */
  readonly errors: number;
  /** Begun and not finished. */
  readonly inFlight: number;
  readonly latencyMs: LatencySummary;
}

/** What users' requests did per side since the start; probes and dark requests are not in it. */
export interface SideCounters {
  begin(side: string): void;
  /** Ends a request that `begin` counted. Without a latency (the client left) the percentiles stay as they are. */
  end(side: string, error: boolean, latencyMs: number | undefined): void;
  snapshot(): Readonly<Record<string, SideCount>>;
}

interface Count {
  requests: number;
  errors: number;
  inFlight: number;
  readonly latency: RecordableHistogram;
}

const microsecondsPerMs = 1000;
/** Longer than any request timeout (one hour). */
const longestMicroseconds = 7200 * 1000 * microsecondsPerMs;

export function createSideCounters(): SideCounters {
  const counts = new Map<string, Count>();

  function countOf(side: string): Count {
    const known = counts.get(side);
    if (known !== undefined) return known;
    const latency = createHistogram({ lowest: 1, highest: longestMicroseconds, figures: 3 });
    const count: Count = { requests: 0, errors: 0, inFlight: 0, latency };
    counts.set(side, count);
    return count;
  }

  return {
    begin(side) {
      countOf(side).inFlight += 1;
    },
    end(side, error, latencyMs) {
      const count = countOf(side);
      count.inFlight -= 1;
      count.requests += 1;
      if (error) count.errors += 1;
      if (latencyMs === undefined) return;
      const microseconds = Math.round(latencyMs * microsecondsPerMs);
      count.latency.record(Math.min(Math.max(1, microseconds), longestMicroseconds));
    },
    snapshot() {
      const sides: Record<string, SideCount> = {};
      for (const [side, { requests, errors, inFlight, latency }] of counts) {
        sides[side] = { requests, errors, inFlight, latencyMs: summaryOf(latency) };
      }
      return sides;
    },
  };
}

function summaryOf(latency: RecordableHistogram): LatencySummary {
  const at = (percentile: number): number =>
    latency.count === 0 ? 0 : latency.percentile(percentile) / microsecondsPerMs;
  return { p50: at(50), p95: at(95), p99: at(99) };
}
