import { userInfo } from "node:os";
import { Flags } from "@oclif/core";
import { SwitchyardError } from "../errors.ts";
import type { Plan } from "../guard/plan/plan.ts";
import type { ClusterRecord } from "../guard/registry/record.ts";
import type { BatchView, Move, Wait } from "../guard/run/decide.ts";
import type { Wanted } from "../guard/run/person.ts";
import type { RunOptions } from "../guard/run/run-batch.ts";
import type { GuardConfig } from "../guard/settings.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { OpenedRun } from "./compose-guard-run.ts";
import { GuardCommand } from "./guard-command.ts";
import { describePause, describeRetry } from "./guard-status-view.ts";
import { label } from "./progress.ts";

export interface BatchResult {
  readonly batch: string;
  /** Hash; quoted by everything that is done for it. */
  readonly plan: string;
  readonly clusters: readonly {
    readonly cluster: string;
    readonly istio: string;
    readonly state: string;
    /** Only paused. */
    readonly pausedFrom?: string;
    /** Its open merge request is a draft: checks that were made again do not pass. */
    readonly held?: true;
    /** Its hop was taken back. */
    readonly wentBack?: true;
    readonly mergeRequest?: string;
    readonly note?: string;
  }[];
  readonly waits: readonly Wait[];
}

export const batchFlag = Flags.string({ description: "The batch.", required: true });

export const maxConcurrentFlag = Flags.integer({
  description: "Clusters that are worked on at a time. Default guard.execution.max_parallel_clusters.",
  min: 1,
  max: 50,
});

/** A command that drives a batch. */
export abstract class GuardRunCommand<Result extends object> extends GuardCommand<Result> {
  #opened: Promise<OpenedRun> | undefined;

  protected opened(): Promise<OpenedRun> {
    this.#opened ??= Promise.all([import("./compose-guard-run.ts"), this.compose(), this.guard()]).then(
      ([{ openRun }, composition, guard]) => openRun(composition, guard),
    );
    return this.#opened;
  }

  /** The settings, with what flags change of them. */
  protected async settings(change: (config: GuardConfig) => GuardConfig = (config) => config): Promise<GuardConfig> {
    return change(await (await this.guard()).config());
  }

  /** The plan that the clusters of a batch run, or the one that is named. Errors: guard-refused, guard-plan-changed. */
  protected async planOf(batch: string, named: string | undefined): Promise<Plan> {
    const [guard, { ports }, { storedPlan }] = await Promise.all([
      this.guard(),
      this.opened(),
      import("../guard/run/make-plan.ts"),
    ]);
    const hash = named ?? (await this.#runningPlan(batch, guard));
    const plan = await storedPlan(ports, hash);
    if (plan !== undefined && plan.batch === batch) return plan;
    throw new SwitchyardError("guard-refused", {
      message: plan === undefined ? `There is no stored plan ${hash}` : `The plan ${hash} is of batch ${plan.batch}`,
      next: `Make one: npx switchyard guard plan --batch ${batch} --target-version VERSION`,
    });
  }

  async #runningPlan(batch: string, guard: Awaited<ReturnType<GuardRunCommand<Result>["guard"]>>): Promise<string> {
    const loaded = await (await guard.registry()).loadBatch(batch);
    const plans = new Set(loaded.flatMap(({ record }) => record.run?.plan ?? []));
    const [only] = plans;
    if (only !== undefined && plans.size === 1) return only;
    throw new SwitchyardError("guard-refused", {
      message:
        only === undefined
          ? `No cluster of ${batch} is in a run`
          : `Clusters of ${batch} are in runs of several plans: ${[...plans].join(", ")}`,
      next:
        only === undefined
          ? `Begin one: npx switchyard guard run --batch ${batch} --target-version VERSION`
          : "Name one with --plan.",
    });
  }

  /** Drives the batch under its lease; people and machines are told of each change. */
  protected async drive(options: Omit<RunOptions, "holder" | "signal">): Promise<BatchResult> {
    const [guard, { ports }, { runBatch }] = await Promise.all([
      this.guard(),
      this.opened(),
      import("../guard/run/run-batch.ts"),
    ]);
    let shown: ReadonlySet<string> = new Set();
    return this.#telling(async ({ tell, telemetry, warn }) => {
      const end = await runBatch(ports, {
        ...options,
        holder: guard.holder,
        signal: this.signal,
        telemetry,
        onWarning: warn,
        onMove: (before, after, move) => {
          tell(before, after, move);
          this.lines.line(label(after.entry.clusterId, movedText(before, after, move)));
        },
        onWaits: (waits) => {
          const lines = new Set(waits.map(({ cluster, why }) => label(cluster, why)));
          // What was said at the last look is not said again.
          for (const line of lines) if (!shown.has(line)) this.lines.line(line);
          shown = lines;
        },
      });
      return resultOf(options.batch, options.plan.hash, end.clusters, end.waits);
    });
  }

  /** Work in which people and machines are told of each change; at its end all are told, or a warning says who was not. */
  async #telling<Done>(
    work: (told: {
      tell(before: ClusterRecord, after: ClusterRecord, move: Move): void;
      warn(text: string): void;
      readonly telemetry: Telemetry;
    }) => Promise<Done>,
  ): Promise<Done> {
    const [composition, guard, { openTold }, { openTelemetry }, { tellChange }] = await Promise.all([
      this.compose(),
      this.guard(),
      import("./compose-guard-told.ts"),
      import("./compose-guard-telemetry.ts"),
      import("../guard/events/telemetry.ts"),
    ]);
    const told = await openTold(composition, guard, this.signal);
    const warn = (text: string): void => this.addWarning(text);
    const telemetry = await openTelemetry(composition.env, this.config.version, warn);
    const tell = (before: ClusterRecord, after: ClusterRecord, move: Move): void => {
      told.take(before, after, move);
      tellChange(telemetry, before, after);
    };
    try {
      return await work({ tell, warn, telemetry });
    } finally {
      const [untold, unsent] = await Promise.all([told.close(), telemetry.close()]);
      for (const warning of untold) warn(warning);
      if (unsent !== undefined) warn(unsent);
    }
  }

  /** What a person decides, written at once: also while a monitor works on the batch, which then goes on from there. */
  protected async decide(
    batch: string,
    plan: Plan,
    settings: GuardConfig,
    wanted: (view: BatchView, by: string, person: typeof import("../guard/run/person.ts")) => Wanted,
  ): Promise<void> {
    const [guard, person, { moveRecord }, { refused }, { withBundle }] = await Promise.all([
      this.guard(),
      import("../guard/run/person.ts"),
      import("../guard/registry/registry.ts"),
      import("../guard/run/run-batch.ts"),
      import("../guard/run/failure.ts"),
    ]);
    const registry = await guard.registry();
    const loaded = (await registry.loadBatch(batch)).filter(({ record }) => record.run?.plan === plan.hash);
    const now = guard.clock.wall();
    const by = userInfo().username;
    const clusters = loaded.map(({ record }) => record);
    const { moves, refusals } = wanted({ plan, settings, now, clusters }, by, person);
    if (moves.length === 0 && refusals.length > 0) throw refused(refusals);
    for (const { cluster, why } of refusals) this.addWarning(`${cluster} is left as it is: ${why}`);
    const held = new Map(loaded.map((one) => [one.record.entry.clusterId, one]));
    await this.#telling(async ({ tell }) => {
      for (const move of moves) {
        const { cluster, event, note } = move;
        const one = held.get(cluster);
        if (one === undefined) continue;
        const run = withBundle(plan, one.record, move, now);
        const moved = moveRecord(one.record, event, { at: now, by, note, run });
        if (moved.kind === "refused")
          throw new SwitchyardError("guard-refused", { message: `${cluster}: ${moved.why}` });
        const saved = await registry.save(one, moved.record, one.fence);
        held.set(cluster, saved);
        tell(one.record, saved.record, move);
        this.lines.line(label(cluster, `${one.record.state} -> ${moved.record.state} (${event})`));
      }
    });
  }

  /** Drives on, unless somebody drives it already. */
  protected async driveUnlessDriven(options: Omit<RunOptions, "holder" | "signal">): Promise<BatchResult> {
    try {
      return await this.drive(options);
    } catch (error) {
      if (!(error instanceof SwitchyardError) || error.code !== "guard-locked") throw error;
      this.lines.line(`${error.message}. It goes on with what was decided.`);
      const loaded = await (await (await this.guard()).registry()).loadBatch(options.batch);
      return resultOf(
        options.batch,
        options.plan.hash,
        loaded.map(({ record }) => record),
        [],
      );
    }
  }

  protected override async atEnd(thrown: unknown): Promise<void> {
    await (await this.#opened?.catch(() => undefined))?.close();
    return super.atEnd(thrown);
  }
}

