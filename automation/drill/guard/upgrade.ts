/** One wave's upgrade, driven by processes that may die, until it is at rest; and what must be true of it then. */
import { SwitchyardError } from "../../errors.ts";
import type { Plan } from "../../guard/plan/plan.ts";
import { parseVersion } from "../../guard/plan/versions.ts";
import type { ClusterRecord } from "../../guard/registry/record.ts";
import { createRegistry } from "../../guard/registry/registry.ts";
import { type EventName, type Standing, transition } from "../../guard/registry/state.ts";
import { moves } from "../../guard/registry/state-moves.ts";
import type { GuardState } from "../../guard/registry/state-names.ts";
import { planBatch } from "../../guard/run/make-plan.ts";
import { runBatch } from "../../guard/run/run-batch.ts";
import type { Fleet } from "./fleet.ts";
import { type GuardedProcess, type Moment, startProcess } from "./guarded-process.ts";
import { askedFor, planesOf } from "./watched-revisions.ts";

export interface UpgradeOptions {
  readonly fleet: Fleet;
  readonly wave: string;
  readonly target: string;
  readonly signal: AbortSignal;
  /** Asked at each call of each process. */
  at?(moment: Moment, process: GuardedProcess["process"]): void;
}

const retryMs = 10_000;
/** Whoever merges looks so often. */
const mergerMs = 120_000;
const mostProcesses = 50;

/** Errors: guard-no-way with what refuses. */
export async function planWave({ fleet, wave, target, signal }: UpgradeOptions): Promise<Plan> {
  const version = parseVersion(target);
  if (version === undefined) throw new RangeError(`${target} is no version`);
  const { ports, settings, strategy } = fleet;
  const asked = { batch: wave, target: version, strategy, settings, signal } as const;
  const planned = await planBatch(ports, asked);
  if (planned.kind === "plan") return planned.plan;
  throw new SwitchyardError("guard-no-way", { message: planned.refusals.map(({ message }) => message).join("; ") });
}

/** Drives the wave; a process that dies is followed by another. How many it took. */
export async function upgradeWave(options: UpgradeOptions): Promise<number> {
  const { fleet } = options;
  const plan = await planWave(options);
  return whileMerging(options, async () => {
    for (let pid = 1; pid <= mostProcesses; pid += 1) {
      const guarded = startProcess(fleet, pid, (moment, process) => options.at?.(moment, process));
      const ended = await Promise.race([drive(options, plan, guarded), guarded.process.killed.then(() => "killed")]);
      if (ended !== "killed") return pid;
    }
    throw new SwitchyardError("guard-conflict", { message: `it was not done after ${mostProcesses} processes` });
  });
}

/** Somebody merges what is open, as long as the work goes on. */
export async function whileMerging<Result>(
  { fleet, signal }: Pick<UpgradeOptions, "fleet" | "signal">,
  work: () => Promise<Result>,
): Promise<Result> {
  const merging = new AbortController();
  const people = merge(fleet, AbortSignal.any([signal, merging.signal]));
  try {
    return await work();
  } finally {
    merging.abort();
    await people;
  }
}

/** Whether there is anything that does not run this plan yet: then a person says `run`, else `monitor`. */
async function isToStart({ fleet, wave }: UpgradeOptions, plan: Plan): Promise<boolean> {
  const members = await createRegistry(fleet.store).loadBatch(wave);
  return members.some(({ record }) => record.run?.plan !== plan.hash);
}

/** A process as a person starts it: what is locked is tried again. */
export async function drive(options: UpgradeOptions, plan: Plan, { ports, process }: GuardedProcess): Promise<"done"> {
  const { fleet, wave, signal } = options;
  const { settings } = fleet;
  for (;;) {
    try {
      const holder = `${process.identity.host}/${process.identity.pid}/${process.identity.startTime}`;
      const start = await isToStart(options, plan);
      await runBatch(ports, { batch: wave, plan, settings, holder, start, until: "end", signal });
      return "done";
    } catch (error) {
      if (!(error instanceof SwitchyardError) || (error.code !== "guard-locked" && error.code !== "guard-conflict"))
        throw error;
      await ports.clock.sleep(retryMs, signal);
    }
  }
}

async function merge(fleet: Fleet, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    fleet.mergeAll("ada");
    await fleet.clock.sleep(mergerMs, signal).catch(() => undefined);
  }
}

