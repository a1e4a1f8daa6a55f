/** `swap drill`: the campaigns that show whether the swap engine can be trusted, one after the other. */
import { alertRates } from "../../drill/alerting.ts";
import { crashCampaign } from "../../drill/crashes.ts";
import { falseAlarmCampaign } from "../../drill/false-alarms.ts";
import { faultCampaign } from "../../drill/fault-campaign.ts";
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

/** Random crashes beside those at every place. */
const randomCrashes = 1_000;
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
  const { seed, rate, kills } = options;
  const found: Found = {};
  const broken: string[] = [];
  await clearDeadPlaces(composition);
  // Before the campaigns that need it, because it may take minutes or fail.
  if (kills !== undefined || options.roundTrips > 0) await composition.resolveEngine();

  /** Campaigns that could not be carried out are findings, too: the others still are. */
  const campaign = async (name: string, title: string, run: () => Promise<readonly string[]>): Promise<void> => {
    signal.throwIfAborted();
    lines.line("");
    lines.line(title);
    const beganAt = performance.now();
    try {
      for (const line of await run()) lines.line(line);
    } catch (error) {
      // Whatever broke off, this is why.
      signal.throwIfAborted();
      if (!(error instanceof SwitchyardError)) throw error;
      broken.push(`${name}: not carried out, ${error.code}: ${error.message}`);
      lines.line(`Not carried out: ${error.message}`);
    }
    lines.line(`Took ${duration(performance.now() - beganAt)}.`);
  };
  const onRow = (): void => signal.throwIfAborted();

  if (options.faults.length > 0)
    await campaign(
      "faults",
      `${plural(options.faults.length, "fault")}, a swap each, on a virtual clock (seed ${seed})`,
      async () => {
        found.faults = await faultCampaign(options.faults, seed, onRow);
        return [...faultTable(found.faults.rows), ...alertLines(alertRates(found.faults, undefined))];
      },
    );
  if (kills !== undefined)
    await campaign("crashes", "Crashes in process, on a virtual clock", async () => {
      const wanted = { everywhere: kills === "all", crashes: kills === "all" ? randomCrashes : kills };
      found.crashes = await crashCampaign(seed, wanted, onRow);
      return crashTable(found.crashes.rows);
    });
  if (options.aa > 0)
    await campaign("equal sides", "Swaps of two equal sides, on a virtual clock", async () => {
      found.falseAlarms = await falseAlarmCampaign(seed, options.aa, onRow);
      return [...falseAlarmTable(found.falseAlarms.rows), ...alertLines(alertRates(undefined, found.falseAlarms))];
    });
  if (kills !== undefined)
    await campaign("kills", "Real swaps whose process is killed (SIGKILL)", async () => {
      const wanted = kills === "all" ? kills : Math.min(kills, realKillsAtMost);
      found.kills = await inPlace(surroundings, "kills", (own, place) =>
        runKills(own, place, lines, signal, { kills: wanted, rate, seed }),
      );
      return killLines(found.kills);
    });
  if (options.roundTrips > 0)
    await campaign("round trips", `${plural(options.roundTrips, "round trip")} under load`, async () => {
      found.roundTrips = await inPlace(surroundings, "trips", (own) =>
        runRoundTrips(own, lines, signal, {
          roundTrips: options.roundTrips,
          rate,
          seed,
          long: { everySeconds: longEverySeconds, durationSeconds: options.longSeconds },
        }),
      );
      return roundTripTable(found.roundTrips);
    });

  signal.throwIfAborted();
  const problems = [...problemsOf(found), ...broken];
  const told = found.faults !== undefined || found.falseAlarms !== undefined;
  const alerts = told ? { alerts: alertRates(found.faults, found.falseAlarms) } : {};
  const parts = { ...found, ...alerts, startedAt: new Date(startedAt).toISOString(), seed, problems };
  const result: DrillResult = { ...parts, report: await writeDrillReport(composition, startedAt, parts) };
  if (problems.length === 0) return result;
  throw drillFailed(result);
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
