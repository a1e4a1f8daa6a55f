/** What was seen of the load: requests and their durations over the time that was watched. Pure but for `watchLoad`. */
import type { Clock } from "../ports/clock.ts";
import type { RequestBatch, RequestFeed } from "../ports/request-feed.ts";
import { monthSeconds } from "./load-model.ts";
import type { ObservedLoad } from "./usage.ts";

export interface Observation {
  /** Time in which requests were counted, ms; gaps are not in it. */
  readonly watchedMs: number;
  readonly requests: number;
  /** Of the requests whose duration is known. */
  readonly timed: number;
  /** Sum of their durations, ms, and of the squares of them. */
  readonly durationMs: number;
  readonly durationSquares: number;
}

export const nothingObserved: Observation = {
  watchedMs: 0,
  requests: 0,
  timed: 0,
  durationMs: 0,
  durationSquares: 0,
};

/** Adds what a read of the feed brought, and the time that it covers. Records that the feed dropped were requests, too. */
export function addBatch(
  seen: Observation,
  batch: Pick<RequestBatch, "records" | "lost">,
  coveredMs: number,
): Observation {
  // The balancer refused what has no side: no platform served it.
  const served = batch.records.filter(({ side }) => side !== "");
  const sum = (of: (ms: number) => number): number =>
    served.reduce((total, { durationMs }) => total + of(durationMs), 0);
  return {
    watchedMs: seen.watchedMs + coveredMs,
    requests: seen.requests + served.length + batch.lost,
    timed: seen.timed + served.length,
    durationMs: seen.durationMs + sum((ms) => ms),
    durationSquares: seen.durationSquares + sum((ms) => ms * ms),
  };
}

export function addObservations(a: Observation, b: Observation): Observation {
  return {
    watchedMs: a.watchedMs + b.watchedMs,
    requests: a.requests + b.requests,
    timed: a.timed + b.timed,
    durationMs: a.durationMs + b.durationMs,
    durationSquares: a.durationSquares + b.durationSquares,
  };
}

/** Requests below which nothing is projected: silence is no load that one could put a price on. */
export const fewestRequests = 30;

const dayMs = 86_400_000;

/** What a month may differ by from less than a day of it: nights and busy hours were not seen. */
const unseenDay = { low: 0.5, high: 1.5 };

/**
 * A month at the rate that was seen; undefined where too little was. The bounds are two standard errors of the count (Poisson)
 * and of the mean, wider while less than a day was watched.
 */
export function monthOf(seen: Observation): ObservedLoad | undefined {
  if (seen.requests < fewestRequests || seen.timed < fewestRequests || seen.watchedMs <= 0) return undefined;
  const aMonth = (count: number): number => (Math.max(0, count) / (seen.watchedMs / 1_000)) * monthSeconds;
  const error = 2 * Math.sqrt(seen.requests);
  const day = seen.watchedMs < dayMs ? unseenDay : { low: 1, high: 1 };
  const mean = seen.durationMs / seen.timed;
  const variance = Math.max(0, seen.durationSquares / seen.timed - mean * mean);
  const meanError = 2 * Math.sqrt(variance / seen.timed);
  return {
    requests: {
      low: aMonth(seen.requests - error) * day.low,
      expected: aMonth(seen.requests),
      high: aMonth(seen.requests + error) * day.high,
    },
    durationMs: { low: Math.max(0, mean - meanError), expected: mean, high: mean + meanError },
  };
}

export interface LoadWatch {
  readonly feed: RequestFeed;
  readonly clock: Clock;
}

/**
 * Watches the feed for that long, and waits until the feed has what ended last in it. Errors: feed-unreachable, and the signal's
 * reason.
 */
export async function watchLoad(
  { feed, clock }: LoadWatch,
  windowMs: number,
  signal: AbortSignal,
): Promise<Observation> {
  const first = await feed.read(undefined, 0, signal);
  const begun = clock.now();
  const end = begun + windowMs;
  await clock.sleep(windowMs + feed.description.delayMs, signal);
  const { records, lost } = await readOn({ feed, clock }, first.cursor, signal);
  return addBatch(nothingObserved, { records: records.filter(({ at }) => at < end), lost }, windowMs);
}

/** What came after the cursor until now, also where the feed gives it in several parts. */
export async function readOn({ feed, clock }: LoadWatch, cursor: number, signal: AbortSignal): Promise<RequestBatch> {
  const now = clock.now();
  let all: RequestBatch = { records: [], cursor, lost: 0 };
  for (;;) {
    const batch = await feed.read(all.cursor, 0, signal);
    all = { records: [...all.records, ...batch.records], cursor: batch.cursor, lost: all.lost + batch.lost };
    const last = batch.records.at(-1);
    if (last === undefined || last.at >= now) return all;
  }
}
