/**
 * How many bad verdicts a step bears: the limits of Argo Rollouts, all "greater than" (shared research, hot swap 2.1).
 */
import { z } from "zod";
import type { Verdict } from "./verdict.ts";

const count = z.number().int().min(0);

export const verdictTally = z.object({
  successful: count,
  inconclusive: count,
  error: count,
  failed: count,
  /** Errors in a row up to now: a source that answers again is forgiven. */
  consecutiveErrors: count,
  /** The longest such run: an end that was reached is not undone by what comes after it. */
  longestErrors: count,
});

export type VerdictTally = Readonly<z.infer<typeof verdictTally>>;

export const noVerdicts: VerdictTally = Object.freeze({
  successful: 0,
  inconclusive: 0,
  error: 0,
  failed: 0,
  consecutiveErrors: 0,
  longestErrors: 0,
});

export interface VerdictLimits {
  /** More failures than this end it as failed; default 0, -1: never. */
  readonly failureLimit: number;
  /** More inconclusive verdicts than this end it as inconclusive; default 0. */
  readonly inconclusiveLimit: number;
  /** More errors in a row than this end it as an error; default 4: the fifth one. */
  readonly consecutiveErrorLimit: number;
}

export const defaultLimits: VerdictLimits = Object.freeze({
  failureLimit: 0,
  inconclusiveLimit: 0,
  consecutiveErrorLimit: 4,
});

export function foldVerdict(tally: VerdictTally, verdict: Verdict): VerdictTally {
  const consecutiveErrors = verdict === "error" ? tally.consecutiveErrors + 1 : 0;
  return {
    ...tally,
    [verdict]: tally[verdict] + 1,
    consecutiveErrors,
    longestErrors: Math.max(tally.longestErrors, consecutiveErrors),
  };
}

/** How it ended; the worst that is true wins. undefined: it goes on. */
export function outcomeOf(tally: VerdictTally, limits: VerdictLimits): Exclude<Verdict, "successful"> | undefined {
  const { failureLimit, inconclusiveLimit, consecutiveErrorLimit } = limits;
  if (failureLimit >= 0 && tally.failed > failureLimit) return "failed";
  if (tally.longestErrors > consecutiveErrorLimit) return "error";
  return tally.inconclusive > inconclusiveLimit ? "inconclusive" : undefined;
}
