import { Args } from "@oclif/core";
import { swapPurpose } from "../../../swap/store.ts";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { type SwapStanding, standing } from "../../swap-standing.ts";
import { describeSummary, type SwapSummary, summarise } from "../../swap-summary.ts";
import { dateAndTime } from "../../text.ts";

interface StatusResult extends SwapSummary, SwapStanding {
  /** Whether a process drives it now. */
  readonly driven: boolean;
}

export default class SwapStatus extends SwapCommand<StatusResult> {
  static override mutates = false;
  static override summary = "Say where the newest swap, or the one named, stands.";
  static override examples = ["<%= config.bin %> swap status --env local"];
  static override args = { id: Args.string({ description: "Number of the swap." }) };
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<StatusResult> {
    const { args, flags } = await this.parse(SwapStatus);
    const environment = await this.environment(flags.env);
    const { state } = await this.record(environment, args.id);
    const driven = (await environment.store.owner())?.purpose === swapPurpose(state.id);
    return { ...summarise(state), ...standing(state, Date.now()), driven };
  }

  protected override describe(result: StatusResult): readonly string[] {
    const interrupted = result.endedAt === undefined && !result.driven;
    return [
      ...describeSummary(result),
      ...describeStanding(result),
      ...(interrupted
        ? ["Nobody drives it at the moment.", `To go on:   npx switchyard swap resume --env ${result.environment}`]
        : []),
    ];
  }
}

function describeStanding(result: StatusResult): readonly string[] {
  const env = `--env ${result.environment}`;
  const { waitsForApproval, bakeEndsAt, rollbackWindowEndsAt, frozen } = result;
  return [
    ...(waitsForApproval === undefined
      ? []
      : [`Approval   the step of ${waitsForApproval} % begins with:   npx switchyard swap promote ${env}`]),
    ...(bakeEndsAt === undefined ? [] : [`Bake       until ${dateAndTime(Date.parse(bakeEndsAt))} at the soonest`]),
    ...(rollbackWindowEndsAt === undefined
      ? []
      : [
          `Rollback   ${result.from} stays up until ${dateAndTime(Date.parse(rollbackWindowEndsAt))}; to end that:   npx switchyard swap decommission ${env}`,
        ]),
    ...(frozen === undefined
      ? []
      : [`Frozen     by "${frozen.name}" until ${dateAndTime(Date.parse(frozen.until))}; going back is possible`]),
  ];
}
