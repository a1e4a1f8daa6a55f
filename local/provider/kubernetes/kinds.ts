/** A kind as the provider needs to know it; what the cluster does with it is the cluster's matter. */
export interface KindDescription {
  /** Pulumi token. */
  readonly token: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Input paths beyond name and namespace whose change replaces the object. */
  readonly replaceOn: readonly string[];
  /** Output paths that the cluster decides. */
  readonly decidedByCluster: readonly string[];
  readonly secretOutputs?: readonly string[];
}

/** What replaces: pulumi-kubernetes, provider/pkg/provider/diff.go (forceNew). */
export const kinds: readonly KindDescription[] = [
  {
    token: "kubernetes:core/v1:Namespace",
    apiVersion: "v1",
    kind: "Namespace",
    namespaced: false,
    replaceOn: [],
    decidedByCluster: ["status"],
  },
  {
    token: "kubernetes:core/v1:ServiceAccount",
    apiVersion: "v1",
    kind: "ServiceAccount",
    namespaced: true,
    replaceOn: [],
    decidedByCluster: [],
  },
  {
    token: "kubernetes:core/v1:ConfigMap",
    apiVersion: "v1",
    kind: "ConfigMap",
    namespaced: true,
    replaceOn: ["binaryData", "data"],
    decidedByCluster: [],
  },
  {
    token: "kubernetes:core/v1:Secret",
    apiVersion: "v1",
    kind: "Secret",
    namespaced: true,
    replaceOn: ["type", "stringData", "data"],
    decidedByCluster: [],
    secretOutputs: ["data", "stringData"],
  },
  {
    token: "kubernetes:secrets-store.csi.x-k8s.io/v1:SecretProviderClass",
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClass",
    namespaced: true,
    replaceOn: [],
    decidedByCluster: [],
  },
  {
    token: "kubernetes:core/v1:Service",
    apiVersion: "v1",
    kind: "Service",
    namespaced: true,
    replaceOn: ["spec.clusterIP"],
    decidedByCluster: ["spec.clusterIP", "spec.clusterIPs", "status"],
  },
  {
    token: "kubernetes:apps/v1:Deployment",
    apiVersion: "apps/v1",
    kind: "Deployment",
    namespaced: true,
    replaceOn: ["spec.selector"],
    decidedByCluster: ["status"],
  },
  {
    token: "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    namespaced: true,
    replaceOn: [],
    decidedByCluster: ["status"],
  },
  {
    token: "kubernetes:policy/v1:PodDisruptionBudget",
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    namespaced: true,
    replaceOn: [],
    decidedByCluster: ["status"],
  },
  {
    token: "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    namespaced: true,
    replaceOn: [],
    decidedByCluster: [],
  },
];
