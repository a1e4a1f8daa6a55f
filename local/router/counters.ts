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

/** What users' requests did per listener and side since the start; probes and dark requests are not in it. */
export interface SideCounters {
  begin(listener: string, side: string): void;
  /** Ends a request that `begin` counted. Without a latency (the client left) the percentiles stay as they are. */
  end(listener: string, side: string, error: boolean, latencyMs: number | undefined): void;
  /** Per side, of one listener or of all together. */
  snapshot(listener?: string): Readonly<Record<string, SideCount>>;
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
    end(listener, side, error, latencyMs) {
      const count = countOf(listener, side);
      count.inFlight -= 1;
      count.requests += 1;
      if (error) count.errors += 1;
      if (latencyMs === undefined) return;
      const microseconds = Math.round(latencyMs * microsecondsPerMs);
      count.latency.record(Math.min(Math.max(1, microseconds), longestMicroseconds));
    },
    snapshot(listener) {
      const chosen = listener === undefined ? [...listeners.values()] : [listeners.get(listener) ?? new Map()];
      const sides: Record<string, SideCount> = {};
      for (const side of new Set(chosen.flatMap((counts) => [...counts.keys()]))) {
        const { requests, errors, inFlight, latency } = merged(chosen.flatMap((counts) => counts.get(side) ?? []));
        sides[side] = { requests, errors, inFlight, latencyMs: summaryOf(latency) };
      }
      return sides;
    },
  };
}

function emptyCount(): Count {
  const latency = createHistogram({ lowest: 1, highest: longestMicroseconds, figures: 3 });
  return { requests: 0, errors: 0, inFlight: 0, latency };
}

/** One count of several; the percentiles are those of all their requests. */
function merged(counts: readonly Count[]): Count {
  const [only] = counts;
  if (only !== undefined && counts.length === 1) return only;
  const sum = emptyCount();
  for (const { requests, errors, inFlight, latency } of counts) {
    sum.requests += requests;
    sum.errors += errors;
    sum.inFlight += inFlight;
    if (latency.count > 0) sum.latency.add(latency);
  }
  return sum;
}

function summaryOf(latency: RecordableHistogram): LatencySummary {
  const at = (percentile: number): number =>
    latency.count === 0 ? 0 : latency.percentile(percentile) / microsecondsPerMs;
  return { p50: at(50), p95: at(95), p99: at(99) };
}
