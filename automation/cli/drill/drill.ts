/** `swap drill`: the campaigns that show whether the swap engine can be trusted, one after the other. */
import { crashCampaign } from "../../drill/crashes.ts";
import { falseAlarmCampaign } from "../../drill/false-alarms.ts";
import type { Fault } from "../../drill/fault.ts";
import { faultCampaign } from "../../drill/fault-campaign.ts";
import { faults } from "../../drill/faults.ts";
import { SwitchyardError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import type { Composition } from "../compose.ts";
import type { ProgressLines } from "../progress.ts";
import { plural } from "../text.ts";
import { writeDrillReport } from "./drill-report.ts";
import type { DrillResult } from "./drill-result.ts";
import { crashTable, falseAlarmTable, faultTable, killLines, roundTripTable } from "./drill-tables.ts";
import { runKills } from "./kills.ts";
import { runRoundTrips } from "./round-trips.ts";

export interface DrillOptions {
  /** Real swaps there and back under load; 0: none. */
  readonly roundTrips: number;
  /** all: every place where a process can die, once. A number: so many at random. undefined: none. */
  readonly kills: number | "all" | undefined;
  /** Names; empty: none. */
  readonly faults: readonly Fault[];
  /** Swaps of equal sides; 0: none. */
  readonly aa: number;
  readonly seed: number;
  /** Requests a second of the real campaigns. */
  readonly rate: number;
  /** What the long requests of the round trips take, seconds. */
  readonly longSeconds: number;
}

/** Random crashes of real processes: each costs seconds. */
const realKillsAtMost = 20;
/** One long request begins this often, seconds: several are in flight over every step. */
const longEverySeconds = 4;

/** `all` or names with commas. Errors: usage-error with the nearest name. */
export function chooseFaults(text: string): readonly Fault[] {
  if (text === "all") return faults;
  if (text === "none") return [];
  const names = faults.map(({ name }) => name);
  return text.split(",").map((part) => {
    const name = part.trim();
    const fault = faults.find((one) => one.name === name);
    if (fault !== undefined) return fault;
    throw new SwitchyardError("usage-error", {
      message: `There is no fault ${name}; there are ${names.join(", ")}${nearest(name, names)}`,
      next: "To play all of them:   npx switchyard swap drill --faults all",
    });
  });
}

/** Errors: drill-failed with everything that was found; those of what it runs. */
export async function runDrill(
  composition: Composition,
  lines: ProgressLines,
  signal: AbortSignal,
  options: DrillOptions,
): Promise<DrillResult> {
  const startedAt = composition.clock.wall();
  const { seed } = options;
  const found: { -readonly [Name in keyof DrillResult]?: DrillResult[Name] } = {};
  const between = (title: string): void => {
    signal.throwIfAborted();
    lines.line("");
    lines.line(title);
  };
  if (options.faults.length > 0) {
    between(`${plural(options.faults.length, "fault")}, a swap each, on a virtual clock (seed ${seed})`);
    found.faults = await faultCampaign(options.faults, seed, () => signal.throwIfAborted());
    for (const line of faultTable(found.faults.rows)) lines.line(line);
  }
  if (options.kills !== undefined) {
    between("Crashes in process, on a virtual clock");
    const { kills } = options;
    const wanted = { everywhere: kills === "all", crashes: kills === "all" ? 0 : kills };
    found.crashes = await crashCampaign(seed, wanted, () => signal.throwIfAborted());
    for (const line of crashTable(found.crashes.rows)) lines.line(line);
  }
  if (options.aa > 0) {
    between("Swaps of two equal sides, on a virtual clock");
    found.falseAlarms = await falseAlarmCampaign(seed, options.aa, () => signal.throwIfAborted());
    for (const line of falseAlarmTable(found.falseAlarms.rows)) lines.line(line);
  }
  if (options.kills !== undefined) {
    between("A real swap whose process is killed (SIGKILL)");
    const kills = options.kills === "all" ? "all" : Math.min(options.kills, realKillsAtMost);
    found.kills = await runKills(composition, lines, signal, { kills, rate: options.rate, seed });
    for (const line of killLines(found.kills)) lines.line(line);
  }
  if (options.roundTrips > 0) {
    between(`${plural(options.roundTrips, "round trip")} under load`);
    found.roundTrips = await runRoundTrips(composition, lines, signal, {
      roundTrips: options.roundTrips,
      rate: options.rate,
      seed,
      long: { everySeconds: longEverySeconds, durationSeconds: options.longSeconds },
    });
    for (const line of roundTripTable(found.roundTrips)) lines.line(line);
  }
  const problems = problemsOf(found);
  const parts = { ...found, startedAt: new Date(startedAt).toISOString(), seed, problems };
  const report = await writeDrillReport(composition, startedAt, parts);
  const result: DrillResult = { ...parts, report };
  if (problems.length === 0) return result;
  throw new SwitchyardError("drill-failed", {
    message: `${plural(problems.length, "problem")}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    next: [`To see everything:   open ${report}`],
    data: { ...result },
  });
}

/** Pure. */
export function problemsOf(
  found: Partial<Pick<DrillResult, "faults" | "crashes" | "falseAlarms" | "kills" | "roundTrips">>,
): readonly string[] {
  const judged = (name: string, problems: readonly string[]): readonly string[] =>
    problems.map((problem) => `${name}: ${problem}`);
  return [
    ...(found.faults?.rows ?? []).flatMap((row) => judged(`fault ${row.name}`, row.problems)),
    ...(found.crashes?.rows ?? []).flatMap((row) => judged(`crashes, ${row.swap}, ${row.kind}`, row.problems)),
    ...(found.falseAlarms?.rows ?? []).flatMap((row) => judged(`equal sides, ${row.traffic}`, row.problems)),
    ...judged("kills", found.kills?.problems ?? []),
    ...judged("round trips", found.roundTrips?.problems ?? []),
  ];
}
