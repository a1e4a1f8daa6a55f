import { z } from "zod";
import { cloudRunRanges, cloudRunSettingProblems } from "../components/cloud-run/settings.ts";
import { gkeRanges, gkeSettingProblems } from "../components/gke/settings.ts";
import {
  errorPercentDefault,
  errorPercentForm,
  monitoredPlatforms,
  monitoringRanges,
  monitoringSettingProblems,
  uptimePeriodDefault,
  uptimePeriodForm,
} from "../components/observability/settings.ts";
import { type FailBackArgs, failBackProblems } from "../components/shared/fail-back.ts";
import { checkImage, imageForm } from "../components/shared/images.ts";
import { prefixForm, prefixPattern } from "../components/shared/naming.ts";
import { nearestName } from "../components/shared/nearest-name.ts";
import { secretForm } from "../components/shared/secret-version.ts";
import { literalSecretProblems, secretProblems } from "../components/shared/secrets.ts";
import {
  describeRange,
  hiddenValue,
  type Problem,
  type Range,
  rejectProblems,
} from "../components/shared/validation.ts";
import { trafficRanges, trafficSettingProblems } from "../components/traffic/settings.ts";

/** Where a stack's settings come from: Pulumi's configuration as text, and the environment. */
export interface ConfigSource {
  /** By full key, for example switchyard:image. */
  readonly values: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const namespace = "switchyard";

// Pulumi hands every value over as text; lists and maps as JSON.
const text = z.string().min(1);
const integer = z
  .string()
  .regex(/^-?\d+$/)
  .transform(Number);
const decimal = z
  .string()
  .regex(/^\d+(?:\.\d+)?$/)
  .transform(Number);
const flag = z.enum(["true", "false"]).transform((value) => value === "true");
const listOfNames = z
  .string()
  .min(1)
  .transform((value, context) => {
    if (!value.trimStart().startsWith("[")) return value.split(",").map((name) => name.trim());
    return parseJson(value, context);
  })
  .pipe(z.array(z.string().min(1)));
const mapOfText = z
  .string()
  .transform((value, context) => parseJson(value, context))
  .pipe(z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()));

const ranged = (range: Range) => integer.default(range.default).describe(describeRange(range));
const flagOf = (standard: boolean) => flag.default(standard).describe(`true or false (default ${standard})`);

const prefix = text.regex(prefixPattern).default("kiro").describe(`${prefixForm} (default kiro)`);
const image = text.refine((value) => checkImage("image", value).length === 0).describe(imageForm);
const cpu = text.default("1").describe('vCPUs as a Kubernetes quantity, for example "1" or "500m" (default 1)');
const memory = text.default("1Gi").describe('a Kubernetes quantity, for example "512Mi" (default 1Gi)');
const environment = mapOfText.default({}).describe("a map of variable names to text (default none)");
const secrets = mapOfText.default({}).describe(`a map of variable names to ${secretForm} (default none)`);
/** Kept whatever the least number says: a swap sets it on the sides that must carry all of the traffic, and sets it back to 0. */
const heldRange = { default: 0, min: 0, max: 1000, unit: "instances" } as const satisfies Range;
// Off: a swap ends with taking the old platform away.
const deletionProtection = flagOf(false);
const domain = text.describe("a host name in lower case, for example agent.example.com");
const heldInstances = integer
  .pipe(z.number().min(heldRange.min).max(heldRange.max))
  .default(heldRange.default)
  .describe(describeRange(heldRange));
const requestTimeoutSeconds = ranged(gkeRanges.requestTimeoutSeconds);
const drainSeconds = integer
  .optional()
  .describe(`${describeRange(gkeRanges.drainSeconds)}, or as requestTimeoutSeconds`);

/** All three or none. */
const failBack = {
  failBackUrl: text.optional().describe("a URL, with failBackRouteUrl and failBackRouteHost, or none of them"),
  failBackRouteUrl: text.optional().describe("a URL, with failBackUrl and failBackRouteHost, or none of them"),
  failBackRouteHost: text.optional().describe("a host name, with failBackUrl and failBackRouteUrl, or none of them"),
};

