/**
 * A clock that runs faster than the machine's, the same in every process that is given it: soaks, leases and polls keep the lengths that
 * people set, in minutes, and a test sees their end in seconds. A process gets it by `node --import` of this file; nothing of the program
 * knows. What waits for the network keeps real time: only clock.sleep is shorter.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";
import { z } from "zod";

const variable = "GUARD_TEST_CLOCK";

const setting = z.strictObject({
  /** Real ms since the epoch at which it began. */
  since: z.number(),
  /** What it said then. */
  at: z.number(),
  /** Its seconds in a real second. */
  rate: z.number().positive(),
});

export type FastClock = z.output<typeof setting>;

const realNow = Date.now;

export const readFastClock = ({ since, at, rate }: FastClock): number => Math.floor(at + (realNow() - since) * rate);

/** Environment of a process with this clock. */
export const fastClockEnv = (clock: FastClock): Readonly<Record<string, string>> => ({
  [variable]: JSON.stringify(clock),
  NODE_OPTIONS: `--import=${import.meta.url}`,
});

const given = process.env[variable];
if (given !== undefined) {
  const clock = setting.parse(JSON.parse(given));
  Date.now = () => readFastClock(clock);
  const realElapsed = performance.now.bind(performance);
  performance.now = () => realElapsed() * clock.rate;
  const timers: typeof import("node:timers/promises") = createRequire(import.meta.url)("node:timers/promises");
  const wait = timers.setTimeout;
  timers.setTimeout = (ms, ...rest) => wait(ms === undefined ? ms : ms / clock.rate, ...rest);
  syncBuiltinESMExports();
}
