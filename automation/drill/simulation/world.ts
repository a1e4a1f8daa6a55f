/** Everything around a swap, in memory and on a virtual clock, and everything that can go wrong with it. */
import { z } from "zod";
import type { FailBack } from "../../ports/fail-back.ts";
import type { ProbeResult } from "../../ports/prober.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { TrafficState, Weights } from "../../ports/traffic-router.ts";
import { capacityFor } from "../../swap/capacity.ts";
import { hotSwapConfig, platformConfig, type SwapSettings, toSwapSettings } from "../../swap/settings.ts";
import type { Mode, SwapState } from "../../swap/state.ts";
import type { Acceptable } from "../../swap/stateless-settings.ts";
import { type Breach, breachesOf, type Change, type WorldView } from "../invariants.ts";
import { simulatedAgent } from "./agent.ts";
import { createSimulatedBalancer, type SimulatedBalancer, sameEntries } from "./balancer.ts";
import { createVirtualClock, type VirtualClock } from "./clock.ts";
import { instances, SimulatedCloud, type SimulatedPlatform, type Steps } from "./cloud.ts";
import { createSimulatedMetrics, type SimulatedMetrics } from "./metric-source.ts";
import type { Propagation } from "./plane.ts";
import { type SimulatedProcess, SimulatedProcesses } from "./process.ts";
import { type Random, seeded } from "./random.ts";
import { createSimulatedStateStore, type SimulatedStateStore } from "./state-store.ts";
import type { SideTotals } from "./traffic.ts";
import { SimulatedWorkloads } from "./workloads.ts";

export interface WorldOptions {
  /** Settings of the swap, as in switchyard.yaml, beside the drill's own. */
  readonly swap?: Readonly<Record<string, unknown>>;
  /** Default swap. A failover finds the candidate up, attached and at 0. */
  readonly mode?: Mode;
  /** Verdicts of the stateless rules that whoever started the swap lets pass; default none. */
  readonly accepted?: readonly Acceptable[];
  /** How often what runs is checked, ms; default 300 000. */
  readonly complianceEveryMs?: number;
  /** Default drill. */
  readonly environment?: string;
  /** Default 1. */
  readonly seed?: number;
  readonly requestsPerSecond?: number;
  /** Workers of the balancer's data plane; default 4. */
  readonly workers?: number;
  readonly propagationDelayMs?: number;
  /** How the data plane follows beside that: its workers at different times, out of order. */
  readonly propagation?: Partial<Propagation>;
  /** Shortest and longest time that the balancer's API takes to answer an engine, ms; default 50 to 300. */
  readonly apiMs?: readonly [least: number, most: number];
  /** Share of requests that fail on any side; default 0. */
  readonly backgroundErrors?: number;
  /** A world that was left at a time, with everything as it stood. */
  readonly left?: LeftWorld;
}

/** What a world is made of beside its state store. */
export interface LeftWorld {
  readonly now: number;
  readonly weights: Readonly<Record<string, number>>;
  readonly fence: number;
  readonly platforms: Readonly<Record<string, SimulatedPlatform>>;
  readonly attached: readonly string[];
  readonly operations: readonly string[];
}

export const oldSide = "cloud-run";
export const candidate = "gke";
export const oldImage = "kiro@old";
export const newImage = "kiro@new";

/** What carries all of the traffic; more than a side keeps by itself. */
const carrying = 4;
const whole = { wanted: carrying, available: carrying, held: 0, loaded: carrying };
const idle = { wanted: instances, available: instances, held: 0, loaded: 0 };

function firstPlatforms(standby: boolean): Readonly<Record<string, SimulatedPlatform>> {
  const old = { [oldSide]: { image: oldImage, ...whole } };
  return standby ? { ...old, [candidate]: { image: newImage, ...idle } } : old;
}