/** The settings of each program; what they mean stands at the args of its component. */
const programSettings = {
  gke: z.object({
    prefix,
    image,
    cpu,
    memory,
    environment,
    ...failBack,
    requestTimeoutSeconds,
    drainSeconds,
    deletionProtection,
    secrets,
    replicas: ranged(gkeRanges.replicas),
    heldInstances,
    maxReplicas: integer.optional().describe(describeRange(gkeRanges.maxReplicas)),
    cpuUtilization: ranged(gkeRanges.cpuUtilization),
    preStopSeconds: ranged(gkeRanges.preStopSeconds),
    privateNodes: flagOf(true),
    releaseChannel: z
      .enum(["RAPID", "REGULAR", "STABLE"])
      .default("REGULAR")
      .describe("RAPID, REGULAR or STABLE (default REGULAR)"),
  }),
  "cloud-run": z.object({
    prefix,
    image,
    cpu,
    memory,
    environment,
    ...failBack,
    requestTimeoutSeconds,
    deletionProtection,
    secrets,
    concurrency: ranged(cloudRunRanges.concurrency),
    minInstances: ranged(cloudRunRanges.minInstances),
    heldInstances,
    maxInstances: integer.optional().describe(describeRange(cloudRunRanges.maxInstances)),
    cpuIdle: flagOf(true),
  }),
  traffic: z.object({
    prefix,
    requestTimeoutSeconds,
    drainSeconds,
    deletionProtection,
    domain,
    platforms: listOfNames.describe(
      "a list of platforms, for example [cloud-run, gke]; at creation the first one serves",
    ),
    gkeZones: listOfNames.default([]).describe("a list of zones, for example [us-central1-a]"),
    maxRatePerEndpoint: ranged(trafficRanges.maxRatePerEndpoint),
  }),
  observability: z.object({
    prefix,
    domain,
    platforms: listOfNames
      .default([...monitoredPlatforms])
      .describe(`a list of platforms (default [${monitoredPlatforms.join(", ")}])`),
    notificationChannels: listOfNames
      .default([])
      .describe("a list of channels by full name, for example [projects/my-project/notificationChannels/1234567890]"),
    errorPercent: decimal.default(errorPercentDefault).describe(errorPercentForm),
    latencyMilliseconds: ranged(monitoringRanges.latencyMilliseconds),
    requestsPerMinute: ranged(monitoringRanges.requestsPerMinute),
    uptimePeriodSeconds: integer.default(uptimePeriodDefault).describe(uptimePeriodForm),
    maxInstances: ranged(monitoringRanges.maxInstances),
  }),
} as const;

export type ProgramName = keyof typeof programSettings;

/** Project and region, as the Google provider itself finds them. */
interface Place {
  readonly project: string;
  readonly region: string;
}

type Settings<Name extends ProgramName> = z.infer<(typeof programSettings)[Name]> & Place;
interface WithFailBack {
  readonly failBack: FailBackArgs | undefined;
}
interface WithLeast {
  /** What the platform keeps where no swap holds it at more. */
  readonly leastInstances: number;
}
export type GkeConfig = Omit<Settings<"gke">, keyof typeof failBack | "heldInstances"> &
  WithFailBack &
  WithLeast & { readonly drainSeconds: number; readonly maxReplicas: number };
export type CloudRunConfig = Omit<Settings<"cloud-run">, keyof typeof failBack | "heldInstances"> &
  WithFailBack &
  WithLeast & { readonly maxInstances: number };
export type ObservabilityConfig = Settings<"observability">;
export type TrafficConfig = Settings<"traffic"> & { readonly drainSeconds: number };

/** Every key that some program knows; one stack's file may hold settings of others. */
const knownKeys = [
  ...new Set(Object.values(programSettings).flatMap((schema) => Object.keys(schema.shape))),
].toSorted();

/** The settings of gke. Errors: InvalidArgsError with every problem at once. */
export function readGkeConfig(source: ConfigSource): GkeConfig {
  return read("gke", source, complete, (settings) => [
    ...gkeSettingProblems(settings),
    ...failBackKeys(settings),
    ...literalSecretProblems(settings.environment),
    ...secretProblems(settings.secrets, settings.environment),
  ]);

  function complete(given: Settings<"gke">): GkeConfig {
    const { heldInstances, ...settings } = withFailBack(given);
    const replicas = Math.max(settings.replicas, heldInstances);
    return {
      ...settings,
      leastInstances: settings.replicas,
      replicas,
      drainSeconds: settings.drainSeconds ?? settings.requestTimeoutSeconds,
      maxReplicas: settings.maxReplicas ?? Math.max(replicas, gkeRanges.maxReplicas.default),
    };
  }
}

/** The settings of cloud-run. Errors: InvalidArgsError with every problem at once. */
export function readCloudRunConfig(source: ConfigSource): CloudRunConfig {
  return read("cloud-run", source, complete, (settings) => [
    ...cloudRunSettingProblems(settings),
    ...failBackKeys(settings),
    ...literalSecretProblems(settings.environment),
    ...secretProblems(settings.secrets, settings.environment),
  ]);

  function complete(given: Settings<"cloud-run">): CloudRunConfig {
    const { heldInstances, ...settings } = withFailBack(given);
    const minInstances = Math.max(settings.minInstances, heldInstances);
    const most = Math.max(minInstances, cloudRunRanges.maxInstances.default);
    return {
      ...settings,
      leastInstances: settings.minInstances,
      minInstances,
      maxInstances: settings.maxInstances ?? most,
    };
  }
}

/** The settings of traffic. Errors: InvalidArgsError with every problem at once. */
export function readTrafficConfig(source: ConfigSource): TrafficConfig {
  return read("traffic", source, complete, (settings) =>
    trafficSettingProblems({ ...settings, zones: { gke: settings.gkeZones } }).map((problem) => ({
      ...problem,
      path: problem.path.replace(/^zones\.gke/, "gkeZones"),
    })),
  );

  function complete(settings: Settings<"traffic">): TrafficConfig {
    return { ...settings, drainSeconds: settings.drainSeconds ?? settings.requestTimeoutSeconds };
  }
}

