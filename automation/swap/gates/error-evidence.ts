/**
 * Evidence that something bad falls on the candidate more often than on the old side: an anytime-valid sequential test.
 * Each event (a failed request; in latency-evidence.ts a slow one) is a draw "which side?". If both sides were alike it would fall
 * on the candidate with probability equal to the candidate's share of the requests; the likelihood ratio against that, averaged
 * over risk ratios, is an e-value: under no difference it exceeds 1/alpha at any time with probability at most alpha
 * (shared research, hot swap 2.5).
 */

/** 12 log-spaced risk ratios from 1.5 to 1000, equal weight. */
export const riskRatios: readonly number[] = Object.freeze(
  Array.from({ length: 12 }, (_, index) => 1.5 * (1_000 / 1.5) ** (index / 11)),
);
const count = riskRatios.length;
const ratios = Float64Array.from(riskRatios);
const logs = Float64Array.from(riskRatios, Math.log);

/** Changed in place by `addError`. */
export interface ErrorEvidence {
  /** Log likelihood ratio per risk ratio. */
  readonly logRatios: Float64Array;
  /** Events that counted, by side. */
  candidateErrors: number;
  oldErrors: number;
  /** For the share of the last event: log of 1 + share x (ratio - 1). Derived, kept because the share is often the same. */
  readonly mixed: Float64Array;
  mixedFor: number;
}

export function createErrorEvidence(): ErrorEvidence {
  return {
    logRatios: new Float64Array(count),
    candidateErrors: 0,
    oldErrors: 0,
    mixed: new Float64Array(count),
    mixedFor: 0,
  };
}

/**
 * Adds one event. `share` is the candidate's share of the requests, in (0, 1); at 0 or 1 there is nothing to compare and
 * the event adds no evidence. A share that is too large errs on the candidate's side, one that is too small against it.
 */
export function addError(evidence: ErrorEvidence, onCandidate: boolean, share: number): void {
  if (onCandidate) evidence.candidateErrors += 1;
  else evidence.oldErrors += 1;
  if (!(share > 0 && share < 1)) return;
  const { logRatios, mixed } = evidence;
  if (evidence.mixedFor !== share) {
    for (let index = 0; index < count; index += 1) mixed[index] = Math.log1p(share * ((ratios[index] ?? 1) - 1));
    evidence.mixedFor = share;
  }
  // (share x ratio) / (share x ratio + 1 - share) / share on the candidate, 1 / (share x ratio + 1 - share) on the old side.
  for (let index = 0; index < count; index += 1)
    logRatios[index] = (logRatios[index] ?? 0) + (onCandidate ? (logs[index] ?? 0) : 0) - (mixed[index] ?? 0);
}

/** Natural logarithm of the e-value; it does not run out of digits. */
export function logEValue({ logRatios }: ErrorEvidence): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < count; index += 1) top = Math.max(top, logRatios[index] ?? top);
  let sum = 0;
  for (let index = 0; index < count; index += 1) {
    const below = (logRatios[index] ?? 0) - top;
    // e^-40 beside 1 is less than a double holds.
    if (below > -40) sum += Math.exp(below);
  }
  return top + Math.log(sum / count);
}

/** The e-value: how many times likelier the events are if the candidate is worse. Stop at 1/alpha. */
export function eValue(evidence: ErrorEvidence): number {
  return Math.exp(logEValue(evidence));
}