/** Requests in flight for 20 s are part of every campaign; the drain waits for them. */
const longReplies = { share: 0.002, durationMs: 20_000 };
/** As managed balancers answer. */
const usualApiMs = [50, 300] as const;
const drillSettings = { profile: "demo", drain_timeout: 60 };

type Fed = Readonly<Record<string, SideTotals>>;

function sumOf(failed: SideTotals["failed"]): number {
  return failed.background + failed.fault + failed.swap;
}

const withToken = z.object({ token: z.number() });

/** What the agents of a platform say of themselves. */
export interface AgentBehaviour {
  readonly ready: boolean;
  readonly status: number;
}

export class SimulatedWorld {
  readonly clock: VirtualClock;
  readonly store: SimulatedStateStore = createSimulatedStateStore();
  readonly processes: SimulatedProcesses;
  readonly balancer: SimulatedBalancer;
  readonly cloud: SimulatedCloud;
  /** Metrics from outside, for settings that ask for them as `prometheus`. */
  readonly metrics: SimulatedMetrics;
  /** What the platforms run, for the stateless rules. */
  readonly workloads = new SimulatedWorkloads();
  readonly settings: SwapSettings;
  readonly mode: Mode;
  readonly environment: string;
  /** What broke an invariant, in order. */
  readonly breaches: Breach[] = [];
  readonly agents = new Map<string, AgentBehaviour>();
  /** Whether instances can be counted at all. */
  instancesCounted = true;
  /** The engine cannot reach the agents. */
  agentsReachable = true;
  /** The swap as its journal on the disk says; set by whoever starts one. */
  readSwap: () => Promise<SwapState | undefined> = async () => undefined;
  /** Called at each point where a process may die. */
  onPoint: (point: string, process: SimulatedProcess) => void = () => undefined;
  readonly #levers = new Map<string, string>();
  /** What the sender had counted when the feed was read first and last, by side. */
  #fed: { readonly first: Fed; last: Fed } | undefined;
  #token = 0;
  readonly #apiMs: readonly [number, number];
  readonly #ofApi: Random;

  constructor(options: WorldOptions = {}) {
    this.mode = options.mode ?? "swap";
    this.environment = options.environment ?? "drill";
    const standby = this.mode === "failover";
    const { left } = options;
    // Nothing here waits for real I/O.
    this.clock = createVirtualClock(left?.now, 1);
    this.processes = new SimulatedProcesses(this.clock);
    const platforms = left?.platforms ?? firstPlatforms(standby);
    this.balancer = createSimulatedBalancer({
      clock: this.clock,
      weights: left?.weights ?? (standby ? { [oldSide]: 100, [candidate]: 0 } : { [oldSide]: 100 }),
      platforms: [oldSide, candidate],
      serving: Object.keys(platforms),
      fence: left?.fence ?? 0,
      workers: options.workers ?? 4,
      seed: options.seed ?? 1,
      requestsPerSecond: options.requestsPerSecond ?? 100,
      propagationDelayMs: options.propagationDelayMs ?? 0,
      ...(options.propagation === undefined ? {} : { propagation: options.propagation }),
      backgroundErrors: options.backgroundErrors ?? 0,
    });
    for (const platform of [oldSide, candidate]) {
      this.balancer.setSide(platform, { latencyMs: 20, latencySpread: 0.4, longReplies });
      this.agents.set(platform, { ready: true, status: 200 });
    }
    this.cloud = new SimulatedCloud(this.clock, this.balancer, platforms, left?.attached ?? Object.keys(platforms));
    this.cloud.operations.push(...(left?.operations ?? []));
    const seed = options.seed ?? 1;
    this.metrics = createSimulatedMetrics(this.clock, [oldSide, candidate], seed);
    this.#apiMs = options.apiMs ?? usualApiMs;
    this.#ofApi = seeded(seed + 3);
    const { delayMs = options.propagationDelayMs ?? 0, spreadMs = 0 } = options.propagation ?? {};
    this.settings = toSwapSettings(
      hotSwapConfig.parse({ ...drillSettings, ...(standby ? { ramp: [100] } : {}), ...options.swap }),
      platformConfig.parse({}),
      // What whoever runs this balancer knows of it.
      delayMs + spreadMs,
      {
        stateless: {
          accepted: [...(options.accepted ?? [])],
          complianceEveryMs: options.complianceEveryMs ?? 300_000,
        },
        capacity: standby ? undefined : capacityFor(carrying, instances, { old: 1, candidate: 1 }),
      },
    );
  }

