import { Args } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import type { MeshPlan } from "../../../guard/mesh-plan.ts";
import type { Plan } from "../../../guard/plan.ts";
import { EnvironmentCommand } from "../../environment-command.ts";
import { describeGuardPlan, describeMeshPlan } from "../../guard-plan-view.ts";

export default class GuardPlan extends EnvironmentCommand<Plan | MeshPlan> {
  static override mutates = false;
  static override summary =
    "Plan an Istio or Linkerd upgrade of a batch of clusters, with everything that stands in its way.";
  static override description =
    "Hops, EKS steps between them, merge requests, the upgrade notes that touch each cluster, and what the rules say of its next hop. `mesh: linkerd` in the file plans Linkerd: hops, skew and its own check. Reads a file with what is known of the clusters; connects to nothing and changes nothing.";
  static override examples = ["<%= config.bin %> guard plan test/fixtures/guard/batch.yaml"];
  static override args = {
    file: Args.string({ description: "Batch, target, clusters and evidence, YAML or JSON.", required: true }),
  };

  protected override async execute(): Promise<Plan | MeshPlan> {
    const { args } = await this.parse(GuardPlan);
    const [{ makePlan }, { makeMeshPlan }, { planDigest }, { parsePlanFile }] = await Promise.all([
      import("../../../guard/plan.ts"),
      import("../../../guard/mesh-plan.ts"),
      import("../../../guard/plan-digest.ts"),
      import("../../guard-plan-input.ts"),
    ]);
    const text = await (await this.compose()).files.read(args.file);
    if (text === undefined)
      throw new SwitchyardError("guard-input-invalid", { message: `There is no file ${args.file}` });
    const input = parsePlanFile(args.file, text);
    const planned =
      input.mesh === "istio"
        ? makePlan(input.request, Date.now(), planDigest)
        : makeMeshPlan(input.request, Date.now(), planDigest);
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

  protected override describe(plan: Plan | MeshPlan): readonly string[] {
    return "mesh" in plan ? describeMeshPlan(plan) : describeGuardPlan(plan);
  }
}
