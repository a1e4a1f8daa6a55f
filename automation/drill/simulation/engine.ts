/** The swap engine as a process of the simulated world: the real lease, journal and loop over simulated ports. */
import { drivingAlerts } from "../../alerts/from-error.ts";
import { alertRunListener, type TakeAlerts } from "../../alerts/listeners.ts";
import { SwitchyardError } from "../../errors.ts";
import { foldEvents } from "../../swap/fold.ts";
import type { Journal } from "../../swap/journal.ts";
import { type RunListener, runSwap } from "../../swap/run.ts";
import { combineListeners } from "../../swap/run-listeners.ts";
import type { RunPorts } from "../../swap/run-ports.ts";
import { journalFormat, type SwapState } from "../../swap/state.ts";
import { SwapStore, swapPurpose } from "../../swap/store.ts";
import type { SimulatedProcess } from "./process.ts";
import { seeded } from "./random.ts";
import { candidate, newImage, oldSide, type SimulatedWorld } from "./world.ts";

/** How an engine's process ended. */
export type EngineEnd =
  /** The swap has ended, or a person is needed and nothing needs the process meanwhile. */
  | { readonly kind: "rested"; readonly state: SwapState }
  | { readonly kind: "killed" }
  | { readonly kind: "failed"; readonly error: unknown };

export interface RunningEngine {
  readonly process: SimulatedProcess;
  readonly ended: Promise<EngineEnd>;
  /** Ctrl-C. */
  stop(): void;
}

export interface EngineOptions {
  /** The machine; default the first one. Processes of another machine cannot be seen to be dead. */
  readonly host?: string;
  readonly listener?: RunListener;
  /** How long it waits for a lease that another one holds, ms. Default 60 s. */
  readonly waitMs?: number;
  /** Who is told; absent: nobody. */
  readonly alerts?: TakeAlerts;
}

/** The swaps as a person's command sees them, beside any engine. */
export function storeOfWorld(world: SimulatedWorld): SwapStore {
  const watcher = world.processes.start("workstation");
  return new SwapStore({
    store: world.store,
    processes: world.processes.tableOf(watcher),
    clock: world.clock,
    environment: world.environment,
  });
}

/** Starts a process that takes the open swap over, or starts one. */
export function startEngine(world: SimulatedWorld, options: EngineOptions = {}): RunningEngine {
  const process = world.processes.start(options.host ?? "host-1");
  const controller = new AbortController();
  const work = drive(world, process, options, controller.signal).then(
    (state): EngineEnd => ({ kind: "rested", state }),
    (error: unknown): EngineEnd => ({ kind: "failed", error }),
  );
  const ended = Promise.race([work, process.killed.then((): EngineEnd => ({ kind: "killed" }))]).then((end) => {
    process.exit();
    return end;
  });
  return { process, ended, stop: () => controller.abort(new SwitchyardError("cancelled", { message: "Ctrl-C" })) };
}

/** The swaps as one process sees them. */
export function swapsOf(world: SimulatedWorld, process: SimulatedProcess): SwapStore {
  return new SwapStore({
    store: world.storeOf(process),
    processes: world.processes.tableOf(process),
    clock: process.clock,
    environment: world.environment,
  });
}

async function drive(
  world: SimulatedWorld,
  process: SimulatedProcess,
  options: EngineOptions,
  signal: AbortSignal,
): Promise<SwapState> {
  const swaps = swapsOf(world, process);
  const latest = await swaps.latest();
  // A drill world has one swap; when it has ended there is nothing to take over.
  if (latest?.state.end !== undefined) return latest.state;
  const id = latest?.state.id ?? (await swaps.nextId());
  const lease = await swaps.claim(swapPurpose(id), { waitMs: options.waitMs ?? 60_000, signal });
  try {
    const journal = await beginSwap(world, swaps, id, lease.token);
    const ports = portsOf(world, process, lease, (after) => swaps.requests(id, after));
    const { pid, host } = process.identity;
    return await runTold(journal, ports, { pid, host }, signal, options);
  } finally {
    await lease.release();
  }
}

