/** What the budget's watch needs of an environment. */
import { billOf } from "../cost/bills.ts";
import { budgetConfig, toBudgetSettings } from "../cost/budget-settings.ts";
import { BudgetStore, recentMoves } from "../cost/budget-state.ts";
import type { BudgetOptions, BudgetPorts } from "../cost/budget-watch.ts";
import { type ObservedLoad, usageConfig } from "../cost/usage.ts";
import { SwitchyardError } from "../errors.ts";
import type { Composition, Environment } from "./compose.ts";
import { shapesOf } from "./cost-question.ts";
import { possiblePlatforms } from "./select-platform.ts";

const platforms = ["cloud-run", "gke"] as const;

/** Errors: budget-off when the policy is off. */
export function budgetOptions(environment: Environment): Omit<BudgetOptions, "everyMs" | "once" | "listener"> {
  const { name, config } = environment;
  const settings = toBudgetSettings(config.cost?.budget ?? budgetConfig.parse({}));
  if (settings.policy === "off")
    throw new SwitchyardError("budget-off", { message: `The budget is switched off for environment ${name}` });
  const usage = config.cost?.usage;
  const thresholds = platforms.flatMap((platform) => {
    const threshold = config.platforms[platform]?.cost_threshold;
    return threshold === undefined ? [] : [[platform, threshold] as const];
  });
  if (thresholds.length === 0)
    throw new SwitchyardError("budget-off", {
      message: `No platform of environment ${name} has a cost_threshold, so that there is no budget to keep`,
      next: `Set environments.${name}.platforms.cloud-run.cost_threshold (USD a month) in switchyard.yaml.`,
    });
  return {
    settings,
    thresholds: Object.fromEntries(thresholds),
    possible: possiblePlatforms(environment),
    loadStated: usage?.requests !== undefined && usage.duration !== undefined,
  };
}

/** Errors: not-deployed. */
export async function budgetPorts(
  { clock }: Composition,
  environment: Environment,
  move: BudgetPorts["move"],
): Promise<BudgetPorts> {
  const { store, statePlace } = environment;
  return {
    feed: await environment.requestFeed(),
    router: await environment.router(),
    clock,
    memory: new BudgetStore(statePlace.store),
    project: (load) => projectedCosts(environment, load),
    swapOpen: async () => (await store.open()) !== undefined,
    moves: (since) => recentMoves(store, since),
    move,
  };
}

function projectedCosts({ config }: Environment, observed: ObservedLoad | undefined): Readonly<Record<string, number>> {
  const { region, cost } = config;
  const usage = cost?.usage ?? usageConfig.parse({});
  const question = { region, usage, observed, shapes: shapesOf(config), allowStandIn: false };
  const billed = platforms.map((platform) => billOf(platform, question));
  return Object.fromEntries(
    billed.flatMap((one) => ("bill" in one ? [[one.bill.platform, one.bill.usd.expected] as const] : [])),
  );
}
