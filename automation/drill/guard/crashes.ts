/** Processes that die around every call that changes something, and at random ones: the end must be the same. */
import { randomOf } from "../../guard/judge/noise.ts";
import type { Fleet } from "./fleet.ts";
import { changing, type Moment } from "./guarded-process.ts";
import { endOf, problemsOf, upgradeWave } from "./upgrade.ts";

export interface CrashRow {
  readonly call: string;
  readonly before: number;
  readonly after: number;
  readonly problems: readonly string[];
}

export interface CrashCampaign {
  readonly points: number;
  readonly random: number;
  readonly rows: readonly CrashRow[];
}

export interface CrashOptions {
  makeFleet(): Promise<Fleet>;
  readonly target: string;
  readonly expectedMergeRequests: number;
  /** Crashes at other calls, drawn. */
  readonly random: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  onPoint?(): void;
}

/** Numbers of the moments at which the process dies, one run each. */
export async function crashCampaign(options: CrashOptions): Promise<CrashCampaign> {
  const moments = await record(options);
  const wanted = moments.flatMap((moment, index) => (changing.includes(moment.call) ? [index] : []));
  const others = moments.flatMap((moment, index) => (changing.includes(moment.call) ? [] : [index]));
  const random = randomOf(options.seed);
  const drawn = Array.from(
    { length: Math.min(options.random, others.length) },
    () => others[Math.floor(random() * others.length)] ?? 0,
  );
  const rows = new Map<string, { before: number; after: number; problems: string[] }>();
  for (const index of [...wanted, ...drawn]) {
    options.signal.throwIfAborted();
    const moment = moments[index];
    if (moment === undefined) continue;
    const name = changing.includes(moment.call) ? moment.call : "other calls";
    const row = rows.get(name) ?? { before: 0, after: 0, problems: [] };
    rows.set(name, row);
    row[moment.when] += 1;
    row.problems.push(
      ...(await crashAt(options, index)).map((problem) => `${moment.when} ${moment.call} (call ${index}): ${problem}`),
    );
    options.onPoint?.();
  }
  return {
    points: wanted.length,
    random: drawn.length,
    rows: [...rows].map(([call, row]) => ({ call, ...row })).toSorted((a, b) => (a.call < b.call ? -1 : 1)),
  };
}

/** Every moment of a run in which nobody dies. */
async function record(options: CrashOptions): Promise<readonly Moment[]> {
  const moments: Moment[] = [];
  const problems = await play(options, (moment) => void moments.push(moment));
  if (problems.length > 0) throw new RangeError(`an upgrade without a crash has problems: ${problems.join("; ")}`);
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
  { makeFleet, target, expectedMergeRequests, signal }: CrashOptions,
  at: NonNullable<Parameters<typeof upgradeWave>[0]["at"]>,
): Promise<readonly string[]> {
  const fleet = await makeFleet();
  const wave = fleet.waves[0] ?? "";
  await fleet.clock.run(() => upgradeWave({ fleet, wave, target, strategy: "in-place", signal, at }));
  return problemsOf(await endOf(fleet, wave), target, expectedMergeRequests, fleet);
}
