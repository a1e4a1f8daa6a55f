/**
 * The section `guard` of switchyard.yaml. Names are those of the requirement and of the original's config.yaml where they are sensible,
 * in snake_case; times of the file are minutes or seconds as their names say. Pure.
 */
import { z } from "zod";
import { alertsConfig } from "../alerts/settings.ts";
import { moduleEntry } from "../module-entry.ts";
import { secretFrom } from "../secret-place.ts";
import { freezeWindow, freezeWindowProblems } from "../swap/freeze.ts";
import { leastMinutes } from "./judge/sequential.ts";
import { rise, thresholds } from "./judge/thresholds.ts";
import { batchId, restartMode } from "./registry/record.ts";

const url = z.url({ protocol: /^https?$/, error: "must be a URL, for example https://gitlab.example.com" });
const minutes = (least: number, most: number, standard: number) => z.number().min(least).max(most).default(standard);

const aws = z
  .strictObject({
    region: z
      .string()
      .min(1)
      .default("us-east-1")
      .describe("Region of the table and of the secrets. Default us-east-1."),
    dynamodb: z
      .strictObject({
        table_name: z
          .string()
          .regex(/^[A-Za-z0-9_.-]{3,255}$/, "must be 3 to 255 letters, digits, hyphens, dots and underscores")
          .default("guard-clusters")
          .describe("Table with registry, state, locks and documents. Default guard-clusters."),
        endpoint: url.optional().describe("Another server than AWS's; plain HTTP only on this machine."),
        local: z
          .boolean()
          .default(false)
          .describe("The local cloud's own, on this machine. Default false; true where there is no section guard."),
        create_table: z.boolean().default(false).describe("Make the table where there is none. Default false."),
      })
      .prefault({}),
  })
  .prefault({})
  .describe("Where guard keeps its registry and state.");

const gitlab = z
  .strictObject({
    url: url.default("https://gitlab.com").describe("Default https://gitlab.com."),
    token_from: secretFrom("the token (scope api)").default("GITLAB_TOKEN"),
    default_target_branch: z.string().min(1).default("main").describe("Branch that Flux follows. Default main."),
    labels: z.array(z.string().min(1)).max(20).default(["guard"]).describe("Labels of merge requests. Default guard."),
    reviewers: z.array(z.string().min(1)).max(50).default([]).describe("User names. Default none."),
    draft: z.boolean().default(false).describe("Open merge requests as drafts. Default false."),
    dashboards: z
      .array(z.string().min(1))
      .max(20)
      .default([])
      .describe("Links for the merge request; {cluster_name} and {batch} are filled in. Default none."),
  })
  .prefault({})
  .describe("Where merge requests are made.");

const query = z.union([
  z.string().min(1),
  z.strictObject({
    query: z
      .string()
      .min(1)
      .describe(
        "In the source's language; {cluster_name}, {tags}, {service}, {control_plane} and {istiod} are filled in.",
      ),
    threshold: z.number().optional().describe("Absolute limit of the mean over a window."),
    relative: rise.optional().describe("Limit on the rise against the baseline, 0.1 is 10 %."),
    required: z.boolean().default(true).describe("Missing makes the verdict undecided. Default true."),
  }),
]);

const metrics = z
  .strictObject({
    source: z
      .enum(["datadog", "prometheus", "cloudwatch"])
      .optional()
      .describe("Where metrics come from. Default none: nothing is compared, so that every soak ends undecided."),
    services: z
      .array(z.string().min(1).max(200))
      .max(50)
      .default([])
      .describe("Destination services that are judged one by one, beside all together. Default none."),
    datadog: z
      .strictObject({
        site: z.string().min(1).default("datadoghq.com").describe("Default datadoghq.com."),
        api_key_from: secretFrom("the API key").default("DD_API_KEY"),
        app_key_from: secretFrom("the application key").default("DD_APP_KEY"),
        endpoint: url.optional().describe("Another address than the site's."),
        queries: z.record(z.string(), query).default({}).describe("Further signals, or other queries for known ones."),
        cache_minutes: minutes(0, 60, 5).describe("How long answers are kept, not while soaking. Default 5."),
      })
      .prefault({}),
    prometheus: z
      .strictObject({
        url: url.describe("Base of the server."),
        token_from: secretFrom("the bearer token").optional(),
        queries: z.record(z.string(), query).default({}),
      })
      .optional(),
    cloudwatch: z
      .strictObject({
        namespace: z.string().min(1).default("ContainerInsights/Prometheus"),
        endpoint: url.optional(),
        queries: z.record(z.string(), query).default({}),
      })
      .optional(),
  })
  .prefault({})
  .describe("What traffic and control planes are judged by.");

const validation = z
  .strictObject({
    control_plane_soak_minutes: minutes(1, 1_440, 15).describe("Gate A; at least warm_up_minutes and 5. Default 15."),
    soak_period_minutes: minutes(1, 1_440, 60).describe("Gate B; likewise. Default 60."),
    warm_up_minutes: minutes(0, 120, 10).describe("After a rollout resources are not judged. Default 10."),
    flux_sync_timeout_minutes: minutes(1, 240, 15).describe("From the merge to the proof. Default 15."),
    checks_valid_minutes: minutes(1, 1_440, 60).describe("How long results of checks hold. Default 60."),
    baseline_hours: minutes(1, 168, 24).describe("How old a baseline may be. Default 24."),
    hold_days: z.number().min(0).max(90).default(3).describe("An old revision stays so long. Default 3."),
    thresholds,
  })
  .superRefine((soaks, context) => {
    const least = soaks.warm_up_minutes + leastMinutes;
    // What is no length at all is told already.
    for (const name of ["control_plane_soak_minutes", "soak_period_minutes"] as const)
      if (soaks[name] >= 1 && soaks[name] < least)
        context.addIssue({
          code: "custom",
          path: [name],
          message: `must be at least ${least}: warm_up_minutes (${soaks.warm_up_minutes}), in which resources are not judged, and ${leastMinutes} minutes to judge them; a shorter soak always ends undecided`,
        });
  })
  .prefault({});

