/** One cluster's Kubernetes API, as little of it as guard needs; objects are as the server sends them. */

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

export interface ResourceType {
  /** `apps/v1`, `v1`. */
  readonly apiVersion: string;
  readonly kind: string;
}

export interface ListOptions {
  /** Default: all. */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

export interface RestartedWorkload {
  readonly kind: "Deployment" | "StatefulSet" | "DaemonSet";
  readonly namespace: string;
  readonly name: string;
}

/** Errors of all: cluster-unreachable, cluster-refused (credentials, permission). */
export interface KubernetesApi {
  /** `Kubernetes at https://…` */
  readonly description: string;
  /** `1.33` */
  version(signal?: AbortSignal): Promise<string>;
  /** Names of failing checks of /readyz; empty: ready. */
  failingChecks(signal?: AbortSignal): Promise<readonly string[]>;
  /** Whole list over all pages; undefined when the cluster does not know the type. */
  list(
    type: ResourceType,
    options?: ListOptions,
    signal?: AbortSignal,
  ): Promise<readonly KubernetesObject[] | undefined>;
  get(
    type: ResourceType,
    name: string,
    namespace: string | undefined,
    signal?: AbortSignal,
  ): Promise<KubernetesObject | undefined>;
  /** As `kubectl rollout restart`: the pod template's annotation; the same `at` twice restarts once. `at`: ISO instant. */
  restart(workload: RestartedWorkload, at: string, signal?: AbortSignal): Promise<void>;
  /** Asks Flux to look now (reconcile.fluxcd.io/requestedAt). */
  reconcile(type: ResourceType, name: string, namespace: string, at: string, signal?: AbortSignal): Promise<void>;
  /** The last lines of a container's log; undefined when there is none. */
  logs(
    pod: { readonly namespace: string; readonly name: string; readonly container: string },
    limit: { readonly sinceSeconds: number; readonly bytes: number },
    signal?: AbortSignal,
  ): Promise<string | undefined>;
}
