/** Figures over the swaps of an environment, folded from their journals. Pure. */
import { absent, known, type Reading } from "../ports/platform-metrics.ts";
import type { SwapEvent } from "../swap/events.ts";
import { applyEvent, startState } from "../swap/fold.ts";
import { type SwapState, weightsSince } from "../swap/state.ts";

export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly most: number;
  readonly count: number;
}

export interface SwapFigures {
  readonly number: number;
  readonly open: number;
  readonly completed: number;
  readonly rolledBack: number;
  /** Ended by a person before traffic moved, or on the way. */
  readonly aborted: number;
  readonly failed: number;
  /** Completed ones among those that came to an end without a person's stop, 0-1. */
  readonly successRate: Reading<number>;
  /** Completed swaps, from start to end, ms. */
  readonly durationMs: Reading<Spread>;
  /**
   * Swaps that went back: from the last change of weights to the decision, ms. The candidate may have begun to fail later, so
   * it is an upper bound.
   */
  readonly detectMs: Reading<Spread>;
  /** From the decision until the data plane was seen to follow, ms. */
  readonly rollBackMs: Reading<Spread>;
  /** Requests that the candidate failed, of swaps whose gates saw requests; in sum, and most in one swap. */
  readonly requestsHurt: Reading<{ readonly sum: number; readonly most: number; readonly swaps: number }>;
}

/** What is taken of one swap. */
export interface SwapRun {
  readonly end: SwapState["end"];
  readonly startedAt: number;
  readonly detectMs: number | undefined;
  readonly rollBackMs: number | undefined;
  readonly hurt: number | undefined;
}

/** undefined where the journal has no beginning. */
export function swapRun(events: readonly SwapEvent[]): SwapRun | undefined {
  const [first, ...rest] = events;
  if (first?.kind !== "started") return undefined;
  let state = startState(first);
  let detectMs: number | undefined;
  for (const event of rest) {
    const next = applyEvent(state, event);
    if (state.rollback === undefined && next.rollback !== undefined && state.touched) {
      detectMs = Math.max(0, next.rollback.decidedAt - weightsSince(state));
    }
    state = next;
  }
  const { rollback, observed, end, startedAt } = state;
  return {
    end,
    startedAt,
    detectMs,
    rollBackMs: rollback?.verifiedAt === undefined ? undefined : rollback.verifiedAt - rollback.decidedAt,
    hurt: observed?.gates.candidateTotals.errors,
  };
}

export function swapFigures(runs: readonly SwapRun[]): SwapFigures {
  const ended = (as: NonNullable<SwapState["end"]>["as"]): readonly SwapRun[] =>
    runs.filter(({ end }) => end?.as === as);
  const [completed, rolledBack, failed] = [ended("completed"), ended("rolled-back"), ended("failed")];
  const decided = completed.length + rolledBack.length + failed.length;
  const hurt = present(runs.map((run) => run.hurt));
  return {
    number: runs.length,
    open: runs.filter(({ end }) => end === undefined).length,
    completed: completed.length,
    rolledBack: rolledBack.length,
    aborted: ended("aborted").length,
    failed: failed.length,
    successRate: decided === 0 ? absent("no swap has come to an end by itself") : known(completed.length / decided),
    durationMs: spread(
      present(completed.map(({ end, startedAt }) => (end === undefined ? undefined : end.at - startedAt))),
      "no swap has completed",
    ),
    detectMs: spread(present(runs.map((run) => run.detectMs)), "no swap went back after its weights had moved"),
    rollBackMs: spread(present(runs.map((run) => run.rollBackMs)), "no swap was seen to go back"),
    requestsHurt:
      hurt.length === 0
        ? absent("no swap's gates saw a request")
        : known({ sum: hurt.reduce((sum, one) => sum + one, 0), most: Math.max(...hurt), swaps: hurt.length }),
  };
}

function present(values: readonly (number | undefined)[]): readonly number[] {
  return values.filter((value) => value !== undefined);
}

/** Quantiles are real values of the list (nearest rank). */
function spread(values: readonly number[], none: string): Reading<Spread> {
  if (values.length === 0) return absent(none);
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return known({ p50: at(0.5), p95: at(0.95), most: at(1), count: values.length });
}
