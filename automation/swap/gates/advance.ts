/**
 * The advance gate: whether a step has shown enough to go on. Never `failed`: stopping is the stop gate's; here what is not
 * good enough keeps the step, and what has no data is inconclusive.
 */
import type { SwapSettings } from "../settings.ts";
import { type LatencyReference, warmUpLeftMs } from "./latency-evidence.ts";
import { histogramQuantile, type LatencyHistogram } from "./latency-histogram.ts";
import type { GateState } from "./stop.ts";
import { isTroubled } from "./trouble.ts";
import { type Verdict, worst } from "./verdict.ts";

/** One thing that the advance gate looked at. */
export interface AdvanceLook {
  readonly name: "sample" | "errors" | "latency-ceiling" | "latency-compared";
  readonly verdict: Verdict;
  /** In words, with the numbers. */
  readonly text: string;
}

/** Standard normal quantiles: 95 % confidence, 90 % power (shared research, hot swap 2.7). */
const z95 = 1.644854;
const z90 = 1.281552;

/** Requests per side from which medians are compared, and from which the slowest in twenty are. */
const mediansFrom = 10;
const tailsFrom = 100;

/** Growth of the failed share that a step has to rule out, as a share of requests. */
function marginOf({ gates }: SwapSettings, sharePercent: number): number {
  return sharePercent < gates.lateFromPercent ? gates.earlyMargin : gates.lateMargin;
}

/**
 * Candidate requests that the step needs: as many as show, with 95 % confidence and 90 % power, that a candidate no worse than
 * the base rate has not grown by the margin; at least the profile's minimum. A step in which the old side has about as few requests may need more,
 * since its rate is uncertain too.
 */
export function sampleNeed(settings: SwapSettings, sharePercent: number): number {
  const { baseErrorRate, minimumRequests } = settings.gates;
  const margin = marginOf(settings, sharePercent);
  return Math.max(
    minimumRequests,
    Math.ceil(((z95 + z90) ** 2 * baseErrorRate * (1 - baseErrorRate)) / (margin * margin)),
  );
}

/** `share`: what the step asked for, percent. `now`: engine's clock, ms. */
export function lookAtStep(
  gates: GateState,
  settings: SwapSettings,
  share: number,
  now: number,
): { verdict: Verdict; looks: readonly AdvanceLook[] } {
  const need = sampleNeed(settings, share);
  const { requests } = gates.candidate;
  const looks: AdvanceLook[] = [
    {
      name: "sample",
      verdict: requests >= need ? "successful" : "inconclusive",
      text: `${requests} of ${need} requests on the candidate`,
    },
    errorLook(gates, settings, share),
    ceilingLook(gates, settings, now),
  ];
  // An old side that fails is no measure of speed either: what it answers at all may be next to nothing.
  const troubled = share < 100 && isTroubled(gates.oldTrouble, settings.rollbackThreshold);
  const compared = troubled ? undefined : comparedLook(gates, settings, share);
  if (compared !== undefined) looks.push(compared);
  return { verdict: worst(looks.map((look) => look.verdict)), looks };
}

/** Non-inferiority: the upper 95 % bound of the growth of the failed share is below the margin. */
function errorLook(gates: GateState, settings: SwapSettings, share: number): AdvanceLook {
  const { candidate } = gates;
  // At 100 % there is no old side in the step: its totals over the swap are what is known.
  const old = share >= 100 ? gates.oldTotals : gates.old;
  // A swap that goes to 100 % at once has hardly seen the old side: what is normal here takes its place.
  if (share >= 100 && candidate.requests > 0 && old.requests < sampleNeed(settings, share))
    return againstBaseRate(candidate, settings, share);
  const text = `${candidate.errors} of ${candidate.requests} failed on the candidate, ${old.errors} of ${old.requests} on the old side`;
  if (candidate.requests === 0 || old.requests === 0) return { name: "errors", verdict: "inconclusive", text };
  // Without an error the observed variance would be zero, and ten requests would prove anything.
  const pooled = Math.max(
    settings.gates.baseErrorRate,
    (candidate.errors + old.errors) / (candidate.requests + old.requests),
  );
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / candidate.requests + 1 / old.requests));
  const growth = candidate.errors / candidate.requests - old.errors / old.requests;
  const bound = growth + z95 * deviation;
  const margin = marginOf(settings, share);
  return {
    name: "errors",
    verdict: bound < margin ? "successful" : "inconclusive",
    text: `${text}: grown by less than ${points(bound)} points at 95 %, allowed ${points(margin)}`,
  };
}

