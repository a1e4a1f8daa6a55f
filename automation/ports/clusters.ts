/** Ways into the clusters of a fleet. */
import type { KubernetesApi } from "./kubernetes-api.ts";
import type { MeshInspector } from "./mesh-inspector.ts";

/** What a connection needs to know of a cluster. */
export interface ClusterAddress {
  readonly clusterId: string;
  readonly region: string;
  /** Role to assume; undefined: the caller's own credentials. */
  readonly awsRoleArn: string | undefined;
  /** Name in EKS. */
  readonly eksCluster: string;
  /** Path of a kubeconfig instead of EKS, and its context; for clusters that are not on EKS. */
  readonly kubeconfig?: { readonly path: string; readonly context: string } | undefined;
}

export interface EksFacts {
  /** `ACTIVE`, `UPDATING` … */
  readonly status: string;
  /** `1.33` */
  readonly kubernetes: string;
  readonly updateInProgress: boolean;
  readonly insights: readonly { readonly name: string; readonly status: "PASSING" | "WARNING" | "ERROR" | "UNKNOWN" }[];
  /** When its control plane was last upgraded, ms since the epoch. */
  readonly upgradedAt: number | undefined;
}

/** Connections are made when they are used; tokens are renewed as they age. */
export interface Clusters {
  kubernetes(cluster: ClusterAddress): KubernetesApi;
  /** istioctl of a minor: the target's to upgrade, the old one's to go back. */
  mesh(cluster: ClusterAddress, minor: string): MeshInspector;
  /** undefined: not on EKS. Errors: cluster-unreachable, cluster-refused. */
  eks(cluster: ClusterAddress, signal?: AbortSignal): Promise<EksFacts | undefined>;
}
