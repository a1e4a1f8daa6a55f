import { Args } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import type { SwapState } from "../../../swap/state.ts";
import { environmentFlag } from "../../environment-command.ts";
import { StartSwapCommand, startFlags } from "../../start-swap-command.ts";
import { describeSummary, type SwapSummary } from "../../swap-summary.ts";

export default class SwapRetry extends StartSwapCommand<SwapSummary> {
  static override mutates = true;
  static override summary =
    "Try again: the failed effect of an open swap, or a whole swap that ended without being completed.";
  static override description =
    "An open swap that waits is resumed. One that ended is started anew with the same target, image, ramp and gate profile, after the same checks as a start; everything else is as switchyard.yaml says now.";
  static override examples = ["<%= config.bin %> swap retry --env local"];
  static override args = { id: Args.string({ description: "Number of the swap. Default: the newest." }) };
  static override flags = { env: environmentFlag, ...startFlags };

  protected override async execute(): Promise<SwapSummary> {
    const { args, flags } = await this.parse(SwapRetry);
    const environment = await this.environment(flags.env);
    const { state } = await this.record(environment, args.id);
    if (state.end === undefined) {
      const driven = (await environment.store.owner()) !== undefined;
      assertSomethingFailed(state, driven);
      return this.ask(environment, "resume");
    }
    assertNotCompleted(state);
    const { ramp, profile, afterRollback } = state.settings;
    return this.startSwap({
      environment: flags.env,
      to: state.to,
      overrides: { ramp, profile, after_rollback: afterRollback },
      image: state.image,
      requestsPerSecond: flags.rps,
      allowOverBudget: flags["allow-over-budget"],
      accepted: flags.accept ?? [],
      command: `npx switchyard swap retry ${state.id} --env ${flags.env}`,
    });
  }

  protected override describe(result: SwapSummary): readonly string[] {
    return [
      ...describeSummary(result),
      `To undo:   npx switchyard swap start --to ${result.from} --env ${result.environment}`,
    ];
  }
}

/** Errors: swap-not-retryable. */
function assertSomethingFailed(state: SwapState, driven: boolean): void {
  if (state.paused !== undefined || !driven) return;
  throw new SwitchyardError("swap-not-retryable", {
    message: `Swap ${state.id} runs, and nothing of it failed`,
    next: `To follow it:   npx switchyard swap watch --env ${state.environment}`,
  });
}

/** Errors: swap-not-retryable. */
function assertNotCompleted(state: SwapState): void {
  if (state.end?.as !== "completed") return;
  throw new SwitchyardError("swap-not-retryable", {
    message: `Swap ${state.id} was completed: ${state.to} serves, so there is nothing to try again`,
    next: `To go back:   npx switchyard swap start --to ${state.from} --env ${state.environment}`,
  });
}
