import { Flags } from "@oclif/core";
import type { BudgetDecision } from "../../../cost/budget-decide.ts";
import type { BudgetListener } from "../../../cost/budget-watch.ts";
import { type BudgetOutcome, describeBudget, describeDecision, swapCommand } from "../../budget-view.ts";
import { parseDuration } from "../../duration-flag.ts";
import { environmentFlag } from "../../environment-command.ts";
import { StartSwapCommand } from "../../start-swap-command.ts";
import { timeOfDay } from "../../text.ts";

export default class CostWatch extends StartSwapCommand<BudgetOutcome> {
  static override mutates = true;
  static override summary = "Watch what a month would cost, and propose or start a swap when the budget is passed.";
  static override description =
    "Runs until Ctrl-C. The environment's cost.budget section of switchyard.yaml says what is done when a month of the serving platform would cost more than its cost_threshold and another possible platform is cheaper. What was watched is kept for a week in the environment's state, so that scheduled runs with --once add up.";
  static override examples = ["<%= config.bin %> cost watch --env local"];
  static override flags = {
    env: environmentFlag,
    once: Flags.boolean({ description: "Look once, act or report, and end: for a scheduled job." }),
    every: Flags.string({ description: "How long each look watches the load, for example 5m.", default: "60s" }),
  };

  #interrupted: unknown;

  protected override async execute(): Promise<BudgetOutcome> {
    const { flags } = await this.parse(CostWatch);
    const everyMs = parseDuration("--every", flags.every);
    const { budgetOptions, budgetPorts } = await import("../../budget-watch.ts");
    const { watchBudget } = await import("../../../cost/budget-watch.ts");
    const { priceAge, priceAgeWarning } = await import("../../../cost/price-age.ts");
    const composition = await this.compose();
    const environment = await composition.environment(flags.env);
    const options = budgetOptions(environment);
    const old = priceAgeWarning(priceAge(composition.clock.wall()));
    if (old !== undefined) this.addWarning(old);
    const ports = await budgetPorts(composition, environment, (_, to) => this.#move(flags.env, to));
    const { policy } = options.settings;
    this.progress(`Watching ${flags.env}, policy ${policy}; each look takes ${flags.every}.`);
    const listener = this.#listener(flags.env);
    const result = await watchBudget({ ...options, everyMs, once: flags.once, listener }, ports, this.signal);
    if (this.#interrupted !== undefined) throw this.#interrupted;
    return { environment: flags.env, policy, ...result };
  }

  /** The same way as `swap start`: all that keeps a swap from starting keeps this one, too. */
  async #move(environment: string, to: string): Promise<void> {
    try {
      await this.startSwap({
        environment,
        to,
        overrides: {},
        image: undefined,
        requestsPerSecond: undefined,
        allowOverBudget: false,
        // Nobody is there who could let anything pass.
        accepted: [],
        command: swapCommand(to, environment),
      });
    } catch (error) {
      // It says how to go on with what Ctrl-C stopped.
      if (this.signal.aborted) this.#interrupted = error;
      throw error;
    }
  }

  #listener(environment: string): BudgetListener {
    let last = "";
    const line = (text: string): void => this.progress(`${timeOfDay(Date.now())}  ${text}`);
    return {
      onLook: (decision: BudgetDecision) => {
        const text = describeDecision(decision);
        if (text !== last) line(text);
        last = text;
      },
      onPropose: ({ to = "" }) => line(`To do it:   ${swapCommand(to, environment)}`),
      onMoveFailed: (_, error) => this.addWarning(`the move did not end well: ${error.message}`),
      onBlind: (error) => this.addWarning(`requests cannot be seen: ${error.message}`),
    };
  }

  protected override describe(result: BudgetOutcome): readonly string[] {
    return describeBudget(result);
  }
}