const movedText = (before: ClusterRecord, { state }: ClusterRecord, { event, note }: Move): string =>
  `${before.state} -> ${state} (${event})${note === undefined ? "" : `: ${note}`}`;

/** Where a hop ends that was taken back. */
const atRest: readonly ClusterRecord["state"][] = ["rollback_completed", "healthy"];

export function resultOf(
  batch: string,
  plan: string,
  clusters: readonly ClusterRecord[],
  waits: readonly Wait[],
): BatchResult {
  return {
    batch,
    plan,
    clusters: clusters.map(({ entry, state, pausedFrom, run }) => {
      const url = run?.rollback?.mergeRequest?.url ?? run?.step.mergeRequest?.url;
      return {
        cluster: entry.clusterId,
        istio: entry.currentIstioVersion,
        state,
        ...(pausedFrom === undefined ? {} : { pausedFrom }),
        ...(state === "mr_created" && run?.step.held !== undefined ? { held: true } : {}),
        ...(atRest.includes(state) && run?.rollback !== undefined ? { wentBack: true } : {}),
        ...(url === undefined || url === "none" ? {} : { mergeRequest: url }),
        ...(run?.note === undefined ? {} : { note: run.note }),
      };
    }),
    waits,
  };
}

export function describeBatch({ batch, plan, clusters, waits }: BatchResult): readonly string[] {
  const requests = [...new Set(clusters.flatMap(({ mergeRequest }) => mergeRequest ?? []))];
  return [
    "",
    `Batch ${batch}, plan ${plan}`,
    ...clusters.map(({ cluster, istio, state, note }) =>
      label(cluster, `Istio ${istio}, ${state}${note === undefined ? "" : `: ${note}`}`),
    ),
    ...requests.map((url) => label("Merge request", url)),
    ...waits.map(({ cluster, why, until }) =>
      label(cluster, `${why}${until === undefined ? "" : `, until ${new Date(until).toISOString()}`}`),
    ),
    ...(clusters.some(({ state }) => state === "paused") ? ["", ...describePause(batch)] : []),
    ...(clusters.some(({ state }) => state === "rollback_completed") ? ["", describeRetry(batch)] : []),
  ];
}
