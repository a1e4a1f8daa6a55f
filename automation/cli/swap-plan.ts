/** What is known beforehand of a swap's load, propagation and prices, and what keeps it from starting. */
import { setTimeout as wait } from "node:timers/promises";
import { type DoubleRunning, doubleRunningCost } from "../cost/double-running.ts";
import { defaultSizes } from "../cost/sizes.ts";
import { SwitchyardError } from "../errors.ts";
import type { SwapCapacity } from "../swap/capacity.ts";
import { type Freeze, frozenAt } from "../swap/freeze.ts";
import { planSwap, type SwapPlan, stepsOverBudget } from "../swap/plan.ts";
import { measuredPropagationMs } from "../swap/propagation.ts";
import { hotSwapConfig, type SwapSettings } from "../swap/settings.ts";
import type { SwapEvent } from "../swap/state.ts";
import type { Environment } from "./compose.ts";
import { type ConfigFile, type EnvironmentConfig, platformIn } from "./config-file.ts";
import type { SwapIntent } from "./swap-start.ts";
import { dateAndTime, plural } from "./text.ts";

export interface PlannedSwap extends SwapPlan {
  readonly environment: string;
  readonly from: string;
  readonly to: string;
  /** Where the numbers that the plan rests on come from. */
  readonly loadFrom: "given" | "measured" | "unknown";
  readonly propagationFrom: PropagationFrom;
  readonly probesPerSecond: number;
  /** Instances that are held; undefined where none are, or they could not be counted. */
  readonly capacity: SwapCapacity | undefined;
  /** undefined where no price is known. On a local environment: what Google Cloud would take for the same. */
  readonly doubleRunning: DoubleRunning | undefined;
  /** The freeze that holds now. */
  readonly frozen: { readonly name: string; readonly until: string } | undefined;
  /** Journals of earlier swaps that could not be read, hence were not learned from. */
  readonly unreadable: readonly string[];
}

export type PropagationFrom = "configured" | "earlier swaps" | "local cloud" | "assumed";

/** Seconds that one look at the local balancer's counters takes. */
const lookMs = 2_000;

/** Propagation of weights on a cloud where nothing is known yet, ms: the larger of two observations (research, hot swap 2.6). */
const assumedPropagationMs = 100_000;

/** Swaps, newest first, whose journals are looked at. */
const learnedFrom = 10;

export interface PlanOptions {
  readonly config: ConfigFile;
  /** Requests a second, where a person states them. */
  readonly requestsPerSecond: number | undefined;
  readonly now: number;
  readonly signal: AbortSignal;
}

/** The plan of a swap that could start now. Takes two seconds where the load is measured. */
export async function planIntent(
  environment: Environment,
  intent: SwapIntent,
  options: PlanOptions,
): Promise<PlannedSwap> {
  const { config, name } = environment;
  const probesPerSecond = probesPerSecondOf(config);
  const [load, earlier] = await Promise.all([
    options.requestsPerSecond ?? measureLoad(environment, options.signal),
    earlierJournals(environment.store),
  ]);
  const propagation = expectedPropagation(config, options.config, earlier.journals, probesPerSecond);
  const doubleRunning = doubleRunningCost(config.region, sizesOf(config, [intent.from, intent.to], heldBy(intent)));
  const freeze = frozenAt(intent.settings.freeze, options.now);
  const plan = planSwap(intent.settings, {
    probesPerSecond,
    requestsPerSecond: load,
    propagationMs: propagation.ms,
    feedDelayMs: feedDelayOf(config, options.config),
    errorBudget: (config.swap ?? hotSwapConfig.parse({})).error_budget,
    doubleRunning,
  });
  return {
    environment: name,
    from: intent.from,
    to: intent.to,
    ...plan,
    loadFrom: options.requestsPerSecond !== undefined ? "given" : load === undefined ? "unknown" : "measured",
    propagationFrom: propagation.from,
    probesPerSecond,
    capacity: intent.settings.capacity,
    doubleRunning,
    frozen: freeze === undefined ? undefined : { name: freeze.name, until: new Date(freeze.until).toISOString() },
    unreadable: earlier.unreadable,
  };
}

/** What the local router's feed takes, and a cloud's log: its settling and the time between two queries, ms. */
const routerFeedMs = 100;
const cloudLogMs = 65_000;

/** From the end of a request until the gates see it, ms. Pure. */
export function feedDelayOf(
  { cloud, request_feed }: Pick<EnvironmentConfig, "cloud" | "request_feed">,
  { local_cloud }: Pick<ConfigFile, "local_cloud">,
): number {
  if (cloud !== "local") return cloudLogMs;
  return request_feed === "logs" ? ((local_cloud?.log_delay ?? 0) + 1) * 1_000 : routerFeedMs;
}

/** As the prober sends them when switchyard.yaml does not say. */
export function probesPerSecondOf(config: Pick<EnvironmentConfig, "cloud" | "probes_per_second">): number {
  return config.probes_per_second ?? (config.cloud === "local" ? 1_000 : 20);
}

/** Users' requests a second over two seconds; undefined where the balancer cannot be asked. */
async function measureLoad(
  environment: Pick<Environment, "localTraffic">,
  signal: AbortSignal,
): Promise<number | undefined> {
  const before = await environment.localTraffic();
  if (before === undefined) return undefined;
  const startedAt = performance.now();
  await wait(lookMs, undefined, { signal });
  const after = await environment.localTraffic();
  const tookMs = performance.now() - startedAt;
  return after === undefined ? undefined : loadBetween(before, after, tookMs);
}

