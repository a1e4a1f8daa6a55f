/** When a platform counts as well. Names of YAML are in snake_case; inside they are camelCase with times in ms. */
import { z } from "zod";

/** Two limits of one thing: from the first it is strained, from the second it is bad. */
const shares = (degraded: number, unhealthy: number) =>
  z
    .strictObject({
      degraded: z.number().gt(0).max(10).default(degraded).describe(`Share of the limit. Default ${degraded}.`),
      unhealthy: z.number().gt(0).max(10).default(unhealthy).describe(`Share of the limit. Default ${unhealthy}.`),
    })
    .refine((value) => value.degraded <= value.unhealthy, { message: "degraded must not be above unhealthy" })
    .prefault({});

export const healthConfig = z
  .strictObject({
    interval: z.number().min(0.2).max(3_600).default(5).describe("Seconds between two looks. Default 5, 0.2-3600."),
    window: z.number().int().min(1).max(50).default(5).describe("Looks that a verdict rests on. Default 5, 1-50."),
    bad: z
      .number()
      .int()
      .min(1)
      .max(50)
      .default(3)
      .describe("Of these, bad ones that make a check unhealthy (strained ones: degraded). Default 3, up to window."),
    good: z
      .number()
      .int()
      .min(1)
      .max(50)
      .default(3)
      .describe("Good ones in a row that make it healthy again. Default 3, 1-50."),
    timeout: z.number().min(0.1).max(60).default(3).describe("Seconds that the agent may take to answer. Default 3."),
    cpu: shares(0.85, 1).describe("CPU of the fullest instance, of its limit."),
    memory: shares(0.8, 0.95).describe("Memory of the fullest instance, of its limit."),
    min_requests: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(20)
      .describe(
        "Requests between two looks from which their p95 is judged; below it the time of the check's own request. Default 20.",
      ),
    queue: z.number().int().min(1).max(1_000_000).default(10).describe("Waiting requests that strain. Default 10."),
  })
  .superRefine((value, context) => {
    if (value.bad > value.window)
      context.addIssue({ code: "custom", path: ["bad"], message: `must not be above window (${value.window})` });
  })
  .describe("What `switchyard health` looks at. Response times are judged by the platform's performance_threshold.");

export interface HealthSettings {
  readonly intervalMs: number;
  readonly window: number;
  readonly bad: number;
  readonly good: number;
  readonly timeoutMs: number;
  readonly cpu: { readonly degraded: number; readonly unhealthy: number };
  readonly memory: { readonly degraded: number; readonly unhealthy: number };
  readonly minRequests: number;
  readonly queue: number;
  /** Response time that is bad, ms; from 80 % of it on it is strained. */
  readonly responseMs: number;
}

/** `performanceThreshold`: the platform's, ms. */
export function toHealthSettings(config: z.infer<typeof healthConfig>, performanceThreshold: number): HealthSettings {
  return {
    intervalMs: config.interval * 1_000,
    window: config.window,
    bad: config.bad,
    good: config.good,
    timeoutMs: config.timeout * 1_000,
    cpu: config.cpu,
    memory: config.memory,
    minRequests: config.min_requests,
    queue: config.queue,
    responseMs: performanceThreshold,
  };
}