  /** A call to the balancer's API takes its time, on the way there and on the way back. */
  async callApi<Reply>(call: () => Promise<Reply>): Promise<Reply> {
    const [least, most] = this.#apiMs;
    if (most === 0) return call();
    const tookMs = least + this.#ofApi() * (most - least);
    await this.clock.sleep(tookMs / 2);
    try {
      return await call();
    } finally {
      await this.clock.sleep(tookMs / 2);
    }
  }

  /** Acts when so much time has passed, ms. */
  after(ms: number, act: () => void): void {
    void this.clock.sleep(ms).then(act);
  }

  /** Resolves as soon as the condition holds, looked at every 50 ms; false when it does not within `withinMs`. */
  async until(condition: () => boolean, withinMs: number): Promise<boolean> {
    const end = this.clock.now() + withinMs;
    while (!condition()) {
      if (this.clock.now() >= end) return false;
      await this.clock.sleep(50);
    }
    return true;
  }

  /** A point at which the process may be killed or stopped from outside. */
  async reach(point: string, process: SimulatedProcess): Promise<void> {
    this.onPoint(point, process);
    await process.here();
  }

  /** Checks all invariants against the world as it is now, just before it changes. */
  async check(change: Change): Promise<void> {
    const view = await this.#viewNow();
    if (view !== undefined) this.breaches.push(...breachesOf(change, view, this.clock.now()));
  }

  /** A write of weights on its way from a process to the balancer. */
  async write(
    weights: Weights,
    fingerprint: string,
    fence: number,
    process: SimulatedProcess,
    signal?: AbortSignal,
  ): Promise<TrafficState> {
    const { balancer } = this;
    // One that changes no weight stamps the map only.
    const name = sameEntries(weights, balancer.accepted()) ? "claim" : `write ${JSON.stringify(weights)}`;
    signal?.throwIfAborted();
    // What is on the wire cannot be called back.
    await this.reach(`${name}: on its way`, process);
    try {
      return await this.callApi(() => this.#arrive(weights, fingerprint, fence));
    } finally {
      await this.reach(`${name}: reply on its way`, process);
    }
  }

  /** A write of weights arrives at the balancer. */
  async #arrive(weights: Weights, fingerprint: string, fence: number): Promise<TrafficState> {
    const { balancer } = this;
    const view = await this.#viewNow();
    const written = balancer.writes.length;
    const at = this.clock.now();
    try {
      return await balancer.router.write(weights, fingerprint, fence);
    } finally {
      // Only what the balancer took has changed anything.
      if (view !== undefined && balancer.writes.length > written)
        this.breaches.push(...breachesOf({ kind: "weights", weights, fence }, view, at));
      const load = Object.entries(balancer.accepted()).map(
        ([name, share]) => [name, (carrying * share) / 100] as const,
      );
      this.cloud.autoscale(Object.fromEntries(load));
    }
  }

  /** What an operation of a stack goes through for the process that asked for it. */
  stepsOf(process: SimulatedProcess): Steps {
    return {
      reach: (point) => this.reach(point, process),
      work: async (ms) => {
        await this.clock.sleep(ms);
        if (!process.alive) await process.here();
      },
      changing: (change) => this.check(change),
    };
  }

