/** The section `cost` of an environment in switchyard.yaml: its usage, and the budget that is watched. */
import { z } from "zod";
import { budgetConfig } from "./budget-settings.ts";
import { usageConfig } from "./usage.ts";

export const costConfig = z
  .strictObject({
    usage: usageConfig.prefault({}),
    budget: budgetConfig.optional(),
  })
  .describe("What the environment uses, and the budget that `switchyard cost watch` keeps.");
