/**
 * Evidence that the candidate is slower than the old side by more than is allowed, or slower than performance_threshold, per swap.
 * Three tests share `latencyAlpha` in equal parts, so that together they blame a candidate that is slow by no more than is
 * allowed in at most that share of the swaps:
 *
 * - rank: Mann-Whitney on equal windows (the same time on both sides, fixed in advance, one after the other), the old side's
 *   latencies stretched by `latencyRatio` and `latencySlackMs` first: the effect threshold. The k-th window is judged at
 *   6 / (pi^2 k^2) of its part. Finds a candidate whose usual latency has grown.
 * - tail: requests above the old side's p90 and p99 (of what was seen before), stretched likewise, are draws "which side?" for the
 *   test that errors go through. Finds a slow tail, which the ranks hardly show.
 * - ceiling: whether more than 5 % of the candidate's requests are slower than performance_threshold.
 *
 * Only complete answers count, and only after warm-up. Without the old side (at 100 %) only the ceiling speaks: latencies from an
 * earlier time would blame the candidate for a slowness that both sides would share now. They do hold the advance gate
 * (advance.ts), where a person decides.
 */
import type { SwapSettings } from "../settings.ts";
import {
  addToCeiling,
  type CeilingEvidence,
  ceilingValue,
  clearCeilingEvidence,
  createCeilingEvidence,
} from "./ceiling-evidence.ts";
import {
  addLatency,
  clearHistogram,
  createHistogram,
  histogramQuantile,
  type LatencyHistogram,
} from "./latency-histogram.ts";
import { rankTest } from "./rank-test.ts";
import { shareForDraws } from "./share.ts";
import { addToTail, createTail, type TailEvidence, tailBlockEnds, tailLimit, tailValue } from "./tail-evidence.ts";
import { addToTrouble, comparableFrom, createTrouble, isTroubled, type Trouble } from "./trouble.ts";

/** The quantile that performance_threshold is about; as many requests may be slower. */
export const slowShareAllowed = 0.05;

/** Equal parts of latencyAlpha: rank, tail, ceiling. */
const tests = 3;

/** A window has this many requests on each side … */
const windowRequests = 50;
/** … and the k-th one lasts k seconds, at most ten: gross trouble shows in short windows, and long ones spend their risk slowly. */
const windowMs = (number: number): number => Math.min(10, number) * 1_000;

/** Old requests from which its quantiles are thresholds for the tail. */
const thresholdsFrom = 100;
export const tailQuantiles = [0.9, 0.99] as const;

/** Old requests from which its latencies are kept for the time when it has none. */
const referenceFrom = 20;