/** As the command does it: people are told of what the run writes, and of what breaks it off. */
export async function runTold(
  journal: Journal,
  ports: RunPorts,
  self: { readonly pid: number; readonly host: string },
  signal: AbortSignal,
  { alerts, listener = {} }: Pick<EngineOptions, "alerts" | "listener">,
): Promise<SwapState> {
  if (alerts === undefined) return runSwap(journal, ports, self, signal, listener);
  try {
    const told = alertRunListener(alerts, journal.events);
    return await runSwap(journal, ports, self, signal, combineListeners(listener, told));
  } catch (error) {
    const state = foldEvents(journal.events);
    if (error instanceof SwitchyardError && state !== undefined && !signal.aborted)
      alerts(drivingAlerts(error, state, ports.clock.now()));
    throw error;
  }
}

export type SwapIntent = Pick<SwapState, "mode" | "from" | "to" | "image" | "settings">;

/** Opens the swap's journal; writes its start when there is none: of the world's own swap unless another one is meant. */
export async function beginSwap(
  { clock, mode, environment, settings }: SimulatedWorld,
  swaps: SwapStore,
  id: string,
  token: number,
  intent: SwapIntent = { mode, from: oldSide, to: candidate, image: newImage, settings },
): Promise<Journal> {
  const journal = await swaps.journal(id, token);
  if (journal.events.length === 0)
    await journal.append({
      kind: "started",
      format: journalFormat,
      at: clock.now(),
      id,
      environment,
      ...intent,
      by: "drill",
    });
  return journal;
}

/** Everything that an engine asks of the outside, as one process reaches it. */
export function portsOf(
  world: SimulatedWorld,
  process: SimulatedProcess,
  lease: RunPorts["lease"],
  requests: RunPorts["requests"],
): RunPorts {
  return { ...outsideOf(world, process), lease, requests };
}

/** What any process can reach, whoever has the lease. */
export function outsideOf(world: SimulatedWorld, process: SimulatedProcess): Omit<RunPorts, "lease" | "requests"> {
  const { balancer, cloud } = world;
  const { router, feed, prober, sideLoad, syntheticLoad } = balancer;
  const steps = world.stepsOf(process);
  const platform = (name: string) => {
    const agent = world.agentOf(name, process);
    return { name, agent: () => agent, trafficConfig: async () => ({}) };
  };
  const absent = (what: string): never => {
    throw new SwitchyardError("internal-error", { message: `A swap asks its engine for no ${what}` });
  };
  return {
    clock: process.clock,
    metrics: { prometheus: world.metrics },
    random: seeded(process.identity.pid),
    platforms: { [oldSide]: platform(oldSide), [candidate]: platform(candidate) },
    platformSettings: () => ({}),
    newRequestId: () => "drill",
    failBack: world.failBackOf(process),
    rehearse: (count) => process.through(() => world.rehearse(count)),
    engine: {
      up: (stack, { config = {}, signal } = {}) =>
        process.through(async () => {
          signal?.throwIfAborted();
          const result = await cloud.up(stack, config, process, steps);
          return { ...result, stateless: world.workloads.report(stack.slice(0, stack.indexOf("."))) };
        }),
      destroy: (stack, { signal } = {}) =>
        process.through(async () => {
          signal?.throwIfAborted();
          return cloud.destroy(stack, process, steps);
        }),
      outputs: () => process.through(async () => ({})),
      preview: () => absent("preview"),
      refresh: () => absent("refresh"),
      resources: () => absent("resources"),
      list: () => absent("list of stacks"),
      configure: () => absent("configuration alone"),
    },
    router: {
      read: (signal) => process.through(() => world.callApi(() => router.read(signal))),
      write: (weights, fingerprint, fence, signal) =>
        process.through(() => world.write(weights, fingerprint, fence, process, signal)),
    },
    live: { read: (name) => process.through(() => world.workloads.read(name)) },
    feed: {
      description: feed.description,
      read: (cursor, waitMs, signal) =>
        process.through(async () => {
          // Without a cursor it counts from now.
          if (cursor === undefined) world.noteFed();
          const batch = await feed.read(cursor, waitMs, signal);
          world.noteFed();
          return batch;
        }),
    },
    prober: {
      perSecond: prober.perSecond,
      sample: (count, signal) => process.through(() => prober.sample(count, signal)),
    },
    capacity: { ready: (name) => process.through(async () => world.countInstances(name)) },
    load: { inFlight: (name, signal) => process.through(() => sideLoad.inFlight(name, signal)) },
    synthetic: { send: (count, signal) => process.through(() => syntheticLoad.send(count, signal)) },
  };
}
