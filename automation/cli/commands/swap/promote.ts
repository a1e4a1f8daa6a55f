import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapPromote extends SwapCommand<SwapSummary> {
  static override summary =
    "Let the present step or the bake pass; the weight is still verified, and the stop gate still holds.";
  static override examples = ["<%= config.bin %> swap promote --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapPromote);
    return this.ask(await this.environment(flags.env), "promote");
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [...describeSummary(result), `To go back:   npx switchyard swap rollback --env ${result.environment}`];
  }
}
