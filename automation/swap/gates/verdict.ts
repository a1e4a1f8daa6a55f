/** Outcomes of a look, from best to worst (Argo Rollouts' order: shared research, hot swap 2.1). */
export const verdicts = ["successful", "inconclusive", "error", "failed"] as const;

export type Verdict = (typeof verdicts)[number];

/** The worst wins; nothing looked at is inconclusive. */
export function worst(all: readonly Verdict[]): Verdict {
  if (all.length === 0) return "inconclusive";
  return all.reduce((a, b) => (verdicts.indexOf(a) >= verdicts.indexOf(b) ? a : b));
}
