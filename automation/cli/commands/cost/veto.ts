import { userInfo } from "node:os";
import { Flags } from "@oclif/core";
import { parseDuration } from "../../duration-flag.ts";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";
import { dateAndTime } from "../../text.ts";

interface VetoResult {
  readonly environment: string;
  /** Whether a veto holds now. */
  readonly vetoed: boolean;
  readonly by: string | undefined;
  /** ISO 8601; undefined: until it is lifted. */
  readonly until: string | undefined;
  /** Whether there was one before. */
  readonly before: boolean;
}

export default class CostVeto extends EnvironmentCommand<VetoResult> {
  static override mutates = true;
  static override summary = "Keep the budget from moving an environment, or lift that again.";
  static override description =
    "While the veto holds, `cost watch` neither starts nor proposes anything. It is kept in the environment's state, so it holds for every process that watches. Swaps that people start are not held.";
  static override examples = ["<%= config.bin %> cost veto --env local --for 24h"];
  static override flags = {
    env: environmentFlag,
    for: Flags.string({ description: "How long, for example 24h, up to a week. Default: until --lift." }),
    lift: Flags.boolean({ description: "Lift the veto.", exclusive: ["for"] }),
  };

  protected override async execute(): Promise<VetoResult> {
    const { flags } = await this.parse(CostVeto);
    const forMs = flags.for === undefined ? undefined : parseDuration("--for", flags.for);
    const { BudgetStore } = await import("../../../cost/budget-state.ts");
    const { statePlace } = await this.environment(flags.env);
    const budget = new BudgetStore(statePlace.store);
    const at = Date.now();
    const by = userInfo().username;
    const until = forMs === undefined ? undefined : at + forMs;
    const before = await budget.setVeto(flags.lift ? undefined : { by, at, until });
    return {
      environment: flags.env,
      vetoed: !flags.lift,
      by: flags.lift ? undefined : by,
      until: flags.lift || until === undefined ? undefined : new Date(until).toISOString(),
      before,
    };
  }

  protected override describe({ environment, vetoed, until, before }: VetoResult): readonly string[] {
    if (!vetoed)
      return [before ? `The budget of environment ${environment} is free again.` : "There was no veto to lift."];
    const end = until === undefined ? "until it is lifted" : `until ${dateAndTime(Date.parse(until))}`;
    return [
      `The budget moves nothing in environment ${environment} ${end}.`,
      `To undo:   npx switchyard cost veto --lift --env ${environment}`,
    ];
  }
}
