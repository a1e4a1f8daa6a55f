/** Where a fault outside a swap is played: a world with a standby, and the watchers of it. */
import type { FailoverDecision } from "../failover/decide.ts";
import { type FailoverSettings, failoverConfig, toFailoverSettings } from "../failover/settings.ts";
import type { SimulatedProcess } from "./simulation/process.ts";
import { type RunningWatcher, startWatcher } from "./simulation/watcher.ts";
import type { SimulatedWorld } from "./simulation/world.ts";
import { codeOf, Stage } from "./stage.ts";

export class WatchStage extends Stage {
  readonly settings: FailoverSettings;
  readonly watchers: RunningWatcher[] = [];
  /** Each decision to move or to propose, in order, and how many requests there had been. */
  readonly decisions: { readonly at: number; readonly requests: number; readonly decision: FailoverDecision }[] = [];
  /** Every reason for which a look left the traffic where it was, in order, without repeats. */
  readonly left: string[] = [];

  /** A watcher has decided to move the traffic, and has done nothing yet. */
  onDecided: (process: SimulatedProcess) => void = () => undefined;

  constructor(world: SimulatedWorld, failover: Readonly<Record<string, unknown>>) {
    super(world);
    this.settings = toFailoverSettings(failoverConfig.parse({ policy: "automatic", ...failover }));
  }

  /** A process that watches from now on. */
  watch(host?: string): RunningWatcher {
    // The first one takes nothing over.
    if (this.watchers.some(({ process }) => !process.alive)) this.resuming ??= this.world.clock.now();
    const watcher = startWatcher(this.world, {
      settings: this.settings,
      ...(host === undefined ? {} : { host }),
      runListener: this.listener,
      alerts: this.alerts.desk(),
      listener: {
        onLook: ({ kind, reason }) => {
          if (kind !== "move" && kind !== "propose" && this.left.at(-1) !== reason) this.left.push(reason);
        },
        onPropose: (decision) => this.#keep(decision),
        onMove: (decision) => {
          this.#keep(decision);
          this.onDecided(watcher.process);
        },
        onMoveFailed: (_, { code }) => this.refusals.push(code),
      },
    });
    void watcher.ended.then((end) => {
      if (end !== undefined) this.stops.push(codeOf(end.error));
    });
    this.watchers.push(watcher);
    return watcher;
  }

  /** The fault begins so much later, ms. */
  declareAfter(ms: number, act: () => void): void {
    this.world.after(ms, () => {
      this.declare();
      act();
    });
  }

  /** The side's instances take nothing any more, neither users' requests nor health checks. */
  kill(platform: string): void {
    this.world.balancer.setSide(platform, { gatewayErrors: 1 });
    this.world.agents.set(platform, { ready: false, status: 503 });
  }

  cure(platform: string): void {
    this.world.balancer.setSide(platform, { gatewayErrors: 0, applicationErrors: 0 });
    this.world.agents.set(platform, { ready: true, status: 200 });
  }

  #keep(decision: FailoverDecision): void {
    const { clock, balancer } = this.world;
    this.decisions.push({ at: clock.now(), requests: balancer.totals().requests, decision });
  }
}
