/** switchyard.yaml: environments, their platforms and swaps. Every problem is reported at once, with path and value. */
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { literalSecret } from "../../components/shared/literal-secret.ts";
import { parseSecretVersion, secretForm } from "../../components/shared/secret-version.ts";
import { alertsConfig } from "../alerts/settings.ts";
import { costConfig } from "../cost/settings.ts";
import { SwitchyardError } from "../errors.ts";
import { failoverConfig } from "../failover/settings.ts";
import { guardConfig } from "../guard/settings.ts";
import { healthConfig } from "../health/settings.ts";
import { nearest } from "../nearest.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { selectionConfig } from "../selection/settings.ts";
import { hotSwapConfig, type PlatformConfigFile, platformConfig } from "../swap/settings.ts";
import { statelessConfig } from "../swap/stateless-settings.ts";
import { stateConfig } from "./state-config.ts";

export const configFileName = "switchyard.yaml";

export const clouds = ["local", "google"] as const;

const environmentName = /^[a-z][a-z0-9-]{0,20}$/;
const hostName = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/;

const environment = z
  .strictObject({
    cloud: z.enum(clouds).describe("Where the stacks run: local (this machine) or google."),
    project: z.string().min(1).optional().describe("Google Cloud project. Default for local: switchyard-local."),
    region: z
      .string()
      .regex(/^[a-z]+-[a-z]+\d+$/, "must be a region, for example us-central1")
      .default("us-central1")
      .describe("Region. Default us-central1."),
    domain: z
      .string()
      .regex(hostName, "must be a host name in lower case, for example agent.example.com")
      .default("agent.local")
      .describe("Host name of the agent. Default agent.local."),
    prefix: z
      .string()
      .regex(
        /^[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?$/,
        "must be 1 to 20 lower-case letters, digits and hyphens, beginning with a letter",
      )
      .default("kiro")
      .describe("Prefix of resource names. Default kiro."),
    image: z
      .string()
      .min(1)
      .default("services/kiro")
      .describe("The agent: an image with digest, or (local) a folder that is built. Default services/kiro."),
    probes_per_second: z
      .number()
      .int()
      .min(1)
      .max(5_000)
      .optional()
      .describe("Weight probes a second through the balancer. Default 1000 locally, 20 on a cloud."),
    request_feed: z
      .enum(["router", "logs"])
      .optional()
      .describe(
        "Where the gates read finished requests: the local router's own feed, or the balancer's request logs, late as on Google Cloud (local_cloud.log_delay). Default router; a cloud has logs only.",
      ),
    platforms: z
      .strictObject({ "cloud-run": platformConfig.optional(), gke: platformConfig.optional() })
      .default({})
      .describe("Settings per platform."),
    secrets: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a variable"),
        z.string().refine((value) => parseSecretVersion(value) !== undefined, {
          message: `must be ${secretForm}`,
          params: { hidden: true },
        }),
      )
      .optional()
      .describe(
        "The agent's variables whose values are secrets, each by its version in Secret Manager, projects/P/secrets/S/versions/V. Cloud Run only so far. Default none.",
      ),
    swap: hotSwapConfig.optional(),
    stateless: statelessConfig.prefault({}),
    failover: failoverConfig.optional(),
    health: healthConfig.optional(),
    alerts: alertsConfig.optional(),
    cost: costConfig.optional(),
    selection: selectionConfig.optional(),
    state: stateConfig.optional(),
  })
  .superRefine((value, context) => {
    if (value.cloud !== "local" && value.request_feed === "router")
      context.addIssue({ code: "custom", path: ["request_feed"], message: "a cloud has logs only" });
    if (value.cloud !== "local" && value.project === undefined)
      context.addIssue({ code: "custom", path: ["project"], message: "is needed for a cloud" });
    if (value.cloud !== "local" && value.image === "services/kiro")
      context.addIssue({
        code: "custom",
        path: ["image"],
        message: "a cloud needs an image with digest from a registry",
      });
    const { store, region, endpoint } = value.state ?? {};
    if (store === "dynamodb" && value.cloud !== "local" && region === undefined && endpoint === undefined)
      context.addIssue({ code: "custom", path: ["state", "region"], message: "is needed for a table on AWS" });
    if (value.cloud !== "local" && value.swap?.fail_back === true)
      context.addIssue({
        code: "custom",
        path: ["swap", "fail_back"],
        message: "needs cloud: local; a place for the flag that a cloud's agents can read is not built yet",
      });
  });

