import { Flags } from "@oclif/core";
import { parseDuration } from "../../duration-flag.ts";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapExtendBake extends SwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary =
    "Keep the old side longer: adds time to the bake, or to the rollback window if that has begun.";
  static override examples = ["<%= config.bin %> swap extend-bake --by 30m --env local"];
  static override flags = {
    env: environmentFlag,
    by: Flags.string({ description: "Time to add, with its unit: 90s, 30m, 2h.", required: true }),
  };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapExtendBake);
    const amountMs = parseDuration("--by", flags.by);
    return this.ask(await this.environment(flags.env), "extend-bake", amountMs);
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [...describeSummary(result), `To end it early:   npx switchyard swap promote --env ${result.environment}`];
  }
}
