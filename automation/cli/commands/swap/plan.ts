import { Flags } from "@oclif/core";
import { environmentFlag } from "../../environment-command.ts";
import { parseRamp } from "../../ramp.ts";
import { SwapCommand } from "../../swap-command.ts";
import type { PlannedSwap } from "../../swap-plan.ts";
import { describePlan } from "../../swap-plan-view.ts";

export default class SwapPlanCommand extends SwapCommand<PlannedSwap> {
  static override mutates = false;
  static override summary =
    "Say how long a swap takes, what it costs, and what a bad new side would lose; changes nothing.";
  static override examples = ["<%= config.bin %> swap plan --to gke"];
  static override flags = {
    env: environmentFlag,
    to: Flags.string({ description: "Platform to move to.", required: true }),
    ramp: Flags.string({ description: "Shares of the new side, percent, with commas." }),
    profile: Flags.string({ description: "Gate profile.", options: ["demo", "standard"] }),
    rps: Flags.integer({
      description: "Users' requests a second. Default: measured over 2 s where the balancer can be asked.",
      min: 0,
    }),
  };

  protected override async execute(): Promise<PlannedSwap> {
    const { flags } = await this.parse(SwapPlanCommand);
    const { prepareSwap } = await import("../../swap-start.ts");
    const { planIntent } = await import("../../swap-plan.ts");
    const composition = await this.compose();
    const environment = await composition.environment(flags.env);
    const intent = await prepareSwap(environment, flags.to, {
      ...(flags.ramp === undefined ? {} : { ramp: parseRamp(flags.ramp) }),
      ...(flags.profile === "demo" || flags.profile === "standard" ? { profile: flags.profile } : {}),
    });
    return planIntent(environment, intent, {
      config: await composition.config(),
      requestsPerSecond: flags.rps,
      now: Date.now(),
      signal: this.signal,
    });
  }

  protected override describe(plan: PlannedSwap): readonly string[] {
    return describePlan(plan);
  }
}
