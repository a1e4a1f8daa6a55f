/** `failover watch` as a process of the simulated world: the real watch and the real swap engine over simulated ports. */
import { alertWatchListener, type TakeAlerts } from "../../alerts/listeners.ts";
import { SwitchyardError } from "../../errors.ts";
import { interruptedFailover, recentFailovers } from "../../failover/history.ts";
import { type FailoverSettings, toFailoverSwap } from "../../failover/settings.ts";
import { type WatchListener, watchFailover } from "../../failover/watch.ts";
import type { Lease } from "../../swap/lease.ts";
import type { RunListener } from "../../swap/run.ts";
import { type SwapStore, swapPurpose } from "../../swap/store.ts";
import { beginSwap, outsideOf, portsOf, runTold, swapsOf } from "./engine.ts";
import type { SimulatedProcess } from "./process.ts";
import type { SimulatedWorld } from "./world.ts";

export interface WatcherOptions {
  readonly settings: FailoverSettings;
  /** The machine; default the first one. */
  readonly host?: string;
  readonly listener?: WatchListener;
  readonly runListener?: RunListener;
  /** Who is told; absent: nobody. */
  readonly alerts?: TakeAlerts;
}

export interface RunningWatcher {
  readonly process: SimulatedProcess;
  /** How it ended; undefined: it was killed or stopped by Ctrl-C. */
  readonly ended: Promise<{ readonly error: unknown } | undefined>;
  /** Ctrl-C. */
  stop(): void;
}

/** Goes on with a failover that another process left, then watches until it is stopped. */
export function startWatcher(world: SimulatedWorld, options: WatcherOptions): RunningWatcher {
  const process = world.processes.start(options.host ?? "host-1");
  const controller = new AbortController();
  const { signal } = controller;
  const work = new Watcher(world, process, options, signal).run().then(
    () => undefined,
    (error: unknown) => (signal.aborted ? undefined : { error }),
  );
  const ended = Promise.race([work, process.killed.then(() => undefined)]).then((end) => {
    process.exit();
    return end;
  });
  return { process, ended, stop: () => controller.abort(new SwitchyardError("cancelled", { message: "Ctrl-C" })) };
}

class Watcher {
  readonly #world: SimulatedWorld;
  readonly #process: SimulatedProcess;
  readonly #options: WatcherOptions;
  readonly #signal: AbortSignal;
  readonly #swaps: SwapStore;

  constructor(world: SimulatedWorld, process: SimulatedProcess, options: WatcherOptions, signal: AbortSignal) {
    this.#world = world;
    this.#process = process;
    this.#options = options;
    this.#signal = signal;
    this.#swaps = swapsOf(world, process);
  }

  async run(): Promise<void> {
    const { settings, listener = {} } = this.#options;
    const swaps = this.#swaps;
    const { clock } = this.#process;
    if (settings.policy === "automatic") {
      const left = await interruptedFailover(swaps, clock, this.#signal);
      if (left !== undefined)
        await this.#drive(left.id, await swaps.claim(swapPurpose(left.id), { watch: left.watch }));
    }
    const { feed, router, platforms } = outsideOf(this.#world, this.#process);
    const ports = {
      feed,
      router,
      platforms,
      clock,
      swapOpen: async () => (await swaps.open()) !== undefined,
      moves: () => recentFailovers(swaps, clock.wall()),
      move: (from: string, to: string) => this.#move(from, to),
    };
    await watchFailover({ settings, listener: this.#told(listener) }, ports, this.#signal);
  }

  #told(listener: WatchListener): WatchListener {
    const { alerts } = this.#options;
    if (alerts === undefined) return listener;
    const told = alertWatchListener(alerts, this.#world.environment, this.#process.clock);
    return {
      ...listener,
      onLook(decision) {
        told.onLook(decision);
        listener.onLook?.(decision);
      },
      onMoveFailed(decision, error) {
        told.onMoveFailed(decision, error);
        listener.onMoveFailed?.(decision, error);
      },
      onBlind(error) {
        told.onBlind(error);
        listener.onBlind?.(error);
      },
    };
  }

  /** As the command does it. */
  async #move(from: string, to: string): Promise<void> {
    const swaps = this.#swaps;
    const id = await swaps.nextId();
    const lease = await swaps.claim(swapPurpose(id));
    try {
      if ((await swaps.nextId()) !== id || (await swaps.open()) !== undefined)
        throw new SwitchyardError("swap-in-progress", { message: "another swap was made at the same moment" });
      const { weights } = await outsideOf(this.#world, this.#process).router.read(this.#signal);
      if (weights[from] !== 100) throw new SwitchyardError("weights-moved-elsewhere", { message: `not on ${from}` });
      const image = this.#world.cloud.platforms.get(to)?.image ?? "";
      const settings = toFailoverSwap(this.#world.settings);
      await beginSwap(this.#world, swaps, id, lease.token, { mode: "failover", from, to, image, settings });
    } catch (error) {
      await lease.release();
      throw error;
    }
    await this.#drive(id, lease);
  }

  /** Errors: swap-failed when the traffic was not moved, swap-paused when a person is needed, those of the engine. */
  async #drive(id: string, lease: Lease): Promise<void> {
    try {
      const journal = await this.#swaps.journal(id, lease.token);
      const ports = portsOf(this.#world, this.#process, lease, (after) => this.#swaps.requests(id, after));
      const { pid, host } = this.#process.identity;
      const { alerts, runListener: listener } = this.#options;
      const state = await runTold(journal, ports, { pid, host }, this.#signal, {
        ...(alerts === undefined ? {} : { alerts }),
        ...(listener === undefined ? {} : { listener }),
      });
      if (state.end === undefined) throw new SwitchyardError("swap-paused", { message: `failover ${id} waits` });
      if (state.end.as !== "completed")
        throw new SwitchyardError("swap-failed", { message: `failover ${id}: ${state.end.reason}` });
    } finally {
      await lease.release();
    }
  }
}
