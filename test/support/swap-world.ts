/** Everything around a swap, in memory and on a virtual clock: given a world, when a swap runs, then the world and the journal say. */

import { SwitchyardError } from "../../automation/errors.ts";
import type { KiroAgent } from "../../automation/ports/agent.ts";
import type { Platform } from "../../automation/ports/platform.ts";
import type { StackEngine, StackName, StackOptions, StackResult } from "../../automation/ports/stack-engine.ts";
import { openJournal, parseJournal } from "../../automation/swap/journal.ts";
import type { RunListener, RunPorts } from "../../automation/swap/run.ts";
import { runSwap } from "../../automation/swap/run.ts";
import { hotSwapConfig, platformConfig, type SwapSettings, toSwapSettings } from "../../automation/swap/settings.ts";
import { foldEvents, journalFormat, type SwapEvent, type SwapState, type Verb } from "../../automation/swap/state.ts";
import type { KiroRequest } from "../../services/kiro/contract.ts";
import { createFakeBalancer, type FakeBalancer } from "./fake-balancer.ts";
import { createMemoryFiles, type MemoryFiles } from "./memory-files.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

/** Thrown by tests where a process would have died: nothing of ours catches it. */
export class Crash extends Error {}

export interface WorldOptions {
  readonly swap?: Readonly<Record<string, unknown>>;
  readonly propagationDelayMs?: number;
  readonly requestsPerSecond?: number;
  readonly seed?: number;
  /** Weights that the balancer has, and the time; default a fresh world's. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly now?: number;
}

export const journalPath = "/swaps/1/journal.jsonl";

export class SwapWorld {
  readonly clock: VirtualClock;
  readonly files: MemoryFiles = createMemoryFiles();
  readonly balancer: FakeBalancer;
  readonly settings: SwapSettings;
  /** Engine operations that changed something, in order. */
  readonly operations: string[] = [];
  /** Platforms that are up, with their image. */
  readonly up = new Map<string, string>([["cloud-run", "kiro@old"]]);
  /** Platforms that the balancer's stack knows. */
  attached: readonly string[] = ["cloud-run"];
  readonly requests: { number: number; verb: Verb; by: string }[] = [];
  /** Called around each effect of the outside world. */
  onEffect: (when: "before" | "after", name: string) => void = () => undefined;
  engineFailure: { readonly stack: string; readonly error: SwitchyardError } | undefined;
  agentReady = true;
  agentStatus = 200;

  readonly #firstWeights: Readonly<Record<string, number>>;

  constructor(options: WorldOptions = {}) {
    this.#firstWeights = options.weights ?? { "cloud-run": 100 };
    this.clock = createVirtualClock(options.now);
    this.balancer = createFakeBalancer({
      clock: this.clock,
      weights: this.#firstWeights,
      platforms: ["cloud-run", "gke"],
      requestsPerSecond: options.requestsPerSecond ?? 200,
      propagationDelayMs: options.propagationDelayMs ?? 0,
      seed: options.seed ?? 1,
    });
    this.settings = toSwapSettings(
      hotSwapConfig.parse({ profile: "demo", drain_timeout: 10, ...options.swap }),
      platformConfig.parse({}),
    );
  }

  async writeStart(): Promise<void> {
    const journal = await openJournal(this.files, journalPath);
    await journal.append({
      kind: "started",
      format: journalFormat,
      at: this.clock.now(),
      id: "1",
      environment: "local",
      from: "cloud-run",
      to: "gke",
      image: "kiro@new",
      settings: this.settings,
      by: "tester",
    });
  }

  /** One process that drives the swap until it rests, or crashes. */
  run(listener: RunListener = {}, signal: AbortSignal = new AbortController().signal): Promise<SwapState> {
    return this.clock.run(async () => {
      const journal = await openJournal(this.files, journalPath);
      return runSwap(journal, this.ports(), { pid: 1, host: "test" }, signal, listener);
    });
  }

  /** Starts a swap and runs it. */
  async swap(listener: RunListener = {}): Promise<SwapState> {
    await this.writeStart();
    return this.run(listener);
  }

  ask(verb: Verb): void {
    this.requests.push({ number: this.requests.length + 1, verb, by: "tester" });
  }

  events(): readonly SwapEvent[] {
    return parseJournal(this.files.content.get(journalPath) ?? "", journalPath).events;
  }

