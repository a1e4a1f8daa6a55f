import { z } from "zod";
import { intOrPercent } from "./int-or-percent.ts";
import { labelSelector } from "./label-selector.ts";
import { known, objectMeta } from "./metadata.ts";

const autoscalerCondition = known({
  type: z.string(),
  status: z.enum(["True", "False"]),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
});

const autoscalerStatus = known({
  currentReplicas: z.int().default(0),
  desiredReplicas: z.int().default(0),
  conditions: z.array(autoscalerCondition).default([]),
});

export const autoscalerSchema = known({
  apiVersion: z.literal("autoscaling/v2"),
  kind: z.literal("HorizontalPodAutoscaler"),
  metadata: objectMeta,
  spec: known({
    scaleTargetRef: known({ apiVersion: z.string().default("apps/v1"), kind: z.string(), name: z.string() }),
    minReplicas: z.int().default(1),
    maxReplicas: z.int(),
  }),
  status: autoscalerStatus.default(autoscalerStatus.parse({})),
});

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

export type Autoscaler = z.infer<typeof autoscalerSchema>;
export type DisruptionBudget = z.infer<typeof disruptionBudgetSchema>;
export type DisruptionBudgetStatus = z.infer<typeof disruptionBudgetStatus>;
