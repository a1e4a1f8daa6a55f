import { Flags } from "@oclif/core";
import { planSwap, type SwapPlan } from "../../../swap/plan.ts";
import { environmentFlag } from "../../environment-command.ts";
import { parseRamp } from "../../ramp.ts";
import { SwapCommand } from "../../swap-command.ts";
import { duration, table } from "../../text.ts";

interface PlanResult extends SwapPlan {
  readonly environment: string;
  readonly from: string;
  readonly to: string;
}

export default class SwapPlanCommand extends SwapCommand<PlanResult> {
  static override summary = "Say what a swap would do and how long it takes at the least; changes nothing.";
  static override examples = ["<%= config.bin %> swap plan --to gke"];
  static override flags = {
    env: environmentFlag,
    to: Flags.string({ description: "Platform to move to.", required: true }),
    ramp: Flags.string({ description: "Shares of the new side, percent, with commas." }),
    profile: Flags.string({ description: "Gate profile.", options: ["demo", "standard"] }),
  };

  protected override async execute(): Promise<PlanResult> {
    const { flags } = await this.parse(SwapPlanCommand);
    const { prepareSwap } = await import("../../swap-start.ts");
    const environment = await this.environment(flags.env);
    const intent = await prepareSwap(environment, flags.to, {
      ...(flags.ramp === undefined ? {} : { ramp: parseRamp(flags.ramp) }),
      ...(flags.profile === "demo" || flags.profile === "standard" ? { profile: flags.profile } : {}),
    });
    const perSecond = environment.config.probes_per_second ?? 1_000;
    return { environment: flags.env, from: intent.from, to: intent.to, ...planSwap(intent.settings, perSecond) };
  }

  protected override describe(plan: PlanResult): readonly string[] {
    return [
      `Swap of ${plan.environment}: ${plan.from} -> ${plan.to}, gate profile ${plan.profile}.`,
      ...table(
        ["step", "weight", "requests needed", "probes", "at least"],
        plan.steps.map((step) => [
          step.name,
          `${step.percent} %`,
          String(step.minimumRequests),
          String(step.probes),
          duration(step.minimumMs),
        ]),
      ),
      `At least ${duration(plan.minimumMs)} beside bringing ${plan.to} up and taking ${plan.from} down; longer where requests are few.`,
      `To start:   npx switchyard swap start --to ${plan.to} --env ${plan.environment}`,
    ];
  }
}
