/**
 * What a swap may be told. Names on the left of YAML and JSON are those of the requirement (HotSwapConfig,
 * PlatformConfig), in snake_case; inside they are camelCase.
 */
import { z } from "zod";

/** Shares of the ramp, percent, rising, at most one decimal; the last one is 100. */
export const defaultRamp = [1, 5, 25, 50, 100] as const;

const ramp = z
  .array(z.number().gt(0).max(100).multipleOf(0.1))
  .min(1)
  .max(50)
  .refine((steps) => steps.every((step, index) => index === 0 || step > (steps[index - 1] ?? 0)), {
    message: "shares must rise from step to step",
  })
  .refine((steps) => steps.at(-1) === 100, { message: "the last share must be 100" });

/**
 * How much a step must show before the next one. Named, because the name is printed with every result:
 * a swap that passed `demo` has proven less than one that passed `standard`.
 */
export interface GateProfile {
  readonly name: "demo" | "standard";
  /** User requests that the candidate must have finished in a step. */
  readonly minimumRequests: number;
  /** Time floor of a step, ms. */
  readonly holdMs: number;
  /** Bake at 100 %, ms. */
  readonly bakeMs: number;
  /** A step that has not met its sample by then pauses as inconclusive, ms. */
  readonly stepDeadlineMs: number;
  /** The candidate's median latency may be this many times the old side's in the same window … */
  readonly latencyRatio: number;
  /** … plus this much, ms, so that 2 ms against 1 ms is no failure. */
  readonly latencySlackMs: number;
}

/**
 * `standard`: 340 requests show with 95 % confidence and 90 % power that 0.1 % base errors grew by less than 0.5 points
 * (shared research, hot swap 2.7). `demo`: enough to see the machinery work in two minutes; it proves little about rates.
 */
export const gateProfiles: Readonly<Record<GateProfile["name"], GateProfile>> = Object.freeze({
  demo: {
    name: "demo",
    minimumRequests: 10,
    holdMs: 3_000,
    bakeMs: 5_000,
    stepDeadlineMs: 120_000,
    latencyRatio: 3,
    latencySlackMs: 100,
  },
  standard: {
    name: "standard",
    minimumRequests: 340,
    holdMs: 60_000,
    bakeMs: 900_000,
    stepDeadlineMs: 3_600_000,
    latencyRatio: 1.5,
    latencySlackMs: 25,
  },
});

/** HotSwapConfig of the requirement, with the ramp and the gate profile beside it. */
export const hotSwapConfig = z
  .strictObject({
    enabled: z.boolean().default(true).describe("false refuses to start a swap. Default true."),
    health_check_timeout: z
      .number()
      .int()
      .min(1)
      .max(3_600)
      .default(120)
      .describe("Seconds until the candidate must be ready. Default 120, 1-3600."),
    traffic_shift_duration: z
      .number()
      .min(0)
      .max(604_800)
      .default(0)
      .describe("Time floor of the whole ramp, seconds, spread evenly over its steps. Default 0, up to a week."),
    rollback_threshold: z
      .number()
      .gt(0)
      .max(1)
      .default(0.05)
      .describe("Ceiling on the candidate's share of failed requests, 0-1. Default 0.05."),
    monitoring_interval: z
      .number()
      .min(0.1)
      .max(3_600)
      .default(1)
      .describe(
        "How often the advance gate looks, seconds. The stop gate looks at every request. Default 1, 0.1-3600.",
      ),
    ramp: ramp.default([...defaultRamp]).describe("Shares of the candidate, percent, rising, ending at 100."),
    profile: z
      .enum(["demo", "standard"])
      .default("standard")
      .describe("Gate profile: how much each step must show. demo proves little about rates. Default standard."),
    after_rollback: z
      .enum(["remove", "keep"])
      .default("remove")
      .describe("What becomes of the candidate when its swap is rolled back. Default remove."),
    drain_timeout: z
      .number()
      .min(1)
      .max(3_600)
      .default(300)
      .describe("Longest wait for requests in flight on the side that is left, seconds. Default 300, 1-3600."),
  })
  .describe("The hot swap (HotSwapConfig).");

export type HotSwapConfigFile = z.infer<typeof hotSwapConfig>;

/** PlatformConfig of the requirement. `environment` is the place in the file and is not repeated. */
export const platformConfig = z
  .strictObject({
    cost_threshold: z
      .number()
      .min(0)
      .optional()
      .describe("Monthly cost above which another platform should be looked at, in the account's currency."),
    performance_threshold: z
      .number()
      .gt(0)
      .max(3_600_000)
      .default(10_000)
      .describe("Latency ceiling of the advance gate on this platform: p95 to the first byte, ms. Default 10000."),
    auto_scale_config: z
      .strictObject({
        min_instances: z.number().int().min(0).max(1_000).optional().describe("Instances or pods kept."),
        max_instances: z.number().int().min(1).max(1_000).optional().describe("Instances or pods at most."),
        concurrency: z
          .number()
          .int()
          .min(1)
          .max(1_000)
          .optional()
          .describe("Requests per instance at once (Cloud Run)."),
      })
      .default({})
      .describe("Scaling."),
    resource_limits: z
      .strictObject({
        cpu: z.string().optional().describe("CPU, for example 500m or 1."),
        memory: z.string().optional().describe("Memory, for example 512Mi."),
      })
      .default({})
      .describe("Limits of one instance."),
  })
  .describe("One platform (PlatformConfig).");

export type PlatformConfigFile = z.infer<typeof platformConfig>;

/** What a swap runs with; written into its journal, so that a resumed swap keeps the rules that it started with. */
export const swapSettings = z.object({
  healthCheckTimeoutMs: z.number(),
  trafficShiftDurationMs: z.number(),
  rollbackThreshold: z.number(),
  monitoringIntervalMs: z.number(),
  ramp: z.array(z.number()),
  profile: z.enum(["demo", "standard"]),
  afterRollback: z.enum(["remove", "keep"]),
  drainTimeoutMs: z.number(),
  /** Latency ceiling of the candidate's platform, ms. */
  performanceThresholdMs: z.number(),
  /** False risk of blaming a healthy candidate for errors, per swap. */
  errorAlpha: z.number(),
  /** Consecutive gateway errors on the candidate that stop the swap at once. */
  consecutiveGatewayErrors: z.number(),
});

export type SwapSettings = z.infer<typeof swapSettings>;

/** Default false-rollback risk of the error test, per swap, and the default floor (as outlier detection's). */
const defaultErrorAlpha = 0.006;
const defaultConsecutiveGatewayErrors = 5;

export function toSwapSettings(swap: HotSwapConfigFile, candidate: PlatformConfigFile): SwapSettings {
  return {
    healthCheckTimeoutMs: swap.health_check_timeout * 1_000,
    trafficShiftDurationMs: swap.traffic_shift_duration * 1_000,
    rollbackThreshold: swap.rollback_threshold,
    monitoringIntervalMs: swap.monitoring_interval * 1_000,
    ramp: swap.ramp,
    profile: swap.profile,
    afterRollback: swap.after_rollback,
    drainTimeoutMs: swap.drain_timeout * 1_000,
    performanceThresholdMs: candidate.performance_threshold,
    errorAlpha: defaultErrorAlpha,
    consecutiveGatewayErrors: defaultConsecutiveGatewayErrors,
  };
}
