/**
 * The stop gate's evidence that the candidate fails more often than the old side: an anytime-valid sequential test.
 * Each error is a draw "which side?". If both sides were alike it would fall on the candidate with probability equal to
 * the candidate's share of the requests; the likelihood ratio against that, averaged over risk ratios, is an e-value:
 * under no difference it exceeds 1/alpha at any time with probability at most alpha (shared research, hot swap 2.5).
 */

/** 12 log-spaced risk ratios from 1.5 to 1000, equal weight. */
export const riskRatios: readonly number[] = Object.freeze(
  Array.from({ length: 12 }, (_, index) => 1.5 * (1_000 / 1.5) ** (index / 11)),
);

export interface ErrorEvidence {
  /** Log likelihood ratio per risk ratio. */
  readonly logRatios: readonly number[];
  /** Errors that counted, by side. */
  readonly candidateErrors: number;
  readonly oldErrors: number;
}

export const noErrorEvidence: ErrorEvidence = Object.freeze({
  logRatios: riskRatios.map(() => 0),
  candidateErrors: 0,
  oldErrors: 0,
});

/**
 * Adds one error. `share` is the candidate's share of the requests, in (0, 1); at 0 or 1 there is nothing to compare and
 * the error adds no evidence.
 */
export function addError(evidence: ErrorEvidence, onCandidate: boolean, share: number): ErrorEvidence {
  const counted = {
    candidateErrors: evidence.candidateErrors + (onCandidate ? 1 : 0),
    oldErrors: evidence.oldErrors + (onCandidate ? 0 : 1),
  };
  if (!(share > 0 && share < 1)) return { ...evidence, ...counted };
  return {
    ...counted,
    logRatios: evidence.logRatios.map((logRatio, index) => {
      const ratio = riskRatios[index] ?? 1;
      const onCandidateIfWorse = (share * ratio) / (share * ratio + 1 - share);
      return logRatio + Math.log(onCandidate ? onCandidateIfWorse / share : (1 - onCandidateIfWorse) / (1 - share));
    }),
  };
}

/** The e-value: how many times likelier the errors are if the candidate is worse. Stop at 1/alpha. */
export function eValue(evidence: ErrorEvidence): number {
  const top = Math.max(...evidence.logRatios);
  const sum = evidence.logRatios.reduce((total, logRatio) => total + Math.exp(logRatio - top), 0);
  return Math.exp(top) * (sum / evidence.logRatios.length);
}
