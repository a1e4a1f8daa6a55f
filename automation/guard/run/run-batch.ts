/** A run of a batch from its start to an open merge request, or on to its end: under the batch's lease, over whatever happened before. */
import { SwitchyardError } from "../../errors.ts";
import { noTelemetry, type Telemetry } from "../../ports/telemetry.ts";
import { measured } from "../events/telemetry.ts";
import type { SomeThresholds } from "../judge/thresholds.ts";
import type { Plan } from "../plan/plan.ts";
import type { ClusterRecord, RestartMode } from "../registry/record.ts";
import { batchLock, createRegistry, type Loaded, moveRecord, type Registry } from "../registry/registry.ts";
import type { GuardConfig } from "../settings.ts";
import { carryOut } from "./carry-out.ts";
import { projectOnce, type RunContext, type RunPorts } from "./context.ts";
import type { Move, Wait } from "./decide.ts";
import { Failures, withBundle } from "./failure.ts";
import { underLease } from "./lease.ts";
import { driveBatch, type LoopEnd, type LoopOptions } from "./loop.ts";
import { membersOf } from "./members.ts";
import type { Refusal } from "./person.ts";
import { keptLimits, keptRestart, startMoves } from "./start.ts";

export interface RunOptions {
  readonly batch: string;
  readonly plan: Plan;
  readonly settings: GuardConfig;
  /** Limits instead of the settings': kept with what begins, so that later processes know them, and held to by this one. */
  readonly thresholds?: SomeThresholds | undefined;
  /** How workloads restart instead of as the settings say; likewise. */
  readonly restart?: RestartMode | undefined;
  /** Names this process in the lock. */
  readonly holder: string;
  /** Begins the hop where clusters are at rest; false: only what is under way goes on. */
  readonly start: boolean;
  readonly until: LoopOptions["until"];
  /** Clusters that stay out. */
  readonly exclude?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** A change that is written. */
  onMove?(before: ClusterRecord, after: ClusterRecord, move: Move): void;
  onWaits?(waits: readonly Wait[]): void;
  /** What went wrong beside the run: a failure that could not be looked at. */
  onWarning?(text: string): void;
  /** Default: nothing is measured. */
  readonly telemetry?: Telemetry;
}

/** Errors: guard-locked, guard-refused, guard-unknown-cluster; those of the store. */
export async function runBatch(ports: RunPorts, options: RunOptions): Promise<LoopEnd> {
  const { batch, settings, holder } = options;
  const leaseMs = settings.execution.lease_seconds * 1_000;
  const lease = {
    store: ports.store,
    clock: ports.clock,
    name: batchLock(batch),
    holder,
    leaseMs,
    signal: options.signal,
  };
  return underLease(lease, (fence, signal) => new BatchRun(ports, options, fence, signal).drive());
}

class BatchRun {
  readonly #ports: RunPorts;
  readonly #options: RunOptions;
  readonly #fence: number;
  readonly #signal: AbortSignal;
  readonly #registry: Registry;
  readonly #context: RunContext;
  readonly #failures: Failures;

