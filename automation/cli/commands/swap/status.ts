import { Args } from "@oclif/core";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { describeSummary, type SwapSummary, summarise } from "../../swap-summary.ts";

interface StatusResult extends SwapSummary {
  /** Whether a process drives it now. */
  readonly driven: boolean;
}

export default class SwapStatus extends SwapCommand<StatusResult> {
  static override summary = "Say where the newest swap, or the one named, stands.";
  static override examples = ["<%= config.bin %> swap status --env local"];
  static override args = { id: Args.string({ description: "Number of the swap." }) };
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<StatusResult> {
    const { args, flags } = await this.parse(SwapStatus);
    const environment = await this.environment(flags.env);
    const { state } = await this.record(environment, args.id);
    return { ...summarise(state), driven: (await environment.store.owner())?.swap === state.id };
  }

  protected override describe(result: StatusResult): readonly string[] {
    const interrupted = result.endedAt === undefined && !result.driven;
    return [
      ...describeSummary(result),
      ...(interrupted
        ? ["Nobody drives it at the moment.", `To go on:   npx switchyard swap resume --env ${result.environment}`]
        : []),
    ];
  }
}
