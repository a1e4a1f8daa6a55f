import { Flags } from "@oclif/core";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapPromote extends SwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary =
    "Let the present step, the bake or a step that waits for approval pass; the stop gate still holds.";
  static override description =
    "The weight is still verified on the data plane. With --full the rest of the ramp is one step to 100 %: the acceptance suite, the verification of that weight, the stop gate and the bake are kept; what is left out is the evidence that the steps between would have gathered.";
  static override examples = ["<%= config.bin %> swap promote --env local"];
  static override flags = {
    env: environmentFlag,
    full: Flags.boolean({ description: "The rest of the ramp in one step, which is verified; the bake is kept." }),
  };

  protected override async execute(): Promise<SwapSummary> {
    const { flags } = await this.parse(SwapPromote);
    const environment = await this.environment(flags.env);
    if (!flags.full) return this.ask(environment, "promote");
    this.progress(
      "The rest of the ramp becomes one step to 100 %. Kept: acceptance, verification of the weight, the stop gate, the bake.",
    );
    return this.ask(environment, "promote-full");
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [...describeSummary(result), `To go back:   npx switchyard swap rollback --env ${result.environment}`];
  }
}
