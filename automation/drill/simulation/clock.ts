import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../ports/clock.ts";

/** Time without waiting: it moves only when it is told to, or when everything sleeps. */
export interface VirtualClock extends Clock {
  /** Moves time by `ms`, waking sleepers in order. */
  advance(ms: number): Promise<void>;
  /**
   * Runs the work to its end; whenever it has nothing to do but sleep, time jumps to the next sleeper. Work that waits for
   * real I/O is left to finish first. Fails when it neither sleeps nor ends within 5 s of real time.
   */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Real work, of files or sockets: time stands still until it is done. */
  hold<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Somebody sets the system's clock: `wall` jumps, `now` does not. */
  setWall(byMs: number): void;
}

interface Sleeper {
  readonly due: number;
  readonly order: number;
  readonly wake: () => void;
}

const patienceMs = 5_000;

/**
 * `start` in ms since the epoch; default 2026-01-01. `turns` of the event loop are waited for until work counts as sleeping:
 * one is enough where nothing does I/O; default 3.
 */
export function createVirtualClock(start = Date.UTC(2026, 0, 1), turns = 3): VirtualClock {
  let now = start;
  let wallAhead = 0;
  let order = 0;
  let held = 0;
  const sleepers = new Sleepers();

  const wake = (sleeper: Sleeper): void => {
    now = Math.max(now, sleeper.due);
    sleeper.wake();
  };

  // Promises that need no I/O are settled before the next turn of the loop; files and sockets may need some more.
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) await setImmediate();
  };

  return {
    now: () => now,
    wall: () => now + wallAhead,
    setWall(byMs) {
      wallAhead += byMs;
    },
    async hold(work) {
      held += 1;
      try {
        return await work();
      } finally {
        held -= 1;
      }
    },
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const abort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        order += 1;
        const sleeper: Sleeper = {
          due: now + Math.max(0, ms),
          order,
          wake: () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          },
        };
        signal?.addEventListener("abort", abort, { once: true });
        sleepers.add(sleeper);
      });
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (let next = sleepers.takeUntil(until); next !== undefined; next = sleepers.takeUntil(until)) {
        wake(next);
        await settle();
      }
      now = until;
    },
    async run(work) {
      let settled = false;
      const result = work().finally(() => {
        settled = true;
      });
      // The caller gets the rejection; this only keeps it from being reported as unhandled before.
      result.catch(() => undefined);
      let idleSince = performance.now();
      for (;;) {
        await settle();
        if (settled) return result;
        const next = held > 0 ? undefined : sleepers.takeUntil(Number.POSITIVE_INFINITY);
        if (next !== undefined) {
          wake(next);
          idleSince = performance.now();
        } else if (performance.now() - idleSince > patienceMs) {
          throw new Error(`the work neither slept nor ended within ${patienceMs} ms`);
        }
      }
    },
  };
}

/** Few at a time, so a list in no order does. */
class Sleepers {
  readonly #all = new Set<Sleeper>();

  add(sleeper: Sleeper): void {
    this.#all.add(sleeper);
  }

  delete(sleeper: Sleeper): void {
    this.#all.delete(sleeper);
  }

  /** Takes out the one that is due first, and of those due at the same time the one that slept first. */
  takeUntil(until: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#all) {
      if (sleeper.due > until) continue;
      if (first === undefined || sleeper.due < first.due || (sleeper.due === first.due && sleeper.order < first.order))
        first = sleeper;
    }
    if (first !== undefined) this.#all.delete(first);
    return first;
  }
}
