/** What users' requests say of each side over the last window, in slices, so that "the whole window" can be told. Pure. */
import type { RequestRecord } from "../ports/request-feed.ts";

/** Slices of a window. Its divisors 3, 4, 6 and 12 are the parts in which a side is judged. */
export const slicesPerWindow = 12;

/** What one side did in some time. */
export interface SideCounts {
  readonly requests: number;
  readonly errors: number;
  /** Of the errors, those where the balancer got no complete answer. */
  readonly gatewayErrors: number;
  /** Clients that went away first. They are not among the requests: alone they say nothing of a side. */
  readonly left: number;
}

interface Slice {
  /** Number of the slice: time divided by its length. */
  readonly index: number;
  readonly sides: Readonly<Record<string, SideCounts>>;
}

export interface TrafficEvidence {
  readonly windowMs: number;
  /** Since when requests are seen without a gap, ms. */
  readonly since: number;
  /** Oldest first; a slice without requests is absent. */
  readonly slices: readonly Slice[];
}

export const noCounts: SideCounts = Object.freeze({ requests: 0, errors: 0, gatewayErrors: 0, left: 0 });

/** Nothing seen yet, or nothing that holds: also after a gap in the feed. */
export function freshEvidence(windowMs: number, now: number): TrafficEvidence {
  return { windowMs, since: now, slices: [] };
}

/** Adds what was read at `now`; what is older than a window is let go. */
export function addRecords(
  evidence: TrafficEvidence,
  records: readonly Pick<RequestRecord, "side" | "outcome">[],
  now: number,
): TrafficEvidence {
  const index = sliceAt(evidence, now);
  const kept = evidence.slices.filter((slice) => slice.index >= index - slicesPerWindow && slice.index <= index);
  if (records.length === 0) return kept.length === evidence.slices.length ? evidence : { ...evidence, slices: kept };
  const newest = kept.at(-1)?.index === index ? kept.at(-1) : undefined;
  const sides = new Map(Object.entries(newest?.sides ?? {}));
  for (const { side, outcome } of records) sides.set(side, add(sides.get(side) ?? noCounts, outcome));
  const slices = [...(newest === undefined ? kept : kept.slice(0, -1)), { index, sides: Object.fromEntries(sides) }];
  return { ...evidence, slices };
}

/** When the window of the last whole slices began, ms. */
export function windowStart(evidence: TrafficEvidence, now: number): number {
  return (sliceAt(evidence, now) - slicesPerWindow) * sliceMs(evidence);
}

/** Whether every request of the window was seen. */
export function coversWindow(evidence: TrafficEvidence, now: number): boolean {
  return evidence.since <= windowStart(evidence, now);
}

/** One side's counts over the last `slicesPerWindow` whole slices, cut into `parts` of equal length, oldest first. */
export function countParts(evidence: TrafficEvidence, side: string, parts: number, now: number): readonly SideCounts[] {
  const first = sliceAt(evidence, now) - slicesPerWindow;
  const length = slicesPerWindow / parts;
  return Array.from({ length: parts }, (_, part) =>
    evidence.slices
      .filter(({ index }) => index >= first + part * length && index < first + (part + 1) * length)
      .map(({ sides }) => (Object.hasOwn(sides, side) ? (sides[side] ?? noCounts) : noCounts))
      .reduce(
        (sum, counts) => ({
          requests: sum.requests + counts.requests,
          errors: sum.errors + counts.errors,
          gatewayErrors: sum.gatewayErrors + counts.gatewayErrors,
          left: sum.left + counts.left,
        }),
        noCounts,
      ),
  );
}

function add(counts: SideCounts, outcome: RequestRecord["outcome"]): SideCounts {
  if (outcome === "client") return { ...counts, left: counts.left + 1 };
  return {
    requests: counts.requests + 1,
    errors: counts.errors + (outcome === "ok" ? 0 : 1),
    gatewayErrors: counts.gatewayErrors + (outcome === "gateway" ? 1 : 0),
    left: counts.left,
  };
}

function sliceMs({ windowMs }: TrafficEvidence): number {
  return windowMs / slicesPerWindow;
}

function sliceAt(evidence: TrafficEvidence, now: number): number {
  return Math.floor(now / sliceMs(evidence));
}
