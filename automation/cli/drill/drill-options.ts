/** What a drill is told, from the command's flags. Pure. */
import type { Fault } from "../../drill/fault.ts";
import { faults } from "../../drill/faults.ts";
import { SwitchyardError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";

export interface DrillOptions {
  /** Real swaps there and back under load; 0: none. */
  readonly roundTrips: number;
  /** all: every place where a process can die, once. A number: so many at random. undefined: none. */
  readonly kills: number | "all" | undefined;
  /** In process, at random, beside those at every place; 0: none. */
  readonly randomCrashes: number;
  /** Empty: none. */
  readonly faults: readonly Fault[];
  /** Swaps of equal sides; 0: none. */
  readonly aa: number;
  readonly seed: number;
  /** Requests a second of the real campaigns. */
  readonly rate: number;
  /** What the long requests of the round trips take, seconds. */
  readonly longSeconds: number;
}

export interface DrillFlags {
  readonly "round-trips"?: number | undefined;
  readonly kills?: string | undefined;
  readonly faults?: string | undefined;
  readonly aa?: number | undefined;
  readonly "long-seconds"?: number | undefined;
  readonly seed: number;
  readonly rate: number;
}

/** CI runs it in under five minutes (issue "a swap engine that can be trusted"). */
const short = { roundTrips: 1, kills: "all", randomCrashes: 100, aa: 1_000, longSeconds: 10 } as const;
/** Beside those at every place, with --kills all. */
const randomCrashesOfAll = 1_000;
const longSecondsByDefault = 60;

/** Without the name of a campaign a short drill of all; else only those that are named. Errors: usage-error. */
export function drillOptions(flags: DrillFlags): DrillOptions {
  const { kills, aa, rate, seed, "round-trips": roundTrips, "long-seconds": longSeconds } = flags;
  const named = [roundTrips, kills, flags.faults, aa].some((flag) => flag !== undefined);
  if (!named) {
    return { ...short, faults, longSeconds: longSeconds ?? short.longSeconds, rate, seed };
  }
  const wanted = kills === undefined ? undefined : parseKills(kills);
  const options = {
    roundTrips: roundTrips ?? 0,
    kills: wanted,
    randomCrashes: wanted === "all" ? randomCrashesOfAll : (wanted ?? 0),
    faults: flags.faults === undefined ? [] : chooseFaults(flags.faults),
    aa: aa ?? 0,
    longSeconds: longSeconds ?? longSecondsByDefault,
    rate,
    seed,
  };
  if (options.roundTrips === 0 && options.kills === undefined && options.faults.length === 0 && options.aa === 0) {
    throw new SwitchyardError("usage-error", {
      message: "A drill without a round trip, a kill, a fault or a swap of equal sides shows nothing",
      next: "For a short one of all:   npx switchyard swap drill",
    });
  }
  return options;
}

/** `all`, or a whole number. Errors: usage-error. */
export function parseKills(text: string): number | "all" {
  if (text === "all") return "all";
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number > 0) return number;
  throw new SwitchyardError("usage-error", {
    message: `--kills ${text} is neither all nor a number from 1 to 999999`,
    next: "Say for example --kills all.",
  });
}

/** `all`, or names with commas, each once. Errors: usage-error with the nearest name. */
export function chooseFaults(text: string): readonly Fault[] {
  if (text === "all") return faults;
  const known = faults.map(({ name }) => name);
  const wanted = new Set(text.split(",").map((part) => part.trim()));
  return [...wanted].map((name) => {
    const fault = faults.find((one) => one.name === name);
    if (fault !== undefined) return fault;
    throw new SwitchyardError("usage-error", {
      message: `There is no fault "${name}"${nearest(name, known)}. There are ${known.join(", ")}`,
      next: "To play all of them:   npx switchyard swap drill --faults all",
    });
  });
}
