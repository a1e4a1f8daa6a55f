import type { Clock } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { admit } from "./admission/admit.ts";
import { decode, encode } from "./admission/decode.ts";
import type { Cluster, KubernetesObject, ObjectReference } from "./cluster.ts";
import type { ControlLoop } from "./control-loop.ts";
import { createControlLoop } from "./control-loop.ts";
import { createAutoscalerController, defaultSyncMs } from "./controllers/autoscaler-controller.ts";
import { createDeploymentController } from "./controllers/deployment-controller.ts";
import { createGarbageCollector } from "./controllers/garbage-collector.ts";
import { createNegController } from "./controllers/neg-controller.ts";
import { createPolicyController } from "./controllers/policy-controller.ts";
import { createReplicaSetController } from "./controllers/replica-set-controller.ts";
import { createScheduler } from "./controllers/scheduler.ts";
import { beginDeletion } from "./deletion.ts";
import {
  badRequest,
  conflict,
  forbidden,
  KubernetesError,
  namespaceNotFound,
  noMatches,
  notFound,
} from "./kubernetes-error.ts";
import { NEG_STATUS_ANNOTATION, negStatus, wantedGroups } from "./neg-annotation.ts";
import { createObjectStore } from "./object-store.ts";
import type { Kind } from "./objects/kinds.ts";
import { AUTOSCALER, DEPLOYMENT, findKind, NAMESPACE, POD, SERVICE, SERVICE_ACCOUNT } from "./objects/kinds.ts";
import type { ApiObject } from "./objects/metadata.ts";
import { objectMeta } from "./objects/metadata.ts";
import type { Pod } from "./objects/pod.ts";
import type { Service } from "./objects/service.ts";
import { isHeadless } from "./objects/service.ts";
import type { Namespace } from "./objects/settings.ts";
import { createKubelet } from "./pods/kubelet.ts";
import type { ProbeTransport } from "./pods/probe-transport.ts";
import { socketProbe } from "./pods/probe-transport.ts";
import { NotReadyError } from "./readiness/not-ready-error.ts";
import { createReadiness } from "./readiness/observe.ts";
import { allocateClusterIp } from "./service-network.ts";

export interface ClusterOptions {
  /** The cluster's name in GKE. */
  readonly name: string;
  /** What its kubeconfig names; unique. */
  readonly endpoint: string;
  readonly project: string;
  /** At least one; pods go round them. */
  readonly zones: readonly string[];
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** ms from a Service to its endpoint groups; asked for each new group. */
  readonly negDelayMs: () => number;
  /** ms between two looks of the HorizontalPodAutoscalers; asked after each. Default 15,000, as Kubernetes. */
  readonly autoscalerSyncMs?: () => number;
  /** Numbers in [0, 1), for names and uids; default Math.random. */
  readonly random?: () => number;
  /** How probes and hooks reach containers; default: over sockets. */
  readonly probeTransport?: ProbeTransport;
}

/** Grace of pods when the cluster closes, ms. */
const CLOSE_GRACE_MS = 5_000;
const SYSTEM_NAMESPACES = ["default", "kube-system"] as const;
/** Written by controllers; an apply that does not name them leaves them. */
const CONTROLLER_ANNOTATIONS = ["deployment.kubernetes.io/revision", NEG_STATUS_ANNOTATION] as const;

