/** Workloads of the mesh: how they roll out, what injects their next pods, and what holds them. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { formatVersion } from "../plan/versions.ts";
import type { Evidence } from "../rules/evidence.ts";
import { budget } from "./control-planes.ts";
import { injectedBy } from "./injection.ts";
import {
  conditionOf,
  conditions,
  flag,
  imageVersion,
  metadata,
  number,
  read,
  selects,
  texts,
  timeOf,
  Unreadable,
} from "./objects.ts";
import { type OwnerKind, ownerKey, type Pod } from "./pods.ts";

const controller = z.object({
  kind: z.string().optional(),
  metadata,
  spec: z.object({
    replicas: z.number().nullish(),
    paused: flag,
    updateStrategy: z.object({ type: z.string().nullish() }).nullish(),
    template: z.object({
      metadata: z.object({ labels: texts, annotations: texts }).default({ labels: {}, annotations: {} }),
    }),
  }),
  status: z
    .object({
      observedGeneration: number,
      replicas: number,
      updatedReplicas: number,
      readyReplicas: number,
      availableReplicas: number,
      desiredNumberScheduled: number,
      updatedNumberScheduled: number,
      numberAvailable: number,
      conditions,
    })
    .nullish(),
});

type ControllerFields = z.output<typeof controller>;

export interface Rollout {
  readonly replicas: number;
  readonly updated: number;
  readonly available: number;
  /** Nothing is under way: the newest template is everywhere, and available. */
  readonly complete: boolean;
  /** Its controller has seen the newest template. */
  readonly observed: boolean;
  readonly paused: boolean;
  /** Pods are replaced only when somebody deletes them. */
  readonly onDelete: boolean;
  /** `kubectl.kubernetes.io/restartedAt` of its template. */
  readonly restartedAt: string | undefined;
  /** When it last got further, ms since the epoch. */
  readonly progressedAt: number | undefined;
  /** Why it gave up, in Kubernetes' words. */
  readonly stuck: string | undefined;
}

export interface MeshWorkload {
  readonly kind: OwnerKind;
  readonly namespace: string;
  readonly name: string;
  /** `Deployment shop/cart` */
  readonly key: string;
  readonly gateway: boolean;
  /** undefined for what has no rollout: Jobs and bare pods. */
  readonly rollout: Rollout | undefined;
  /** Revision of the control plane of its next pods; empty for the one without, undefined: none. */
  readonly injectedBy: string | undefined;
  /** Its pods with a proxy, without those that have ended. */
  readonly pods: readonly Pod[];
  /** Pods without a proxy that would get one if they started now. */
  readonly plain: number;
  /** Of every budget that covers its pods. */
  readonly budgets: readonly { readonly name: string; readonly allowed: number }[];
}

export interface WorkloadObjects {
  readonly pods: readonly Pod[];
  readonly deployments: readonly KubernetesObject[];
  readonly statefulSets: readonly KubernetesObject[];
  readonly daemonSets: readonly KubernetesObject[];
  readonly budgets: readonly KubernetesObject[];
  readonly injection: NonNullable<Evidence["injection"]>;
  /** Of the control planes that run. */
  readonly revisions: readonly string[];
}

