/** What the choice of a platform is asked with, for `switchyard select` and `switchyard swap start`. */
import { billOf } from "../cost/bills.ts";
import { defaultSizes, gibOf, vcpusOf } from "../cost/sizes.ts";
import { usageConfig } from "../cost/usage.ts";
import { SwitchyardError } from "../errors.ts";
import { type Exclusion, type Impossible, type InstanceShape, selectPlatform } from "../selection/select.ts";
import { selectionConfig } from "../selection/settings.ts";
import type { Composition, Environment } from "./compose.ts";
import { askCost, shapesOf } from "./cost-question.ts";
import type { SelectResult } from "./select-view.ts";
import { servingPlatform } from "./swap-start.ts";

/** How long the load is watched where costs decide and the usage does not state it, ms. */
const observeMs = 10_000;

/** Errors: selection-impossible with every platform's reasons; what cannot be observed only leaves costs unknown. */
export async function selectFor(
  composition: Composition,
  environment: Environment,
  signal: AbortSignal,
): Promise<SelectResult> {
  const { name, config } = environment;
  const settings = config.selection ?? selectionConfig.parse({});
  const serving = await servingIfDeployed(composition, environment);
  const priced =
    settings.prefer === "cost" ? await costs(composition, environment, serving !== undefined, signal) : undefined;
  const selection = selectPlatform({ ...rulesOf(environment), serving, cost: priced?.usd });
  if (selection.kind === "impossible") throw impossible(name, selection);
  return { ...selection, environment: name, region: config.region, serving, costUnknown: priced?.unknown };
}

/** Platforms that nothing rules out, whatever is preferred; where switchyard.yaml names one, only that. */
export function possiblePlatforms(environment: Environment): readonly string[] {
  const rules = rulesOf(environment);
  const selection = selectPlatform({ ...rules, serving: undefined, cost: undefined });
  if (selection.kind === "impossible") return [];
  return rules.settings.platform === undefined ? selection.possible : [selection.platform];
}

function rulesOf({ name, config }: Pick<Environment, "name" | "config">) {
  const usage = config.cost?.usage ?? usageConfig.parse({});
  return {
    environment: name,
    region: config.region,
    settings: config.selection ?? selectionConfig.parse({}),
    platforms: Object.fromEntries(
      Object.entries(shapesOf(config)).map(([platform, shape]) => [platform, instanceOf(shape)]),
    ),
    cpuAlwaysOnCloudRun: usage.cloud_run.billing === "instance-based",
  };
}

function instanceOf(shape: ReturnType<typeof shapesOf>[string]): InstanceShape {
  return {
    vcpus: vcpusOf(shape.cpu ?? defaultSizes.cpu) ?? Number.NaN,
    gib: gibOf(shape.memory ?? defaultSizes.memory) ?? Number.NaN,
    minInstances: shape.minInstances,
    maxInstances: shape.maxInstances,
  };
}

/** No local cloud is started to find out that nothing runs in it. */
async function servingIfDeployed(composition: Composition, environment: Environment): Promise<string | undefined> {
  if (environment.config.cloud === "local" && (await composition.findLocalCloud()) === undefined) return undefined;
  try {
    return await servingPlatform(environment);
  } catch (error) {
    if (!(error instanceof SwitchyardError) || !unserved.has(error.code)) throw error;
    return undefined;
  }
}

const unserved: ReadonlySet<string> = new Set(["not-deployed", "weights-moved-elsewhere"]);

interface Costs {
  readonly usd: Readonly<Record<string, number>>;
  readonly unknown: string | undefined;
}

async function costs(
  { clock }: Composition,
  environment: Environment,
  deployed: boolean,
  signal: AbortSignal,
): Promise<Costs> {
  const usage = environment.config.cost?.usage ?? usageConfig.parse({});
  if (!deployed && (usage.requests === undefined || usage.duration === undefined))
    return { usd: {}, unknown: "nothing runs whose load could be observed, and cost.usage does not state it" };
  try {
    const { question } = await askCost(environment, { usage, observeMs, allowStandIn: false, clock, signal });
    const billed = (["cloud-run", "gke"] as const).map((platform) => billOf(platform, question));
    const usd = billed.flatMap((one) => ("bill" in one ? [[one.bill.platform, one.bill.usd.expected] as const] : []));
    const missing = billed.flatMap((one) => ("none" in one ? [one.none.why] : []));
    return { usd: Object.fromEntries(usd), unknown: missing[0] };
  } catch (error) {
    if (!(error instanceof SwitchyardError) || signal.aborted) throw error;
    return { usd: {}, unknown: error.message };
  }
}

function impossible(environment: string, { fixed, ruledOut }: Impossible): SwitchyardError {
  const reasons = ruledOut.map(({ platform, rule, reason }) => `  ${platform}: ${reason} [${rule}]`).join("\n");
  const what =
    fixed === undefined
      ? `no platform can take environment ${environment}`
      : `selection.platform of environment ${environment} is ${fixed}, which is ruled out`;
  return new SwitchyardError("selection-impossible", {
    message: `${what}:\n${reasons}`,
    next: `Change environments.${environment}.selection.requires in switchyard.yaml, then:   npx switchyard select --env ${environment}`,
    data: { ruledOut: ruledOut satisfies readonly Exclusion[] },
  });
}
