import { Flags } from "@oclif/core";
import { type Acceptable, acceptable } from "../swap/stateless-settings.ts";
import { SwapCommand } from "./swap-command.ts";
import type { SwapOverrides } from "./swap-start.ts";
import type { SwapSummary } from "./swap-summary.ts";

/** A person's say on what the stateless rules do not let pass by itself. */
export const acceptFlag = Flags.custom<Acceptable>({
  description: "Let pass what the stateless rules say of the new side; can be given twice.",
  options: [...acceptable],
})({ multiple: true });

/** Flags of what starts a swap. */
export const startFlags = {
  rps: Flags.integer({
    description: "Users' requests a second, where they cannot be measured; for the error budget.",
    min: 0,
  }),
  "allow-over-budget": Flags.boolean({
    description: "Start although a step could lose more requests than swap.error_budget.",
  }),
  accept: acceptFlag,
};

export interface StartWish {
  readonly environment: string;
  readonly to: string;
  readonly overrides: SwapOverrides;
  /** An image with digest or a folder; default switchyard.yaml's. */
  readonly image: string | undefined;
  readonly requestsPerSecond: number | undefined;
  readonly allowOverBudget: boolean;
  /** Verdicts of the stateless rules that this person lets pass. */
  readonly accepted: readonly Acceptable[];
  /** The command that asked, for the message that refuses it. */
  readonly command: string;
}

/** A command that starts a swap and follows it. */
export abstract class StartSwapCommand<Result extends object> extends SwapCommand<Result> {
  /** Errors: those of prepareSwap, swap-frozen, swap-over-budget, those of the swap. */
  protected async startSwap(wish: StartWish): Promise<SwapSummary> {
    const { beginSwap, prepareSwap } = await import("./swap-start.ts");
    const { assertNotFrozen, assertWithinBudget, planIntent } = await import("./swap-plan.ts");
    const composition = await this.compose();
    const environment = await composition.environment(wish.environment);
    const intent = await prepareSwap(environment, wish.to, wish.overrides, wish);
    assertNotFrozen(environment.name, intent.settings, Date.now());
    const plan = await planIntent(environment, intent, {
      config: await composition.config(),
      requestsPerSecond: wish.requestsPerSecond,
      now: Date.now(),
      signal: this.signal,
    });
    if (plan.requestsPerSecond === undefined)
      this.progress("The load is not known here, so the error budget is not checked; give it with --rps.");
    if (!wish.allowOverBudget) assertWithinBudget(plan, wish.command);
    const image = await environment.image(wish.image);
    // What the swap needs is there before its journal begins: a start that cannot run leaves no open swap.
    await (await environment.swapPorts()).close();
    this.signal.throwIfAborted();
    const { id, lease } = await beginSwap(environment, intent, image);
    this.progress(`Swap ${id}: ${intent.from} -> ${intent.to}, gate profile ${intent.settings.profile}`);
    return this.driveClaimed(environment, id, lease);
  }
}