/** What the old side's latencies were when it last had enough of them. */
export interface LatencyReference {
  readonly requests: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

/** Changed in place. */
export interface LatencyEvidence {
  /** Engine's clock at the candidate's first user request. */
  firstAt: number | undefined;
  warm: boolean;
  /** Of the step, after warm-up, both over the same time. */
  readonly candidate: LatencyHistogram;
  readonly old: LatencyHistogram;
  /** The present window of the rank test; the old side's latencies are stretched already. */
  readonly ranked: {
    readonly candidate: LatencyHistogram;
    readonly old: LatencyHistogram;
    since: number | undefined;
    /** Windows judged so far in the swap. */
    judged: number;
  };
  /** The old side's tail quantiles, ms, from before the requests that they are held against. */
  thresholdsMs: readonly number[] | undefined;
  readonly tails: readonly TailEvidence[];
  /** When the present block of the tail tests began. */
  blockSince: number | undefined;
  readonly ceiling: CeilingEvidence;
  readonly oldSlow: Trouble;
  reference: LatencyReference | undefined;
}

export function createLatencyEvidence(): LatencyEvidence {
  return {
    firstAt: undefined,
    warm: false,
    candidate: createHistogram(),
    old: createHistogram(),
    ranked: { candidate: createHistogram(), old: createHistogram(), since: undefined, judged: 0 },
    thresholdsMs: undefined,
    tails: tailQuantiles.map(createTail),
    blockSince: undefined,
    ceiling: createCeilingEvidence(),
    oldSlow: createTrouble(),
    reference: undefined,
  };
}

/** Windows begin again; what was judged and the tails' evidence go on. */
export function newLatencyStep(latency: LatencyEvidence, at: number): void {
  keepOldSide(latency);
  clearWindows(latency, at);
  clearCeilingEvidence(latency.ceiling);
  Object.assign(latency.oldSlow, createTrouble());
}

/** The candidate's first user request starts its warm-up. */
export function noteCandidate(latency: LatencyEvidence, at: number): void {
  latency.firstAt ??= at;
}

/** How much of the warm-up is left, ms; undefined: it has not begun. */
export function warmUpLeftMs(latency: LatencyEvidence, settings: SwapSettings, now: number): number | undefined {
  return latency.firstAt === undefined ? undefined : Math.max(0, latency.firstAt + settings.gates.warmUpMs - now);
}

export interface LatencyFinding {
  readonly reason: "candidate-latency" | "candidate-latency-ceiling";
  readonly measured: Readonly<Record<string, number | string>>;
}

export interface LatencyContext {
  readonly settings: SwapSettings;
  /** The share that was asked for, 0-1. */
  readonly askedShare: number;
  readonly at: number;
}

/** Folds the latency of one complete answer; the finding that it completes, if it does. */
export function foldLatency(
  latency: LatencyEvidence,
  onCandidate: boolean,
  ms: number,
  context: LatencyContext,
): LatencyFinding | undefined {
  const { settings, at } = context;
  endWarmUp(latency, settings, at);
  const { performanceThresholdMs } = settings;
  if (!onCandidate) {
    foldOld(latency, ms, context);
    addToTrouble(latency.oldSlow, ms > performanceThresholdMs);
    return undefined;
  }
  if (!latency.warm) return undefined;
  const tail = foldTail(latency, true, ms, context);
  addLatency(latency.candidate, ms);
  addLatency(latency.ranked.candidate, ms);
  return tail ?? judgeCeiling(latency, ms, settings) ?? judgeRanks(latency, settings, at);
}

/** A latency that is no evidence, because the old side is in trouble itself; the advance gate still wants to have seen it. */
export function noteLatency(
  latency: LatencyEvidence,
  onCandidate: boolean,
  ms: number,
  { settings, at }: LatencyContext,
): void {
  endWarmUp(latency, settings, at);
  if (!onCandidate) addLatency(latency.old, ms);
  else if (latency.warm) addLatency(latency.candidate, ms);
}

function endWarmUp(latency: LatencyEvidence, settings: SwapSettings, at: number): void {
  if (latency.warm || warmUpLeftMs(latency, settings, at) !== 0) return;
  // What was seen so far was not seen on equal terms; of the old side it still says what is usual.
  latency.warm = true;
  keepOldSide(latency);
  clearWindows(latency, at);
}

function foldOld(latency: LatencyEvidence, ms: number, context: LatencyContext): void {
  if (latency.warm) {
    const { latencyRatio, latencySlackMs } = context.settings.gates;
    foldTail(latency, false, ms, context);
    addLatency(latency.ranked.old, ms * latencyRatio + latencySlackMs);
  }
  addLatency(latency.old, ms);
}

function foldTail(
  latency: LatencyEvidence,
  onCandidate: boolean,
  ms: number,
  { settings, askedShare, at }: LatencyContext,
): LatencyFinding | undefined {
  const { thresholdsMs, tails } = latency;
  if (thresholdsMs === undefined) return undefined;
  const { latencyRatio, latencySlackMs, latencyAlpha } = settings.gates;
  if (latency.blockSince === undefined || tailBlockEnds(latency.blockSince, at, tails, latencyAlpha / tests))
    latency.blockSince = at;
  const share = shareForDraws(askedShare, latency.candidate.total, latency.candidate.total + latency.old.total);
  let slow = false;
  for (let index = 0; index < tails.length; index += 1) {
    const threshold = thresholdsMs[index];
    const tail = tails[index];
    if (threshold === undefined || tail === undefined) continue;
    if (ms <= (onCandidate ? threshold * latencyRatio + latencySlackMs : threshold)) break;
    addToTail(tail, onCandidate, share);
    slow = true;
  }
  if (!slow || !onCandidate) return undefined;
  for (const [index, tail] of tails.entries()) {
    // Each quantile has half of the tail's part.
    const alpha = latencyAlpha / tests / tails.length;
    const value = tailValue(tail, alpha);
    if (value < tailLimit(tail, alpha)) continue;
    return {
      reason: "candidate-latency",
      measured: {
        test: "tail",
        eValue: value,
        limit: tailLimit(tail, alpha),
        oldQuantile: tail.quantile,
        oldQuantileMs: thresholdsMs[index] ?? 0,
        candidateSlow: tail.evidence.candidateErrors,
        oldSlow: tail.evidence.oldErrors,
        ...medians(latency),
      },
    };
  }
  return undefined;
}

function judgeCeiling(latency: LatencyEvidence, ms: number, settings: SwapSettings): LatencyFinding | undefined {
  const { performanceThresholdMs, ramp, gates } = settings;
  // An old side that is as slow is no reason to leave the candidate; at 100 % it has no requests and no say.
  if (isTroubled(latency.oldSlow, slowShareAllowed)) return undefined;
  const slow = ms > performanceThresholdMs;
  addToCeiling(latency.ceiling, slow, slowShareAllowed);
  if (!slow || latency.candidate.total < comparableFrom) return undefined;
  const value = ceilingValue(latency.ceiling);
  // The ceiling begins again with each weight: its risk is shared between the steps, so that it too is per swap.
  const limit = (ramp.length * tests) / gates.latencyAlpha;
  if (value < limit) return undefined;
  return {
    reason: "candidate-latency-ceiling",
    measured: { test: "ceiling", eValue: value, limit, ...medians(latency) },
  };
}

function judgeRanks(latency: LatencyEvidence, settings: SwapSettings, at: number): LatencyFinding | undefined {
  const { ranked } = latency;
  // A clock that was set back must not keep a window open.
  ranked.since = Math.min(ranked.since ?? at, at);
  if (ranked.candidate.total < windowRequests || ranked.old.total < windowRequests) return undefined;
  const number = ranked.judged + 1;
  if (at - ranked.since < windowMs(number)) return undefined;
  const { z, pValue } = rankTest(ranked.candidate, ranked.old);
  const level = ((settings.gates.latencyAlpha / tests) * 6) / (Math.PI * number) ** 2;
  const measured = {
    test: "rank",
    pValue,
    level,
    z,
    window: number,
    windowMs: at - ranked.since,
    candidateSample: ranked.candidate.total,
    oldSample: ranked.old.total,
    ...medians(latency),
  };
  ranked.judged = number;
  keepOldSide(latency);
  clearRanked(latency, at);
  return pValue < level ? { reason: "candidate-latency", measured } : undefined;
}

function medians({ candidate, old }: LatencyEvidence): Record<string, number> {
  const of = (name: string, histogram: LatencyHistogram): Record<string, number> =>
    histogram.total === 0
      ? {}
      : {
          [`${name}MedianMs`]: histogramQuantile(histogram, 0.5) ?? 0,
          [`${name}P95Ms`]: histogramQuantile(histogram, 0.95) ?? 0,
        };
  return { ...of("candidate", candidate), ...of("old", old) };
}

/** What the old side's latencies say about requests to come. */
function keepOldSide(latency: LatencyEvidence): void {
  const { old } = latency;
  const medianMs = histogramQuantile(old, 0.5);
  const p95Ms = histogramQuantile(old, 0.95);
  if (old.total >= referenceFrom && medianMs !== undefined && p95Ms !== undefined)
    latency.reference = { requests: old.total, medianMs, p95Ms };
  if (old.total >= thresholdsFrom)
    latency.thresholdsMs = tailQuantiles.flatMap((quantile) => histogramQuantile(old, quantile) ?? []);
}

function clearWindows(latency: LatencyEvidence, at: number): void {
  clearHistogram(latency.candidate);
  clearHistogram(latency.old);
  clearRanked(latency, at);
}

function clearRanked({ ranked }: LatencyEvidence, at: number): void {
  clearHistogram(ranked.candidate);
  clearHistogram(ranked.old);
  ranked.since = at;
}
