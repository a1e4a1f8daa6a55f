import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import type { Plan } from "../../../guard/plan/plan.ts";
import { strategies } from "../../../guard/plan/support.ts";
import { parseVersion } from "../../../guard/plan/versions.ts";
import { finishBatch } from "../../guard-outcome.ts";
import { describeGuardPlan } from "../../guard-plan-view.ts";
import {
  type BatchResult,
  batchFlag,
  describeBatch,
  GuardRunCommand,
  maxConcurrentFlag,
} from "../../guard-run-command.ts";
import {
  assertStrategy,
  restartFlag,
  restartOf,
  thresholdFlags,
  thresholdsOf,
  withFlags,
} from "../../guard-run-flags.ts";
import type { UpgradeSpec } from "../../guard-upgrade-spec.ts";

interface RunResult extends BatchResult {
  /** Nothing was begun: what would be. */
  readonly planned?: Plan;
}

export default class GuardRun extends GuardRunCommand<RunResult> {
  static override mutates = true;
  static override summary =
    "Begin the next hop of an Istio upgrade in a batch: checks, baseline, and a merge request that a person merges.";
  static override description =
    "Makes exactly one hop of a stored plan. Every cluster of the batch is checked; when one does not pass, nothing is opened. Run again, it continues where it stopped and finds its own merge request. After the merge `guard monitor` goes on. It fails when the checks do not pass, when the batch waits for a person, and when it goes back; the result is then the error's data.";
  static override examples = ["<%= config.bin %> guard run --batch prod-wave-1 --target-version 1.31.1"];
  static override flags = {
    batch: batchFlag,
    "target-version": Flags.string({ description: "Version to reach, for example 1.31.1.", exclusive: ["plan"] }),
    plan: Flags.string({ description: "Hash of a stored plan, instead of a target." }),
    strategy: Flags.string({
      description:
        "Default guard.execution.strategy. A plan that the batch runs already keeps its own: another is refused.",
      options: [...strategies],
    }),
    "dry-run": Flags.boolean({ description: "Make and store the plan, and show it; begin nothing." }),
    "max-concurrent": maxConcurrentFlag,
    exclude: Flags.string({
      description: "Cluster that stays out; it is written down. May be given several times.",
      multiple: true,
    }),
    "mr-strategy": Flags.string({
      description: "One merge request for the batch and repository, or one each. Default guard.execution.mr_strategy.",
      options: ["batch", "per-cluster"],
    }),
    "upgrade-spec": Flags.string({
      description: "YAML file with target_version, strategy and exclude, instead of flags.",
    }),
    "export-health-report": Flags.string({ description: "File for the findings of the checks, as JSON." }),
    "skip-sync-wait": Flags.boolean({
      description: "Refused: without the proof that Flux applied the commit nothing is known.",
      hidden: true,
    }),
    restart: restartFlag,
    ...thresholdFlags,
  };

  protected override async execute(): Promise<RunResult> {
    const { flags } = await this.parse(GuardRun);
    if (flags["skip-sync-wait"])
      throw new SwitchyardError("guard-refused", {
        message: "--skip-sync-wait would skip the proof that Flux applied the merged commit",
        next: "Leave it out; guard.validation.flux_sync_timeout_minutes says how long is waited.",
      });
    const { readSpec } = await import("../../guard-upgrade-spec.ts");
    const composition = await this.compose();
    const spec: UpgradeSpec =
      flags["upgrade-spec"] === undefined ? {} : await readSpec(composition.files, flags["upgrade-spec"]);
    const settings = await this.settings((config) => withFlags(config, flags));
    const exclude = [...(flags.exclude ?? []), ...(spec.exclude ?? [])];
    const { batch } = flags;
    const asked = flags.strategy ?? spec.strategy;
    const strategy = strategies.find((one) => one === asked) ?? settings.execution.strategy;
    const plan =
      flags.plan === undefined
        ? await this.#plan(batch, flags["target-version"] ?? spec.target_version, strategy, settings, exclude)
        : await this.planOf(batch, flags.plan);
    assertStrategy(plan, asked);
    if (flags["dry-run"]) return { batch, plan: plan.hash, clusters: [], waits: [], planned: plan };
    for (const cluster of exclude) this.addWarning(`${cluster} stays out of this run`);
    const thresholds = thresholdsOf(flags);
    const result = await this.drive({
      batch,
      plan,
      settings,
      thresholds,
      restart: restartOf(flags),
      start: true,
      until: "merge-request",
      exclude,
    });
    const report = flags["export-health-report"];
    if (report !== undefined) await this.#report(report, batch);
    return finishBatch(result, "upgrade");
  }

  /** The plan that the batch runs already, or a new one. */
  async #plan(
    batch: string,
    wanted: string | undefined,
    strategy: Plan["strategy"],
    settings: Awaited<ReturnType<GuardRun["settings"]>>,
    exclude: readonly string[],
  ): Promise<Plan> {
    const target = wanted === undefined ? undefined : parseVersion(wanted);
    if (target === undefined)
      throw new SwitchyardError("usage-error", {
        message:
          wanted === undefined
            ? "--target-version or --plan is needed"
            : `"${wanted}" is no whole version, for example 1.31.1`,
      });
    const [{ ports }, { planBatch, planUnderWay }] = await Promise.all([
      this.opened(),
      import("../../../guard/run/make-plan.ts"),
    ]);
    const running = await planUnderWay(ports, batch);
    if (running !== undefined && running.target === wanted) return running;
    this.lines.line(`Looks at the clusters of ${batch}`);
    const planned = await planBatch(ports, { batch, target, strategy, settings, exclude, signal: this.signal });
    if (planned.kind === "plan") {
      for (const warning of planned.plan.warnings) this.addWarning(warning);
      return planned.plan;
    }
    throw new SwitchyardError("guard-no-way", {
      message: planned.refusals.map(({ cluster, message }) => `${cluster}: ${message}`).join("\n"),
      next: [...new Set(planned.refusals.map(({ fix }) => fix))],
      data: { refusals: planned.refusals },
    });
  }

  async #report(path: string, batch: string): Promise<void> {
    const [composition, { healthReport }] = await Promise.all([this.compose(), import("../../guard-health-report.ts")]);
    const guard = await this.guard();
    const text = await healthReport(await guard.store(), await (await guard.registry()).loadBatch(batch));
    await composition.files.writeAtomic(path, text);
    this.lines.line(`Health report: ${path}`);
  }

  protected override describe(result: RunResult): readonly string[] {
    const { planned, batch, clusters } = result;
    if (planned !== undefined)
      return [
        ...describeGuardPlan(planned),
        "",
        `To begin it:   npx switchyard guard run --batch ${batch} --plan ${planned.hash}`,
      ];
    const open = clusters.some(({ state }) => state === "mr_created");
    return [
      ...describeBatch(result),
      "",
      ...(open
        ? [`When it is merged:   npx switchyard guard monitor --batch ${batch}`, "To undo it, close the merge request."]
        : [`To see where it stands:   npx switchyard guard status --batch ${batch}`]),
    ];
  }
}
