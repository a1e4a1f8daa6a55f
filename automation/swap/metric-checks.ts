/**
 * Metric series from outside that a swap's steps are judged by, as configured (`environments.X.swap.metrics`). The parsed
 * value is part of the journalled settings: plain JSON, without secrets, and parsing it again changes nothing.
 */
import { z } from "zod";

export const metricSources = ["prometheus", "cloud-monitoring", "datadog"] as const;

export type MetricSourceName = (typeof metricSources)[number];

/** Most points of one series: Prometheus refuses more than 11,000. */
export const mostPoints = 10_000;
/** 4 against 4 points can never differ significantly (judge/rank-sum.ts). */
const leastPoints = 5;

const variableName = /^[A-Z_][A-Z0-9_]{0,99}$/;

/** The name of an environment variable. What is no name may be the secret itself, so it must not be printed. */
const secretIn = (what: string) =>
  z
    .string()
    .refine((value) => variableName.test(value), {
      message: "must be the NAME of an environment variable in capitals, never the secret itself",
      params: { hidden: true },
    })
    .meta({ pattern: variableName.source })
    .describe(`Name of the environment variable with ${what}.`);

/** Datadog's own hosts only: the keys travel there. */
const datadogSites = [
  "datadoghq.com",
  "us3.datadoghq.com",
  "us5.datadoghq.com",
  "datadoghq.eu",
  "ap1.datadoghq.com",
  "ap2.datadoghq.com",
  "uk1.datadoghq.com",
  "ddog-gov.com",
  "us2.ddog-gov.com",
] as const;

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const form = ["http:", "https:"].includes(url.protocol) && url.search === "" && url.hash === "";
  return form && url.username === "" && url.password === "";
}

const sources = z
  .strictObject({
    prometheus: z
      .strictObject({
        url: z
          .string()
          .refine(isPlainUrl, {
            message: "must be an http or https URL without credentials, query or fragment",
            params: { hidden: true },
          })
          .describe("Base of the server, for example https://prometheus.example.com; a path before /api is kept."),
        token_variable: secretIn("a bearer token; needs https").optional(),
      })
      .optional()
      .describe("A Prometheus server, or one that speaks its API (Thanos, Mimir, VictoriaMetrics)."),
    "cloud-monitoring": z
      .strictObject({
        project: z
          .string()
          .regex(/^[a-z0-9.:-]{1,100}$/, "must be the id or number of a project")
          .describe("Google Cloud project whose metrics scope is asked, in PromQL."),
      })
      .optional()
      .describe("Google Cloud Monitoring, with Google's usual credentials."),
    datadog: z
      .strictObject({
        site: z.enum(datadogSites).default("datadoghq.com").describe("Datadog site. Default datadoghq.com."),
        api_key_variable: secretIn("the API key").default("DD_API_KEY"),
        application_key_variable: secretIn("the application key").default("DD_APP_KEY"),
      })
      .optional()
      .describe("Datadog."),
  })
  .prefault({})
  .describe("Where the metrics are. Secrets stay in the environment; the file names the variables.");

const effect = (what: string, example: string) =>
  z
    .number()
    .gt(0)
    .max(1_000)
    .optional()
    .describe(`${what}; ${example}. Default: any significant difference (1, for cles 0.5).`);

