import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapRollback extends SwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary = "End the swap: traffic goes back to the old side, and the new side is removed.";
  static override examples = ["<%= config.bin %> swap rollback --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapRollback);
    return this.ask(await this.environment(flags.env), "rollback");
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [
      ...describeSummary(result),
      `To try again:   npx switchyard swap start --to ${result.to} --env ${result.environment}`,
    ];
  }
}
