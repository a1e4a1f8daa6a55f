import { Flags } from "@oclif/core";
import { confirmName } from "../../confirm.ts";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { assertPossible } from "../../swap-outcome.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapDecommission extends SwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary = "End the rollback window now: the old side is drained and removed.";
  static override examples = ["<%= config.bin %> swap decommission --env local"];
  static override flags = {
    env: environmentFlag,
    yes: Flags.boolean({ char: "y", description: "Do not ask for the environment's name." }),
  };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapDecommission);
    const environment = await this.environment(flags.env);
    // Nobody is asked to confirm what cannot be done.
    const open = await environment.store.open();
    if (open !== undefined) {
      assertPossible("decommission", open.state);
      const what = `remove ${open.state.from} of ${environment.name}, which a rollback would need`;
      await confirmName(environment.name, what, flags.yes, "--yes", this.signal);
    }
    return this.ask(environment, "decommission");
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [
      ...describeSummary(result),
      `To undo:   npx switchyard swap start --to ${result.from} --env ${result.environment}`,
    ];
  }
}
