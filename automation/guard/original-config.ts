/** The config.yaml of the original tool as a section `guard` of switchyard.yaml, with a warning for whatever means something else. Pure. */
import { nearest } from "../nearest.ts";

/** A JSON object that is written out. */
type Section = Record<string, unknown>;

export interface MappedConfig {
  /** For `guard:`. */
  readonly section: Readonly<Section>;
  /** `rollback.auto_create_mr: …`, in the order of the file. */
  readonly warnings: readonly string[];
}

interface Rule {
  /** Where the value goes, when it goes somewhere. */
  readonly to?: readonly string[];
  /** The value there; undefined leaves it out. Default: as it is. */
  readonly as?: (value: unknown) => unknown;
  /** What a person has to know of it; undefined: nothing. */
  readonly warn?: (value: unknown) => string | undefined;
}

const percent = (value: unknown): unknown => (typeof value === "number" ? value / 100 : value);
const secret = (key?: string) => (value: unknown) =>
  typeof value === "string" ? `secrets-manager:${value}${key === undefined ? "" : `#${key}`}` : value;
const say = (text: string) => (): string => text;
const unless =
  (usual: unknown, text: string) =>
  (value: unknown): string | undefined =>
    value === usual ? undefined : text;

const registrySays = "the registry says which cluster is in which batch (guard registry import)";
const threshold = (to: string, as: (value: unknown) => unknown = percent): Rule => ({
  to: ["validation", "thresholds", to],
  as,
});
const same = (...to: readonly string[]): Rule => ({ to });

/** By the path of a value in the original's file; `*`: any name. A list counts as one value. */
const rules: Readonly<Record<string, Rule | readonly Rule[]>> = {
  "aws.region": same("aws", "region"),
  "aws.profile": { warn: say("is AWS_PROFILE here, in the environment of the process") },
  "aws.dynamodb.table_name": {
    warn: say(
      "is left out: guard's items have another form, so it needs a table of its own; bring the clusters over with guard registry import",
    ),
  },
  "aws.dynamodb.region": { warn: say("is aws.region here, for the table and for the secrets") },
  "aws.secrets_manager.gitlab_token_secret": { to: ["gitlab", "token_from"], as: secret() },
  "aws.secrets_manager.datadog_credentials_secret": [
    { to: ["metrics", "datadog", "api_key_from"], as: secret("api_key") },
    { to: ["metrics", "datadog", "app_key_from"], as: secret("app_key") },
  ],
  "gitlab.url": same("gitlab", "url"),
  "gitlab.default_target_branch": same("gitlab", "default_target_branch"),
  "gitlab.mr_template": { warn: say("is left out: the text of merge requests is made from what was found") },
  "datadog.site": [same("metrics", "datadog", "site"), { to: ["metrics", "source"], as: say("datadog") }],
  "datadog.queries.*": {
    to: ["metrics", "datadog", "queries", "*"],
    as: (value) => (queryProblem(value) === undefined ? value : undefined),
    warn: queryProblem,
  },
  "validation.soak_period_minutes": same("validation", "soak_period_minutes"),
  "validation.flux_sync_timeout_minutes": same("validation", "flux_sync_timeout_minutes"),
  "validation.thresholds.latency_increase_percent": threshold("latency_p95_increase"),
  "validation.thresholds.latency_p95_increase_percent": threshold("latency_p95_increase"),
  "validation.thresholds.latency_p99_increase_percent": threshold("latency_p99_increase"),
  "validation.thresholds.error_rate_max": threshold("error_rate_max", (value) => value),
  "validation.thresholds.resource_increase_percent": [
    threshold("proxy_resource_increase"),
    threshold("istiod_resource_increase"),
  ],
  "execution.max_parallel_clusters": same("execution", "max_parallel_clusters"),
  "execution.mr_strategy": same("execution", "mr_strategy"),
  "execution.enable_rollout_sequencing": { warn: unless(true, "is always so: batch_order is kept") },
  "rate_limits.gitlab_api": same("rate_limits", "gitlab_api"),
  "rate_limits.datadog_api": same("rate_limits", "datadog_api"),
  "rate_limits.aws_api": same("rate_limits", "aws_api"),
  "rollback.auto_create_mr": {
    warn: unless(true, "is always so: a failed verdict opens the merge request that goes back"),
  },
  "rollback.require_manual_approval": { warn: unless(true, "is always so: a person merges, never guard") },
  "rollback.notification.enabled": { warn: unless(true, "leave the targets of notifications out to tell nobody") },
  "rollback.notification.webhook_url": {
    warn: say(
      "lets anybody write who knows it, so it is not taken over: put it into a variable or a secret, and name that in notifications.targets",
    ),
  },
  "rollback.notification.webhook_secret_name": {
    to: ["notifications", "targets", "+"],
    as: (value) => ({ name: "team", kind: "slack", url_from: secret()(value) }),
    warn: say("is taken for Slack; kind: webhook is there for others"),
  },
  "rollback.notification.pagerduty_secret_name": {
    to: ["notifications", "targets", "+"],
    as: (value) => ({ name: "on-call", kind: "pagerduty", routing_key_from: secret()(value) }),
  },
  "llm.enabled": same("llm", "enabled"),
  "llm.provider": same("llm", "provider"),
  "llm.model": same("llm", "model"),
  "llm.api_key_secret": { to: ["llm", "api_key_from"], as: secret() },
  batches: { warn: say(`is left out: ${registrySays}`) },
  "batch_order.*": same("batch_order", "*"),
  "logging.level": { warn: say("means nothing here: progress goes to stderr, results to stdout (--json)") },
  "logging.format": { warn: say("means nothing here: --json makes every command's result JSON") },
  "logging.output": { warn: say("means nothing here: results go to stdout") },
};

