import type { Clock } from "./clock.ts";

/** The machine's time. A pending timer keeps the process alive, as those of node:timers do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout(callback, ms) {
    const handle = setTimeout(callback, Math.max(0, ms));
    return { cancel: () => clearTimeout(handle) };
  },
};
