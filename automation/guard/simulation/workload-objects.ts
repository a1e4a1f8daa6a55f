/** A workload's objects as the API server shows them. Pure. */
import type { Manifest } from "./kubernetes.ts";

export type Texts = Readonly<Record<string, string>>;

/** What the mesh puts beside the container of a new pod. */
export interface Sidecar {
  readonly image: string;
  /** `default` for the one without a revision. */
  readonly revision: string;
  /** An init container that stays. */
  readonly native: boolean;
}

export interface WorkloadSpec {
  readonly kind: "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "Pod";
  readonly namespace: string;
  readonly name: string;
  /** Default 2. */
  readonly replicas?: number;
  /** Of its pods, besides `app`. */
  readonly labels?: Texts;
  /** Of its pods. */
  readonly annotations?: Texts;
  /** Of the object itself. */
  readonly ownLabels?: Texts;
  readonly ownAnnotations?: Texts;
  readonly container?: string;
  /** Default `registry.example.com/NAME:1`. `auto`: the sidecar is the only container, as in a gateway. */
  readonly image?: string;
  readonly env?: Texts;
  readonly args?: readonly string[];
  readonly serviceAccount?: string;
  readonly priorityClass?: string;
  /** Pods that must stay; default no budget. */
  readonly minAvailable?: number;
  readonly paused?: boolean;
  /** Of StatefulSets and DaemonSets: pods are replaced only when somebody deletes them. */
  readonly onDelete?: boolean;
  /** From the start of a pod until it is ready; default 5. */
  readonly readySeconds?: number;
}

export interface Pod {
  readonly name: string;
  readonly hash: string;
  readonly image: string;
  readonly sidecar: Sidecar | undefined;
  readonly createdAt: number;
  readonly ready: boolean;
  readonly readyAt: number;
}

/** A workload at one moment. */
export interface WorkloadView {
  readonly spec: WorkloadSpec;
  readonly apiVersion: string;
  readonly replicas: number;
  readonly pods: readonly Pod[];
  /** Of the newest template. */
  readonly hash: string;
  readonly image: string;
  readonly env: Texts;
  readonly paused: boolean;
  readonly observedGeneration: number;
  readonly restartedAt: string | undefined;
  /** When the newest template came. */
  readonly rolledAt: number;
}

const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** Names like the server's, the same in every run. */
export function suffix(number: number, length: number): string {
  let [text, rest] = ["", (Math.imul(number + 1, 0x9e37_79b1) >>> 0) + number];
  for (let index = 0; index < length; index++) {
    text += alphabet[rest % alphabet.length] ?? "b";
    rest = Math.floor(rest / alphabet.length) + number;
  }
  return text;
}

const labelsOf = ({ spec }: WorkloadView): Texts => ({ app: spec.name, ...spec.labels });

/** As charts do: revisions of one name must not select each other's pods. */
function selectorOf(view: WorkloadView): Texts {
  const { app = view.spec.name, "istio.io/rev": revision } = labelsOf(view);
  return { app, ...(revision === undefined ? {} : { "istio.io/rev": revision }) };
}

export function workloadObject(view: WorkloadView): Manifest {
  const { kind, namespace, name } = view.spec;
  const { replicas } = view;
  const fresh = view.pods.filter(({ hash }) => hash === view.hash).length;
  const ready = view.pods.filter((pod) => pod.ready).length;
  const annotations = {
    ...view.spec.annotations,
    ...(view.restartedAt === undefined ? {} : { "kubectl.kubernetes.io/restartedAt": view.restartedAt }),
  };
  const stays = view.spec.onDelete === true ? "OnDelete" : "RollingUpdate";
  return {
    apiVersion: view.apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: { app: name, ...view.spec.ownLabels },
      ...(view.spec.ownAnnotations === undefined ? {} : { annotations: view.spec.ownAnnotations }),
    },
    spec: {
      ...(kind === "DaemonSet" || kind === "Job" ? {} : { replicas }),
      ...(kind === "Deployment" && view.paused ? { paused: true } : {}),
      ...(kind === "Job" ? {} : { [kind === "Deployment" ? "strategy" : "updateStrategy"]: { type: stays } }),
      selector: { matchLabels: selectorOf(view) },
      template: { metadata: { labels: labelsOf(view), annotations }, spec: podSpec(view, undefined) },
    },
    status: statusOf(view, fresh, ready),
  };
}

