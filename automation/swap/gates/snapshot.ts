/**
 * What the gates know, as plain JSON of a few kilobytes: it goes into the swap's journal beside the feed's cursor, so that whoever
 * takes the swap over goes on as if nothing had happened. Restoring is exact.
 */
import { z } from "zod";
import { type CeilingEvidence, createCeilingEvidence, startEvery } from "./ceiling-evidence.ts";
import { createErrorEvidence, type ErrorEvidence, riskRatios } from "./error-evidence.ts";
import { createLatencyEvidence, tailQuantiles } from "./latency-evidence.ts";
import { decodeHistogram, encodeHistogram, histogramText, type LatencyHistogram } from "./latency-histogram.ts";
import { createGates, type GateState, stopReasons } from "./stop.ts";
import type { TailEvidence } from "./tail-evidence.ts";

const count = z.number().int().min(0);

const sideWindow = z.strictObject({ requests: count, errors: count, gatewayRun: count });
const trouble = z.strictObject({ seen: count, bad: count, lastBits: count, lastBad: count });
const errorEvidence = z.strictObject({
  logRatios: z.array(z.number()).length(riskRatios.length),
  candidate: count,
  old: count,
});
const ceilingEvidence = z
  .strictObject({
    requests: count,
    /** Number and bad requests of each beginning. */
    beginnings: z.array(z.tuple([count, count])).max(100),
  })
  .refine(
    ({ requests, beginnings }) =>
      beginnings.every(([number, bad]) => number * startEvery + bad <= requests || requests === 0),
    { message: "a beginning holds more requests than there were" },
  );

export const gateSnapshot = z.strictObject({
  candidate: sideWindow,
  old: sideWindow,
  oldTrouble: trouble,
  evidence: errorEvidence,
  ceiling: ceilingEvidence,
  oldTotals: z.strictObject({ requests: count, errors: count }),
  candidateTotals: z.strictObject({ requests: count, errors: count }),
  latency: z.strictObject({
    firstAt: z.number().optional(),
    warm: z.boolean(),
    candidate: histogramText,
    old: histogramText,
    ranked: z.strictObject({
      candidate: histogramText,
      old: histogramText,
      since: z.number().optional(),
      judged: count,
    }),
    thresholdsMs: z.array(z.number()).max(tailQuantiles.length).optional(),
    tails: z
      .array(z.strictObject({ evidence: errorEvidence, settled: z.number(), blockStart: z.number(), number: count }))
      .length(tailQuantiles.length),
    blockSince: z.number().optional(),
    ceiling: ceilingEvidence,
    oldSlow: trouble,
    reference: z.strictObject({ requests: count, medianMs: z.number(), p95Ms: z.number() }).optional(),
  }),
  lost: count,
  lastRecordAt: z.number().optional(),
  found: z
    .strictObject({
      reason: z.enum(stopReasons),
      measured: z.record(z.string(), z.union([z.number(), z.string()])),
    })
    .optional(),
});

export type GateSnapshot = z.infer<typeof gateSnapshot>;

export function snapshotGates(gates: GateState): GateSnapshot {
  const { latency } = gates;
  return {
    candidate: { ...gates.candidate },
    old: { ...gates.old },
    oldTrouble: { ...gates.oldTrouble },
    evidence: keepEvidence(gates.evidence),
    ceiling: keepCeiling(gates.ceiling),
    oldTotals: { ...gates.oldTotals },
    candidateTotals: { ...gates.candidateTotals },
    latency: {
      ...present("firstAt", latency.firstAt),
      warm: latency.warm,
      candidate: encodeHistogram(latency.candidate),
      old: encodeHistogram(latency.old),
      ranked: {
        candidate: encodeHistogram(latency.ranked.candidate),
        old: encodeHistogram(latency.ranked.old),
        ...present("since", latency.ranked.since),
        judged: latency.ranked.judged,
      },
      ...present("thresholdsMs", latency.thresholdsMs === undefined ? undefined : [...latency.thresholdsMs]),
      tails: latency.tails.map(({ evidence, settled, blockStart, number }) => ({
        evidence: keepEvidence(evidence),
        settled,
        blockStart,
        number,
      })),
      ...present("blockSince", latency.blockSince),
      ceiling: keepCeiling(latency.ceiling),
      oldSlow: { ...latency.oldSlow },
      ...present("reference", latency.reference),
    },
    lost: gates.lost,
    ...present("lastRecordAt", gates.lastRecordAt),
    ...present("found", gates.found),
  };
}

export function restoreGates(snapshot: GateSnapshot): GateState {
  const { latency } = snapshot;
  return {
    ...createGates(),
    candidate: { ...snapshot.candidate },
    old: { ...snapshot.old },
    oldTrouble: { ...snapshot.oldTrouble },
    evidence: restoreEvidence(snapshot.evidence),
    ceiling: restoreCeiling(snapshot.ceiling),
    oldTotals: { ...snapshot.oldTotals },
    candidateTotals: { ...snapshot.candidateTotals },
    latency: {
      ...createLatencyEvidence(),
      firstAt: latency.firstAt,
      warm: latency.warm,
      candidate: histogramOf(latency.candidate),
      old: histogramOf(latency.old),
      ranked: {
        candidate: histogramOf(latency.ranked.candidate),
        old: histogramOf(latency.ranked.old),
        since: latency.ranked.since,
        judged: latency.ranked.judged,
      },
      thresholdsMs: latency.thresholdsMs,
      tails: tailQuantiles.map((quantile, index) => restoreTail(quantile, latency.tails[index])),
      blockSince: latency.blockSince,
      ceiling: restoreCeiling(latency.ceiling),
      oldSlow: { ...latency.oldSlow },
      reference: latency.reference,
    },
    lost: snapshot.lost,
    lastRecordAt: snapshot.lastRecordAt,
    found: snapshot.found,
  };
}

/** An absent field, not one that is undefined: the snapshot goes through JSON. */
function present<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [key in Name]?: Value } | Record<never, never> {
  return value === undefined ? {} : { [name]: value };
}

function keepEvidence({ logRatios, candidateErrors, oldErrors }: ErrorEvidence): z.infer<typeof errorEvidence> {
  return { logRatios: [...logRatios], candidate: candidateErrors, old: oldErrors };
}

function restoreEvidence({ logRatios, candidate, old }: z.infer<typeof errorEvidence>): ErrorEvidence {
  return {
    ...createErrorEvidence(),
    logRatios: Float64Array.from(logRatios),
    candidateErrors: candidate,
    oldErrors: old,
  };
}

function keepCeiling({ requests, beginnings }: CeilingEvidence): z.infer<typeof ceilingEvidence> {
  return { requests, beginnings: beginnings.map(({ number, bad }) => [number, bad]) };
}

function restoreCeiling({ requests, beginnings }: z.infer<typeof ceilingEvidence>): CeilingEvidence {
  return {
    ...createCeilingEvidence(),
    requests,
    beginnings: beginnings.map(([number, bad]) => ({ number, bad })),
  };
}

function restoreTail(quantile: number, kept: GateSnapshot["latency"]["tails"][number] | undefined): TailEvidence {
  const evidence = kept === undefined ? createErrorEvidence() : restoreEvidence(kept.evidence);
  return {
    quantile,
    evidence,
    settled: kept?.settled ?? 0,
    blockStart: kept?.blockStart ?? 0,
    number: kept?.number ?? 0,
  };
}

/** The schema has seen to it that the text is one. */
function histogramOf(text: string): LatencyHistogram {
  const histogram = decodeHistogram(text);
  if (histogram === undefined) throw new TypeError("The snapshot's histogram is none.");
  return histogram;
}
