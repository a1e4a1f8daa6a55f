import { type Verdict, verdicts } from "./verdict.ts";

/**
 * Does the data plane follow the weight? Judged on the last probes only, since older ones may have met the old weight
 * (sample sizes: shared research, hot swap 2.5).
 */

/** Samples that give 3 sigma of 1 point at 1 %, 2 points at 5 %, 5 points at 50 %. */
export const samplesForShare = 1_000;
/** Clean samples in a row that bound the other side's share below 0.1 % at 95 %. */
export const samplesForAll = 2_995;

/** No step needs more: from 1,000 probes a second it would take longer than anybody waits. */
const samplesAtMost = 100_000;

/**
 * Probes that tell the share asked for from the one before: the tolerance of 3 sigma is at most half the gap, so that a
 * plane that still has the old weight does not pass for one that follows.
 */
export function samplesNeeded(askedPercent: number, previousPercent: number): number {
  if (askedPercent <= 0 || askedPercent >= 100) return samplesForAll;
  // At 0 % before, the first probe on the candidate tells.
  if (previousPercent <= 0) return samplesForShare;
  const share = askedPercent / 100;
  const gap = Math.abs(askedPercent - previousPercent) / 100;
  return Math.min(samplesAtMost, Math.max(samplesForShare, Math.ceil((6 / gap) ** 2 * share * (1 - share))));
}

/** The last probes' sides, oldest first. */
export type ProbeWindow = readonly string[];

export function addProbes(window: ProbeWindow, sides: readonly string[]): ProbeWindow {
  const joined = [...window, ...sides];
  return joined.length <= samplesAtMost ? joined : joined.slice(joined.length - samplesAtMost);
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
export function lookAtWeight(
  window: ProbeWindow,
  candidate: string,
  old: string,
  askedPercent: number,
  previousPercent: number,
): WeightLook {
  const everything = askedPercent <= 0 || askedPercent >= 100;
  const needed = samplesNeeded(askedPercent, previousPercent);
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
