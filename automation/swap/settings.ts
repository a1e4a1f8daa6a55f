/**
 * What a swap may be told. Names on the left of YAML and JSON are those of the requirement (HotSwapConfig,
 * PlatformConfig), in snake_case; inside they are camelCase.
 */
import { z } from "zod";
import { type SwapCapacity, swapCapacity } from "./capacity.ts";
import { freezeWindow, freezeWindowProblems } from "./freeze.ts";
import {
  gateContradictions,
  gateProfileNames,
  gateProfiles,
  gateSettings,
  gatesConfig,
  overdue,
  seconds,
  toGateSettings,
} from "./gate-settings.ts";
import { metricChecks } from "./metric-checks.ts";
import { type StatelessSettings, statelessSettings } from "./stateless-settings.ts";

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
      .enum(gateProfileNames)
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
    bake: seconds(0, 604_800)
      .optional()
      .describe("Seconds at 100 % before the old side may go. Default: the profile's, up to a week."),
    rollback_window: seconds(0, 604_800)
      .default(0)
      .describe(
        "Seconds after the bake in which the old side stays up, so that a rollback needs no start. Default 0, up to a week.",
      ),
    error_budget: z
      .number()
      .min(1)
      .max(1e9)
      .default(1_000)
      .describe(
        "Requests that one step may lose if the candidate fails them all, or some of them in a late step that others came before; a step above it needs --allow-over-budget. Default 1000.",
      ),
    propagation: seconds(0, 3_600)
      .optional()
      .describe(
        "Seconds that the balancer takes at most to follow a weight everywhere: no step begins and no side goes before. Also for the plan. Default 600 on a cloud, local_cloud.propagation_delay and _spread locally; the losses in the plan are then reckoned with what earlier swaps measured, else 100 on a cloud.",
      ),
    approvals: z
      .array(z.number().gt(0).max(100))
      .max(50)
      .default([])
      .describe("Steps of the ramp, percent, that wait for `swap promote` before they begin. Default none."),
    freeze: z
      .array(freezeWindow)
      .max(100)
      .default([])
      .describe("Times in which no swap starts and no step begins; going back is always possible. Default none."),
    dead_man: z
      .strictObject({
        policy: z
          .enum(["hold", "revert"])
          .default("hold")
          .describe("What a later process does with a swap that nobody drove for so long. Default hold: it goes on."),
        after: seconds(15, 604_800).default(600).describe("Seconds without a driver. Default 600, from 15."),
      })
      .prefault({})
      .describe("When the process that drives a swap dies. The weights stay in any case."),
    fail_back: z
      .boolean()
      .default(false)
      .describe(
        "Whether a rollback also tells the candidate to hand its requests to the old side, before the balancer follows. Default false.",
      ),
    hold_capacity: z
      .boolean()
      .default(true)
      .describe(
        "Whether the old side keeps the instances that it has until the bake is over, and the candidate has as many before it gets the weight. Default true.",
      ),
    gates: gatesConfig,
    metrics: metricChecks,
  })
  .superRefine((value, context) => {
    for (const [index, share] of value.approvals.entries()) {
      if (!value.ramp.includes(share))
        context.addIssue({
          code: "custom",
          path: ["approvals", index],
          message: `is no step of the ramp (${value.ramp.join(", ")})`,
        });
    }
    const profile = gateProfiles[value.profile];
    const early = value.gates.early_margin ?? profile.earlyMargin;
    const late = value.gates.late_margin ?? profile.lateMargin;
    if (late > early)
      context.addIssue({
        code: "custom",
        path: ["gates", "late_margin"],
        message: `must not be wider than early_margin (${early}): late steps carry the proof`,
      });
    if (value.gates.base_error_rate >= value.rollback_threshold)
      context.addIssue({
        code: "custom",
        path: ["gates", "base_error_rate"],
        message: `must be below rollback_threshold (${value.rollback_threshold})`,
      });
    const deadlineS = profile.stepDeadlineMs / 1_000;
    if (value.traffic_shift_duration / value.ramp.length >= deadlineS)
      context.addIssue({
        code: "custom",
        path: ["traffic_shift_duration"],
        message: `gives each of the ${value.ramp.length} steps more time than a step of profile ${value.profile} may take (${deadlineS} s)`,
      });
    // What is out of its own range is told once.
    const alsoWrong = (path: readonly string[], message: string): void => {
      if (!context.issues.some((issue) => path.every((name, index) => issue.path?.[index] === name)))
        context.addIssue({ code: "custom", path: [...path], message });
    };
    for (const { path, message } of gateContradictions(value.gates, profile, value.rollback_threshold))
      alsoWrong(["gates", ...path], message);
    if (value.monitoring_interval >= deadlineS) alsoWrong(["monitoring_interval"], overdue(profile));
    for (const { path, message } of freezeWindowProblems(value.freeze))
      context.addIssue({ code: "custom", path: ["freeze", ...path], message });
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
      .describe("USD a month above which `switchyard cost watch` looks for a cheaper platform. Default none."),
    performance_threshold: z
      .number()
      .gt(0)
      .max(3_600_000)
      .default(10_000)
      .describe("Latency ceiling on this platform: p95 to the first byte, ms. Default 10000."),
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
      .superRefine(({ min_instances: least = 0, max_instances: most = Number.POSITIVE_INFINITY }, context) => {
        if (least > most)
          context.addIssue({
            code: "custom",
            path: ["min_instances"],
            message: `must not be above max_instances (${most})`,
          });
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
  profile: z.enum(gateProfileNames),
  /** Time floor of a step. */
  holdMs: z.number(),
  bakeMs: z.number(),
  stepDeadlineMs: z.number(),
  rollbackWindowMs: z.number(),
  /** Until every part of the data plane has followed a weight for good, expected at most. */
  propagationMs: z.number(),
  afterRollback: z.enum(["remove", "keep"]),
  drainTimeoutMs: z.number(),
  /** Latency ceiling of the candidate's platform, ms. */
  performanceThresholdMs: z.number(),
  /** Shares that wait for a person. */
  approvals: z.array(z.number()),
  freeze: z.array(freezeWindow),
  deadMan: z.object({ policy: z.enum(["hold", "revert"]), afterMs: z.number() }),
  failBack: z.boolean(),
  /** Absent where the instances are not held (hold_capacity), or could not be counted when the swap began. */
  capacity: swapCapacity.optional(),
  gates: gateSettings,
  metrics: metricChecks,
  stateless: statelessSettings.optional(),
});

export type SwapSettings = z.infer<typeof swapSettings>;

/**
 * `propagationMs`: where the configuration does not give it; default 0, a balancer that follows at once. `stateless`: default
 * none, as swaps had it before there were such rules. `capacity`: what was counted; nothing is held without it.
 */
export function toSwapSettings(
  swap: HotSwapConfigFile,
  candidate: PlatformConfigFile,
  propagationMs = 0,
  {
    stateless,
    capacity,
  }: { readonly stateless?: StatelessSettings; readonly capacity?: SwapCapacity | undefined } = {},
): SwapSettings {
  const profile = gateProfiles[swap.profile];
  return {
    healthCheckTimeoutMs: swap.health_check_timeout * 1_000,
    trafficShiftDurationMs: swap.traffic_shift_duration * 1_000,
    rollbackThreshold: swap.rollback_threshold,
    monitoringIntervalMs: swap.monitoring_interval * 1_000,
    ramp: swap.ramp,
    profile: swap.profile,
    holdMs: Math.max(profile.holdMs, (swap.traffic_shift_duration * 1_000) / swap.ramp.length),
    bakeMs: swap.bake === undefined ? profile.bakeMs : swap.bake * 1_000,
    stepDeadlineMs: profile.stepDeadlineMs,
    rollbackWindowMs: swap.rollback_window * 1_000,
    propagationMs: swap.propagation === undefined ? propagationMs : swap.propagation * 1_000,
    afterRollback: swap.after_rollback,
    drainTimeoutMs: swap.drain_timeout * 1_000,
    performanceThresholdMs: candidate.performance_threshold,
    approvals: swap.approvals,
    freeze: swap.freeze,
    deadMan: { policy: swap.dead_man.policy, afterMs: swap.dead_man.after * 1_000 },
    failBack: swap.fail_back,
    ...(capacity !== undefined && swap.hold_capacity ? { capacity } : {}),
    gates: toGateSettings(swap.gates, profile),
    metrics: swap.metrics,
    ...(stateless === undefined ? {} : { stateless }),
  };
}
