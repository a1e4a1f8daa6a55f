import { z } from "zod";
import { intOrPercent } from "./int-or-percent.ts";
import { labelSelector } from "./label-selector.ts";
import { known, objectMeta } from "./metadata.ts";

const disruptionBudgetStatus = known({
  observedGeneration: z.int().default(0),
  expectedPods: z.int().default(0),
  currentHealthy: z.int().default(0),
  desiredHealthy: z.int().default(0),
  disruptionsAllowed: z.int().default(0),
});

export const disruptionBudgetSchema = known({
  apiVersion: z.literal("policy/v1"),
  kind: z.literal("PodDisruptionBudget"),
  metadata: objectMeta,
  spec: known({
    minAvailable: intOrPercent.optional(),
    maxUnavailable: intOrPercent.optional(),
    selector: labelSelector.optional(),
  }),
  status: disruptionBudgetStatus.default(disruptionBudgetStatus.parse({})),
});

export type DisruptionBudget = z.infer<typeof disruptionBudgetSchema>;
export type DisruptionBudgetStatus = z.infer<typeof disruptionBudgetStatus>;