const restart = z
  .strictObject({
    mode: restartMode.default("automatic").describe("manual lists what is left. Default automatic."),
    wave_size: z.number().int().min(1).max(100).default(5).describe("Workloads at a time. Default 5."),
    ready_timeout_seconds: z.number().min(1).max(7_200).default(300).describe("For one workload. Default 300."),
    exclude_namespaces: z.array(z.string().min(1)).default([]).describe("Never restarted, and listed. Default none."),
  })
  .prefault({})
  .describe("How the data plane moves after the control plane's soak.");

const execution = z
  .strictObject({
    max_parallel_clusters: z.number().int().min(1).max(50).default(5).describe("Default 5."),
    failure_budget: z
      .number()
      .int()
      .min(0)
      .max(1_000)
      .default(0)
      .describe("Failed clusters that stop all waves; 0: they are not counted. Default 0."),
    lease_seconds: z.number().int().min(5).max(600).default(30).describe("Of the lock of a batch. Default 30."),
    poll_seconds: z.number().min(1).max(600).default(30).describe("Between looks of monitor. Default 30."),
    strategy: z.enum(["in-place", "revision"]).default("in-place").describe("Default in-place."),
    mr_strategy: z
      .enum(["batch", "per-cluster"])
      .default("batch")
      .describe("One merge request for a batch, or each. Default batch."),
    freezes: z.array(freezeWindow).max(100).default([]).describe("Times in which nothing begins. Default none."),
    regions: z
      .array(z.string().min(1))
      .max(50)
      .default([])
      .describe("Order of regions within a batch; the next begins when the one before is done. Default all at once."),
    region_pause_minutes: minutes(0, 10_080, 0).describe("Between regions. Default 0."),
  })
  .prefault({});

const rateLimits = z
  .strictObject({
    gitlab_api: z.number().int().min(1).max(100_000).default(300),
    datadog_api: z.number().int().min(1).max(100_000).default(300),
    aws_api: z.number().int().min(1).max(100_000).default(100),
  })
  .prefault({})
  .describe("Requests per minute. Default 300, 300 and 100; never more than half of what a server says is left.");

const module = z.strictObject(moduleEntry);

const llm = z
  .strictObject({
    enabled: z.boolean().default(false).describe("Default false."),
    provider: z.enum(["anthropic", "openai", "bedrock", "ollama", "module"]).default("anthropic"),
    model: z.string().min(1).optional(),
    api_key_from: secretFrom("the provider's key").optional(),
    endpoint: url.optional(),
    custom: module.optional().describe("With provider: module."),
    max_tokens: z.number().int().min(100).max(32_000).default(2_000),
  })
  .prefault({})
  .describe("Advice on a failure from a language model; never an action.");

const listen = z
  .strictObject({
    token_from: secretFrom("the token that hooks bring, of at least 16 characters,").default("GUARD_HOOK_TOKEN"),
  })
  .prefault({})
  .describe("Hooks of merged branches (guard listen).");

export const guardConfig = z
  .strictObject({
    aws,
    gitlab,
    metrics,
    validation,
    restart,
    execution,
    rate_limits: rateLimits,
    custom_checks: z.array(module).max(50).default([]).describe("Further checks by module. Default none."),
    batch_order: z
      .record(batchId, z.array(batchId))
      .default({})
      .describe("Batches that must be upgraded before one. Default none."),
    notifications: alertsConfig,
    event_bus: z
      .strictObject({ name: z.string().min(1), region: z.string().min(1).optional(), endpoint: url.optional() })
      .optional()
      .describe("EventBridge bus that is told of every change. Default none."),
    istioctl: z
      .record(z.string().regex(/^\d+\.\d+$/, "must be a minor, for example 1.31"), z.string().min(1))
      .default({})
      .describe("Path of istioctl per minor. Default: istioctl-MINOR or istioctl on the PATH."),
    llm,
    listen,
  })
  .superRefine(
    ({ aws: { dynamodb }, execution: { freezes }, batch_order, metrics: { source, prometheus } }, context) => {
      if (dynamodb.local && dynamodb.endpoint !== undefined)
        context.addIssue({
          code: "custom",
          path: ["aws", "dynamodb", "endpoint"],
          message: "is not used with local: true",
        });
      for (const { path, message } of freezeWindowProblems(freezes))
        context.addIssue({ code: "custom", path: ["execution", "freezes", ...path], message });
      for (const batch of Object.keys(batch_order))
        if (dependsOnItself(batch, batch_order))
          context.addIssue({ code: "custom", path: ["batch_order", batch], message: "waits for itself" });
      if (source === "prometheus" && prometheus === undefined)
        context.addIssue({ code: "custom", path: ["metrics", "prometheus"], message: "is needed for this source" });
    },
  )
  .describe("Istio upgrades over a fleet (guard).");

function dependsOnItself(batch: string, order: Readonly<Record<string, readonly string[]>>): boolean {
  const seen = new Set<string>();
  const open = [...(order[batch] ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === batch) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...(order[next] ?? []));
  }
  return false;
}

export type GuardConfig = z.output<typeof guardConfig>;