const seconds = (most: number, standard: number) => z.number().min(0).max(most).default(standard);

/** The simulators' settings. One local cloud serves all local environments of a checkout. */
const localCloud = z
  .strictObject({
    propagation_delay: seconds(600, 0).describe(
      "Seconds from an accepted change of the URL map to its effect on requests. Default 0, up to 600.",
    ),
    propagation_spread: seconds(600, 0).describe(
      "Seconds from the first router worker that follows such a change to the last; the others are spread evenly between. Default 0, up to 600.",
    ),
    propagation_in_order: z
      .boolean()
      .default(true)
      .describe(
        "false: within its delay each router worker takes the new weights, falls back to the older ones, and takes the new ones for good. Default true.",
      ),
    router_workers: z
      .number()
      .int()
      .min(1)
      .max(16)
      .default(1)
      .describe(
        "Workers behind each balancer that opens from then on, each following for itself. Default 1, up to 16.",
      ),
    log_delay: seconds(600, 0).describe(
      "Seconds from the end of a request to its entry in the request log (Cloud Logging). Default 0, up to 600.",
    ),
    cold_start_delay: seconds(60, 0).describe(
      "Seconds added to the start of every Cloud Run instance. Default 0, up to 60.",
    ),
    neg_delay: seconds(600, 0.5).describe(
      "Seconds from a Service's annotation to its endpoint groups. Default 0.5, up to 600.",
    ),
  })
  .describe("Times and workers of the local cloud.");

export const configFile = z
  .strictObject({
    local_cloud: localCloud.optional(),
    environments: z
      .record(
        z
          .string()
          .regex(environmentName, "must be lower-case letters, digits and hyphens, up to 21, beginning with a letter"),
        environment,
      )
      .refine((environments) => Object.keys(environments).length > 0, { message: "needs at least one environment" }),
    guard: guardConfig.optional(),
  })
  .superRefine(({ environments }, context) => {
    // Listeners are named after the prefix alone, whatever the project.
    const owners = new Map<string, string>();
    for (const [name, { cloud, prefix }] of Object.entries(environments)) {
      if (cloud !== "local") continue;
      const owner = owners.get(prefix);
      if (owner === undefined) owners.set(prefix, name);
      else {
        context.addIssue({
          code: "custom",
          path: ["environments", name, "prefix"],
          message: `${owner} and ${name} share the local cloud, where their balancers would both be ${prefix}; give one of them another prefix`,
        });
      }
    }
  });

export type EnvironmentConfig = z.infer<typeof environment>;
/** A platform's settings, by default for one that the file does not name. */
export function platformIn({ platforms }: Pick<EnvironmentConfig, "platforms">, name: string): PlatformConfigFile {
  return Object.entries(platforms).find(([one]) => one === name)?.[1] ?? platformConfig.parse({});
}

export type ConfigFile = z.infer<typeof configFile>;

/** What holds without a file: one local environment, whose swaps pass the demo gates. */
const withoutFile = { environments: { local: { cloud: "local", swap: { profile: "demo" } } } } as const;

export interface LoadedConfig {
  readonly config: ConfigFile;
  /** undefined when there is no file and the built-in environment is used. */
  readonly path: string | undefined;
}

/** Errors: invalid-config. */
export async function loadConfig(files: FileSystem, root: string): Promise<LoadedConfig> {
  const path = join(root, configFileName);
  const text = await files.read(path);
  if (text === undefined) return { config: configFile.parse(withoutFile), path: undefined };
  return { config: parseConfig(text), path };
}

