import { Flags } from "@oclif/core";
import { environmentFlag } from "../../environment-command.ts";
import { parseRamp } from "../../ramp.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapStart extends SwapCommand<SwapSummary> {
  static override summary = "Move the agent to another platform, step by step, and follow it.";
  static override description =
    "This process drives the swap and follows it. Ctrl-C stops it safely: weights stay, and `swap resume` goes on.";
  static override examples = ["<%= config.bin %> swap start --to gke"];
  static override flags = {
    env: environmentFlag,
    to: Flags.string({ description: "Platform to move to: gke or cloud-run.", required: true }),
    image: Flags.string({ description: "Image of the agent on the new side. Default: switchyard.yaml's." }),
    ramp: Flags.string({
      description: "Shares of the new side, percent, with commas. Default: switchyard.yaml's, else 1,5,25,50,100.",
    }),
    profile: Flags.string({ description: "Gate profile.", options: ["demo", "standard"] }),
  };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapStart);
    const { beginSwap, prepareSwap } = await import("../../swap-start.ts");
    const environment = await this.environment(flags.env);
    const intent = await prepareSwap(environment, flags.to, {
      ...(flags.ramp === undefined ? {} : { ramp: parseRamp(flags.ramp) }),
      ...(flags.profile === "demo" || flags.profile === "standard" ? { profile: flags.profile } : {}),
    });
    const image = await environment.image(flags.image);
    // What the swap needs is there before its journal begins: a start that cannot run leaves no open swap.
    await (await environment.swapPorts()).close();
    this.signal.throwIfAborted();
    const { id, release } = await beginSwap(environment, intent, image);
    this.progress(`Swap ${id}: ${intent.from} -> ${intent.to}, gate profile ${intent.settings.profile}`);
    return this.driveClaimed(environment, id, release);
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [
      ...describeSummary(result),
      `To undo:   npx switchyard swap start --to ${result.from} --env ${result.environment}`,
    ];
  }
}
