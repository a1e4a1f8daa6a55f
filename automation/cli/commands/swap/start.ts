import { Flags } from "@oclif/core";
import { environmentFlag } from "../../environment-command.ts";
import { parseRamp } from "../../ramp.ts";
import { StartSwapCommand, startFlags } from "../../start-swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapStart extends StartSwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary = "Move the agent to another platform, step by step, and follow it.";
  static override description =
    "This process drives the swap and follows it. Ctrl-C stops it safely: weights stay, and `swap resume` goes on.";
  static override examples = ["<%= config.bin %> swap start --to gke"];
  static override flags = {
    env: environmentFlag,
    to: Flags.string({
      description: "Platform to move to: gke or cloud-run. Default: the one that `switchyard select` chooses.",
    }),
    image: Flags.string({ description: "Image of the agent on the new side. Default: switchyard.yaml's." }),
    ramp: Flags.string({
      description: "Shares of the new side, percent, with commas. Default: switchyard.yaml's, else 1,5,25,50,100.",
    }),
    profile: Flags.string({ description: "Gate profile.", options: ["demo", "standard"] }),
    ...startFlags,
  };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapStart);
    const to = flags.to ?? (await this.#selected(flags.env));
    const typed = [
      `npx switchyard swap start --to ${to} --env ${flags.env}`,
      ...(flags.image === undefined ? [] : [`--image ${flags.image}`]),
      ...(flags.ramp === undefined ? [] : [`--ramp ${flags.ramp}`]),
      ...(flags.profile === undefined ? [] : [`--profile ${flags.profile}`]),
      ...(flags.accept ?? []).map((one) => `--accept ${one}`),
    ];
    return this.startSwap({
      environment: flags.env,
      to,
      overrides: {
        ...(flags.ramp === undefined ? {} : { ramp: parseRamp(flags.ramp) }),
        ...(flags.profile === "demo" || flags.profile === "standard" ? { profile: flags.profile } : {}),
      },
      image: flags.image,
      requestsPerSecond: flags.rps,
      allowOverBudget: flags["allow-over-budget"],
      accepted: flags.accept ?? [],
      command: typed.join(" "),
    });
  }

  async #selected(name: string): Promise<string> {
    const { selectFor } = await import("../../select-platform.ts");
    const composition = await this.compose();
    const { platform, reason } = await selectFor(composition, await composition.environment(name), this.signal);
    this.progress(`To ${platform}: ${reason}.`);
    return platform;
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [
      ...describeSummary(result),
      `To undo:   npx switchyard swap start --to ${result.from} --env ${result.environment}`,
    ];
  }
}