function againstBaseRate(candidate: GateState["candidate"], settings: SwapSettings, share: number): AdvanceLook {
  const { baseErrorRate } = settings.gates;
  const rate = candidate.errors / candidate.requests;
  const likely = Math.max(baseErrorRate, rate);
  const bound = rate - baseErrorRate + z95 * Math.sqrt((likely * (1 - likely)) / candidate.requests);
  const margin = marginOf(settings, share);
  return {
    name: "errors",
    verdict: bound < margin ? "successful" : "inconclusive",
    text: `${candidate.errors} of ${candidate.requests} failed on the candidate, ${Number((baseErrorRate * 100).toPrecision(2))} % are normal: above that by less than ${points(bound)} points at 95 %, allowed ${points(margin)}`,
  };
}

function points(share: number): string {
  return String(Number((Math.max(0, share) * 100).toPrecision(2)));
}

function ceilingLook(gates: GateState, settings: SwapSettings, now: number): AdvanceLook {
  const p95 = histogramQuantile(gates.latency.candidate, 0.95);
  const leftMs = warmUpLeftMs(gates.latency, settings, now);
  const none =
    leftMs === undefined || leftMs === 0
      ? "no latency of the candidate yet"
      : `the candidate warms up for ${Math.ceil(leftMs / 1_000)} s more`;
  return {
    name: "latency-ceiling",
    verdict: p95 !== undefined && p95 <= settings.performanceThresholdMs ? "successful" : "inconclusive",
    text: p95 === undefined ? none : `candidate p95 ${ms(p95)}, ceiling ${ms(settings.performanceThresholdMs)}`,
  };
}

/**
 * The candidate's median and, from a hundred requests on, p95 against the old side's over the same time, stretched by what is allowed. At
 * 100 % against the old side's last ones: they may be out of date, but all that they can do is to keep the step for a person.
 */
function comparedLook({ latency }: GateState, settings: SwapSettings, share: number): AdvanceLook | undefined {
  const candidate = referenceOf(latency.candidate);
  const old = share >= 100 ? latency.reference : referenceOf(latency.old);
  // A swap whose first step is 100 % has nothing to compare with, ever: only the ceiling speaks.
  if (share >= 100 && old === undefined) return undefined;
  const enough = Math.min(candidate?.requests ?? 0, old?.requests ?? 0) >= mediansFrom;
  if (candidate === undefined || old === undefined || !enough)
    return {
      name: "latency-compared",
      verdict: "inconclusive",
      text: `${candidate?.requests ?? 0} latencies of the candidate and ${old?.requests ?? 0} of the old side, ${mediansFrom} of each are compared`,
    };
  const { latencyRatio, latencySlackMs } = settings.gates;
  const allowed = (oldMs: number): number => oldMs * latencyRatio + latencySlackMs;
  const tails = candidate.requests >= tailsFrom && old.requests >= tailsFrom;
  const alike = candidate.medianMs <= allowed(old.medianMs) && (!tails || candidate.p95Ms <= allowed(old.p95Ms));
  const when = share >= 100 ? "on the old side before" : "on the old side";
  const medianText = `median ${ms(candidate.medianMs)} on the candidate, ${ms(old.medianMs)} ${when}`;
  return {
    name: "latency-compared",
    verdict: alike ? "successful" : "inconclusive",
    text: tails ? `${medianText}; p95 ${ms(candidate.p95Ms)} and ${ms(old.p95Ms)}` : medianText,
  };
}

function referenceOf(histogram: LatencyHistogram): LatencyReference | undefined {
  const medianMs = histogramQuantile(histogram, 0.5);
  const p95Ms = histogramQuantile(histogram, 0.95);
  return medianMs === undefined || p95Ms === undefined ? undefined : { requests: histogram.total, medianMs, p95Ms };
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}