/** The settings of observability. Errors: InvalidArgsError with every problem at once. */
export function readObservabilityConfig(source: ConfigSource): ObservabilityConfig {
  return read("observability", source, (settings) => settings, monitoringSettingProblems);
}

const failBackKey = { url: "failBackUrl", routeUrl: "failBackRouteUrl", routeHost: "failBackRouteHost" } as const;

/** One arg from three keys; what is missing of them is found by `failBackKeys`. */
function withFailBack<Given extends Readonly<Partial<Record<keyof typeof failBack, string | undefined>>>>(
  given: Given,
): Omit<Given, keyof typeof failBack> & WithFailBack {
  const { failBackUrl: url, failBackRouteUrl: routeUrl, failBackRouteHost: routeHost, ...settings } = given;
  const absent = url === undefined && routeUrl === undefined && routeHost === undefined;
  return {
    ...settings,
    failBack: absent ? undefined : { url: url ?? "", routeUrl: routeUrl ?? "", routeHost: routeHost ?? "" },
  };
}

/** The problems of the three keys, under their names. */
function failBackKeys({ failBack: args }: WithFailBack): Problem[] {
  const problems = failBackProblems(args, (name) => failBackKey[name]);
  return problems.map((problem) => ({ ...problem, value: problem.value === "" ? undefined : problem.value }));
}

/** Accepted wherever the given value is refused, so that the other settings can still be checked against it. */
const standIns: Readonly<Record<string, string>> = {
  image: "stand-in:0",
  domain: "stand-in.example.com",
  platforms: "cloud-run",
};

function read<Name extends ProgramName, Complete>(
  name: Name,
  source: ConfigSource,
  complete: (settings: Settings<Name>) => Complete,
  check: (settings: Complete) => readonly Problem[],
): Complete {
  const schema: z.ZodObject = programSettings[name];
  const place = readPlace(source);
  const given: Record<string, string | undefined> = {};
  for (const key of Object.keys(schema.shape)) given[key] = source.values[`${namespace}:${key}`];

  const problems: Problem[] = [...place.problems, ...unknownKeyProblems(source)];
  const refused = new Set<string>();
  for (const [key, field] of Object.entries(schema.shape)) {
    if (z.safeParse(field, given[key]).success) continue;
    refused.add(key);
    const allowed = z.globalRegistry.get(field)?.description ?? "another value";
    problems.push({
      path: `${namespace}:${key}`,
      value: key === "environment" || key === "secrets" ? hidden(given[key]) : given[key],
      allowed,
    });
    given[key] = standIns[key];
  }
  const settings = complete({ ...schema.parse(given), ...place.values } as Settings<Name>);
  for (const problem of check(settings)) {
    const key = problem.path.replace(/[.[].*$/, "");
    if (!refused.has(key)) problems.push({ ...problem, path: `${namespace}:${problem.path}` });
  }
  rejectProblems(`The configuration of ${name}`, problems);
  return settings;
}

/** Names in the order in which the Google provider looks at them. */
const placeSources = {
  project: ["GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"],
  region: ["GOOGLE_REGION", "GCLOUD_REGION", "CLOUDSDK_COMPUTE_REGION"],
} as const;
const placePatterns = {
  project: /^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
  region: /^[a-z]+-[a-z]+\d+$/,
} as const;

function readPlace(source: ConfigSource): { values: Place; problems: Problem[] } {
  const problems: Problem[] = [];
  const value = (key: "project" | "region", example: string): string => {
    const fromEnvironment = placeSources[key].map((name) => source.environment[name]).find(Boolean);
    const found = source.values[`gcp:${key}`] ?? fromEnvironment;
    if (found !== undefined && placePatterns[key].test(found)) return found;
    const allowed = `a ${key}, for example ${example}; ${placeSources[key][0]} is looked at too`;
    problems.push({ path: `gcp:${key}`, value: found, allowed });
    return example;
  };
  return { values: { project: value("project", "my-project"), region: value("region", "us-central1") }, problems };
}

function unknownKeyProblems(source: ConfigSource): Problem[] {
  return Object.keys(source.values)
    .filter((key) => key.startsWith(`${namespace}:`))
    .map((key) => key.slice(namespace.length + 1))
    .filter((key) => !knownKeys.includes(key))
    .map((key) => {
      const nearest = nearestName(key, knownKeys);
      const names = nearest === undefined ? `one of ${knownKeys.join(", ")}` : `${namespace}:${nearest}`;
      return { path: `${namespace}:${key}`, value: hiddenValue, allowed: `${names} (no setting has this name)` };
    });
}

/** Variables of the agent may be secrets, and so may be what stands under a misspelt name. */
function hidden(value: string | undefined): typeof hiddenValue | undefined {
  return value === undefined ? undefined : hiddenValue;
}

function parseJson(value: string, context: z.core.$RefinementCtx): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    context.issues.push({ code: "custom", input: value, message: error.message });
    return z.NEVER;
  }
}