/** One metric, asked once per side. The judge is Kayenta's NetflixACAJudge-v1.0 (shared research, hot swap 2.4). */
const metricCheck = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,60}$/, "must be lower-case letters, digits and hyphens")
    .describe("Name in reports, unique."),
  source: z.enum(metricSources).describe("Where it is asked; its place is under `sources`."),
  query: z
    .string()
    .max(4_000)
    .refine((query) => query.includes("{platform}"), {
      message: "must contain {platform}, which becomes the name of the side: else both sides get the same series",
    })
    .describe("One series, in the source's language. {platform} and {environment} are filled in."),
  direction: z
    .enum(["increase", "decrease", "either"])
    .default("increase")
    .describe("The direction that is bad. Default increase."),
  critical: z
    .boolean()
    .default(false)
    .describe("Whether this metric alone fails the measurement, missing data included. Default false."),
  must_have_data: z
    .boolean()
    .default(false)
    .describe(
      "Whether missing data count against the score. Default false: they are inconclusive once half the metrics have none.",
    ),
  nan_strategy: z
    .enum(["remove", "replace"])
    .default("remove")
    .describe("Missing points: remove, or replace by 0 (for counters that exist only after an error). Default remove."),
  outliers: z.enum(["keep", "remove"]).default("keep").describe("What becomes of outliers. Default keep."),
  outlier_factor: z
    .number()
    .gt(0)
    .max(100)
    .default(3)
    .describe("Interquartile ranges beyond the quartiles from which a point is an outlier. Default 3."),
  effect_size: z
    .enum(["mean-ratio", "cles"])
    .default("mean-ratio")
    .describe(
      "Measure of the effect: mean of the candidate over mean of the old side, or the share of pairs in which the candidate is higher. Default mean-ratio.",
    ),
  allowed_increase: effect("Effect from which an increase counts", "1.1 allows 10 % more"),
  allowed_decrease: effect("Effect down to which a decrease counts", "0.9 allows 10 % less"),
  critical_increase: effect("Effect from which an increase of a critical metric is fatal", "5 is five times as much"),
  critical_decrease: effect("Effect down to which a decrease of a critical metric is fatal", "0.5 is half"),
  group: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,60}$/, "must be lower-case letters, digits and hyphens")
    .default("metrics")
    .describe("Group whose metrics are scored together. Default metrics."),
  weight: z
    .number()
    .gt(0)
    .max(100)
    .optional()
    .describe(
      "Weight of the whole group, percent, given at one of its metrics. Default: an equal share of what is left.",
    ),
  muted: z.boolean().default(false).describe("Measured and reported, but without a say. Default false."),
});

export type MetricCheck = z.infer<typeof metricCheck>;

export const metricChecks = z
  .strictObject({
    sources,
    checks: z.array(metricCheck).max(50).default([]).describe("The metrics, up to 50. Default none."),
    pass: z.number().min(0).max(100).default(95).describe("Score from which a measurement succeeds. Default 95."),
    marginal: z
      .number()
      .min(0)
      .max(100)
      .default(75)
      .describe("Score from which it is inconclusive; below it has failed. Default 75."),
    interval: z.number().min(1).max(86_400).default(60).describe("Seconds between measurements. Default 60, 1-86400."),
    step: z.number().int().min(1).max(3_600).default(10).describe("Seconds between points. Default 10, 1-3600."),
    lookback: z
      .number()
      .min(1)
      .max(604_800)
      .optional()
      .describe(
        "Seconds of the window that slides along. Default: the window grows from the step's beginning, up to 10,000 points.",
      ),
    warm_up: z
      .number()
      .min(0)
      .max(86_400)
      .default(0)
      .describe("Seconds after a step's weight was accepted that are not looked at. Default 0, up to a day."),
    delay: z
      .number()
      .min(0)
      .max(3_600)
      .default(0)
      .describe(
        "Seconds that points take to arrive; the window ends so long ago (Cloud Monitoring: balancer metrics up to 270). Default 0.",
      ),
    failure_limit: z
      .number()
      .int()
      .min(-1)
      .max(1_000)
      .default(0)
      .describe("Failed measurements that are let pass; -1: any number. Default 0."),
    inconclusive_limit: z
      .number()
      .int()
      .min(0)
      .max(1_000)
      .default(0)
      .describe("Inconclusive measurements that are let pass before the swap pauses. Default 0."),
    consecutive_error_limit: z
      .number()
      .int()
      .min(0)
      .max(1_000)
      .default(4)
      .describe("Unreadable measurements in a row that are let pass. Default 4."),
    error_retry: z
      .number()
      .min(1)
      .max(3_600)
      .default(10)
      .describe("Seconds after an unreadable measurement until the next one, whatever the interval. Default 10."),
  })
  .superRefine((value, context) => {
    const refuse = (path: readonly (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path: [...path], message });
    for (const { path, message } of [...timeProblems(value), ...groupProblems(value.checks)]) refuse(path, message);
    if (value.marginal > value.pass)
      refuse(["marginal"], `must not be above pass (${value.pass}): a score cannot be better than inconclusive then`);
    for (const [index, check] of value.checks.entries()) {
      const at = (name: string): readonly (string | number)[] => ["checks", index, name];
      if (value.checks.findIndex(({ name }) => name === check.name) < index)
        refuse(at("name"), "is used by another check already");
      if (value.sources[check.source] === undefined)
        refuse(["sources", check.source], `is needed by the check ${check.name}`);
      for (const { name, message } of effectProblems(check)) refuse(at(name), message);
    }
  })
  .prefault({})
  .describe("Metrics from outside that every step is judged by.");

