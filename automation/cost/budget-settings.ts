/** When a budget moves an environment to a cheaper platform. Names of YAML are in snake_case; inside times are in ms. */
import { z } from "zod";
import { type FreezeWindow, freezeWindow, freezeWindowProblems } from "../swap/freeze.ts";

export const budgetConfig = z
  .strictObject({
    policy: z
      .enum(["off", "propose", "automatic"])
      .default("off")
      .describe(
        "What `switchyard cost watch` does when a month of the serving platform would cost more than its cost_threshold and another one is cheaper: nothing, propose the swap, or start it. Default off.",
      ),
    hysteresis: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.1)
      .describe(
        "How much cheaper than the serving platform, and how far below its own cost_threshold, another one must be; and how far below the threshold costs must fall before a new crossing counts, 0-0.9. Default 0.1.",
      ),
    dwell: z
      .number()
      .min(0)
      .max(8_760)
      .default(24)
      .describe("Hours between two moves at the least; every swap and failover counts. Default 24, up to a year."),
    min_observation: z
      .number()
      .min(1)
      .max(2_592_000)
      .default(3_600)
      .describe(
        "Seconds for which the load must have been watched before a month is projected from it. Default 3600, up to 30 days. Not needed where cost.usage states requests and duration.",
      ),
    veto: z
      .array(freezeWindow)
      .max(100)
      .default([])
      .describe("Times in which the budget moves and proposes nothing, as swap.freeze. Default none."),
  })
  .superRefine((value, context) => {
    for (const { path, message } of freezeWindowProblems(value.veto))
      context.addIssue({ code: "custom", path: ["veto", ...path], message });
  })
  .describe("The budget; the threshold is cost_threshold of the platform that serves.");

export interface BudgetSettings {
  readonly policy: "off" | "propose" | "automatic";
  readonly hysteresis: number;
  readonly dwellMs: number;
  readonly minObservationMs: number;
  readonly veto: readonly FreezeWindow[];
}

export function toBudgetSettings(config: z.infer<typeof budgetConfig>): BudgetSettings {
  return {
    policy: config.policy,
    hysteresis: config.hysteresis,
    dwellMs: config.dwell * 3_600_000,
    minObservationMs: config.min_observation * 1_000,
    veto: config.veto,
  };
}
