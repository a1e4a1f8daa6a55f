/**
 * Which platform an environment should run on: first what rules platforms out, then what is preferred among the rest. A pure
 * function of what was asked and seen.
 */
import { type PlatformFacts, platformFacts } from "./facts.ts";
import type { SelectionConfig } from "./settings.ts";

/** As switchyard.yaml states it; vCPUs and GiB of an instance. */
export interface InstanceShape {
  readonly vcpus: number;
  readonly gib: number;
  readonly minInstances?: number | undefined;
  readonly maxInstances?: number | undefined;
}

export interface SelectionQuestion {
  readonly environment: string;
  readonly region: string;
  readonly settings: SelectionConfig;
  /** The platforms that there are, with their instances. */
  readonly platforms: Readonly<Record<string, InstanceShape>>;
  /** Whether Cloud Run's instances have CPU while they serve nothing. */
  readonly cpuAlwaysOnCloudRun: boolean;
  /** The platform that has all the traffic; undefined: none, or nobody can say. */
  readonly serving: string | undefined;
  /** Expected USD a month by platform; one that is absent is not known, and never 0. undefined: nobody asked. */
  readonly cost: Readonly<Record<string, number>> | undefined;
}

/** Why a platform is out. */
export const exclusions = {
  "region-not-allowed": "the environment's region is none of requires.regions",
  "gpu-count": "the platform gives an instance fewer GPUs",
  "gpu-size": "an instance with a GPU needs more CPU and memory there",
  "gpu-region": "the platform has no GPUs in the region",
  "longest-request": "the platform ends a request sooner",
  websocket: "the platform has no WebSockets",
  streaming: "the platform does not stream responses",
  "min-instances": "fewer instances are kept than must always run",
  "scale-to-zero": "the platform keeps at least one instance running",
  "private-network": "the stack program gives instances no address in a network",
  "cpu-outside-requests": "with request-based billing instances have no CPU while they serve nothing",
  size: "an instance cannot be as large there",
  "unknown-platform": "nothing is known of what the platform can do",
} as const;

export type ExclusionRule = keyof typeof exclusions;

export interface Exclusion {
  readonly platform: string;
  readonly rule: ExclusionRule;
  /** With the values, for people. */
  readonly reason: string;
}

/** Why a platform was chosen. */
export const preferences = {
  fixed: "switchyard.yaml names it (selection.platform)",
  "only-possible": "the others are ruled out",
  "environment-dev": "environments for trying things cost nothing while idle there",
  "environment-prod": "environments that people rely on are controlled best there",
  "environment-other": "other environments start where idling is cheap",
  cheapest: "it costs least",
  "within-hysteresis": "it serves, and nothing is cheaper by more than hysteresis",
  "cost-unknown": "its environment prefers it; not every possible platform's cost is known",
} as const;

export type PreferenceRule = keyof typeof preferences;

export type Evidence = Readonly<Record<string, number | string | boolean>>;

export interface Chosen {
  readonly kind: "chosen";
  readonly platform: string;
  readonly rule: PreferenceRule;
  readonly reason: string;
  readonly possible: readonly string[];
  readonly ruledOut: readonly Exclusion[];
  readonly evidence: Evidence;
}

export interface Impossible {
  readonly kind: "impossible";
  /** The platform that switchyard.yaml names, where that is what cannot be. */
  readonly fixed: string | undefined;
  readonly ruledOut: readonly Exclusion[];
}

export function selectPlatform(question: SelectionQuestion): Chosen | Impossible {
  const { settings, platforms } = question;
  const ruledOut = Object.entries(platforms).flatMap(([platform, shape]) => exclusionsOf(platform, shape, question));
  const possible = Object.keys(platforms).filter((name) => !ruledOut.some(({ platform }) => platform === name));
  const fixed = settings.platform;
  if (possible.length === 0 || (fixed !== undefined && !possible.includes(fixed)))
    return { kind: "impossible", fixed, ruledOut };
  const { platform, rule, evidence = {} } = prefer(question, possible);
  return {
    kind: "chosen",
    platform,
    rule,
    reason: preferences[rule],
    possible,
    ruledOut,
    evidence,
  };
}

interface Preference {
  readonly platform: string;
  readonly rule: PreferenceRule;
  readonly evidence?: Evidence;
}

function prefer(question: SelectionQuestion, possible: readonly string[]): Preference {
  const { settings, environment } = question;
  const [first = ""] = possible;
  if (settings.platform !== undefined) return { platform: settings.platform, rule: "fixed" };
  if (possible.length === 1) return { platform: first, rule: "only-possible" };
  const byName = environmentPreference(environment);
  const byEnvironment = possible.includes(byName.platform)
    ? byName
    : { platform: first, rule: "only-possible" as const };
  return settings.prefer === "cost" ? preferCheapest(question, possible, byEnvironment) : byEnvironment;
}

