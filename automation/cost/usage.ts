/**
 * What a workload uses in a month, as people write it (YAML, snake_case) and as bills take it. What nobody states is observed,
 * or has a default that the result names.
 */
import { z } from "zod";
import type { Range, UsagePoint } from "./bill.ts";
import { defaultSizes, gibOf, vcpusOf } from "./sizes.ts";

/** A number, or what it lies between. */
function bounded(least: number, most: number) {
  const value = z.number().min(least).max(most);
  const between = z
    .strictObject({ low: value, expected: value, high: value })
    .refine(({ low, expected, high }) => low <= expected && expected <= high, {
      message: "low, expected and high must rise",
    });
  return z.union([value, between]);
}

export const usageConfig = z
  .strictObject({
    requests: bounded(0, 1e13)
      .optional()
      .describe("Requests a month. A number, or {low, expected, high}. Default: as observed."),
    duration: bounded(0.1, 3_600_000)
      .optional()
      .describe("Mean time of a request, ms, until its last byte. Default: as observed."),
    concurrency: bounded(1, 1_000)
      .optional()
      .describe(
        "Requests that one busy instance serves at once, on average. Default 60 % of the platform's concurrency limit, between 20 % and all of it.",
      ),
    idle_share: bounded(0, 0.95)
      .optional()
      .describe(
        "Share of the time in which instances that a platform keeps running serve nothing (pods, and Cloud Run with instance-based billing), 0-0.95. Default 0.4, between 0.2 and 0.6.",
      ),
    egress: bounded(0, 1e9).optional().describe("GiB a month to the internet. Without it bills leave it out."),
    logs: bounded(0, 1e9).optional().describe("GiB of logs a month. Without it bills leave them out."),
    nat: bounded(0, 1e9)
      .optional()
      .describe("GiB a month that the agent itself sends out. Without it bills leave it out."),
    free_tier: z
      .boolean()
      .default(true)
      .describe(
        "Whether the account's free tiers and credits are still there for this workload. Default true; the high end of a bill goes without them.",
      ),
    cloud_run: z
      .strictObject({
        billing: z
          .enum(["request-based", "instance-based"])
          .default("request-based")
          .describe("The billing that the service has (setting cpuIdle of the stack). Default request-based."),
      })
      .prefault({})
      .describe("Cloud Run."),
    eks: z
      .strictObject({
        region: z.string().optional().describe("Region of AWS. Default: one near the environment's region."),
        instance_type: z.string().default("m6i.large").describe("Type of the nodes. Default m6i.large."),
        min_nodes: z.number().int().min(1).max(1_000).default(2).describe("Nodes at the least. Default 2."),
        auto_mode: z.boolean().default(false).describe("Whether EKS Auto Mode runs the nodes. Default false."),
        nat_gateways: z
          .number()
          .int()
          .min(0)
          .max(10)
          .default(1)
          .describe("Gateways for address translation. Default 1."),
      })
      .prefault({})
      .describe("EKS, which is shown for comparison."),
  })
  .describe("What the workload uses in a month, where it cannot be observed.");

export type UsageConfig = z.infer<typeof usageConfig>;

/** Where a number comes from. */
export type Origin = "given" | "observed" | "default";

/** What was seen of the load. */
export interface ObservedLoad {
  readonly requests: Range;
  readonly durationMs: Range;
}

/** As in switchyard.yaml; what is absent is the default. */
export interface PlatformShape {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly minInstances?: number | undefined;
  readonly maxInstances?: number | undefined;
  /** Requests at once that an instance is allowed. */
  readonly concurrency?: number | undefined;
}

export interface Usage {
  readonly low: UsagePoint;
  readonly expected: UsagePoint;
  readonly high: UsagePoint;
  /** Of the numbers that matter most. */
  readonly from: Readonly<Record<"requests" | "duration" | "concurrency" | "idle_share", Origin>>;
}

/** A range of one value is that value. */
export function rangeOf(value: number | Range): Range {
  return typeof value === "number" ? { low: value, expected: value, high: value } : value;
}

const defaultIdleShare: Range = { low: 0.2, expected: 0.4, high: 0.6 };

/** Instances at most where switchyard.yaml says nothing, as the stacks have it. */
const defaultMost: Readonly<Record<string, number>> = { "cloud-run": 100, gke: 10 };

/** Requests at once that an instance is allowed; Kubernetes has no such limit, so the same is taken. */
const defaultLimit = 80;

/**
 * The usage on one platform; undefined where nobody knows the requests or their duration, or a size cannot be read. The low
 * end has all that makes a bill small: few, short requests that share instances well; the high end the opposite, and no free
 * tier.
 */
export function usageOn(
  platform: string,
  config: UsageConfig,
  observed: ObservedLoad | undefined,
  shape: PlatformShape,
): Usage | undefined {
  const requests = config.requests ?? observed?.requests;
  const duration = config.duration ?? observed?.durationMs;
  const vcpus = vcpusOf(shape.cpu ?? defaultSizes.cpu);
  const gib = gibOf(shape.memory ?? defaultSizes.memory);
  if (requests === undefined || duration === undefined || vcpus === undefined || gib === undefined) return undefined;
  const limit = shape.concurrency ?? defaultLimit;
  const concurrency = config.concurrency ?? {
    low: Math.max(1, limit / 5),
    expected: Math.max(1, limit * 0.6),
    high: limit,
  };
  const point = (end: keyof Range, freeTier: boolean): UsagePoint => ({
    requests: rangeOf(requests)[end],
    durationMs: rangeOf(duration)[end],
    concurrency: rangeOf(concurrency)[opposite[end]],
    vcpus,
    gib,
    minInstances:
      shape.minInstances ?? (platform === "cloud-run" ? defaultSizes.cloudRunInstances : defaultSizes.gkeInstances),
    maxInstances: shape.maxInstances ?? defaultMost[platform] ?? 100,
    idleShare: rangeOf(config.idle_share ?? defaultIdleShare)[end],
    egressGib: config.egress === undefined ? undefined : rangeOf(config.egress)[end],
    logsGib: config.logs === undefined ? undefined : rangeOf(config.logs)[end],
    natGib: config.nat === undefined ? undefined : rangeOf(config.nat)[end],
    freeTier,
  });
  const origin = (given: unknown, otherwise: Origin): Origin => (given === undefined ? otherwise : "given");
  return {
    low: point("low", config.free_tier),
    expected: point("expected", config.free_tier),
    high: point("high", false),
    from: {
      requests: origin(config.requests, "observed"),
      duration: origin(config.duration, "observed"),
      concurrency: origin(config.concurrency, "default"),
      idle_share: origin(config.idle_share, "default"),
    },
  };
}

const opposite = { low: "high", expected: "expected", high: "low" } as const;
