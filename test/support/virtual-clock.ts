import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../automation/ports/clock.ts";

/** The engine's clock without waiting: time moves only when the test says so, or when everything sleeps. */
export interface VirtualClock extends Clock {
  /** Moves time by `ms`, waking sleepers in order. */
  advance(ms: number): Promise<void>;
  /**
   * Runs the work to its end; whenever it has nothing to do but sleep, time jumps to the next sleeper. Work that waits for
   * real I/O is left to finish first. Fails when it neither sleeps nor ends within 5 s of real time.
   */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

const patienceMs = 5_000;

/** `start` in ms since the epoch; default 2026-01-01. */
export function createVirtualClock(start = Date.UTC(2026, 0, 1)): VirtualClock {
  let now = start;
  const sleepers = new Set<Sleeper>();

  const earliest = (): Sleeper | undefined =>
    [...sleepers].reduce<Sleeper | undefined>(
      (first, sleeper) => (first === undefined || sleeper.due < first.due ? sleeper : first),
      undefined,
    );

  const wake = (sleeper: Sleeper): void => {
    now = Math.max(now, sleeper.due);
    sleepers.delete(sleeper);
    sleeper.wake();
  };

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
  };

  return {
    now: () => now,
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
        const sleeper: Sleeper = {
          due: now + Math.max(0, ms),
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
      for (let next = earliest(); next !== undefined && next.due <= until; next = earliest()) {
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
        const next = earliest();
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
