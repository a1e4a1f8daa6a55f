/** The drill's simulated world as tests of the engine use it: given a world, when a swap runs, then the world and the journal say. */

import {
  beginSwap,
  type EngineEnd,
  startEngine,
  storeOfWorld,
  swapsOf,
} from "../../automation/drill/simulation/engine.ts";
import { candidate, SimulatedWorld, type WorldOptions } from "../../automation/drill/simulation/world.ts";
import type { SwitchyardError } from "../../automation/errors.ts";
import { foldEvents } from "../../automation/swap/fold.ts";
import { parseJournal } from "../../automation/swap/journal.ts";
import type { RunListener } from "../../automation/swap/run.ts";
import type { SwapEvent, SwapState, Verb } from "../../automation/swap/state.ts";
import { type SwapStore, swapPurpose } from "../../automation/swap/store.ts";

/** Thrown where a process was killed. */
export class Crash extends Error {}

export const journalKey = "swaps/1/journal";

/** Traffic of 200 requests a second, each of 5 ms, so that drains are short; else the drill's world. */
export class SwapWorld extends SimulatedWorld {
  readonly swaps: SwapStore;
  /** The disk. */
  readonly files = this.store;
  /** Called around each effect on the outside world; what it throws is a crash. */
  onEffect: (when: "before" | "after", name: string) => void = () => undefined;

  constructor(options: WorldOptions = {}) {
    super({
      environment: "local",
      requestsPerSecond: 200,
      workers: 1,
      apiMs: [0, 0],
      ...options,
      swap: { drain_timeout: 10, ...options.swap },
    });
    for (const platform of ["cloud-run", "gke"])
      this.balancer.setSide(platform, { latencyMs: 5, latencySpread: 0, longReplies: undefined });
    this.swaps = storeOfWorld(this);
    this.readSwap = async () => (await this.swaps.latest())?.state;
    this.onPoint = (point, process) => {
      const [, name, place] = /^(write|up \S+|destroy \S+).*: (.*)$/.exec(point) ?? [];
      if (name === undefined || place === undefined || place === "half done") return;
      try {
        this.onEffect(place.startsWith("reply") ? "after" : "before", name);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        process.kill();
      }
    };
  }

  get operations(): readonly string[] {
    return this.cloud.operations;
  }

  get up(): readonly string[] {
    return [...this.cloud.platforms.keys()];
  }

  /** The next operation of a program fails like that, until it is undefined again. */
  set engineFailure(failure: { readonly stack: string; readonly error: SwitchyardError } | undefined) {
    this.cloud.trouble =
      failure === undefined
        ? undefined
        : {
            program: failure.stack.split(".")[0] ?? "",
            after: "nothing",
            left: Number.POSITIVE_INFINITY,
            error: failure.error,
          };
  }

  set agentReady(ready: boolean) {
    this.agents.set(candidate, { status: 200, ready });
  }

  set agentStatus(status: number) {
    this.agents.set(candidate, { status, ready: true });
  }

  /** A swap that nobody drives yet. */
  async writeStart(): Promise<void> {
    await this.clock.run(async () => {
      const process = this.processes.start("host-1");
      const swaps = swapsOf(this, process);
      const lease = await swaps.claim(swapPurpose("1"));
      await beginSwap(this, swaps, "1", lease.token);
      await lease.release();
      process.exit();
    });
  }

  /** One process that drives the swap until it rests, or is killed. Errors: what the process ended with, Crash. */
  async run(listener: RunListener = {}, signal?: AbortSignal): Promise<SwapState> {
    const end = await this.clock.run(() => {
      const engine = startEngine(this, { listener });
      signal?.addEventListener("abort", () => engine.stop());
      return engine.ended;
    });
    return stateOf(end);
  }

  /** Starts a swap and runs it. */
  async swap(listener: RunListener = {}): Promise<SwapState> {
    await this.writeStart();
    return this.run(listener);
  }

  /** A person's word. */
  ask(verb: Verb, amountMs?: number): void {
    void this.swaps.request("1", verb, "tester", amountMs);
  }

  events(): readonly SwapEvent[] {
    return parseJournal(this.store.log(journalKey), { text: journalKey, setAside: "" }).events;
  }

  state(): SwapState {
    const state = foldEvents(this.events());
    if (state === undefined) throw new Error("the journal has no start");
    return state;
  }
}

function stateOf(end: EngineEnd): SwapState {
  switch (end.kind) {
    case "rested":
      return end.state;
    case "failed":
      throw end.error;
    case "killed":
      throw new Crash("the process was killed");
  }
}
