import { Args, Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import type * as meshPlans from "../../../guard/plan/mesh-plan.ts";
import type { Plan, Planned } from "../../../guard/plan/plan.ts";
import { strategies } from "../../../guard/plan/support.ts";
import { parseVersion } from "../../../guard/plan/versions.ts";
import { describeGuardPlan, describeMeshPlan } from "../../guard-plan-view.ts";
import { GuardRunCommand } from "../../guard-run-command.ts";

export default class GuardPlan extends GuardRunCommand<Plan | meshPlans.MeshPlan> {
  static override mutates = false;
  static override summary =
    "Plan an Istio or Linkerd upgrade of a batch of clusters, with everything that stands in its way.";
  static override description =
    "Hops, EKS steps between them, merge requests, the upgrade notes that touch each cluster, and what the rules say of its next hop. `mesh: linkerd` in the file plans Linkerd: hops, skew and its own check. With --batch it looks at the registry, the repositories and the clusters, and stores the plan under its hash, which everything that is done for it quotes. With a file it takes what stands in that, connects to nothing and stores nothing.";
  static override examples = ["<%= config.bin %> guard plan --batch prod-wave-1 --target-version 1.31.1"];
  static override args = {
    file: Args.string({ description: "Batch, target, clusters and evidence, YAML or JSON; instead of --batch." }),
  };
  static override flags = {
    batch: Flags.string({ description: "A batch of the registry." }),
    "target-version": Flags.string({ description: "Version to reach, for example 1.31.1.", dependsOn: ["batch"] }),
    strategy: Flags.string({
      description: "Default guard.execution.strategy.",
      options: [...strategies],
      dependsOn: ["batch"],
    }),
    exclude: Flags.string({ description: "Cluster that stays out.", multiple: true, dependsOn: ["batch"] }),
  };

  protected override async execute(): Promise<Plan | meshPlans.MeshPlan> {
    const { args, flags } = await this.parse(GuardPlan);
    if ((args.file === undefined) === (flags.batch === undefined))
      throw new SwitchyardError("usage-error", { message: "Either a file or --batch is needed" });
    const planned =
      args.file === undefined ? await this.#live(flags.batch ?? "", flags) : await this.#fromFile(args.file);
    if (planned.kind === "refused") {
      throw new SwitchyardError("guard-no-way", {
        message: planned.refusals.map(({ cluster, message }) => `${cluster}: ${message}`).join("\n"),
        next: [...new Set(planned.refusals.map(({ fix }) => fix))],
        data: { refusals: planned.refusals },
      });
    }
    for (const warning of planned.plan.warnings) this.addWarning(warning);
    return planned.plan;
  }

  async #live(
    batch: string,
    flags: {
      readonly "target-version"?: string | undefined;
      readonly strategy?: string | undefined;
      readonly exclude?: readonly string[] | undefined;
    },
  ): Promise<Planned> {
    const wanted = flags["target-version"] ?? "";
    const target = parseVersion(wanted);
    if (target === undefined)
      throw new SwitchyardError("usage-error", {
        message: wanted === "" ? "--target-version is needed" : `"${wanted}" is no whole version, for example 1.31.1`,
      });
    const [{ ports }, settings, { planBatch }] = await Promise.all([
      this.opened(),
      this.settings(),
      import("../../../guard/run/make-plan.ts"),
    ]);
    const strategy = strategies.find((one) => one === flags.strategy) ?? settings.execution.strategy;
    return planBatch(ports, { batch, target, strategy, settings, exclude: flags.exclude ?? [], signal: this.signal });
  }

  async #fromFile(path: string): Promise<Planned | ReturnType<typeof meshPlans.makeMeshPlan>> {
    const [{ makePlan }, { makeMeshPlan }, { planDigest }, { parsePlanFile }] = await Promise.all([
      import("../../../guard/plan/plan.ts"),
      import("../../../guard/plan/mesh-plan.ts"),
      import("../../../guard/plan/digest.ts"),
      import("../../guard-plan-input.ts"),
    ]);
    const text = await (await this.compose()).files.read(path);
    if (text === undefined) throw new SwitchyardError("guard-input-invalid", { message: `There is no file ${path}` });
    const input = parsePlanFile(path, text);
    return input.mesh === "istio"
      ? makePlan(input.request, Date.now(), planDigest)
      : makeMeshPlan(input.request, Date.now(), planDigest);
  }

  protected override describe(plan: Plan | meshPlans.MeshPlan): readonly string[] {
    return "mesh" in plan ? describeMeshPlan(plan) : describeGuardPlan(plan);
  }
}
