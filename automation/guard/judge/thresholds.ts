/** What a verdict holds signals to: settings, and what a run is told instead. */
import { z } from "zod";

/** Share of what was before, 0.1 is 10 %. */
export const rise = z.number().min(0).max(10);

const thresholdShape = z.strictObject({
  latency_p95_increase: rise.default(0.1).describe("Of the baseline. Default 0.1 (10 %)."),
  latency_p99_increase: rise.default(0.15).describe("Of the baseline. Default 0.15."),
  latency_floor_ms: z.number().min(0).max(60_000).default(5).describe("Smaller rises never count. Default 5 ms."),
  error_rate_max: z.number().min(0).max(1).default(0.001).describe("Share of 5xx. Default 0.001."),
  error_rate_increase: z.number().min(0).max(1).default(0.0005).describe("Rise of that share. Default 0.0005."),
  istiod_resource_increase: rise.default(0.3).describe("CPU and memory of istiod. Default 0.3."),
  proxy_resource_increase: rise.default(0.25).describe("CPU and memory of proxies. Default 0.25."),
  xds_rejects_max: z.number().min(0).max(1_000_000).default(10).describe("In a window. Default 10."),
  push_errors_max: z.number().min(0).max(1).default(0.01).describe("Share of pushes. Default 0.01."),
  convergence_increase: rise.default(0.5).describe("p99 of proxy convergence. Default 0.5."),
  volume_drop_max: z.number().min(0).max(1).default(0.2).describe("Against the same hour last week. Default 0.2."),
  min_requests: z.number().int().min(1).max(10_000_000).default(1_000).describe("Per judged service. Default 1000."),
});

export const thresholds = thresholdShape.prefault({});

/** Some of the limits, as the flags of a run name them. */
export const someThresholds = z.partialRecord(thresholdShape.keyof(), z.number());

export type GuardThresholds = z.output<typeof thresholds>;
export type SomeThresholds = z.output<typeof someThresholds>;

/** The limits that hold: what this process was told, before what the run was, before the settings. */
export const limitsOf = (
  settings: GuardThresholds,
  run: SomeThresholds | undefined,
  told: SomeThresholds | undefined,
): GuardThresholds => ({ ...settings, ...run, ...told });