interface Counters {
  readonly sides: Readonly<Record<string, { readonly requests: number }>>;
}

/** Requests a second between two looks at counters that only rise; one that is lower was started anew. Pure. */
export function loadBetween(before: Counters, after: Counters, tookMs: number): number {
  const requests = Object.entries(after.sides).reduce((sum, [side, now]) => {
    const then = before.sides[side]?.requests ?? 0;
    return sum + (now.requests >= then ? now.requests - then : now.requests);
  }, 0);
  return Number(((requests / tookMs) * 1_000).toPrecision(3));
}

/** The newest swaps' journals. One that is damaged, or of another version, is named instead. */
async function earlierJournals(
  store: Pick<Environment["store"], "ids" | "read">,
): Promise<{ readonly journals: readonly (readonly SwapEvent[])[]; readonly unreadable: readonly string[] }> {
  const journals: (readonly SwapEvent[])[] = [];
  const unreadable: string[] = [];
  for (const id of (await store.ids()).toReversed().slice(0, learnedFrom)) {
    try {
      const record = await store.read(id);
      if (record !== undefined) journals.push(record.events);
    } catch (error) {
      if (!(error instanceof SwitchyardError) || !error.code.startsWith("journal-")) throw error;
      unreadable.push(id);
    }
  }
  return { journals, unreadable };
}

/** From an accepted weight to its effect: as configured, else as earlier swaps took, else what the cloud is known for. Pure. */
export function expectedPropagation(
  environment: Pick<EnvironmentConfig, "cloud" | "swap">,
  config: Pick<ConfigFile, "local_cloud">,
  journals: readonly (readonly SwapEvent[])[],
  probesPerSecond: number,
): { readonly ms: number; readonly from: PropagationFrom } {
  const configured = environment.swap?.propagation;
  if (configured !== undefined) return { ms: configured * 1_000, from: "configured" };
  const measured = measuredPropagationMs(journals, probesPerSecond);
  if (measured !== undefined) return { ms: measured, from: "earlier swaps" };
  return environment.cloud === "local"
    ? { ms: (config.local_cloud?.propagation_delay ?? 0) * 1_000, from: "local cloud" }
    : { ms: assumedPropagationMs, from: "assumed" };
}

/**
 * Sizes that switchyard.yaml states; what it does not is left to the defaults. `held`: instances that a swap holds a platform at, where
 * they are more.
 */
export function sizesOf(
  config: EnvironmentConfig,
  platforms: readonly string[],
  held: Readonly<Record<string, number | undefined>> = {},
) {
  return Object.fromEntries(
    platforms.map((platform) => {
      const { auto_scale_config: scale, resource_limits: limits } = platformIn(config, platform);
      const { gkeInstances, cloudRunInstances } = defaultSizes;
      const least = scale.min_instances ?? (platform === "gke" ? gkeInstances : cloudRunInstances);
      return [platform, { cpu: limits.cpu, memory: limits.memory, instances: Math.max(held[platform] ?? 0, least) }];
    }),
  );
}

/** Each side with the instances that the swap holds it at. */
function heldBy({ from, to, settings }: SwapIntent): Readonly<Record<string, number | undefined>> {
  return { [from]: settings.capacity?.old, [to]: settings.capacity?.candidate };
}

/** Errors: swap-frozen. */
export function assertNotFrozen(environment: string, settings: SwapSettings, now: number): void {
  const freeze = frozenAt(settings.freeze, now);
  if (freeze !== undefined) throw frozen(environment, freeze);
}

function frozen(environment: string, freeze: Freeze): SwitchyardError {
  return new SwitchyardError("swap-frozen", {
    message: `Environment ${environment} is frozen by "${freeze.name}" until ${dateAndTime(freeze.until)}, so no swap starts`,
    next: [
      `To see what the swap would do:   npx switchyard swap plan --to PLATFORM --env ${environment}`,
      "To lift the freeze, change swap.freeze in switchyard.yaml.",
    ],
    data: { freeze: { name: freeze.name, until: new Date(freeze.until).toISOString() } },
  });
}

/** Where the load is not known nothing is refused. Errors: swap-over-budget, with the command that starts in spite of it. */
export function assertWithinBudget(plan: PlannedSwap, command: string): void {
  const over = stepsOverBudget(plan);
  if (over.length === 0) return;
  const worst = over.reduce((a, b) => (lost(b) > lost(a) ? b : a));
  throw new SwitchyardError("swap-over-budget", {
    message: `${plural(over.length, "step")} (${over.map(({ percent }) => `${percent} %`).join(", ")}) would lose more than swap.error_budget, ${plural(plan.errorBudget, "request")}, if ${plan.to} failed ${share(worst.budgeted.errorRate)}: at ${worst.percent} % about ${plural(Math.round(lost(worst)), "request")}`,
    next: [
      `To see the numbers:          npx switchyard swap plan --to ${plan.to} --env ${plan.environment}`,
      `To start in spite of that:   ${command} --allow-over-budget`,
    ],
    data: { plan },
  });
}

function lost(step: SwapPlan["steps"][number]): number {
  return step.budgeted.failedRequests ?? 0;
}

/** them all, 5 % of its requests */
function share(errorRate: number): string {
  return errorRate === 1 ? "them all" : `${Number((errorRate * 100).toPrecision(2))} % of its requests`;
}
