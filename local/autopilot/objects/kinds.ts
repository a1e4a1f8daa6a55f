import type { z } from "zod";
import type { NamedKind } from "../kubernetes-error.ts";
import type { Autoscaler } from "./autoscaler.ts";
import { autoscalerSchema } from "./autoscaler.ts";
import type { ApiObject } from "./metadata.ts";
import type { Pod } from "./pod.ts";
import { podSchema } from "./pod.ts";
import type { DisruptionBudget } from "./policies.ts";
import { disruptionBudgetSchema } from "./policies.ts";
import type { Service } from "./service.ts";
import { serviceSchema } from "./service.ts";
import type { ConfigMap, Namespace, NetworkPolicy, Secret, SecretProviderClass, ServiceAccount } from "./settings.ts";
import {
  configMapSchema,
  namespaceSchema,
  networkPolicySchema,
  secretProviderClassSchema,
  secretSchema,
  serviceAccountSchema,
} from "./settings.ts";
import type { Deployment, ReplicaSet } from "./workloads.ts";
import { deploymentSchema, replicaSetSchema } from "./workloads.ts";

/** A kind that this cluster serves. The schema decodes and fills in defaults. */
export interface Kind<T extends ApiObject = ApiObject> extends NamedKind {
  readonly namespaced: boolean;
  /** Whether metadata.generation counts changes of the spec. */
  readonly counted: boolean;
  readonly schema: z.ZodType<T>;
}

export const NAMESPACE: Kind<Namespace> = {
  apiVersion: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
  counted: false,
  schema: namespaceSchema,
};

export const SERVICE_ACCOUNT: Kind<ServiceAccount> = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  namespaced: true,
  counted: false,
  schema: serviceAccountSchema,
};

export const CONFIG_MAP: Kind<ConfigMap> = {
  apiVersion: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
  counted: false,
  schema: configMapSchema,
};

export const SECRET: Kind<Secret> = {
  apiVersion: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
  counted: false,
  schema: secretSchema,
};

export const SECRET_PROVIDER_CLASS: Kind<SecretProviderClass> = {
  apiVersion: "secrets-store.csi.x-k8s.io/v1",
  kind: "SecretProviderClass",
  plural: "secretproviderclasses",
  namespaced: true,
  counted: true,
  schema: secretProviderClassSchema,
};

export const SERVICE: Kind<Service> = {
  apiVersion: "v1",
  kind: "Service",
  plural: "services",
  namespaced: true,
  counted: false,
  schema: serviceSchema,
};

export const POD: Kind<Pod> = {
  apiVersion: "v1",
  kind: "Pod",
  plural: "pods",
  namespaced: true,
  counted: true,
  schema: podSchema,
};

export const DEPLOYMENT: Kind<Deployment> = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  plural: "deployments",
  namespaced: true,
  counted: true,
  schema: deploymentSchema,
};

export const REPLICA_SET: Kind<ReplicaSet> = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  namespaced: true,
  counted: true,
  schema: replicaSetSchema,
};

export const AUTOSCALER: Kind<Autoscaler> = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  namespaced: true,
  counted: false,
  schema: autoscalerSchema,
};

export const DISRUPTION_BUDGET: Kind<DisruptionBudget> = {
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  namespaced: true,
  counted: true,
  schema: disruptionBudgetSchema,
};

export const NETWORK_POLICY: Kind<NetworkPolicy> = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  namespaced: true,
  counted: true,
  schema: networkPolicySchema,
};

/** Every kind that is served, in the order in which a new namespace would be filled. */
export const KINDS: readonly Kind[] = [
  NAMESPACE,
  SERVICE_ACCOUNT,
  CONFIG_MAP,
  SECRET,
  SECRET_PROVIDER_CLASS,
  NETWORK_POLICY,
  SERVICE,
  DEPLOYMENT,
  REPLICA_SET,
  POD,
  AUTOSCALER,
  DISRUPTION_BUDGET,
];

export function findKind(apiVersion: string, kind: string): Kind | undefined {
  return KINDS.find((entry) => entry.apiVersion === apiVersion && entry.kind === kind);
}