/** The workload side of a GKE Autopilot cluster, in memory; its pods are instances of the runtime. */
export function createCluster(options: ClusterOptions): Cluster {
  const { name: clusterName, endpoint, zones, runtime, clock, negDelayMs } = options;
  if (zones.length === 0) throw new Error(`Cluster ${clusterName} has no zones.`);
  const random = options.random ?? Math.random;
  const store = createObjectStore({ clock, random });
  const wakeAt = (at: number) => loop.wakeAt(at);
  const kubelet = createKubelet({ store, clock, runtime, transport: options.probeTransport ?? socketProbe });
  const neg = createNegController({
    store,
    clock,
    cluster: clusterName,
    zones,
    negDelayMs,
    originOf: kubelet.originOf,
    wakeAt,
  });
  const autoscaler = createAutoscalerController({
    store,
    clock,
    runtime,
    syncMs: options.autoscalerSyncMs ?? (() => defaultSyncMs),
  });
  // ReplicaSets before Deployments: a rollout decides by what is ready now. Endpoints before the kubelet: a pod that is deleted leaves its groups before its container hears of it.
  const loop: ControlLoop = createControlLoop(clock, [
    autoscaler,
    createPolicyController(store),
    createReplicaSetController({ store, clock, random, wakeAt }),
    createDeploymentController({ store, clock, wakeAt }),
    createGarbageCollector(store, clock),
    createScheduler({ store, clock, cluster: clusterName, zones }),
    neg,
    kubelet,
  ]);
  const closing = new AbortController();
  const readinessOf = createReadiness(store, kubelet);
  store.onChange(loop.trigger);
  for (const name of SYSTEM_NAMESPACES) {
    store.create(NAMESPACE, named(NAMESPACE.schema.parse({ apiVersion: "v1", kind: "Namespace", metadata: { name } })));
    createNamespaceDefaults(name);
  }

  function createNamespaceDefaults(namespace: string): void {
    store.create(SERVICE_ACCOUNT, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: objectMeta.parse({ name: "default", namespace }),
    });
  }

  function requireNamespace(kind: Kind, name: string, namespace: string, creating: boolean): void {
    const found = store.get(NAMESPACE, "", namespace);
    if (found === undefined) throw namespaceNotFound(namespace);
    if (creating && found.status.phase === "Terminating") {
      throw forbidden(
        kind,
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
    }
  }

  function hasAutoscaler(kind: Kind, namespace: string, name: string): boolean {
    return store
      .list(AUTOSCALER, namespace)
      .some(({ spec: { scaleTargetRef } }) => scaleTargetRef.kind === kind.kind && scaleTargetRef.name === name);
  }

  /** `complete` fills in what depends on other objects, after validation. */
  function applyTo<T extends ApiObject>(
    kind: Kind<T>,
    input: KubernetesObject,
    complete: (next: T, previous: T | undefined) => T = (next) => next,
  ): T {
    const namespace = kind.namespaced ? (input.metadata.namespace ?? "default") : "";
    const previous = store.get(kind, namespace, input.metadata.name);
    const isAutoscaled = hasAutoscaler(kind, namespace, input.metadata.name);
    const named = withIdentity(decode(kind, prepared(kind, input, previous, isAutoscaled)), namespace, previous);
    const admitted = admit(kind, named, previous);
    if (kind.namespaced) requireNamespace(kind, named.metadata.name, namespace, previous === undefined);
    if (previous?.metadata.deletionTimestamp !== undefined) {
      throw conflict(kind, named.metadata.name, "the object is being deleted");
    }
    const completed = complete(admitted, previous);
    return previous === undefined
      ? store.create(kind, completed)
      : store.update(kind, withStatus(completed, previous), "spec");
  }

  /** Addresses and names that are given out once. */
  function networked(declared: Service, previous: Service | undefined, existing: boolean): Service {
    const service = existing ? withGroups(declared, clusterName, zones) : declared;
    const others = store
      .list(SERVICE)
      .filter(
        ({ metadata }) => metadata.namespace !== service.metadata.namespace || metadata.name !== service.metadata.name,
      );
    const names = wantedGroups(service, clusterName).map(({ name }) => name);
    for (const other of others) {
      const taken = wantedGroups(other, clusterName).find(({ name }) => names.includes(name));
      if (taken !== undefined) {
        const owner = `${other.metadata.namespace}/${other.metadata.name}`;
        throw conflict(
          SERVICE,
          service.metadata.name,
          `network endpoint group ${taken.name} belongs to Service ${owner}`,
        );
      }
    }
    if (isHeadless(service)) return { ...service, spec: { ...service.spec, clusterIPs: ["None"] } };
    const taken = new Set(others.map(({ spec }) => spec.clusterIP));
    const clusterIP = service.spec.clusterIP === "" ? (previous?.spec.clusterIP ?? "") : service.spec.clusterIP;
    if (clusterIP !== "" && taken.has(clusterIP)) {
      throw conflict(SERVICE, service.metadata.name, `clusterIP ${clusterIP}: provided IP is already allocated`);
    }
    const address =
      clusterIP === "" ? allocateClusterIp(`${service.metadata.namespace}/${service.metadata.name}`, taken) : clusterIP;
    if (address === undefined) throw conflict(SERVICE, service.metadata.name, "range is full");
    return { ...service, spec: { ...service.spec, clusterIP: address, clusterIPs: [address] } };
  }

  function kindOf(apiVersion: string, kind: string): Kind {
    const found = findKind(apiVersion, kind);
    if (found === undefined) throw noMatches(apiVersion, kind);
    return found;
  }

  function find(reference: ObjectReference): { readonly kind: Kind; readonly object: ApiObject | undefined } {
    const kind = kindOf(reference.apiVersion, reference.kind);
    const namespace = kind.namespaced ? (reference.namespace ?? "default") : "";
    return { kind, object: store.get<ApiObject>(kind, namespace, reference.name) };
  }

  /** Resolves when `test` holds, looked at after every change, or when the signal is aborted. */
  function until(test: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!signal.aborted && !test()) return;
        stop();
        signal.removeEventListener("abort", look);
        resolve();
      };
      const stop = store.onChange(look);
      signal.addEventListener("abort", look);
      look();
    });
  }

  return {
    name: clusterName,
    endpoint,
    async apply(input, { existing = false } = {}) {
      const kind = kindOf(input.apiVersion, input.kind);
      if (typeof input.metadata?.name !== "string") throw badRequest("resource name may not be empty");
      const known = find({ ...input, namespace: input.metadata.namespace, name: input.metadata.name }).object;
      if (kind === SERVICE) {
        const complete = (next: Service, previous: Service | undefined) => networked(next, previous, existing);
        return encode(applyTo(SERVICE, input, complete));
      }
      if (kind === POD) return encode(applyTo(POD, input, stillPlaced));
      if (kind !== NAMESPACE) return encode(applyTo(kind, input));
      const namespace = applyTo(NAMESPACE, input, named);
      if (known === undefined) createNamespaceDefaults(namespace.metadata.name);
      return encode(namespace);
    },
    get(reference) {
      const { object } = find(reference);
      return object === undefined ? undefined : encode(object);
    },
    list(apiVersion, kind) {
      return store.list<ApiObject>(kindOf(apiVersion, kind)).map(encode);
    },
    async delete(reference) {
      const { kind, object } = find(reference);
      if (object === undefined) throw notFound(kind, reference.name);
      const { uid, namespace, name } = object.metadata;
      if (kind === NAMESPACE && SYSTEM_NAMESPACES.some((system) => system === name)) {
        throw forbidden(NAMESPACE, name, "this namespace may not be deleted");
      }
      const pod: Pod | undefined = kind === POD ? store.get(POD, namespace, name) : undefined;
      beginDeletion(store, clock, kind, object, pod?.spec.terminationGracePeriodSeconds);
      const gone = () => store.get<ApiObject>(kind, namespace, name)?.metadata.uid !== uid;
      await until(gone, closing.signal);
      if (!gone()) throw new KubernetesError(503, "ServiceUnavailable", `cluster ${clusterName} is closed`);
    },
    async ready(reference, signal) {
      const first = find(reference);
      if (first.object === undefined) throw notFound(first.kind, reference.name);
      const { kind } = first;
      const current = () => {
        const { object } = find(reference);
        if (object === undefined) throw notFound(kind, reference.name);
        return { object, readiness: readinessOf(kind, object) };
      };
      const either = AbortSignal.any([signal, closing.signal]);
      await until(() => find(reference).object === undefined || current().readiness.state !== "waiting", either);
      const { object, readiness } = current();
      if (readiness.state === "ready") return encode(object);
      const timedOut = readiness.state === "waiting";
      throw new NotReadyError(
        kind.kind,
        reference.name,
        readiness.reasons,
        timedOut,
        timedOut ? either.reason : undefined,
      );
    },
    endpointGroups: () => neg.groups(),
    onEndpointsChange: (listener) => neg.onChange(listener),
    observe: () => ({
      deployments: store.list(DEPLOYMENT),
      autoscalers: store.list(AUTOSCALER),
      pods: store.list(POD),
      scaling: autoscaler.scaling(),
    }),
    async close() {
      loop.close();
      autoscaler.close();
      closing.abort(new Error(`cluster ${clusterName} is closed`));
      await kubelet.close(CLOSE_GRACE_MS);
    },
  };
}

