import type { Properties } from "../compute/resources.ts";
import type { ScalingLog } from "../runtime/scaling-log.ts";
import type { Autoscaler } from "./objects/autoscaler.ts";
import type { Pod } from "./objects/pod.ts";
import type { Deployment } from "./objects/workloads.ts";

/** Any Kubernetes object. */
export type KubernetesObject = Properties & {
  apiVersion: string;
  kind: string;
  metadata: Properties & { name: string; namespace?: string };
};

export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  /** "default" for namespaced kinds without one. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/** One endpoint of a network endpoint group: a pod's address. */
export interface Endpoint {
  readonly pod: string;
  /** http://127.0.0.1:PORT */
  readonly origin: string;
}

/** A standalone GCE_VM_IP_PORT group that the cluster's NEG controller made for a Service, one per zone. */
export interface ClusterEndpointGroup {
  readonly name: string;
  readonly zone: string;
  /** Pods that are Ready and not terminating, as the controller has published them. */
  readonly endpoints: readonly Endpoint[];
}

export interface ApplyOptions {
  /**
   * The object was there before a restart of the local cloud, so what GKE made for it is there at once instead of after its delay:
   * a Service's endpoint groups. Default false.
   */
  readonly existing?: boolean;
}

/** A cluster in memory with the controllers that the agent's workload needs. */
export interface Cluster {
  readonly name: string;
  readonly endpoint: string;
  /** Creates or replaces after defaulting and validation; returns the live object with status. Errors: KubernetesError with the API server's text. */
  apply(object: KubernetesObject, options?: ApplyOptions): Promise<KubernetesObject>;
  get(reference: ObjectReference): KubernetesObject | undefined;
  list(apiVersion: string, kind: string): readonly KubernetesObject[];
  /**
   * Foreground: resolves when the object and what it owns is gone, pods after their grace. Errors: KubernetesError NotFound when it is not
   * there, ServiceUnavailable when the cluster is closed meanwhile.
   */
  delete(reference: ObjectReference): Promise<void>;
  /** Resolves when the object is what pulumi-kubernetes waits for (a Deployment's rollout, a Service's endpoints); rejects with the reasons on failure or abort. */
  ready(reference: ObjectReference, signal: AbortSignal): Promise<KubernetesObject>;
  endpointGroups(): readonly ClusterEndpointGroup[];
  /** Called after every change of endpoint groups. */
  onEndpointsChange(listener: () => void): () => void;
  /** What a metrics pipeline sees of the cluster: its workloads as they are now, and what its autoscalers changed. */
  observe(): ClusterObservation;
  /** Ends all pods. */
  close(): Promise<void>;
}

export interface ClusterObservation {
  readonly deployments: readonly Deployment[];
  readonly autoscalers: readonly Autoscaler[];
  /** Those on their way out too. */
  readonly pods: readonly Pod[];
  readonly scaling: ReturnType<ScalingLog["list"]>;
}
