/**
 * `swap drill`: the campaigns that show whether the swap engine can be trusted. The real ones one after the other; beside them the
 * simulated ones in a process of their own, told of between them.
 */
import { alertRates } from "../../drill/alerting.ts";
import { SwitchyardError } from "../../errors.ts";
import type { Composition } from "../compose.ts";
import type { ProgressLines } from "../progress.ts";
import { duration, plural } from "../text.ts";
import type { DrillOptions } from "./drill-options.ts";
import { clearDeadPlaces, type DrillPlace, openDrillPlace } from "./drill-place.ts";
import { writeDrillReport } from "./drill-report.ts";
import type { DrillResult } from "./drill-result.ts";
import { alertLines, crashTable, falseAlarmTable, faultTable, killLines, roundTripTable } from "./drill-tables.ts";
import { runKills } from "./kills.ts";
import { runRoundTrips } from "./round-trips.ts";
import { Simulation } from "./simulation.ts";

/** Random crashes of real processes: each costs seconds. */
const realKillsAtMost = 20;
/** One long request begins this often, seconds: several are in flight over every step. */
const longEverySeconds = 4;
/** Problems in the error's text; the report has them all. */
const problemsTold = 20;

export interface DrillSurroundings {
  /** Of the checkout. */
  readonly composition: Composition;
  /** The wiring of a checkout elsewhere, whose local cloud ends with this process. */
  readonly compose: (root: string) => Composition;
  readonly lines: ProgressLines;
  readonly signal: AbortSignal;
}

/** Errors: drill-failed with everything that was found; engine-missing; those of the disk. */
export async function runDrill(surroundings: DrillSurroundings, options: DrillOptions): Promise<DrillResult> {
  const { composition, lines, signal } = surroundings;
  const startedAt = composition.clock.wall();
  const { kills, roundTrips } = options;
  const found: Found = {};
  const broken: string[] = [];
  await clearDeadPlaces(composition);
  const real = kills !== undefined || roundTrips > 0;
  // Before the campaigns that need it, because it may take minutes or fail.
  if (real) await composition.resolveEngine();

  /** Campaigns that could not be carried out are findings, too: the others still are. */
  const campaign: Tell = async (name, title, run) => {
    signal.throwIfAborted();
    lines.line("");
    lines.line(title);
    const beganAt = performance.now();
    let tookMs: number | undefined;
    try {
      const told = await run();
      tookMs = told.tookMs;
      for (const line of told.lines) lines.line(line);
    } catch (error) {
      // Whatever broke off, this is why.
      signal.throwIfAborted();
      if (!(error instanceof SwitchyardError)) throw error;
      broken.push(`${name}: not carried out, ${error.code}: ${error.message}`);
      lines.line(`Not carried out: ${error.message}`);
    }
    lines.line(`Took ${duration(tookMs ?? performance.now() - beganAt)}.`);
  };

  const simulation = simulate(composition.root, options);
  const onAbort = (): void => void simulation?.kill();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const waiting = simulation === undefined ? [] : simulatedCampaigns(simulation, options, found);
    if (real && waiting.length > 0) lines.line("The campaigns on a virtual clock run beside the real ones.");
    const tell = async (which: "those that ended" | "all"): Promise<void> => {
      for (let next = waiting[0]; next !== undefined && (which === "all" || next.ended()); next = waiting[0]) {
        waiting.shift();
        await campaign(next.name, next.title, next.result);
      }
    };
    if (kills !== undefined)
      await campaign("kills", "Real swaps whose process is killed (SIGKILL)", () =>
        realKills(surroundings, options, kills, found),
      );
    await tell("those that ended");
    if (roundTrips > 0)
      await campaign("round trips", `${plural(roundTrips, "round trip")} under load`, () =>
        realRoundTrips(surroundings, options, found),
      );
    await tell("all");
  } finally {
    signal.removeEventListener("abort", onAbort);
    await simulation?.kill();
  }

  signal.throwIfAborted();
  const problems = [...problemsOf(found), ...broken];
  const told = found.faults !== undefined || found.falseAlarms !== undefined;
  const alerts = told ? { alerts: alertRates(found.faults, found.falseAlarms) } : {};
  const parts = { ...found, ...alerts, startedAt: new Date(startedAt).toISOString(), seed: options.seed, problems };
  const result: DrillResult = { ...parts, report: await writeDrillReport(composition, startedAt, parts) };
  if (problems.length === 0) return result;
  throw drillFailed(result);
}

/** What is told of a campaign, and how long it took where that is not as long as it was waited for, ms. */
interface Told {
  readonly lines: readonly string[];
  readonly tookMs?: number;
}

