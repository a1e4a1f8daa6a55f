/** What guard may do inside a cluster, as rules of Kubernetes. Each names its resources and verbs; Secrets are in none of them. */

export interface AccessRule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly resourceNames?: string[];
  readonly verbs: string[];
}

const read = (group: string, ...resources: string[]): AccessRule => ({
  apiGroups: [group],
  resources,
  // istioctl analyze and precheck read by watching.
  verbs: ["get", "list", "watch"],
});

const patch = (group: string, ...resources: string[]): AccessRule => ({
  apiGroups: [group],
  resources,
  verbs: ["patch"],
});

const workloads = ["daemonsets", "deployments", "statefulsets"] as const;
const sources = ["gitrepositories", "helmcharts", "helmrepositories", "ocirepositories"] as const;

/** Read what evidence is collected from; patch what is restarted, and what Flux is asked to look at; logs of pods. */
export const clusterRules: readonly AccessRule[] = [
  read(
    "",
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "nodes",
    "pods",
    "resourcequotas",
    "serviceaccounts",
    "services",
  ),
  { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
  read("apps", "replicasets", ...workloads),
  read("batch", "cronjobs", "jobs"),
  read("policy", "poddisruptionbudgets"),
  read("autoscaling", "horizontalpodautoscalers"),
  read("discovery.k8s.io", "endpointslices"),
  read("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
  read("apiextensions.k8s.io", "customresourcedefinitions"),
  read("networking.k8s.io", "ingresses"),
  read(
    "gateway.networking.k8s.io",
    "backendtlspolicies",
    "gatewayclasses",
    "gateways",
    "grpcroutes",
    "httproutes",
    "referencegrants",
    "tcproutes",
    "tlsroutes",
  ),
  read("inference.networking.k8s.io", "inferencepools"),
  read("inference.networking.x-k8s.io", "inferencepools"),
  read(
    "networking.istio.io",
    "destinationrules",
    "envoyfilters",
    "gateways",
    "proxyconfigs",
    "serviceentries",
    "sidecars",
    "virtualservices",
    "workloadentries",
    "workloadgroups",
  ),
  read("security.istio.io", "authorizationpolicies", "peerauthentications", "requestauthentications"),
  read("telemetry.istio.io", "telemetries"),
  read("extensions.istio.io", "trafficextensions", "wasmplugins"),
  read("monitoring.coreos.com", "prometheusrules"),
  read("source.toolkit.fluxcd.io", ...sources),
  read("kustomize.toolkit.fluxcd.io", "kustomizations"),
  read("helm.toolkit.fluxcd.io", "helmreleases"),
  patch("apps", ...workloads),
  patch("source.toolkit.fluxcd.io", ...sources),
  patch("kustomize.toolkit.fluxcd.io", "kustomizations"),
  patch("helm.toolkit.fluxcd.io", "helmreleases"),
];

/** What `istioctl version` and `proxy-status` need beside it, in the control plane's namespace alone. */
export const istioctlRules: readonly AccessRule[] = [
  { apiGroups: [""], resources: ["pods/portforward"], verbs: ["create"] },
  // By a token of this account, which may do nothing, istiod knows that proxy-status asks from its own namespace.
  { apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: ["default"], verbs: ["create"] },
];
