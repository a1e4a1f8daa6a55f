import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../local/runtime/clock.ts";

/** A clock that stands still until a test advances it. */
export interface FakeClock extends Clock {
  /** Runs the timers that fall due within `ms` in order of time; promises settle before each and at the end. */
  advance(ms: number): Promise<void>;
  /** Due times of the pending timers, ms since the epoch, soonest first. */
  pending(): readonly number[];
}

/** `start` in ms since the epoch; default 1,000,000. */
export function createFakeClock(start = 1_000_000): FakeClock {
  let now = start;
  let sequence = 0;
  const timers = new Map<number, { readonly due: number; readonly callback: () => void }>();

  function next(until: number): number | undefined {
    let best: { readonly id: number; readonly due: number } | undefined;
    for (const [id, { due }] of timers) {
      if (due <= until && (best === undefined || due < best.due)) best = { id, due };
    }
    return best?.id;
  }

  return {
    now: () => now,
    setTimeout(callback, ms) {
      sequence += 1;
      const id = sequence;
      timers.set(id, { due: now + Math.max(0, ms), callback });
      return { cancel: () => void timers.delete(id) };
    },
    pending: () => [...timers.values()].map(({ due }) => due).sort((a, b) => a - b),
    async advance(ms) {
      const until = now + ms;
      await setImmediate();
      for (let id = next(until); id !== undefined; id = next(until)) {
        const timer = timers.get(id);
        timers.delete(id);
        if (timer !== undefined) {
          now = Math.max(now, timer.due);
          timer.callback();
        }
        await setImmediate();
      }
      now = until;
    },
  };
}