  constructor(ports: RunPorts, options: RunOptions, fence: number, signal: AbortSignal) {
    this.#ports = ports;
    this.#options = options;
    this.#fence = fence;
    this.#signal = signal;
    this.#registry = createRegistry(ports.store);
    const { settings, thresholds = {}, restart, batch, plan } = options;
    this.#context = {
      ...ports,
      host: projectOnce(ports.host, ports.clock),
      settings,
      thresholds,
      restart,
      batch,
      plan,
      fence,
      fleet: this.#fleetOnce(),
    };
    this.#failures = new Failures(this.#context, signal, (text) => options.onWarning?.(text));
  }

  async drive(): Promise<LoopEnd> {
    try {
      return await this.#drive();
    } finally {
      await this.#failures.end();
    }
  }

  async #drive(): Promise<LoopEnd> {
    for (;;) {
      const held = this.#options.start ? await this.#start() : [];
      const end = await this.#loop();
      // The next region begins when the one before is done; where that is not so, a person has to see to it.
      const again = this.#options.until === "end" && this.#options.start && held.length > 0;
      const left = again ? await this.#heldStill() : held;
      if (!again || left.length > 0) return { ...end, waits: [...end.waits, ...left] };
    }
  }

  /** Waits for the pause between regions; what then is still in the way of all that has not begun. */
  async #heldStill(): Promise<readonly Wait[]> {
    const { clock } = this.#ports;
    for (;;) {
      const { moves, waits } = this.#startable(await this.#members());
      if (moves.length > 0) return [];
      const until = waits.flatMap((wait) => wait.until ?? []);
      if (until.length === 0) return waits;
      await clock.sleep(Math.max(1_000, Math.min(...until) - clock.wall()), this.#signal);
    }
  }

  async #members(): Promise<readonly Loaded[]> {
    const { batch, plan, exclude = [] } = this.#options;
    return membersOf({ batch, plan: plan.hash, exclude }, await this.#registry.loadBatch(batch));
  }

  #startable(members: readonly Loaded[]) {
    const { plan, settings, exclude, thresholds, restart } = this.#options;
    const clusters = members.map(({ record }) => record);
    return startMoves({ now: this.#ports.clock.wall(), plan, settings, exclude, thresholds, restart, clusters });
  }

  async #start(): Promise<readonly Wait[]> {
    const members = await this.#members();
    const { moves, waits, refusals } = this.#startable(members);
    if (refusals.length > 0) throw refused(refusals);
    for (const { record } of members) {
      for (const kept of [keptLimits(this.#options, record), keptRestart(this.#options, record)])
        if (kept !== undefined) this.#options.onWarning?.(kept);
    }
    for (const move of moves) {
      const loaded = members.find(({ record }) => record.entry.clusterId === move.cluster);
      if (loaded !== undefined && (await this.#write(loaded, move)) === undefined)
        throw new SwitchyardError("guard-conflict", { message: `Somebody else changed ${move.cluster} meanwhile` });
    }
    return waits;
  }

  #loop(): Promise<LoopEnd> {
    const { plan, settings, until, onWaits, telemetry = noTelemetry } = this.#options;
    return driveBatch(
      {
        load: async () => {
          const held = (await this.#members()).filter(({ record }) => record.run?.plan === plan.hash);
          for (const { record } of held) this.#failures.see(record);
          return held;
        },
        write: (held, move) => this.#write(held, move),
        carryOut: (effect, view, signal) =>
          measured(telemetry, effect.kind, this.#ports.clock.now, () => carryOut(this.#context, effect, view, signal)),
        clock: this.#ports.clock,
      },
      {
        plan,
        settings,
        until,
        signal: this.#signal,
        ...(onWaits === undefined ? {} : { onWaits }),
      },
    );
  }

  /** Undefined when somebody else wrote meanwhile. Errors: guard-locked. */
  async #write({ record, version }: Pick<Loaded, "record" | "version">, move: Move): Promise<Loaded | undefined> {
    const at = this.#ports.clock.wall();
    const run = withBundle(this.#options.plan, record, move, at);
    const moved = moveRecord(record, move.event, {
      at,
      by: "guard",
      note: move.note,
      ...(run === undefined ? {} : { run }),
    });
    if (moved.kind === "refused") throw new RangeError(moved.why);
    const saved = await this.#registry.write({ record, version, fence: this.#fence }, moved.record, this.#fence);
    if (saved.kind === "conflict") return undefined;
    if (saved.kind === "fenced")
      throw new SwitchyardError("guard-locked", {
        message: `${move.cluster} was written under a newer lock`,
        begun: true,
      });
    this.#options.onMove?.(record, saved.loaded.record, move);
    this.#failures.see(saved.loaded.record);
    return saved.loaded;
  }

  /** The registry as it was within this tick. */
  #fleetOnce(): RunContext["fleet"] {
    let at = Number.NEGATIVE_INFINITY;
    let known: Promise<readonly ClusterRecord[]> | undefined;
    return () => {
      const now = this.#ports.clock.wall();
      if (known === undefined || now - at > fleetMs) {
        at = now;
        known = this.#registry.loadAll().then((all) => all.map(({ record }) => record));
        known.catch(() => {
          known = undefined;
        });
      }
      return known;
    };
  }
}

const fleetMs = 5_000;

export function refused(refusals: readonly Refusal[]): SwitchyardError {
  return new SwitchyardError("guard-refused", {
    message: refusals.map(({ cluster, why }) => `${cluster}: ${why}`).join("\n"),
    next: [...new Set(refusals.map(({ fix }) => fix))],
    data: { refusals },
  });
}