/** Everything that has at least one proxy, or would have one if it started now, by name. Errors: Unreadable. */
export function meshWorkloads(objects: WorkloadObjects): readonly MeshWorkload[] {
  const controllers = new Map<string, ControllerFields>();
  for (const [kind, found] of [
    ["Deployment", objects.deployments],
    ["StatefulSet", objects.statefulSets],
    ["DaemonSet", objects.daemonSets],
  ] as const)
    for (const fields of read(controller, found))
      controllers.set(`${kind} ${fields.metadata.namespace}/${fields.metadata.name}`, fields);
  const budgets = read(budget, objects.budgets);
  const groups = new Map<string, [Pod, ...Pod[]]>();
  for (const pod of objects.pods) {
    if (pod.gone) continue;
    const known = controllers.has(ownerKey(pod));
    if (pod.proxy === undefined && !known) continue;
    // What owns it is none of ours (a Rollout of Argo, say): nothing here restarts it.
    const key = known || pod.owner.kind === "Job" ? ownerKey(pod) : `Pod ${pod.namespace}/${pod.name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [pod]);
    else group.push(pod);
  }
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, all]) => workloadOf(key, all, controllers.get(key), budgets, objects))
    .filter(({ pods, plain }) => pods.length > 0 || plain > 0);
}

function workloadOf(
  key: string,
  all: readonly [Pod, ...Pod[]],
  fields: ControllerFields | undefined,
  budgets: readonly z.output<typeof budget>[],
  { injection, revisions }: WorkloadObjects,
): MeshWorkload {
  const [first] = all;
  const kind: OwnerKind = fields !== undefined || first.owner.kind === "Job" ? first.owner.kind : "Pod";
  const labels = fields?.spec.template.metadata.labels ?? first.labels;
  const revision = injectedBy(injection, revisions, first.namespace, labels);
  const pods = all.filter(({ proxy }) => proxy !== undefined);
  return {
    kind,
    namespace: first.namespace,
    name: kind === "Pod" ? first.name : first.owner.name,
    key,
    gateway: pods.some(({ gateway }) => gateway),
    rollout: fields === undefined ? undefined : rolloutOf(kind, fields),
    injectedBy: revision,
    pods,
    plain: revision === undefined ? 0 : all.filter(isPlain).length,
    budgets: budgets
      .filter(
        ({ metadata: meta, spec }) =>
          meta.namespace === first.namespace && pods.some((pod) => selects(spec.selector, pod.labels)),
      )
      .map(({ metadata: meta, status }) => ({
        name: `${meta.namespace}/${meta.name}`,
        allowed: status?.disruptionsAllowed ?? 0,
      })),
  };
}

/** Pods on the node's network and those that say no never get a proxy. */
const isPlain = ({ proxy, annotations, fields }: Pod): boolean =>
  proxy === undefined && !fields.spec.hostNetwork && annotations["sidecar.istio.io/inject"] !== "false";

function rolloutOf(kind: OwnerKind, { metadata: meta, spec, status }: ControllerFields): Rollout {
  const daemon = kind === "DaemonSet";
  const replicas = daemon ? (status?.desiredNumberScheduled ?? 0) : (spec.replicas ?? 1);
  const present = daemon ? replicas : (status?.replicas ?? 0);
  const updated = (daemon ? status?.updatedNumberScheduled : status?.updatedReplicas) ?? 0;
  const available = (daemon ? status?.numberAvailable : (status?.availableReplicas ?? status?.readyReplicas)) ?? 0;
  const progressing = conditionOf(status?.conditions ?? [], "Progressing");
  const observed = (status?.observedGeneration ?? 0) >= (meta.generation ?? 0);
  return {
    replicas,
    updated,
    available,
    complete: observed && updated === replicas && available === replicas && present === replicas,
    observed,
    paused: spec.paused,
    onDelete: spec.updateStrategy?.type === "OnDelete",
    restartedAt: spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"],
    progressedAt: timeOf(progressing?.lastUpdateTime),
    stuck:
      progressing?.status === "False"
        ? `${progressing.reason ?? "Progressing=False"}: ${progressing.message ?? ""}`.trim()
        : undefined,
  };
}

/** Tightest of its budgets; undefined: it has none. */
export const disruptionsAllowed = ({ budgets }: MeshWorkload): number | undefined =>
  budgets.length === 0 ? undefined : Math.min(...budgets.map(({ allowed }) => allowed));

export const pinnedImage = ({ pods }: MeshWorkload): string | undefined =>
  pods.map(({ proxy }) => proxy?.pinned).find((pinned) => pinned !== undefined);

/** One entry per workload that has a rollout of its own; bare pods and Jobs each by name. */
export function workloadSection(workloads: readonly MeshWorkload[]): NonNullable<Evidence["workloads"]> {
  const withProxies = workloads.filter(({ pods }) => pods.length > 0);
  return withProxies.map((workload) => {
    const { kind, namespace, name, rollout, pods } = workload;
    const allowed = disruptionsAllowed(workload);
    const pinned = pinnedImage(workload);
    return {
      name: `${namespace}/${name}`,
      kind,
      replicas: rollout?.replicas ?? pods.length,
      ...(allowed === undefined ? {} : { disruptionsAllowed: allowed }),
      paused: rollout?.paused ?? false,
      // An OnDelete rollout is never complete by itself.
      rollingOut: rollout !== undefined && !rollout.complete && !rollout.onDelete && !rollout.paused,
      ...(pinned === undefined ? {} : { pinnedProxyImage: pinned }),
    };
  });
}

/** `versions`: what proxies say of themselves, `pod.namespace` to version, where the image does not tell. Errors: Unreadable. */
export function proxySection(
  pods: readonly Pod[],
  versions: ReadonlyMap<string, string>,
): NonNullable<Evidence["proxies"]> {
  return pods.flatMap((pod) => {
    const { gone, proxy, namespace, name } = pod;
    if (gone || proxy === undefined) return [];
    const own = versions.get(`${name}.${namespace}`);
    const version = proxy.version ?? (own === undefined ? undefined : imageVersion(`proxyv2:${own}`));
    if (version === undefined)
      throw new Unreadable(
        `neither the image ${proxy.image} nor the proxy itself tells the version of ${namespace}/${name}`,
      );
    return [{ workload: `${namespace}/${pod.owner.name}`, version, revision: proxy.revision }];
  });
}

/** For people: `1.30.5`, or the image where it tells none. */
export const proxyVersionText = ({ proxy }: Pod): string =>
  proxy?.version === undefined ? (proxy?.image ?? "") : formatVersion(proxy.version);