/** Errors: literal-secret; invalid-config with all problems. */
export function parseConfig(text: string): ConfigFile {
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0) throw invalid(document.errors.map((error) => error.message.split("\n")[0] ?? ""));
  const value: unknown = document.toJS();
  // First, since other messages repeat what they are about.
  assertNoSecrets(value);
  const result = configFile.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap((issue) => describeIssue(issue, value)));
}

/** Errors: literal-secret, with every place and without a value. */
function assertNoSecrets(value: unknown): void {
  const problems = literalSecrets(value, []);
  if (problems.length === 0) return;
  throw new SwitchyardError("literal-secret", {
    message: `${configFileName} holds ${problems.length === 1 ? "a secret" : `${problems.length} secrets`} in clear:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    data: { problems },
  });
}

function literalSecrets(value: unknown, path: readonly (string | number)[]): readonly string[] {
  if (typeof value === "string") {
    const name = path.findLast((part) => typeof part === "string") ?? "";
    const why = literalSecret(name, value);
    return why === undefined ? [] : [`${pathText(path)}: (not shown): ${why}`];
  }
  if (Array.isArray(value)) return value.flatMap((one, index) => literalSecrets(one, [...path, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => literalSecrets(one, [...path, name]));
}

function invalid(problems: readonly string[]): SwitchyardError {
  return new SwitchyardError("invalid-config", {
    message: `${configFileName} has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    next: ["To see a commented example:   npx switchyard init --print"],
    data: { problems },
  });
}

/** `environments.prod.swap.ramp[1]: 120: …`. `schema`: of the file that has the issue. */
export function describeIssue(
  issue: z.core.$ZodIssue,
  value: unknown,
  schema: z.ZodType = configFile,
): readonly string[] {
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // The form that comes nearest is the one that was meant.
    const nearestForm = issue.errors.reduce((a, b) => (faults(b) < faults(a) ? b : a));
    return nearestForm.flatMap((inner) =>
      describeIssue({ ...inner, path: [...issue.path, ...inner.path] }, value, schema),
    );
  }
  if (issue.code === "unrecognized_keys") {
    const known = settingsAt(schema, issue.path);
    return issue.keys.map(
      (key) =>
        `${pathText([...issue.path, key])}: no such setting${nearest(key, known)} (known here: ${known.join(", ")})`,
    );
  }
  if (issue.code === "invalid_key") {
    return issue.issues.map((problem) => `${pathText(issue.path)}: the name ${problem.message}`);
  }
  const given = issue.path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
  // What may be a secret in the wrong place is not repeated.
  const hidden = issue.code === "custom" && issue.params?.["hidden"] === true;
  const shown = given === undefined ? "missing" : hidden ? "(not shown)" : JSON.stringify(given);
  return [`${pathText(issue.path)}: ${shown}: ${issue.message}`];
}

function faults(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1), 0);
}

interface SchemaPart {
  readonly properties?: Readonly<Record<string, SchemaPart>>;
  readonly additionalProperties?: SchemaPart | boolean;
  readonly items?: SchemaPart;
  readonly anyOf?: readonly SchemaPart[];
}

/** The names that a file may have at a path, from its JSON Schema; of several forms those of all. */
function settingsAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let parts: readonly SchemaPart[] = [z.toJSONSchema(schema, { io: "input" }) as SchemaPart];
  for (const name of path) parts = parts.flatMap((part) => forms(part).flatMap((form) => partAt(form, name) ?? []));
  return [...new Set(parts.flatMap(forms).flatMap((form) => Object.keys(form.properties ?? {})))];
}

function forms(part: SchemaPart): readonly SchemaPart[] {
  return part.anyOf ?? [part];
}

function partAt(part: SchemaPart, name: PropertyKey): SchemaPart | undefined {
  if (typeof name === "number") return part.items;
  const others = part.additionalProperties;
  return part.properties?.[String(name)] ?? (typeof others === "object" ? others : undefined);
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`))
    .join("");
}
