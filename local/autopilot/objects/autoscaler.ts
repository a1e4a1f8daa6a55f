import { z } from "zod";
import { known, objectMeta } from "./metadata.ts";

const quantity = z.union([z.string(), z.number()]).transform(String);

const metricTarget = known({
  type: z.enum(["Utilization", "AverageValue", "Value"]),
  averageUtilization: z.int().optional(),
  averageValue: quantity.optional(),
});

const metricSpec = known({
  type: z.string(),
  resource: known({ name: z.string(), target: metricTarget }).optional(),
});

/** What an autoscaler without metrics looks at (autoscaling/v2 defaults.go: 80 % of the requested CPU). */
const defaultMetric = {
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
} satisfies z.input<typeof metricSpec>;

const scalingRules = known({
  stabilizationWindowSeconds: z.int().optional(),
  selectPolicy: z.enum(["Max", "Min", "Disabled"]).optional(),
  policies: z.array(known({ type: z.enum(["Pods", "Percent"]), value: z.int(), periodSeconds: z.int() })).optional(),
  tolerance: quantity.optional(),
});

const condition = known({
  type: z.enum(["AbleToScale", "ScalingActive", "ScalingLimited"]),
  status: z.enum(["True", "False"]),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
});

const currentMetric = known({
  type: z.literal("Resource"),
  resource: known({
    name: z.string(),
    current: known({ averageUtilization: z.int().optional(), averageValue: z.string() }),
  }),
});

const status = known({
  currentReplicas: z.int().default(0),
  desiredReplicas: z.int().default(0),
  lastScaleTime: z.string().optional(),
  currentMetrics: z.array(currentMetric).default([]),
  conditions: z.array(condition).default([]),
});

export const autoscalerSchema = known({
  apiVersion: z.literal("autoscaling/v2"),
  kind: z.literal("HorizontalPodAutoscaler"),
  metadata: objectMeta,
  spec: known({
    scaleTargetRef: known({ apiVersion: z.string().default("apps/v1"), kind: z.string(), name: z.string() }),
    minReplicas: z.int().default(1),
    maxReplicas: z.int(),
    metrics: z
      .array(metricSpec)
      .default([])
      .transform((metrics) => (metrics.length === 0 ? [metricSpec.parse(defaultMetric)] : metrics)),
    behavior: known({ scaleUp: scalingRules.optional(), scaleDown: scalingRules.optional() }).optional(),
  }),
  status: status.default(status.parse({})),
});

export type Autoscaler = z.infer<typeof autoscalerSchema>;
export type AutoscalerStatus = z.infer<typeof status>;
export type AutoscalerCondition = z.infer<typeof condition>;
export type MetricSpec = z.infer<typeof metricSpec>;
export type CurrentMetric = z.infer<typeof currentMetric>;
export type DeclaredRules = z.infer<typeof scalingRules>;
