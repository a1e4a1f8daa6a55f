import { type Verdict, verdicts } from "./verdict.ts";

/**
 * Does the data plane follow the weight? Judged on the last probes only, since older ones may have met the old weight
 * (sample sizes: shared research, hot swap 2.5).
 */

/** Samples that give 3 sigma of 1 point at 1 %, 2 points at 5 %, 5 points at 50 %. */
export const samplesForShare = 1_000;
/** Clean samples in a row that bound the other side's share below 0.1 % at 95 %. */
export const samplesForAll = 2_995;

/** The last probes' sides, oldest first, at most `samplesForAll` of them. */
export type ProbeWindow = readonly string[];

export function addProbes(window: ProbeWindow, sides: readonly string[]): ProbeWindow {
  const joined = [...window, ...sides];
  return joined.length <= samplesForAll ? joined : joined.slice(joined.length - samplesForAll);
}

export interface WeightLook {
  readonly verdict: Verdict;
  /** Probes judged. */
  readonly samples: number;
  /** Probes needed. */
  readonly needed: number;
  /** Share of the candidate in them, percent. */
  readonly seenPercent: number;
  readonly tolerancePercent: number;
}

/** Whether the candidate's share in the last probes is `askedPercent`. Never failed: a plane that lags is inconclusive. */
export function lookAtWeight(window: ProbeWindow, candidate: string, old: string, askedPercent: number): WeightLook {
  const everything = askedPercent <= 0 || askedPercent >= 100;
  const needed = everything ? samplesForAll : samplesForShare;
  const judged = window.slice(-needed);
  const onCandidate = judged.filter((side) => side === candidate).length;
  const unknown = judged.filter((side) => side !== candidate && side !== old).length;
  const seenPercent = judged.length === 0 ? 0 : (onCandidate / judged.length) * 100;
  const share = askedPercent / 100;
  const tolerancePercent = everything ? 0 : 300 * Math.sqrt((share * (1 - share)) / needed);
  const enough = judged.length >= needed;
  const within = everything
    ? judged.length > 0 && Math.abs(seenPercent - Math.min(100, Math.max(0, askedPercent))) === 0
    : Math.abs(seenPercent - askedPercent) <= tolerancePercent && onCandidate > 0;
  // A probe without a side header is neither side's: it breaks a clean run, and a share of 1 in 100 of them is no reading.
  const readable = everything ? unknown === 0 : unknown <= judged.length / 100;
  const verdict: Verdict = enough && within && readable ? verdicts[0] : "inconclusive";
  return { verdict, samples: judged.length, needed, seenPercent, tolerancePercent };
}