/** Names of environments by the words in them. */
const prodNames = /^(prod|production|live|staging|stage|preprod)(-|$)/;
const devNames = /^(local|dev|development|test|testing|ci|preview|sandbox|demo)(-|$)/;

/** Development runs on Cloud Run, production on GKE; staging is like production; all others are like development. */
function environmentPreference(environment: string): Preference {
  if (prodNames.test(environment)) return { platform: "gke", rule: "environment-prod" };
  return { platform: "cloud-run", rule: devNames.test(environment) ? "environment-dev" : "environment-other" };
}

/** Of two that cost the same, the earlier one; the serving one stays unless another is cheaper by more than hysteresis. */
function preferCheapest(
  { cost = {}, serving, settings }: SelectionQuestion,
  possible: readonly string[],
  otherwise: Preference,
): Preference {
  const priced = possible.flatMap((platform) => {
    const usd = cost[platform];
    return usd === undefined ? [] : [{ platform, usd }];
  });
  const [best] = priced.toSorted((a, b) => a.usd - b.usd);
  if (best === undefined || priced.length < possible.length) return { ...otherwise, rule: "cost-unknown" };
  const evidence = Object.fromEntries(priced.map(({ platform, usd }) => [`${platform} USD`, Number(usd.toFixed(2))]));
  const stays = priced.find(({ platform }) => platform === serving);
  if (stays !== undefined && stays.platform !== best.platform && best.usd >= stays.usd * (1 - settings.hysteresis))
    return { platform: stays.platform, rule: "within-hysteresis", evidence };
  return { platform: best.platform, rule: "cheapest", evidence };
}

function exclusionsOf(platform: string, shape: InstanceShape, question: SelectionQuestion): readonly Exclusion[] {
  const facts = platformFacts[platform];
  if (facts === undefined) return [{ platform, rule: "unknown-platform", reason: exclusions["unknown-platform"] }];
  return [...workloadProblems(platform, shape, facts, question), ...gpuProblems(shape, facts, question)].map(
    ([rule, values]) => ({ platform, rule, reason: `${exclusions[rule]}${values === "" ? "" : ` (${values})`}` }),
  );
}

/** A rule, and the values that broke it. */
type Problem = readonly [ExclusionRule, string];

function workloadProblems(
  platform: string,
  { vcpus, gib, minInstances }: InstanceShape,
  facts: PlatformFacts,
  { settings: { requires }, region, cpuAlwaysOnCloudRun }: SelectionQuestion,
): readonly Problem[] {
  const { regions, longest_request: longest = 0, min_instances: least } = requires;
  const longestThere = facts.longestRequestS ?? Number.POSITIVE_INFINITY;
  const kept = minInstances ?? facts.defaultMinInstances;
  const throttled = platform === "cloud-run" && !cpuAlwaysOnCloudRun;
  const checks: readonly (readonly [boolean, ExclusionRule, string])[] = [
    [regions?.includes(region) === false, "region-not-allowed", `${region}; allowed: ${regions?.join(", ")}`],
    [vcpus > facts.vcpus || gib > facts.gib, "size", `at most ${facts.vcpus} vCPU and ${facts.gib} GiB`],
    [longest > longestThere, "longest-request", `${longest} s asked, at most ${longestThere} s`],
    [requires.websocket && !facts.websocket, "websocket", ""],
    [requires.streaming && !facts.streaming, "streaming", ""],
    [kept < least, "min-instances", `${kept} kept, ${least} asked`],
    [requires.scale_to_zero && !facts.scaleToZero, "scale-to-zero", ""],
    [requires.private_network && !facts.privateNetwork, "private-network", ""],
    [requires.cpu_outside_requests && throttled, "cpu-outside-requests", "cost.usage.cloud_run.billing"],
  ];
  return checks.flatMap(([broken, rule, values]) => (broken ? [[rule, values] as const] : []));
}

function gpuProblems(
  { vcpus, gib }: InstanceShape,
  { gpu: facts }: PlatformFacts,
  { settings: { requires }, region }: SelectionQuestion,
): readonly Problem[] {
  if (requires.gpu === 0) return [];
  const checks: readonly (readonly [boolean, ExclusionRule, string])[] = [
    [requires.gpu > facts.most, "gpu-count", `${requires.gpu} asked, at most ${facts.most}`],
    [vcpus < facts.minVcpus || gib < facts.minGib, "gpu-size", `from ${facts.minVcpus} vCPU and ${facts.minGib} GiB`],
    [facts.regions?.includes(region) === false, "gpu-region", `${region}; there: ${facts.regions?.join(", ")}`],
  ];
  return checks.flatMap(([broken, rule, values]) => (broken ? [[rule, values] as const] : []));
}
