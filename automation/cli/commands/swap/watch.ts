import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary, summarise } from "../../swap-summary.ts";

export default class SwapWatch extends SwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary = "Follow the open swap; goes on with it when the process that drove it is gone.";
  static override examples = ["<%= config.bin %> swap watch --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapWatch);
    const environment = await this.environment(flags.env);
    const { state } = await this.record(environment);
    // What ended before it could be watched is told, not judged.
    return state.end === undefined ? this.follow(environment) : summarise(state);
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return describeSummary(result);
  }
}
