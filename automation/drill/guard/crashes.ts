/** Processes that die around every call that changes something, and at random ones: the end must be the same. */
import { SwitchyardError } from "../../errors.ts";
import { type Random, randomOf } from "../../guard/judge/noise.ts";
import type { SimulatedProcess } from "../simulation/process.ts";
import type { Fleet } from "./fleet.ts";
import { changing, type Moment } from "./guarded-process.ts";
import { type Expected, endOf, problemsOf, upgradeWave } from "./upgrade.ts";

export interface CrashRow {
  readonly call: string;
  /** Crashes just before and just after it. */
  readonly before: number;
  readonly after: number;
  readonly problems: readonly string[];
}

export interface CrashCampaign {
  /** Moments around a call that changes something, in a run in which nobody dies. */
  readonly moments: number;
  /** Of them, those at which a process died. */
  readonly points: number;
  /** Crashes at other calls. */
  readonly random: number;
  readonly rows: readonly CrashRow[];
}

export interface CrashOptions {
  makeFleet(): Promise<Fleet>;
  /** What happens in the world beside, at each call of a process: a fault that makes the wave go back. */
  beside?(moment: Moment, fleet: Fleet): void;
  readonly target: string;
  readonly expected: Expected;
  /** all: at every moment, but of a call that repeats at most 30, spread. A number: so many, drawn. */
  readonly kills: "all" | number;
  /** Crashes at other calls, drawn. */
  readonly random: number;
  /** Calls that change something; default all of them. */
  readonly around?: readonly string[];
  /** How often somebody dies in one play; default once. */
  readonly killsPerPlay?: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** A lease is renewed all the time, and every renewal is like the one before. */
const mostOfOne = 30;

export async function crashCampaign(options: CrashOptions): Promise<CrashCampaign> {
  const { around: calls = changing, killsPerPlay = 1 } = options;
  const moments = await record(options);
  const random = randomOf(options.seed);
  const around = moments.flatMap((moment, index) => (calls.includes(moment.call) ? [index] : []));
  const spread = spreadOver(moments, around);
  const wanted = options.kills === "all" ? spread : drawn(spread, options.kills, random);
  const others = drawn(
    moments.flatMap((moment, index) => (calls.includes(moment.call) ? [] : [index])),
    options.random,
    random,
  );
  const rows = new Map<string, { before: number; after: number; problems: string[] }>();
  const queue = playsOf(
    [...wanted, ...others].toSorted((a, b) => a - b).flatMap((index) => moments[index] ?? []),
    killsPerPlay,
  );
  for (let deaths = queue.shift(); deaths !== undefined; deaths = queue.shift()) {
    options.signal.throwIfAborted();
    const { left, problems } = await crashAt(options, deaths);
    // What a play with other deaths in it did not come to has one of its own.
    if (deaths.length > 1) queue.push(...left.map((one) => [one]));
    else problems.push(...left.map(() => "nobody came to it"));
    const died = deaths.filter((one) => deaths.length === 1 || !left.includes(one));
    const places = died.map(({ place }) => place).join(", ");
    for (const { call, when } of died) {
      const name = calls.includes(call) ? call : "other calls";
      const row = rows.get(name) ?? { before: 0, after: 0, problems: [] };
      rows.set(name, row);
      row[when] += 1;
      row.problems.push(...problems.splice(0).map((problem) => `${places}: ${problem}`));
    }
  }
  return {
    moments: around.length,
    points: wanted.length,
    random: others.length,
    rows: [...rows].map(([call, row]) => ({ call, ...row })).toSorted((a, b) => (a.call < b.call ? -1 : 1)),
  };
}

/** At most so many of one call, in equal steps, the first and the last among them. */
function spreadOver(moments: readonly Moment[], around: readonly number[]): readonly number[] {
  const byCall = Map.groupBy(around, (index) => {
    const moment = moments[index];
    return `${moment?.when} ${moment?.call}`;
  });
  return [...byCall.values()]
    .flatMap((all) => {
      const most = mostOfOne / 2;
      if (all.length <= most || moments[all[0] ?? 0]?.call !== "store.renew") return all;
      return Array.from({ length: most }, (_, step) => all[Math.round((step * (all.length - 1)) / (most - 1))] ?? 0);
    })
    .toSorted((a, b) => a - b);
}

/** So many different ones, in order. */
function drawn(all: readonly number[], count: number, random: Random): readonly number[] {
  const left = [...all];
  const taken: number[] = [];
  while (taken.length < count && left.length > 0) taken.push(...left.splice(Math.floor(random() * left.length), 1));
  return taken.toSorted((a, b) => a - b);
}

/** Far apart in each play. */
function playsOf(deaths: readonly Place[], most: number): Place[][] {
  const count = Math.ceil(deaths.length / most);
  return Array.from({ length: count }, (_, play) => deaths.filter((_one, index) => index % count === play));
}

/** A moment as other plays find it again, also after somebody died: which of its like since the last accepted write. */
interface Place extends Moment {
  readonly place: string;
}

/** Every moment of a run in which nobody dies. */
async function record(options: CrashOptions): Promise<readonly Place[]> {
  const places: Place[] = [];
  const problems = await play(options, (place) => void places.push(place));
  if (problems.length > 0)
    throw new SwitchyardError("drill-failed", {
      message: `a run in which nobody dies has problems: ${problems.join("; ")}`,
    });
  return places;
}

/** `left`: moments that did not come. */
async function crashAt(
  options: CrashOptions,
  deaths: readonly Place[],
): Promise<{ readonly left: readonly Place[]; readonly problems: string[] }> {
  const left = new Map(deaths.map((one) => [one.place, one]));
  const problems = await play(options, ({ place }, process) => {
    if (left.delete(place)) process.kill();
  });
  return { left: [...left.values()], problems: [...problems] };
}

async function play(
  { makeFleet, beside, target, expected, signal }: CrashOptions,
  at: (place: Place, process: SimulatedProcess) => void,
): Promise<readonly string[]> {
  const fleet = await makeFleet();
  const wave = fleet.waves[0] ?? "";
  const placed = places(fleet);
  try {
    await fleet.clock.run(() =>
      upgradeWave({
        fleet,
        wave,
        target,
        signal,
        at(moment, process) {
          // What a dead one was about to ask.
          if (!process.alive) return;
          beside?.(moment, fleet);
          at(placed(moment, process), process);
        },
      }),
    );
  } catch (error) {
    signal.throwIfAborted();
    // The engine broke off: that is what was looked for.
    if (!(error instanceof Error)) throw error;
    return [`it broke off: ${error.message}`, ...problemsOf(await endOf(fleet, wave), expected)];
  }
  return [...problemsOf(await endOf(fleet, wave), expected), ...fleet.problems()];
}

/** A process that follows a dead one begins to count anew, as it does its work anew. */
function places(fleet: Fleet): (moment: Moment, process: SimulatedProcess) => Place {
  const counts = new Map<string, number>();
  let since = "";
  return ({ call, when }, { identity }) => {
    const { writes } = fleet.watched;
    if (since !== `${identity.pid} ${writes}`) counts.clear();
    since = `${identity.pid} ${writes}`;
    const name = `${when} ${call}`;
    const number = (counts.get(name) ?? 0) + 1;
    counts.set(name, number);
    return { call, when, place: `${name} no. ${number} after ${writes} writes` };
  };
}
