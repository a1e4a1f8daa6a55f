/** One wave's upgrade, driven by processes that may die, until it is at rest; and what must be true of it then. */
import { SwitchyardError } from "../../errors.ts";
import type { Plan } from "../../guard/plan.ts";
import type { ClusterRecord } from "../../guard/record.ts";
import { createRegistry } from "../../guard/registry.ts";
import { planBatch } from "../../guard/run/make-plan.ts";
import { runBatch } from "../../guard/run/run-batch.ts";
import { states, transition } from "../../guard/state.ts";
import { parseVersion } from "../../guard/versions.ts";
import type { Fleet } from "./fleet.ts";
import { type GuardedProcess, type Moment, startProcess } from "./guarded-process.ts";

export interface UpgradeOptions {
  readonly fleet: Fleet;
  readonly wave: string;
  readonly target: string;
  readonly strategy: "in-place" | "revision";
  readonly signal: AbortSignal;
  /** Asked at each call of each process. */
  at?(moment: Moment, process: GuardedProcess["process"]): void;
}

const retryMs = 10_000;
/** Whoever merges looks so often. */
const mergerMs = 120_000;
const mostProcesses = 50;

export async function planWave({ fleet, wave, target, strategy, signal }: UpgradeOptions): Promise<Plan> {
  const version = parseVersion(target);
  if (version === undefined) throw new RangeError(`${target} is no version`);
  const { ports, settings } = fleet;
  const planned = await planBatch(ports, { batch: wave, target: version, strategy, settings, signal });
  if (planned.kind === "plan") return planned.plan;
  throw new SwitchyardError("guard-no-way", { message: planned.refusals.map(({ message }) => message).join("; ") });
}

/** Drives the wave; a process that dies is followed by another. How many it took. */
export async function upgradeWave(options: UpgradeOptions): Promise<number> {
  const { fleet, signal } = options;
  const plan = await planWave(options);
  const merging = new AbortController();
  const people = merge(fleet, AbortSignal.any([signal, merging.signal]));
  try {
    for (let pid = 1; pid <= mostProcesses; pid += 1) {
      const guarded = startProcess(fleet, pid, (moment, process) => options.at?.(moment, process));
      const ended = await Promise.race([drive(options, plan, guarded), guarded.process.killed.then(() => "killed")]);
      if (ended !== "killed") return pid;
    }
    throw new RangeError(`it was not done after ${mostProcesses} processes`);
  } finally {
    merging.abort();
    await people;
  }
}

/** A process as a person starts it: what is locked is tried again. */
export async function drive(
  { fleet, wave, signal }: UpgradeOptions,
  plan: Plan,
  { ports, process }: GuardedProcess,
): Promise<"done"> {
  for (;;) {
    try {
      const holder = `${process.identity.host}/${process.identity.pid}/${process.identity.startTime}`;
      await runBatch(ports, { batch: wave, plan, settings: fleet.settings, holder, start: true, until: "end", signal });
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
    await fleet.mergeAll("ada");
    await fleet.clock.sleep(mergerMs, signal).catch(() => undefined);
  }
}

export interface WaveEnd {
  readonly records: readonly ClusterRecord[];
  readonly mergeRequests: number;
}

export async function endOf(fleet: Fleet, wave: string): Promise<WaveEnd> {
  const records = (await createRegistry(fleet.store).loadBatch(wave)).map(({ record }) => record);
  return { records, mergeRequests: fleet.host.count(fleet.repositoryOf(wave)) };
}

/** Everything that must hold of a wave at rest, whoever died on the way. Pure but for what it is given. */
export function problemsOf(
  { records, mergeRequests }: WaveEnd,
  target: string,
  expected: number,
  fleet: Fleet,
): readonly string[] {
  return [
    ...(mergeRequests === expected ? [] : [`${mergeRequests} merge requests instead of ${expected}`]),
    ...records.flatMap(({ entry, state, run }) => {
      const proxies = [...fleet.cluster(entry.clusterId).proxies().keys()];
      return [
        ...(state === "upgraded"
          ? []
          : [`${entry.clusterId} is ${state}${run?.note === undefined ? "" : ` (${run.note})`}`]),
        ...(entry.currentIstioVersion === target
          ? []
          : [`the registry has ${entry.clusterId} at ${entry.currentIstioVersion}`]),
        ...(proxies.length === 1 && proxies[0] === target
          ? []
          : [`proxies of ${entry.clusterId} run ${proxies.join(", ")}`]),
      ];
    }),
    ...records.flatMap(lostStates),
  ];
}

/** The history must be a walk of the state table without a gap. */
export function lostStates({ entry, state, history }: ClusterRecord): readonly string[] {
  const problems: string[] = [];
  let standing: Parameters<typeof transition>[0] = { state: history[0]?.from ?? state };
  for (const line of history) {
    if (line.from !== standing.state)
      problems.push(`${entry.clusterId} went from ${standing.state} to ${line.from} by nothing`);
    const next = transition(line.from === standing.state ? standing : { state: line.from }, isEvent(line.event));
    if (next.kind === "refused") problems.push(`${entry.clusterId}: ${next.why}`);
    else standing = next.standing;
  }
  return standing.state === state
    ? problems
    : [...problems, `${entry.clusterId} is ${state}, its history ends in ${standing.state}`];
}

const isEvent = (event: string): Parameters<typeof transition>[1] => event as Parameters<typeof transition>[1];

/** Whether nothing of the wave is under way. */
export const isAtRest = ({ records }: WaveEnd): boolean => records.every(({ state }) => states[state].resting);
