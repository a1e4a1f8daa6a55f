/**
 * When traffic leaves a failing side outside a swap. Names of YAML are in snake_case; inside they are camelCase with times in
 * ms. Nothing moves back by itself: a side that failed has to be looked at first.
 */
import { z } from "zod";
import type { SwapSettings } from "../swap/settings.ts";

export const failoverPolicies = ["off", "propose", "automatic"] as const;

export const failoverConfig = z
  .strictObject({
    policy: z
      .enum(failoverPolicies)
      .default("off")
      .describe(
        "What `switchyard failover watch` does when the serving side fails and a warm standby exists: nothing, propose the command, or move the traffic. Default off.",
      ),
    error_share: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe(
        "Share of failed requests from which the serving side counts as failing, 0-1. Default 0.5. It has to be reached in every part of the window.",
      ),
    window: z
      .number()
      .min(3)
      .max(3_600)
      .default(30)
      .describe("Seconds through which the side must have failed without a break. Default 30, 3-3600."),
    min_requests: z
      .number()
      .int()
      .min(3)
      .max(1_000_000)
      .default(20)
      .describe("Requests in the window below which nothing is judged: silence is no failure. Default 20, from 3."),
    standby_healthy_for: z
      .number()
      .min(1)
      .max(3_600)
      .default(10)
      .describe("Seconds for which the standby must have answered every health check. Default 10, 1-3600."),
    dwell: z
      .number()
      .min(0)
      .max(604_800)
      .default(600)
      .describe("Seconds between two moves at the least. Default 600, not below window, up to a week."),
    max_moves: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe("Moves within 24 hours at the most; then people decide. Default 3, 1-100."),
    recover: z
      .literal("never")
      .default("never")
      .describe(
        "Whether traffic goes back by itself when the failed side is well again. Only never: `switchyard swap start` or `switchyard failover run` brings it back.",
      ),
  })
  .superRefine((value, context) => {
    if (value.dwell < value.window)
      context.addIssue({
        code: "custom",
        path: ["dwell"],
        message: `must not be below window (${value.window} s), or one failure could move traffic twice`,
      });
  })
  .describe("Failover outside a swap, to a platform that stands by.");

export interface FailoverSettings {
  readonly policy: (typeof failoverPolicies)[number];
  readonly errorShare: number;
  readonly windowMs: number;
  readonly minRequests: number;
  readonly standbyHealthyMs: number;
  readonly dwellMs: number;
  readonly maxMoves: number;
}

export function toFailoverSettings(config: z.infer<typeof failoverConfig>): FailoverSettings {
  return {
    policy: config.policy,
    errorShare: config.error_share,
    windowMs: config.window * 1_000,
    minRequests: config.min_requests,
    standbyHealthyMs: config.standby_healthy_for * 1_000,
    dwellMs: config.dwell * 1_000,
    maxMoves: config.max_moves,
  };
}

/**
 * The settings of the swap that moves the traffic: all at once, and both sides stay. Nothing holds it back that is there for
 * planned swaps: approvals, freezes.
 */
export function toFailoverSwap(settings: SwapSettings): SwapSettings {
  return { ...settings, ramp: [100], approvals: [], freeze: [], afterRollback: "keep", failBack: false };
}