  state(): SwapState {
    const state = foldEvents(this.events());
    if (state === undefined) throw new Error("the journal has no start");
    return state;
  }

  ports(): RunPorts {
    const { router } = this.balancer;
    return {
      clock: this.clock,
      engine: this.#engine(),
      router: {
        read: (signal) => router.read(signal),
        write: async (weights, fingerprint, signal) => {
          this.onEffect("before", "write");
          const state = await router.write(weights, fingerprint, signal);
          this.onEffect("after", "write");
          return state;
        },
      },
      feed: this.balancer.feed,
      prober: this.balancer.prober,
      load: this.balancer.sideLoad,
      platforms: { gke: this.#platform("gke"), "cloud-run": this.#platform("cloud-run") },
      platformSettings: () => ({}),
      newRequestId: () => "request",
      requests: async (after) => this.requests.filter((request) => request.number > after),
    };
  }

  #engine(): StackEngine {
    const result = (stack: StackName): StackResult => ({ stack, outputs: {}, changes: { same: 1 }, durationMs: 0 });
    const operate = async (stack: StackName, name: string, change: () => boolean, options?: StackOptions) => {
      options?.signal?.throwIfAborted();
      this.onEffect("before", name);
      if (this.engineFailure?.stack === stack) throw this.engineFailure.error;
      await this.clock.sleep(1_000, options?.signal);
      if (change()) this.operations.push(name);
      this.onEffect("after", name);
      return result(stack);
    };
    return {
      up: (stack, options) => operate(stack, `up ${stack}`, () => this.#bringUp(stack, options?.config ?? {}), options),
      destroy: (stack, options) =>
        operate(stack, `destroy ${stack}`, () => this.#takeDown(stack.split(".")[0] ?? ""), options),
      preview: async (stack) => result(stack),
      refresh: async (stack) => result(stack),
      outputs: async () => ({}),
      list: async () => [],
      configure: async () => undefined,
    };
  }

  #bringUp(stack: StackName, config: Readonly<Record<string, unknown>>): boolean {
    const program = stack.split(".")[0] ?? "";
    if (program === "traffic") {
      const names = config["switchyard:platforms"];
      const wanted = Array.isArray(names) ? names.map(String) : [];
      const missing = wanted.filter((name) => !this.up.has(name));
      if (missing.length > 0) throw new Error(`attached before it was up: ${missing.join()}`);
      const entries = Object.keys(this.balancer.writes.at(-1) ?? this.#firstWeights);
      const inUse = entries.filter((name) => !wanted.includes(name));
      if (inUse.length > 0) throw new Error(`detached while the balancer had an entry: ${inUse.join()}`);
      const changed = wanted.join() !== this.attached.join();
      this.attached = wanted;
      return changed;
    }
    const image = String(config["switchyard:image"]);
    const changed = this.up.get(program) !== image;
    this.up.set(program, image);
    return changed;
  }

  #takeDown(program: string): boolean {
    if ((this.balancer.applied()[program] ?? 0) > 0) throw new Error(`${program} was removed while it had traffic`);
    if (this.attached.includes(program)) throw new Error(`${program} was removed while the balancer knew it`);
    return this.up.delete(program);
  }

  #platform(name: string): Platform {
    const timestamp = new Date(0).toISOString();
    const agent: KiroAgent = {
      platform: name,
      processRequest: async ({ requestId }: KiroRequest) => ({
        statusCode: this.agentStatus,
        data: {},
        headers: {},
        timestamp,
        requestId,
        platform: name,
      }),
      healthCheck: async () => {
        if (!this.up.has(name)) throw new SwitchyardError("agent-unreachable", { message: `${name} is not up` });
        return {
          status: "healthy",
          ready: this.agentReady,
          platform: name,
          instanceId: "i",
          timestamp,
          uptimeSeconds: 1,
          checks: {},
        };
      },
      getMetrics: async () => ({
        platform: name,
        instanceId: "i",
        timestamp,
        requestCount: 0,
        errorCount: 0,
        avgResponseTime: 0,
        memoryUsage: 0,
        cpuUsage: 0,
        platformSpecific: {},
      }),
      getPlatformInfo: async () => ({
        platform: name,
        instanceId: "i",
        version: "1",
        runtime: "test",
        startedAt: timestamp,
        operations: [],
        platformSpecific: {},
      }),
    };
    return { name, agent: () => agent, trafficConfig: async () => ({}) };
  }
}
