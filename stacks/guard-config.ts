/** Settings of the program guard. Apart from the others': it runs on AWS, and shares none of theirs but the prefix. */
import { z } from "zod";
import { regionForm, regionPattern } from "../components/guard/arns.ts";
import { prefixForm, prefixPattern } from "../components/shared/naming.ts";
import { nearestName } from "../components/shared/nearest-name.ts";
import { hiddenValue, type Problem, rejectProblems } from "../components/shared/validation.ts";
import type { ConfigSource } from "./config.ts";

const namespace = "switchyard:";

const text = z.string().min(1);
/** Commas between, or JSON. */
const list = text
  .transform((value, context): unknown => {
    if (!value.trimStart().startsWith("[")) return value.split(",").map((one) => one.trim());
    try {
      return JSON.parse(value);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      context.issues.push({ code: "custom", input: value, message: error.message });
      return z.NEVER;
    }
  })
  .pipe(z.array(z.string().min(1)));

const settings = z.object({
  prefix: text.regex(prefixPattern).default("switchyard").describe(`${prefixForm} (default switchyard)`),
  tableName: text.default("guard-clusters").describe("a name of a table (default guard-clusters)"),
  trustRoleArns: list.describe("a list of roles that may run guard, by ARN"),
  clusterRoleArns: list.describe("a list of the roles in the clusters' accounts, by ARN"),
  secretArns: list.default([]).describe("a list of secrets, by whole ARN (default none)"),
  kmsKeyArns: list.default([]).describe("a list of keys, by ARN (default none)"),
  cloudWatchRegions: list.default([]).describe("a list of regions whose metrics are read (default none)"),
  eventBusArn: text.optional().describe("an event bus, by ARN (default none)"),
  deletionProtection: z
    .enum(["true", "false"])
    .default("true")
    .transform((value) => value === "true")
    .describe("true or false (default true)"),
});

export type GuardProgramConfig = z.output<typeof settings>;

const keys = Object.keys(settings.shape);

/** Errors: InvalidArgsError with every problem at once; what ARNs look like is the components' to say. */
export function readGuardConfig({ values, environment }: ConfigSource): GuardProgramConfig {
  const given = Object.fromEntries(keys.map((key) => [key, values[`${namespace}${key}`]]));
  const parsed = settings.safeParse(given);
  const problems: Problem[] = [...unknownKeys(values), ...regionProblems(values, environment)];
  if (!parsed.success)
    for (const key of new Set(parsed.error.issues.map(({ path }) => String(path[0]))))
      problems.push({ path: `${namespace}${key}`, value: given[key], allowed: allowedOf(key) });
  rejectProblems("The configuration of guard", problems);
  return settings.parse(given);
}

function allowedOf(key: string): string {
  const field = Object.entries(settings.shape).find(([name]) => name === key)?.[1];
  return (field === undefined ? undefined : z.globalRegistry.get(field)?.description) ?? "another value";
}

function regionProblems(values: ConfigSource["values"], environment: ConfigSource["environment"]): Problem[] {
  const region = values["aws:region"] ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"];
  return region !== undefined && regionPattern.test(region)
    ? []
    : [{ path: "aws:region", value: region, allowed: `${regionForm}; AWS_REGION is looked at too` }];
}

function unknownKeys(values: ConfigSource["values"]): Problem[] {
  return Object.keys(values)
    .filter((key) => key.startsWith(namespace) && !keys.includes(key.slice(namespace.length)))
    .map((key) => {
      const nearest = nearestName(key.slice(namespace.length), keys);
      const names = nearest === undefined ? `one of ${keys.join(", ")}` : `${namespace}${nearest}`;
      return { path: key, value: hiddenValue, allowed: `${names} (no setting has this name)` };
    });
}
