import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapAbort extends SwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary = "End the swap: traffic goes back to the old side, the new side stays up without traffic.";
  static override examples = ["<%= config.bin %> swap abort --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapAbort);
    return this.ask(await this.environment(flags.env), "abort");
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [
      ...describeSummary(result),
      `To remove the new side:   npx switchyard up traffic.${result.environment} --platforms ${result.from} && npx switchyard destroy ${result.to}.${result.environment}`,
    ];
  }
}
