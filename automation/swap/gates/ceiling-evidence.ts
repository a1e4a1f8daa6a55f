/**
 * Evidence that the candidate's share of failed requests is above a ceiling: a likelihood ratio against the ceiling,
 * averaged over larger shares, that starts again whenever it falls below one (Page's cumulative sum). So a candidate that
 * was good for an hour and then breaks is found as fast as one that was bad from the start. Needed where the comparison
 * with the old side says nothing: at 100 %, and where both are bad.
 */

/** Alternatives between the ceiling and one, as shares of the way. */
const ways = [0.05, 0.1, 0.2, 0.4, 0.7, 0.98] as const;

/** One likelihood ratio per alternative. */
export type CeilingEvidence = readonly number[];

export const noCeilingEvidence: CeilingEvidence = Object.freeze(ways.map(() => 1));

/** Adds one finished request of the candidate. */
export function addToCeiling(evidence: CeilingEvidence, failed: boolean, ceiling: number): CeilingEvidence {
  if (ceiling >= 1) return evidence;
  return evidence.map((ratio, index) => {
    const alternative = ceiling + (1 - ceiling) * (ways[index] ?? 0);
    const step = failed ? alternative / ceiling : (1 - alternative) / (1 - ceiling);
    return Math.max(1, ratio) * step;
  });
}

/** How many times likelier a share above the ceiling is. A ceiling of 1 can never be passed. */
export function ceilingValue(evidence: CeilingEvidence): number {
  return evidence.reduce((sum, ratio) => sum + ratio, 0) / evidence.length;
}
