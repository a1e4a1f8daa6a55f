import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapResume extends SwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary = "Go on with a paused or interrupted swap; without a process that drives it, this one does.";
  static override examples = ["<%= config.bin %> swap resume --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapResume);
    return this.ask(await this.environment(flags.env), "resume");
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [...describeSummary(result), `To hold:   npx switchyard swap pause --env ${result.environment}`];
  }
}
