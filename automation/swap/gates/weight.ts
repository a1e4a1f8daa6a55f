/**
 * Does the data plane follow the weight? Judged on the last probes only, since older ones may have met the old weight
 * (sample sizes: shared research, hot swap 2.5).
 */
import type { Verdict } from "./verdict.ts";

/** Samples that give 3 sigma of 1 point at 1 %, 2 points at 5 %, 5 points at 50 %. */
export const samplesForShare = 1_000;
/** Clean samples in a row that bound the other side's share below 0.1 % at 95 %. */
export const samplesForAll = 2_995;

/** No step needs more: from 1,000 probes a second it would take longer than anybody waits. */
const samplesAtMost = 100_000;

/**
 * Probes that tell the share asked for from the one before: the tolerance of 3 sigma is at most a quarter of the gap, so that a
 * plane that still has the old weight does not pass for one that follows.
 */
export function samplesNeeded(askedPercent: number, previousPercent: number): number {
  if (askedPercent <= 0 || askedPercent >= 100) return samplesForAll;
  // At 0 % before, the first probe on the candidate tells.
  if (previousPercent <= 0) return samplesForShare;
  const share = askedPercent / 100;
  const gap = Math.abs(askedPercent - previousPercent) / 100;
  return Math.min(samplesAtMost, Math.max(samplesForShare, Math.ceil((12 / gap) ** 2 * share * (1 - share))));
}

/** Sides that a window tells apart; the header's later names count as one. */
const sidesAtMost = 255;

/** The last probes' sides. Changed in place by `addProbes`; the counts of the last `judged` ones are kept as they come. */
export interface ProbeWindow {
  /** A ring of the sides' numbers, grown up to `samplesAtMost`. */
  ring: Uint8Array;
  /** Probes so far. */
  total: number;
  readonly sides: Map<string, number>;
  /** How many of the last probes `counts` holds; chosen by the look. */
  judged: number;
  readonly counts: Uint32Array;
}

export function createProbeWindow(): ProbeWindow {
  return {
    ring: new Uint8Array(4_096),
    total: 0,
    sides: new Map(),
    judged: samplesForShare,
    counts: new Uint32Array(sidesAtMost + 1),
  };
}

export function addProbes(window: ProbeWindow, sides: readonly string[]): void {
  for (const side of sides) {
    if (window.total === window.ring.length && window.total < samplesAtMost) {
      const grown = new Uint8Array(Math.min(samplesAtMost, window.ring.length * 2));
      grown.set(window.ring);
      window.ring = grown;
    }
    const { ring, counts, total, judged } = window;
    // What leaves is read before the newcomer may take its place in the ring.
    if (total >= judged) bump(counts, ring[(total - judged) % ring.length] ?? 0, -1);
    const number = numberOf(window, side);
    ring[total % ring.length] = number;
    bump(counts, number, 1);
    window.total += 1;
  }
}

function numberOf({ sides }: ProbeWindow, side: string): number {
  const known = sides.get(side);
  if (known !== undefined) return known;
  if (sides.size >= sidesAtMost) return sidesAtMost;
  sides.set(side, sides.size);
  return sides.size - 1;
}

/** Counts the last `needed` probes anew; only when another number of them is asked for. */
function judgeLast(window: ProbeWindow, needed: number): void {
  const { ring, counts, total } = window;
  window.judged = needed;
  counts.fill(0);
  for (let index = Math.max(0, total - needed); index < total; index += 1)
    bump(counts, ring[index % ring.length] ?? 0, 1);
}

function bump(counts: Uint32Array, number: number, by: 1 | -1): void {
  counts[number] = (counts[number] ?? 0) + by;
}

function countOf({ sides, counts }: ProbeWindow, side: string): number {
  const number = sides.get(side);
  return number === undefined ? 0 : (counts[number] ?? 0);
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
  if (window.judged !== needed) judgeLast(window, needed);
  const samples = Math.min(needed, window.total);
  const onCandidate = countOf(window, candidate);
  const unknown = samples - onCandidate - countOf(window, old);
  const seenPercent = samples === 0 ? 0 : (onCandidate / samples) * 100;
  const share = askedPercent / 100;
  const tolerancePercent = everything ? 0 : 300 * Math.sqrt((share * (1 - share)) / needed);
  const within = everything
    ? onCandidate === (askedPercent > 0 ? samples : 0)
    : Math.abs(seenPercent - askedPercent) <= tolerancePercent && onCandidate > 0;
  // A probe without a side header is neither side's: it breaks a clean run, and a share of 1 in 100 of them is no reading.
  const readable = everything ? unknown === 0 : unknown <= samples / 100;
  const verdict = samples >= needed && within && readable ? "successful" : "inconclusive";
  return { verdict, samples, needed, seenPercent, tolerancePercent };
}
