/** istiod and the node components, as their workloads show them. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import type { Version } from "../plan/versions.ts";
import type { Evidence } from "../rules/evidence.ts";
import {
  conditions,
  flag,
  imageVersion,
  labelSelector,
  list,
  metadata,
  number,
  read,
  selects,
  texts,
  Unreadable,
} from "./objects.ts";
import { plainRevision } from "./pods.ts";

const template = z.object({
  metadata: z.object({ labels: texts, annotations: texts }).default({ labels: {}, annotations: {} }),
  spec: z.object({
    serviceAccountName: z.string().nullish(),
    containers: list(
      z.object({
        name: z.string(),
        image: z.string().default(""),
        env: list(z.object({ name: z.string(), value: z.string().nullish() })),
      }),
    ),
  }),
});

export const deployment = z.object({
  metadata,
  spec: z.object({ replicas: z.number().nullish(), paused: flag, selector: labelSelector, template }),
  status: z
    .object({
      observedGeneration: number,
      replicas: number,
      updatedReplicas: number,
      readyReplicas: number,
      availableReplicas: number,
      unavailableReplicas: number,
      conditions,
    })
    .nullish(),
});

export type DeploymentFields = z.output<typeof deployment>;

export interface ControlPlane {
  readonly namespace: string;
  /** Of its Deployment. */
  readonly name: string;
  /** Empty for the one without. */
  readonly revision: string;
  readonly version: Version;
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Helm's, empty for none. */
  readonly release: string;
  readonly fields: DeploymentFields;
}

/** Every istiod. Errors: Unreadable, also where an image tells no version. */
export function readControlPlanes(deployments: readonly KubernetesObject[]): readonly ControlPlane[] {
  const istiods = deployments.filter(({ metadata: { labels } }) => isIstiod(labels));
  return read(deployment, istiods).map((fields) => {
    const { metadata: meta, spec } = fields;
    const container = spec.template.spec.containers.find(({ name }) => name === "discovery");
    const version = imageVersion(container?.image ?? "");
    if (container === undefined || version === undefined)
      throw new Unreadable(
        `the version of ${meta.namespace}/${meta.name} cannot be told from ${container?.image ?? "no image"}`,
      );
    return {
      namespace: meta.namespace,
      name: meta.name,
      revision: plainRevision(meta.labels["istio.io/rev"] ?? "default"),
      version,
      image: container.image,
      env: Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? ""])),
      serviceAccount: spec.template.spec.serviceAccountName ?? "default",
      release: meta.annotations["meta.helm.sh/release-name"] ?? "",
      fields,
    };
  });
}

const isIstiod = (labels: unknown): boolean =>
  typeof labels === "object" && labels !== null && "app" in labels && labels.app === "istiod";

const autoscaler = z.object({
  metadata,
  spec: z.object({
    minReplicas: z.number().nullish(),
    scaleTargetRef: z.object({ kind: z.string(), name: z.string() }),
  }),
});

export const budget = z.object({
  metadata,
  spec: z.object({ selector: labelSelector }),
  status: z.object({ disruptionsAllowed: number, observedGeneration: number }).nullish(),
});

/** Errors: Unreadable. */
export function controlPlaneSection(
  planes: readonly ControlPlane[],
  autoscalers: readonly KubernetesObject[],
  budgets: readonly KubernetesObject[],
): NonNullable<Evidence["controlPlanes"]> {
  if (planes.length === 0) throw new Unreadable("no Deployment has the label app=istiod");
  const scalers = read(autoscaler, autoscalers);
  const limits = read(budget, budgets);
  return planes.map(({ namespace, name, revision, version, fields: { spec, status } }) => {
    const scaler = scalers.find(
      ({ metadata: meta, spec: { scaleTargetRef } }) =>
        meta.namespace === namespace && scaleTargetRef.kind === "Deployment" && scaleTargetRef.name === name,
    );
    const replicas = status?.availableReplicas ?? 0;
    return {
      revision,
      version,
      replicas,
      // Without an autoscaler nothing shrinks it; an autoscaler's own default is 1.
      autoscaleMin: scaler === undefined ? (spec.replicas ?? 1) : (scaler.spec.minReplicas ?? 1),
      disruptionBudget: limits.some(
        (one) => one.metadata.namespace === namespace && selects(one.spec.selector, spec.template.metadata.labels),
      ),
    };
  });
}

/** Which control plane counts for a hop: the only one, or the one that a default tag or revision names. Errors: Unreadable. */
export function mainControlPlane(planes: readonly ControlPlane[], defaultRevision: string): ControlPlane {
  const [first, second] = planes;
  if (first === undefined) throw new Unreadable("no Deployment has the label app=istiod");
  if (second === undefined) return first;
  const named = planes.find(({ revision }) => revision === plainRevision(defaultRevision));
  if (named === undefined)
    throw new Unreadable(
      `${planes.length} control planes run, and the default revision "${defaultRevision}" is none of them`,
    );
  return named;
}

const daemonSet = z.object({ metadata, spec: z.object({ template }) });

/** Errors: Unreadable. */
export function ambientSection(
  daemonSets: readonly KubernetesObject[],
  namespaces: readonly KubernetesObject[],
): NonNullable<Evidence["ambient"]> {
  const found = read(daemonSet, daemonSets);
  const versionOf = (names: readonly string[], container: string): Version | undefined =>
    found
      .filter(({ metadata: { name } }) => names.includes(name))
      .flatMap(({ spec }) => spec.template.spec.containers.filter(({ name }) => name === container))
      .map(({ image }) => imageVersion(image))
      .find((version) => version !== undefined);
  const cni = versionOf(["istio-cni-node"], "install-cni");
  const ztunnel = versionOf(["ztunnel"], "istio-proxy");
  const used =
    found.some(({ metadata: { name } }) => name === "ztunnel") ||
    read(z.object({ metadata }), namespaces).some(
      ({ metadata: { labels } }) => labels["istio.io/dataplane-mode"] === "ambient",
    );
  return {
    used,
    ...(cni === undefined ? {} : { cni }),
    ...(ztunnel === undefined ? {} : { ztunnel }),
    // Whether nodes are drained is how somebody works, which no object tells: the warning stays.
    drainsNodes: false,
  };
}