/** What a wave at rest must be. */
export interface Expected {
  readonly state: GuardState;
  /** Of the registry and of every proxy. */
  readonly version: string;
  readonly mergeRequests: number;
  /** Versions of the control planes that run; default the one of the proxies. */
  readonly planes?: readonly string[];
}

/** What a cluster shows, by versions, and the control planes that its namespaces ask for. */
interface ClusterEnd {
  readonly proxies: readonly string[];
  readonly planes: readonly string[];
  readonly asked: readonly string[];
}

/** What a wave has come to. */
export interface WaveEnd {
  /** With their whole history. */
  readonly records: readonly ClusterRecord[];
  readonly mergeRequests: number;
  readonly clusters: ReadonlyMap<string, ClusterEnd>;
}

export async function endOf(fleet: Fleet, wave: string): Promise<WaveEnd> {
  const registry = createRegistry(fleet.store);
  const loaded = await registry.loadBatch(wave);
  const records = await Promise.all(
    loaded.map(async ({ record }) => ({ ...record, history: [...(await registry.history(record))] })),
  );
  const clusters = records.map(({ entry }) => {
    const cluster = fleet.cluster(entry.clusterId);
    const planes = [...planesOf(cluster).values()].map(({ version }) => version);
    const proxies = [...cluster.proxies().keys()];
    const end = { proxies: proxies.toSorted(), planes: planes.toSorted(), asked: askedFor(cluster) };
    return [entry.clusterId, end] as const;
  });
  return { records, mergeRequests: fleet.host.count(fleet.repositoryOf(wave)), clusters: new Map(clusters) };
}

const nothing: ClusterEnd = { proxies: [], planes: [], asked: [] };

/** Everything that must hold of a wave at rest, whoever died on the way. Pure. */
export function problemsOf({ records, mergeRequests, clusters }: WaveEnd, expected: Expected): readonly string[] {
  const { planes = [expected.version] } = expected;
  return [
    ...(mergeRequests === expected.mergeRequests
      ? []
      : [`${mergeRequests} merge requests instead of ${expected.mergeRequests}`]),
    ...records.flatMap(({ entry, state, run }) => {
      const id = entry.clusterId;
      const end = clusters.get(id) ?? nothing;
      const running = end.proxies.join(", ");
      const istiods = end.planes.join(", ");
      const note = run?.note === undefined ? "" : ` (${run.note})`;
      return [
        ...(state === expected.state ? [] : [`${id} is ${state}${note} instead of ${expected.state}`]),
        ...(entry.currentIstioVersion === expected.version
          ? []
          : [`the registry has ${id} at ${entry.currentIstioVersion}`]),
        ...(running === expected.version ? [] : [`proxies of ${id} run ${running === "" ? "nothing" : running}`]),
        ...(istiods === planes.join(", ")
          ? []
          : [`${id} has control planes of ${istiods === "" ? "nothing" : istiods} instead of ${planes.join(", ")}`]),
        ...end.asked.filter((name) => name !== "stable").map((name) => `a namespace of ${id} still asks for ${name}`),
      ];
    }),
    ...records.flatMap(lostStates),
  ];
}

const eventOf = (name: string): EventName | undefined => moves.find(({ event }) => event === name)?.event;

/** The history must be a walk of the state table without a gap. Pure. */
export function lostStates({ entry, state, history }: ClusterRecord): readonly string[] {
  const problems: string[] = [];
  let standing: Standing = { state: history[0]?.from ?? state };
  for (const line of history) {
    if (line.from !== standing.state) {
      problems.push(`${entry.clusterId} went from ${standing.state} to ${line.from} by nothing`);
      standing = { state: line.from };
    }
    const event = eventOf(line.event);
    const next = event === undefined ? undefined : transition(standing, event);
    if (next === undefined) problems.push(`${entry.clusterId}: there is no ${line.event}`);
    else if (next.kind === "refused") problems.push(`${entry.clusterId}: ${next.why}`);
    else standing = next.standing;
    if (standing.state !== line.to) {
      problems.push(`${entry.clusterId}: ${line.event} led to ${line.to}`);
      standing = { state: line.to };
    }
  }
  return standing.state === state
    ? problems
    : [...problems, `${entry.clusterId} is ${state}, its history ends in ${standing.state}`];
}
