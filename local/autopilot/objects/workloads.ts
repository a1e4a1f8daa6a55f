import { z } from "zod";
import { intOrPercent } from "./int-or-percent.ts";
import { labelSelector } from "./label-selector.ts";
import { known, objectMeta } from "./metadata.ts";
import { podTemplate } from "./pod.ts";

const deploymentCondition = known({
  type: z.string(),
  status: z.enum(["True", "False"]),
  reason: z.string(),
  message: z.string(),
  lastUpdateTime: z.string(),
  lastTransitionTime: z.string(),
});

const deploymentStatus = known({
  observedGeneration: z.int().default(0),
  replicas: z.int().default(0),
  updatedReplicas: z.int().default(0),
  readyReplicas: z.int().default(0),
  availableReplicas: z.int().default(0),
  unavailableReplicas: z.int().default(0),
  conditions: z.array(deploymentCondition).default([]),
});

const rollingUpdate = known({
  maxSurge: intOrPercent.default("25%"),
  maxUnavailable: intOrPercent.default("25%"),
});

export const deploymentSchema = known({
  apiVersion: z.literal("apps/v1"),
  kind: z.literal("Deployment"),
  metadata: objectMeta,
  spec: known({
    replicas: z.int().default(1),
    selector: labelSelector,
    template: podTemplate,
    strategy: z
      .preprocess(
        (value) => value ?? {},
        known({
          type: z.enum(["RollingUpdate", "Recreate"]).default("RollingUpdate"),
          rollingUpdate: rollingUpdate.optional(),
        }),
      )
      .transform((strategy) =>
        strategy.type === "RollingUpdate" && strategy.rollingUpdate === undefined
          ? { ...strategy, rollingUpdate: rollingUpdate.parse({}) }
          : strategy,
      ),
    minReadySeconds: z.int().default(0),
    progressDeadlineSeconds: z.int().default(600),
    revisionHistoryLimit: z.int().default(10),
    paused: z.boolean().optional(),
  }),
  status: deploymentStatus.default(deploymentStatus.parse({})),
});

const replicaSetStatus = known({
  observedGeneration: z.int().default(0),
  replicas: z.int().default(0),
  fullyLabeledReplicas: z.int().default(0),
  readyReplicas: z.int().default(0),
  availableReplicas: z.int().default(0),
  conditions: z
    .array(
      known({
        type: z.string(),
        status: z.enum(["True", "False"]),
        reason: z.string(),
        message: z.string(),
        lastTransitionTime: z.string(),
      }),
    )
    .default([]),
});

export const replicaSetSchema = known({
  apiVersion: z.literal("apps/v1"),
  kind: z.literal("ReplicaSet"),
  metadata: objectMeta,
  spec: known({
    replicas: z.int().default(1),
    minReadySeconds: z.int().default(0),
    selector: labelSelector,
    template: podTemplate,
  }),
  status: replicaSetStatus.default(replicaSetStatus.parse({})),
});

export type Deployment = z.infer<typeof deploymentSchema>;
export type DeploymentStatus = z.infer<typeof deploymentStatus>;
export type DeploymentCondition = z.infer<typeof deploymentCondition>;
export type ReplicaSet = z.infer<typeof replicaSetSchema>;
export type ReplicaSetStatus = z.infer<typeof replicaSetStatus>;

export const POD_TEMPLATE_HASH = "pod-template-hash";
export const REVISION = "deployment.kubernetes.io/revision";
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