function queryProblem(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (value.includes("istio.pilot.xds.push.errors"))
    return "is left out: Datadog's Istio integration has no istio.pilot.xds.push.errors; the built-in signals cover pushes";
  return value.includes("{environment}")
    ? "is left out: {environment} is not filled in here; write it with {cluster_name}"
    : undefined;
}

const isSection = (value: unknown): value is Section =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Errors: TypeError for what is no object. */
export function mapOriginalConfig(value: unknown): MappedConfig {
  if (!isSection(value)) throw new TypeError("must be an object with aws, gitlab and the rest");
  const section: Section = {};
  const warnings: string[] = [];
  for (const { path, content } of leaves(value, [])) {
    const known = ruleOf(path);
    if (known === undefined) {
      warnings.push(`${path.join(".")}: means nothing here${nearest(path.join("."), Object.keys(rules))}`);
      continue;
    }
    for (const rule of known) {
      const mapped = rule.as === undefined ? content : rule.as(content);
      if (rule.to !== undefined && mapped !== undefined) put(section, rule.to, path.at(-1) ?? "", mapped);
      const warning = rule.warn?.(content);
      if (warning !== undefined) warnings.push(`${path.join(".")}: ${warning}`);
    }
  }
  return { section, warnings };
}

interface Leaf {
  readonly path: readonly string[];
  readonly content: unknown;
}

function leaves(value: Section, path: readonly string[]): readonly Leaf[] {
  return Object.entries(value).flatMap(([name, content]) => {
    if (content === null || content === undefined) return [];
    const at = [...path, name];
    return isSection(content) ? leaves(content, at) : [{ path: at, content }];
  });
}

function ruleOf(path: readonly string[]): readonly Rule[] | undefined {
  const names = [path.join("."), [...path.slice(0, -1), "*"].join(".")];
  const name = names.find((one) => Object.hasOwn(rules, one));
  const found = name === undefined ? undefined : rules[name];
  return found === undefined ? undefined : [found].flat();
}

/** `*` in the path is the name in the file; `+` adds to a list. */
function put(section: Section, to: readonly string[], name: string, value: unknown): void {
  const [first = "", ...rest] = to.map((part) => (part === "*" ? name : part));
  if (rest[0] === "+") {
    const list = section[first];
    section[first] = [...(Array.isArray(list) ? list : []), value];
    return;
  }
  if (rest.length === 0) {
    section[first] = value;
    return;
  }
  const inner = section[first];
  const next: Section = isSection(inner) ? inner : {};
  section[first] = next;
  put(next, rest, name, value);
}
