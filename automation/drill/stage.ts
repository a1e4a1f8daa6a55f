/** Where a fault is played: a world, the swap that runs in it, and the ways in which a fault may act on both. */
import { SwitchyardError } from "../errors.ts";
import type { RunListener } from "../swap/run.ts";
import type { SwapEvent, SwapState, Verb } from "../swap/state.ts";
import type { SwapStore } from "../swap/store.ts";
import { DrillAlerts } from "./alert-target.ts";
import { type EngineOptions, type RunningEngine, startEngine, storeOfWorld } from "./simulation/engine.ts";
import { candidate, oldSide, type SimulatedWorld } from "./simulation/world.ts";

export { candidate, oldSide };

type Watcher = (event: SwapEvent, state: SwapState) => boolean;

export class Stage {
  readonly world: SimulatedWorld;
  readonly swaps: SwapStore;
  /** What people are told. */
  readonly alerts: DrillAlerts;
  /** When the fault was declared, and how many requests there had been. */
  declared: { readonly at: number; readonly requests: number } | undefined;
  /** Pauses by reason, and processes that ended by an error, by code; in order. */
  readonly stops: string[] = [];
  /** Commands that were refused, by code. */
  readonly refusals: string[] = [];
  /** What a fault saw that must not be, in sentences. */
  readonly findings: string[] = [];
  /** Ends the fault; called by the person who finds the swap stopped. */
  repair: () => void = () => undefined;
  /** When the last process or wish went to work, until it acts. */
  resuming: number | undefined;
  resumedInMs: number | undefined;
  engine: RunningEngine | undefined;
  /** How processes ended that were replaced while they stood still, by code. */
  readonly replaced: string[] = [];
  /** For every process that drives a swap here. */
  readonly listener: RunListener = { onEvent: (event, state) => this.#see(event, state) };
  /** Requests until the first decision to go back. */
  requestsAtDecision: number | undefined;
  /** Known from the swap's first line that this stage hears. */
  #id = "1";
  readonly #watchers: { readonly matches: Watcher; readonly act: () => void }[] = [];

  constructor(world: SimulatedWorld) {
    this.world = world;
    this.swaps = storeOfWorld(world);
    this.alerts = new DrillAlerts(world);
    world.readSwap = () => this.swap();
  }

  /** The newest one, as its journal says now. Where nothing fails over by itself a drill world has one. */
  async swap(): Promise<SwapState | undefined> {
    return (await this.swaps.latest())?.state;
  }

  /** The fault begins. */
  declare(): void {
    this.declared ??= { at: this.world.clock.now(), requests: this.world.balancer.totals().requests };
  }

  /** Acts once, when the journal has a line like that. */
  when(matches: Watcher, act: () => void): void {
    this.#watchers.push({ matches, act });
  }

  /** Declares the fault and acts when the data plane follows the share; 0 is before the first step. */
  atShare(share: number, act: () => void): void {
    this.when(
      (event) =>
        share === 0
          ? event.kind === "intent" && event.effect.kind === "deploy"
          : event.kind === "verified" && event.weight === share,
      () => {
        this.declare();
        act();
      },
    );
  }

  /** The same when a phase begins. */
  inPhase(phase: SwapState["phase"], act: () => void): void {
    const acts = (): void => {
      this.declare();
      act();
    };
    // The first phase has no line of its own.
    if (phase === "deploying") this.when((event) => event.kind === "engine", acts);
    else this.when((event) => event.kind === "entered" && event.phase === phase, acts);
  }

  /** A person's word. Kept for the caller: a wish that cannot be left is a fault of the drill. */
  ask(verb: Verb): void {
    this.resuming ??= this.world.clock.now();
    void this.swaps.request(this.#id, verb, "drill");
  }

  /** A process that drives the swap from now on. */
  start(options: EngineOptions = {}): RunningEngine {
    // The first one takes nothing over.
    if (this.engine !== undefined) this.resuming ??= this.world.clock.now();
    const engine = startEngine(this.world, { ...options, listener: this.listener, alerts: this.alerts.desk() });
    if (this.engine?.process.alive === true) this.#follow(this.engine);
    this.engine = engine;
    return engine;
  }

  /** Another command that wants the environment at the same time; what became of it is in `refusals`. */
  intrude(): void {
    const other = startEngine(this.world, { host: "host-2", waitMs: 0 });
    void other.ended.then((end) => {
      this.refusals.push(end.kind === "failed" ? codeOf(end.error) : `not refused: ${end.kind}`);
    });
  }

  /** A command that changes a stack by itself, and needs the environment for it; what became of it is in `refusals`. */
  claimFor(purpose: string): void {
    void this.swaps.claim(purpose).then(
      async (lease) => {
        this.refusals.push("not refused");
        await lease.release();
      },
      (error: unknown) => this.refusals.push(codeOf(error)),
    );
  }

  /** What becomes of a process that was replaced. */
  #follow(engine: RunningEngine): void {
    void engine.ended.then((end) => {
      if (end.kind === "killed") return;
      this.replaced.push(end.kind === "failed" ? codeOf(end.error) : end.kind);
    });
  }

  #see(event: SwapEvent, state: SwapState): void {
    this.#id = state.id;
    if (event.kind === "paused") this.stops.push(event.reason);
    if (event.kind === "requested" && event.verb === "pause") this.stops.push("requested-pause");
    if (event.kind === "entered" && event.phase === "returning")
      this.requestsAtDecision ??= this.world.balancer.totals().requests;
    // Taking over and being asked are not acts.
    if (this.resuming !== undefined && event.kind !== "engine" && event.kind !== "requested") {
      this.resumedInMs = this.world.clock.now() - this.resuming;
      this.resuming = undefined;
    }
    for (const watcher of this.#watchers.filter((one) => one.matches(event, state))) {
      this.#watchers.splice(this.#watchers.indexOf(watcher), 1);
      watcher.act();
    }
  }
}

/** An error that the swap did not mean to throw stops the drill. */
export function codeOf(error: unknown): string {
  if (error instanceof SwitchyardError) return error.code;
  throw error;
}