type Tell = (name: string, title: string, run: () => Promise<Told>) => Promise<void>;

/** The simulated campaigns begin; undefined: none is wanted. */
function simulate(root: string, { seed, faults, kills, randomCrashes, aa }: DrillOptions): Simulation | undefined {
  if (faults.length === 0 && kills === undefined && aa === 0) return undefined;
  const crashes = kills === undefined ? {} : { crashes: { everywhere: kills === "all", crashes: randomCrashes } };
  return Simulation.start(root, { seed, faults: faults.map(({ name }) => name), ...crashes, aa });
}

interface SimulatedCampaign {
  readonly name: string;
  readonly title: string;
  readonly ended: () => boolean;
  readonly result: () => Promise<Told>;
}

/** Those that are wanted, in their order. */
function simulatedCampaigns(
  simulation: Simulation,
  { seed, faults, kills, aa }: DrillOptions,
  found: Found,
): SimulatedCampaign[] {
  const all: (SimulatedCampaign & { readonly wanted: boolean })[] = [
    {
      name: "faults",
      title: `${plural(faults.length, "fault")}, a swap each, on a virtual clock (seed ${seed})`,
      wanted: faults.length > 0,
      ended: () => simulation.faults.settled,
      result: async () => {
        found.faults = await simulation.faults.result;
        const { rows, tookMs } = found.faults;
        return { lines: [...faultTable(rows), ...alertLines(alertRates(found.faults, undefined))], tookMs };
      },
    },
    {
      name: "crashes",
      title: "Crashes in process, on a virtual clock",
      wanted: kills !== undefined,
      ended: () => simulation.crashes.settled,
      result: async () => {
        found.crashes = await simulation.crashes.result;
        return { lines: crashTable(found.crashes.rows), tookMs: found.crashes.tookMs };
      },
    },
    {
      name: "equal sides",
      title: "Swaps of two equal sides, on a virtual clock",
      wanted: aa > 0,
      ended: () => simulation.falseAlarms.settled,
      result: async () => {
        found.falseAlarms = await simulation.falseAlarms.result;
        const { rows, tookMs } = found.falseAlarms;
        return { lines: [...falseAlarmTable(rows), ...alertLines(alertRates(undefined, found.falseAlarms))], tookMs };
      },
    },
  ];
  return all.filter(({ wanted }) => wanted);
}

async function realKills(
  surroundings: DrillSurroundings,
  { rate, seed }: DrillOptions,
  kills: number | "all",
  found: Found,
): Promise<Told> {
  const { lines, signal } = surroundings;
  const wanted = kills === "all" ? kills : Math.min(kills, realKillsAtMost);
  found.kills = await inPlace(surroundings, "kills", (own, place) =>
    runKills(own, place, lines, signal, { kills: wanted, rate, seed }),
  );
  return { lines: killLines(found.kills) };
}

async function realRoundTrips(
  surroundings: DrillSurroundings,
  { roundTrips, longSeconds, rate, seed }: DrillOptions,
  found: Found,
): Promise<Told> {
  const { lines, signal } = surroundings;
  const long = { everySeconds: longEverySeconds, durationSeconds: longSeconds };
  found.roundTrips = await inPlace(surroundings, "trips", (own) =>
    runRoundTrips(own, lines, signal, { roundTrips, rate, seed, long }),
  );
  return { lines: roundTripTable(found.roundTrips) };
}

/** A real campaign, in a place of its own that is gone afterwards. */
async function inPlace<Result>(
  { composition, compose }: DrillSurroundings,
  name: string,
  work: (own: Composition, place: DrillPlace) => Promise<Result>,
): Promise<Result> {
  const place = await openDrillPlace(composition, name);
  try {
    return await work(compose(place.root), place);
  } finally {
    await place.close();
  }
}

type Campaigns = Pick<DrillResult, "faults" | "crashes" | "falseAlarms" | "kills" | "roundTrips">;
type Found = { -readonly [Name in keyof Campaigns]?: Campaigns[Name] };

/** Pure. */
export function problemsOf(found: Campaigns): readonly string[] {
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

/** The error of a drill that found something. Pure. */
export function drillFailed(result: DrillResult): SwitchyardError {
  const { problems, report } = result;
  const more = problems.length - problemsTold;
  const told = problems.slice(0, problemsTold).map((problem) => `  ${problem}`);
  return new SwitchyardError("drill-failed", {
    message: [`${plural(problems.length, "problem")}:`, ...told, ...(more > 0 ? [`  and ${more} more`] : [])].join(
      "\n",
    ),
    next: [`To see everything:   open ${report}`],
    data: { ...result },
  });
}
