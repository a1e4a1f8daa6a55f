import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapPause extends SwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary = "Hold the swap where it is; the stop gate goes on looking.";
  static override examples = ["<%= config.bin %> swap pause --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapPause);
    return this.ask(await this.environment(flags.env), "pause");
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [...describeSummary(result), `To go on:   npx switchyard swap resume --env ${result.environment}`];
  }
}