/**
 * The input without what only the cluster writes. The number of replicas stays when it is not named, or when an autoscaler
 * owns it: pulumi-kubernetes, which applies on the server's side, leaves another manager's field alone where it is ignored
 * and refuses to take it otherwise. 0 switches the workload and its autoscaler off, and more switches them on again.
 */
function prepared(
  kind: Kind,
  input: KubernetesObject,
  previous: ApiObject | undefined,
  isAutoscaled: boolean,
): KubernetesObject {
  const { status: _status, ...object } = input;
  const { uid, resourceVersion, generation, creationTimestamp, managedFields, ...metadata } = input.metadata;
  const { deletionTimestamp, deletionGracePeriodSeconds, ...declared } = metadata;
  const { spec } = object;
  const asked = { ...object, metadata: declared } as KubernetesObject;
  const named = spec !== null && typeof spec === "object" && !Array.isArray(spec) ? spec : undefined;
  if (kind !== DEPLOYMENT || named === undefined || previous === undefined) return asked;
  const wanted = named["replicas"] ?? null;
  if (wanted !== null && (wanted === 0 || !isAutoscaled)) return asked;
  const stored = encode(previous)["spec"];
  const replicas =
    stored !== null && typeof stored === "object" && !Array.isArray(stored) ? stored["replicas"] : undefined;
  if (replicas === undefined || (wanted !== null && replicas === 0)) return asked;
  return { ...asked, spec: { ...named, replicas } };
}