  /** The state store as one process sees it. */
  storeOf(process: SimulatedProcess): StateStore {
    const { store } = this;
    return {
      description: store.description,
      read: (key) => process.through(() => store.read(key)),
      list: (key) => process.through(() => store.list(key)),
      readLog: (key) => process.through(() => store.readLog(key)),
      write: (key, value, expected) =>
        process.through(async () => {
          const version = await store.write(key, value, expected);
          const token = withToken.safeParse(JSON.parse(value));
          if (version !== undefined && token.success) this.#token = Math.max(this.#token, token.data.token);
          return version;
        }),
      appendLog: (key, number, line) =>
        process.through(async () => {
          await this.reach(`journal line ${number}: before`, process);
          this.onPoint(`journal line ${number}: torn`, process);
          if (!process.alive) store.tear(key, line.slice(0, line.length / 2));
          await process.here();
          const written = await store.appendLog(key, number, line);
          await this.reach(`journal line ${number}: after`, process);
          return written;
        }),
    };
  }

  /** The lever, as one process reaches it; instances follow within a second. */
  failBackOf(process: SimulatedProcess): FailBack {
    return {
      set: (platform, target) =>
        process.through(async () => {
          if (target === undefined) this.#levers.delete(platform);
          else this.#levers.set(platform, target);
          this.after(500, () => this.balancer.handOver(platform, this.#levers.get(platform)));
        }),
      read: (platform) => process.through(async () => this.#levers.get(platform)),
    };
  }

  /** The feed was read to its end by the engine. */
  noteFed(): void {
    const now: Fed = { [oldSide]: this.balancer.totals(oldSide), [candidate]: this.balancer.totals(candidate) };
    this.#fed = { first: this.#fed?.first ?? now, last: now };
  }

  /** What ended on a side between the first and the last time that the feed was read, as the sender counts. */
  fed(platform: string): { readonly requests: number; readonly errors: number } {
    const { requests: before, failed: failedBefore } = this.#fed?.first[platform] ?? this.balancer.totals(platform);
    const { requests, failed } = this.#fed?.last[platform] ?? this.balancer.totals(platform);
    return { requests: requests - before, errors: sumOf(failed) - sumOf(failedBefore) };
  }

  /** As the engine is told. */
  countInstances(platform: string): number | "unknown" {
    return this.instancesCounted ? (this.cloud.platforms.get(platform)?.available ?? 0) : "unknown";
  }

  agentOf(platform: string, process: SimulatedProcess) {
    return simulatedAgent({
      platform,
      process,
      clock: this.clock,
      reachable: () => this.agentsReachable && (this.cloud.platforms.get(platform)?.available ?? 0) > 0,
      behaviour: () => this.agents.get(platform) ?? { ready: true, status: 200 },
      passed: (operation) => this.cloud.pass(platform, operation),
    });
  }

  /** The rehearsal host: every platform that has an entry, by equal shares. */
  async rehearse(count: number): Promise<readonly ProbeResult[]> {
    const sides = Object.keys(this.balancer.applied());
    return Array.from({ length: count }, (_, index) => {
      const side = sides[index % sides.length] ?? "";
      const serving = (this.cloud.platforms.get(side)?.available ?? 0) > 0;
      return { side, status: serving ? (this.agents.get(side)?.status ?? 200) : 503, durationMs: 5 };
    });
  }

  async #viewNow(): Promise<WorldView | undefined> {
    const swap = await this.readSwap();
    if (swap === undefined) return undefined;
    const { balancer, cloud } = this;
    const platforms = [...cloud.platforms].map(([name, platform]) => [
      name,
      { ...platform, accepted: cloud.hasPassed(name) },
    ]);
    return {
      weights: balancer.accepted(),
      workers: balancer.workers(),
      coming: balancer.coming(),
      followsWithinMs: balancer.followsWithinMs(),
      platforms: Object.fromEntries(platforms),
      attached: cloud.attached,
      inFlight: { [oldSide]: balancer.inFlight(oldSide), [candidate]: balancer.inFlight(candidate) },
      token: this.#token,
      swap,
    };
  }
}
