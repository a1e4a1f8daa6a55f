/** Requests to one server in turn, first come first served, within its budget. */
import type { Clock } from "../ports/clock.ts";
import { type Allowance, type BudgetLimits, learn, startBudget, take } from "./request-budget.ts";

export interface RequestTurns {
  /**
   * Resolves when a request may be sent, with that time; undefined when it would take longer than `patienceMs`. Rejects with the
   * signal's reason.
   */
  turn(patienceMs: number, signal?: AbortSignal): Promise<number | undefined>;
  /** Must follow every turn. `said` undefined: no answer came. */
  answered(sentAt: number, said: Allowance | undefined): void;
}

export function createRequestTurns(limits: BudgetLimits, clock: Pick<Clock, "now" | "sleep">): RequestTurns {
  let budget = startBudget;
  let queue: Promise<unknown> = Promise.resolve();
  let reply = Promise.withResolvers<void>();

  /** Until a reply has come. */
  const listen = async (signal: AbortSignal | undefined): Promise<void> => {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([reply.promise, aborted]);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  };

  const wait = async (patienceMs: number, signal: AbortSignal | undefined): Promise<number | undefined> => {
    const until = clock.now() + patienceMs;
    for (;;) {
      signal?.throwIfAborted();
      const taken = take(budget, limits, clock.now());
      if (taken.kind === "go") {
        budget = taken.budget;
        return clock.now();
      }
      if (taken.kind === "listen") {
        await listen(signal);
        continue;
      }
      if (clock.now() + taken.ms > until) return undefined;
      await clock.sleep(taken.ms, signal);
    }
  };

  return {
    turn(patienceMs, signal) {
      const mine = queue.then(() => wait(patienceMs, signal));
      queue = mine.catch(() => undefined);
      return mine;
    },
    answered(sentAt, said) {
      budget = learn(budget, limits, clock.now(), sentAt, said);
      reply.resolve();
      reply = Promise.withResolvers();
    },
  };
}