function withIdentity<T extends ApiObject>(next: T, namespace: string, previous: T | undefined): T {
  const kept = previous?.metadata;
  const annotations = { ...next.metadata.annotations };
  for (const key of CONTROLLER_ANNOTATIONS) {
    const value = kept?.annotations[key];
    if (value !== undefined) annotations[key] = value;
  }
  return {
    ...next,
    metadata: {
      ...next.metadata,
      annotations,
      namespace,
      ...(kept === undefined
        ? {}
        : {
            uid: kept.uid,
            generation: kept.generation,
            creationTimestamp: kept.creationTimestamp,
            ownerReferences:
              next.metadata.ownerReferences.length > 0 ? next.metadata.ownerReferences : kept.ownerReferences,
          }),
    },
  };
}

function withStatus<T extends ApiObject>(next: T, previous: T): T {
  return "status" in previous ? { ...next, status: previous.status } : next;
}

/** Says that the Service's groups are there, which makes the controller publish them without delay. */
function withGroups(service: Service, cluster: string, zones: readonly string[]): Service {
  const groups = wantedGroups(service, cluster);
  if (groups.length === 0) return service;
  const annotations = { ...service.metadata.annotations, [NEG_STATUS_ANNOTATION]: negStatus(groups, zones) };
  return { ...service, metadata: { ...service.metadata, annotations } };
}

/** The label that every namespace has. */
function named(namespace: Namespace): Namespace {
  const labels = { ...namespace.metadata.labels, "kubernetes.io/metadata.name": namespace.metadata.name };
  return { ...namespace, metadata: { ...namespace.metadata, labels } };
}

/** A pod stays where it was scheduled, although an update does not say so. */
function stillPlaced(next: Pod, previous: Pod | undefined): Pod {
  if (previous === undefined) return next;
  const topology = Object.entries(previous.metadata.labels).filter(([key]) =>
    key.startsWith("topology.kubernetes.io/"),
  );
  return {
    ...next,
    metadata: { ...next.metadata, labels: { ...next.metadata.labels, ...Object.fromEntries(topology) } },
    spec: { ...next.spec, nodeName: previous.spec.nodeName },
  };
}