function statusOf(view: WorkloadView, fresh: number, ready: number): unknown {
  const { replicas } = view;
  const { kind } = view.spec;
  const missing = replicas - ready;
  if (kind === "Job") return { active: replicas, ready };
  if (kind === "DaemonSet")
    return {
      currentNumberScheduled: replicas,
      desiredNumberScheduled: replicas,
      numberAvailable: ready,
      numberMisscheduled: 0,
      numberReady: ready,
      ...(missing > 0 ? { numberUnavailable: missing } : {}),
      observedGeneration: view.observedGeneration,
      updatedNumberScheduled: fresh,
    };
  if (kind === "StatefulSet")
    return {
      availableReplicas: ready,
      collisionCount: 0,
      currentReplicas: replicas - fresh,
      currentRevision: fresh === replicas ? `${view.spec.name}-${view.hash}` : `${view.spec.name}-${suffix(0, 9)}`,
      observedGeneration: view.observedGeneration,
      readyReplicas: ready,
      replicas,
      updateRevision: `${view.spec.name}-${view.hash}`,
      updatedReplicas: fresh,
    };
  const done = fresh === replicas && missing === 0;
  const time = instant(view.rolledAt);
  return {
    availableReplicas: ready,
    conditions: [
      {
        type: "Available",
        status: missing > Math.max(1, replicas / 4) ? "False" : "True",
        reason: "MinimumReplicasAvailable",
      },
      {
        type: "Progressing",
        status: "True",
        reason: done ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
        lastUpdateTime: time,
      },
    ],
    observedGeneration: view.observedGeneration,
    readyReplicas: ready,
    replicas,
    ...(missing > 0 ? { unavailableReplicas: missing } : {}),
    updatedReplicas: fresh,
  };
}

export function podObject(view: WorkloadView, pod: Pod, node: string | undefined): Manifest {
  const { kind, namespace, name } = view.spec;
  const { sidecar } = pod;
  const owner =
    kind === "Deployment"
      ? { apiVersion: "apps/v1", kind: "ReplicaSet", name: `${name}-${pod.hash}` }
      : { apiVersion: view.apiVersion, kind, name };
  const statuses = [
    { name: view.spec.container ?? name, ready: pod.ready, restartCount: 0, state: { running: {} }, lastState: {} },
  ];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: pod.name,
      namespace,
      creationTimestamp: instant(pod.createdAt),
      labels: {
        ...labelsOf(view),
        ...(kind === "Deployment" ? { "pod-template-hash": pod.hash } : {}),
        ...(sidecar === undefined ? {} : { "security.istio.io/tlsMode": "istio" }),
      },
      annotations: {
        ...view.spec.annotations,
        ...(sidecar === undefined
          ? {}
          : {
              "istio.io/rev": sidecar.revision,
              "sidecar.istio.io/status": JSON.stringify({
                initContainers: sidecar.native ? ["istio-init", "istio-proxy"] : ["istio-init"],
                containers: sidecar.native ? null : ["istio-proxy"],
                volumes: ["workload-socket", "istio-envoy", "istio-data", "istiod-ca-cert"],
                imagePullSecrets: null,
                revision: sidecar.revision,
              }),
            }),
      },
      ...(kind === "Pod" ? {} : { ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }] }),
    },
    spec: {
      ...podSpec(view, sidecar, pod.image),
      ...(node === undefined ? {} : { nodeName: node }),
    },
    status: {
      phase: pod.ready ? "Running" : "Pending",
      conditions: [
        { type: "Ready", status: pod.ready ? "True" : "False", lastTransitionTime: instant(pod.readyAt) },
        { type: "PodScheduled", status: "True" },
      ],
      containerStatuses: statuses,
    },
  };
}

function podSpec(
  view: WorkloadView,
  sidecar: Sidecar | undefined,
  image = view.image,
): Readonly<Record<string, unknown>> {
  const { spec } = view;
  const proxy = {
    name: "istio-proxy",
    args: ["proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.cluster.local"],
    resources: { requests: { cpu: "100m", memory: "128Mi" } },
  };
  const env = Object.entries(view.env).map(([name, value]) => ({ name, value }));
  const own = {
    name: spec.container ?? spec.name,
    image: image === "auto" && sidecar !== undefined ? sidecar.image : image,
    ...(spec.args === undefined ? {} : { args: spec.args }),
    ...(env.length === 0 ? {} : { env }),
    resources: { requests: { cpu: "50m", memory: "64Mi" } },
  };
  const beside = sidecar !== undefined && image !== "auto" ? { ...proxy, image: sidecar.image } : undefined;
  const native = beside !== undefined && sidecar?.native === true;
  return {
    ...(native ? { initContainers: [{ ...beside, restartPolicy: "Always" }] } : {}),
    containers: beside === undefined || native ? [own] : [own, beside],
    ...(spec.serviceAccount === undefined ? {} : { serviceAccountName: spec.serviceAccount }),
    ...(spec.priorityClass === undefined ? {} : { priorityClassName: spec.priorityClass }),
  };
}

export function budgetObject(view: WorkloadView, minAvailable: number): Manifest {
  const { namespace, name } = view.spec;
  const currentHealthy = view.pods.filter(({ ready }) => ready).length;
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace },
    spec: { minAvailable, selector: { matchLabels: selectorOf(view) } },
    status: {
      currentHealthy,
      desiredHealthy: minAvailable,
      disruptionsAllowed: Math.max(0, currentHealthy - minAvailable),
      expectedPods: view.replicas,
      observedGeneration: 1,
    },
  };
}
