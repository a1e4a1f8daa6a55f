import type { Cluster, KubernetesObject, ObjectReference } from "../../local/autopilot/cluster.ts";
import type { CloudRun } from "../../local/cloud-run/cloud-run.ts";
import type { CloudRunServiceStatus } from "../../local/cloud-run/service-status.ts";
import type { ResourceStore } from "../../local/compute/resource-store.ts";
import type { DeclaredResource, Properties } from "../../local/compute/resources.ts";
import type { Cloud } from "../../local/daemon/cloud.ts";
import type { Clock } from "../../local/runtime/clock.ts";
import { systemClock } from "../../local/runtime/system-clock.ts";

/** A store in memory. */
export function createMemoryStore(): ResourceStore {
  const resources = new Map<string, DeclaredResource>();
  const listeners = new Set<() => void>();
  const key = (type: string, id: string, cluster: string | undefined): string =>
    JSON.stringify([type, id, cluster ?? ""]);
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  return {
    get: (type, id, cluster) => resources.get(key(type, id, cluster)),
    list: (type) => [...resources.values()].filter((resource) => type === undefined || resource.type === type),
    async put(resource) {
      resources.set(key(resource.type, resource.id, resource.cluster), structuredClone(resource));
      changed();
    },
    async delete(type, id, cluster) {
      resources.delete(key(type, id, cluster));
      changed();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A cluster that keeps what is applied and calls everything ready, unless `ready` says otherwise. */
function createFakeCluster(name: string, endpoint: string, faults: Faults): Cluster {
  const objects = new Map<string, KubernetesObject>();
  const keyOf = (which: ObjectReference): string =>
    JSON.stringify([which.apiVersion, which.kind, which.namespace ?? "", which.name]);
  const referenceOf = (object: KubernetesObject): ObjectReference => ({
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace,
    name: object.metadata.name,
  });
  let uid = 0;
  return {
    name,
    endpoint,
    async apply(object) {
      const key = keyOf(referenceOf(object));
      const before = objects.get(key);
      const metadata = {
        ...object.metadata,
        uid: before?.metadata["uid"] ?? `uid-${++uid}`,
        resourceVersion: String(Number(before?.metadata["resourceVersion"] ?? 0) + 1),
        creationTimestamp: "2026-01-01T00:00:00Z",
      };
      const live: KubernetesObject = { ...structuredClone(object), metadata, status: { seen: true } };
      objects.set(key, live);
      return structuredClone(live);
    },
    get: (which) => structuredClone(objects.get(keyOf(which))),
    list: (apiVersion, kind) =>
      [...objects.values()].filter((object) => object.apiVersion === apiVersion && object.kind === kind),
    async delete(which) {
      objects.delete(keyOf(which));
    },
    async ready(which, signal) {
      const fault = faults.ready;
      if (fault === "hang") {
        await new Promise((_resolve, reject) => {
          if (signal.aborted) reject(signal.reason);
          else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      }
      if (fault !== undefined) throw new Error(fault);
      const live = objects.get(keyOf(which));
      if (live === undefined) throw new Error(`${which.name} not found`);
      return structuredClone(live);
    },
    endpointGroups: () => [],
    onEndpointsChange: () => () => undefined,
    observe: () => ({ deployments: [], autoscalers: [], pods: [], scaling: { events: [], dropped: 0 } }),
    close: async () => undefined,
  };
}

/** Failures that a test asks for; they are read at each operation. */
export interface Faults {
  /** Reason why Kubernetes objects do not become ready; "hang" waits for the abort. */
  ready?: string | undefined;
  /** Reason why a Cloud Run revision does not become ready. */
  revision?: string | undefined;
}

export interface FakeCloud {
  readonly cloud: Cloud;
  readonly faults: Faults;
  /** What was done to the outside of the store, in order. */
  readonly calls: string[];
}

/** The local cloud without processes: everything a provider can do to it is kept in memory. */
export function createFakeCloud(clock: Clock = systemClock): FakeCloud {
  const calls: string[] = [];
  const faults: Faults = {};
  const clusters = new Map<string, Cluster>();
  const cloud: Cloud = {
    clock,
    resources: createMemoryStore(),
    cloudRun: createFakeCloudRun(calls, faults),
    clusters: {
      get: (endpoint) => clusters.get(endpoint),
      async create({ name, endpoint }) {
        calls.push(`cluster create ${name}`);
        const cluster = createFakeCluster(name, endpoint, faults);
        clusters.set(endpoint, cluster);
        return cluster;
      },
      async delete(endpoint) {
        calls.push(`cluster delete ${endpoint}`);
        clusters.delete(endpoint);
      },
    },
    get compute(): never {
      throw new Error("The fake cloud has no load balancing.");
    },
    get runtime(): never {
      throw new Error("The fake cloud has no processes.");
    },
  };
  return { cloud, faults, calls };
}

function createFakeCloudRun(calls: string[], faults: Faults): CloudRun {
  const services = new Map<string, { settings: Properties; status: CloudRunServiceStatus }>();
  return {
    async deploy(name, settings) {
      calls.push(`deploy ${name}`);
      const generation = (services.get(name)?.status.generation ?? 0) + 1;
      const revision = `${name}/revisions/${String(generation).padStart(5, "0")}`;
      const ready = faults.revision === undefined ? revision : (services.get(name)?.status.latestReadyRevision ?? "");
      const status: CloudRunServiceStatus = {
        name,
        uri: `https://${name.split("/").at(-1)}.run.localhost`,
        latestCreatedRevision: revision,
        latestReadyRevision: ready,
        generation,
        etag: `"${generation}"`,
      };
      services.set(name, { settings: structuredClone(settings), status });
      if (faults.revision !== undefined) throw new Error(faults.revision);
      return status;
    },
    restore(name, settings, previous) {
      calls.push(`restore ${name}`);
      services.set(name, { settings: structuredClone(settings), status: previous });
      return previous;
    },
    get: (name) => structuredClone(services.get(name)),
    metrics: () => [],
    async delete(name) {
      calls.push(`delete ${name}`);
      services.delete(name);
    },
    backend: () => undefined,
    close: async () => undefined,
  };
}
