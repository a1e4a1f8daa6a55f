/** Processes that die around every call that changes something, and at random ones: the end must be the same. */
import { SwitchyardError } from "../../errors.ts";
import { type Random, randomOf } from "../../guard/judge/noise.ts";
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
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** A lease is renewed all the time, and every renewal is like the one before. */
const mostOfOne = 30;

export async function crashCampaign(options: CrashOptions): Promise<CrashCampaign> {
  const { around: calls = changing } = options;
  const moments = await record(options);
  const random = randomOf(options.seed);
  const around = moments.flatMap((moment, index) => (calls.includes(moment.call) ? [index] : []));
  const spread = spreadOver(moments, around);
  const wanted = options.kills === "all" ? spread : drawn(around, options.kills, random);
  const others = drawn(
    moments.flatMap((moment, index) => (calls.includes(moment.call) ? [] : [index])),
    options.random,
    random,
  );
  const rows = new Map<string, { before: number; after: number; problems: string[] }>();
  for (const index of [...wanted, ...others]) {
    options.signal.throwIfAborted();
    const moment = moments[index];
    if (moment === undefined) continue;
    const { call, when } = moment;
    const name = calls.includes(call) ? call : "other calls";
    const row = rows.get(name) ?? { before: 0, after: 0, problems: [] };
    rows.set(name, row);
    row[when] += 1;
    const found = await crashAt(options, index);
    row.problems.push(...found.map((problem) => `${when} ${call} (moment ${index}): ${problem}`));
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

/** Every moment of a run in which nobody dies. */
async function record(options: CrashOptions): Promise<readonly Moment[]> {
  const moments: Moment[] = [];
  const problems = await play(options, (moment) => void moments.push(moment));
  if (problems.length > 0)
    throw new SwitchyardError("drill-failed", {
      message: `a run in which nobody dies has problems: ${problems.join("; ")}`,
    });
  return moments;
}

function crashAt(options: CrashOptions, index: number): Promise<readonly string[]> {
  let count = 0;
  return play(options, (_, process) => {
    if (count === index) process.kill();
    count += 1;
  });
}

async function play(
  { makeFleet, beside, target, expected, signal }: CrashOptions,
  at: NonNullable<Parameters<typeof upgradeWave>[0]["at"]>,
): Promise<readonly string[]> {
  const fleet = await makeFleet();
  const wave = fleet.waves[0] ?? "";
  try {
    await fleet.clock.run(() =>
      upgradeWave({
        fleet,
        wave,
        target,
        signal,
        at(moment, process) {
          beside?.(moment, fleet);
          at(moment, process);
        },
      }),
    );
  } catch (error) {
    signal.throwIfAborted();
    // The engine broke off: that is what was looked for.
    if (!(error instanceof Error)) throw error;
    return [`it broke off: ${error.message}`, ...problemsOf(await endOf(fleet, wave), expected)];
  }
  const { lostStates, doubleLocks } = fleet.watched;
  return [...problemsOf(await endOf(fleet, wave), expected), ...lostStates, ...doubleLocks];
}