export type MetricChecks = z.infer<typeof metricChecks>;

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function timeProblems(given: {
  readonly interval: number;
  readonly step: number;
  readonly lookback?: number | undefined;
}): readonly Problem[] {
  const problems: Problem[] = [];
  if (given.interval < given.step)
    problems.push({ path: ["interval"], message: `must not be below step (${given.step}): nothing new would be seen` });
  if (given.lookback !== undefined && given.lookback < leastPoints * given.step)
    problems.push({
      path: ["lookback"],
      message: `must hold at least ${leastPoints} points, ${leastPoints * given.step} s: fewer can never differ significantly`,
    });
  if (given.lookback !== undefined && given.lookback > mostPoints * given.step)
    problems.push({
      path: ["lookback"],
      message: `must not hold more than ${mostPoints} points, ${mostPoints * given.step} s; a larger step holds more`,
    });
  return problems;
}

/** Thresholds that contradict each other, or that can have no effect. */
function effectProblems(check: MetricCheck): readonly { readonly name: keyof MetricCheck; readonly message: string }[] {
  const problems: { readonly name: keyof MetricCheck; readonly message: string }[] = [];
  const neutral = check.effect_size === "cles" ? 0.5 : 1;
  for (const name of ["allowed_increase", "critical_increase", "allowed_decrease", "critical_decrease"] as const) {
    const limit = check[name];
    if (limit === undefined) continue;
    const up = name.endsWith("increase");
    if (check.direction === (up ? "decrease" : "increase"))
      problems.push({ name, message: `has no effect: the direction is ${check.direction}` });
    if (name.startsWith("critical") && !check.critical)
      problems.push({ name, message: "has no effect: the check is not critical" });
    if (up ? limit < neutral : limit > neutral)
      problems.push({ name, message: `must not be ${up ? "below" : "above"} ${neutral}, which is no difference` });
    if (check.effect_size === "cles" && limit > 1)
      problems.push({ name, message: "must not be above 1: cles is a share" });
  }
  const { allowed_increase, allowed_decrease, critical_increase, critical_decrease } = check;
  if (critical_increase !== undefined && critical_increase < (allowed_increase ?? neutral))
    problems.push({ name: "critical_increase", message: `must not be below allowed_increase (${allowed_increase})` });
  if (critical_decrease !== undefined && critical_decrease > (allowed_decrease ?? neutral))
    problems.push({ name: "critical_decrease", message: `must not be above allowed_decrease (${allowed_decrease})` });
  return problems;
}

/** Weights of groups, percent; only those that are given. */
export function groupWeights(checks: readonly MetricCheck[]): Readonly<Record<string, number>> {
  return Object.fromEntries(checks.flatMap(({ group, weight }) => (weight === undefined ? [] : [[group, weight]])));
}

function groupProblems(checks: readonly MetricCheck[]): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [index, { group, weight }] of checks.entries()) {
    if (weight === undefined) continue;
    const path = ["checks", index, "weight"];
    const first = checks.find((check) => check.group === group && check.weight !== undefined)?.weight;
    if (first !== undefined && first !== weight)
      problems.push({ path, message: `contradicts the weight ${first} that the group ${group} has already` });
    if (checks.every((check) => check.group !== group || check.muted))
      problems.push({ path, message: `has no effect: every check of the group ${group} is muted` });
  }
  const weights = groupWeights(checks);
  const names = new Set(checks.filter(({ muted }) => !muted).map(({ group }) => group));
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
  const all = names.size > 0 && [...names].every((name) => Object.hasOwn(weights, name));
  const path = ["checks", checks.findLastIndex(({ weight }) => weight !== undefined), "weight"];
  // Thirds of 100 have rounding.
  if (sum > 100.01) problems.push({ path, message: `the weights of all groups add up to ${sum}, more than 100` });
  else if (all && sum < 99.99)
    problems.push({ path, message: `the weights of all groups add up to ${sum} instead of 100` });
  return problems;
}
