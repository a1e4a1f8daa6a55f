/** Pods and the proxies in them. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import type { Version } from "../plan/versions.ts";
import {
  conditionOf,
  conditions,
  flag,
  imageVersion,
  list,
  type Metadata,
  metadata,
  number,
  read,
  timeOf,
} from "./objects.ts";

/** What a pod belongs to. `Pod`: nothing that is known here would start it again. */
export type OwnerKind = "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "Pod";

const container = z.object({
  name: z.string(),
  image: z.string().default(""),
  args: list(z.string()),
  command: list(z.string()),
  env: list(z.object({ name: z.string(), value: z.string().nullish() })),
  resources: z.object({ requests: z.record(z.string(), z.union([z.string(), z.number()])).nullish() }).nullish(),
  restartPolicy: z.string().nullish(),
  volumeMounts: list(z.object({ name: z.string(), readOnly: flag })),
  securityContext: z.object({ runAsUser: z.number().nullish(), privileged: flag }).nullish(),
});

const status = z.object({
  name: z.string(),
  ready: flag,
  restartCount: number,
  lastState: z.object({ terminated: z.object({ finishedAt: z.string().nullish() }).nullish() }).nullish(),
});

const pod = z.object({
  metadata,
  spec: z.object({
    nodeName: z.string().nullish(),
    hostNetwork: flag,
    containers: list(container),
    initContainers: list(container),
    overhead: z.record(z.string(), z.union([z.string(), z.number()])).nullish(),
    priorityClassName: z.string().nullish(),
    volumes: list(z.object({ name: z.string(), hostPath: z.object({ path: z.string() }).nullish() })),
    securityContext: z.object({ runAsUser: z.number().nullish() }).nullish(),
  }),
  status: z
    .object({
      phase: z.string().nullish(),
      conditions,
      containerStatuses: list(status),
      initContainerStatuses: list(status),
    })
    .nullish(),
});

export type Container = z.output<typeof container>;
export type PodFields = z.output<typeof pod>;

export interface Proxy {
  readonly image: string;
  /** undefined: the image does not tell. */
  readonly version: Version | undefined;
  /** Of the control plane that put it in; empty for the one without. */
  readonly revision: string;
  /** `sidecar.istio.io/proxyImage`: it stays at this one. */
  readonly pinned: string | undefined;
}

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly owner: { readonly kind: OwnerKind; readonly name: string };
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly node: string | undefined;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly ready: boolean;
  /** When it got ready, or stopped being so. */
  readonly changedAt: number | undefined;
  /** It has ended, or is being ended: nothing counts it any more. */
  readonly gone: boolean;
  readonly gateway: boolean;
  readonly proxy: Proxy | undefined;
  readonly fields: PodFields;
}

/** All pods. Errors: Unreadable. */
export const readPods = (objects: readonly KubernetesObject[]): readonly Pod[] => read(pod, objects).map(podOf);

/** `Deployment shop/cart`; a bare pod is named by itself. */
export const ownerKey = ({ namespace, owner }: Pick<Pod, "namespace" | "owner">): string =>
  `${owner.kind} ${namespace}/${owner.name}`;

/** Revision as evidence has it: `default` of an annotation is the control plane without one. */
export const plainRevision = (label: string): string => (label === "default" ? "" : label);

function podOf(fields: PodFields): Pod {
  const { metadata: meta, spec } = fields;
  const all = fields.status?.conditions ?? [];
  const readiness = conditionOf(all, "Ready");
  const phase = fields.status?.phase;
  return {
    namespace: meta.namespace,
    name: meta.name,
    owner: ownerOf(meta),
    labels: meta.labels,
    annotations: meta.annotations,
    node: spec.nodeName ?? undefined,
    createdAt: timeOf(meta.creationTimestamp) ?? 0,
    ready: readiness?.status === "True",
    changedAt: timeOf(readiness?.lastTransitionTime),
    gone: phase === "Succeeded" || phase === "Failed" || typeof meta.deletionTimestamp === "string",
    gateway: isGateway(fields),
    proxy: proxyOf(fields),
    fields,
  };
}

/** As Istio finds it: a ReplicaSet's name without the hash of its template is the Deployment's. */
function ownerOf({ name, labels, ownerReferences }: Metadata): Pod["owner"] {
  const controller = ownerReferences.find((one) => one.controller === true) ?? ownerReferences[0];
  const hash = labels["pod-template-hash"];
  switch (controller?.kind) {
    case "ReplicaSet":
      return hash !== undefined && controller.name.endsWith(`-${hash}`)
        ? { kind: "Deployment", name: controller.name.slice(0, -hash.length - 1) }
        : { kind: "Pod", name };
    case "StatefulSet":
    case "DaemonSet":
    case "Job":
      return { kind: controller.kind, name: controller.name };
    default:
      return { kind: "Pod", name };
  }
}

function proxyOf({ metadata: meta, spec }: PodFields): Proxy | undefined {
  // A native sidecar is an init container that stays.
  const found = [...spec.containers, ...spec.initContainers].find(({ name }) => name === "istio-proxy");
  // ztunnel's container has the same name and is no sidecar.
  if (found === undefined || meta.labels["app"] === "ztunnel") return undefined;
  return {
    image: found.image,
    version: imageVersion(found.image),
    revision: plainRevision(
      meta.annotations["istio.io/rev"] ?? revisionOfStatus(meta) ?? meta.labels["istio.io/rev"] ?? "",
    ),
    pinned: meta.annotations["sidecar.istio.io/proxyImage"],
  };
}

const sidecarStatus = z.object({ revision: z.string().optional() });

function revisionOfStatus({ annotations }: Metadata): string | undefined {
  const text = annotations["sidecar.istio.io/status"];
  if (text === undefined) return undefined;
  try {
    return sidecarStatus.safeParse(JSON.parse(text)).data?.revision;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isGateway({ metadata: { labels, annotations }, spec }: PodFields): boolean {
  return (
    (annotations["inject.istio.io/templates"] ?? "").split(",").includes("gateway") ||
    labels["gateway.networking.k8s.io/gateway-name"] !== undefined ||
    spec.containers.some(({ name, args }) => name === "istio-proxy" && args.includes("router"))
  );
}
