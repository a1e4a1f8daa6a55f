/** Objects of Kubernetes and Istio without a life of their own, as charts and servers write them. Pure. */
import type { Manifest } from "./kubernetes.ts";

type Texts = Readonly<Record<string, string>>;

interface HelmOwner {
  readonly release: string;
  readonly namespace: string;
}

/** What Helm writes on each object of a release. */
export const helmAnnotations = ({ release, namespace }: HelmOwner): Texts => ({
  "meta.helm.sh/release-name": release,
  "meta.helm.sh/release-namespace": namespace,
});
export const helmLabels = { "app.kubernetes.io/managed-by": "Helm" } as const;

export const namespace = (name: string, labels: Texts = {}): Manifest => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels: { "kubernetes.io/metadata.name": name, ...labels } },
  spec: { finalizers: ["kubernetes"] },
  status: { phase: "Active" },
});

const conditions = ["MemoryPressure", "DiskPressure", "PIDPressure"] as const;

export const node = (name: string, minor: string): Manifest => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "kubernetes.io/hostname": name, "node.kubernetes.io/instance-type": "m7g.xlarge" } },
  spec: { providerID: `aws:///eu-west-1a/${name}` },
  status: {
    allocatable: { cpu: "3920m", memory: "15130Mi", pods: "58" },
    conditions: [
      ...conditions.map((type) => ({ type, status: "False" })),
      { type: "Ready", status: "True", reason: "KubeletReady" },
    ],
    nodeInfo: { kubeletVersion: `v${minor}.4-eks-3025e55` },
  },
});

export const configMap = (name: string, place: string, data: Texts, labels: Texts = {}): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: place, labels },
  data,
});

export const service = (name: string, place: string, ports: readonly number[], labels: Texts = {}): Manifest => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: place, labels },
  spec: { type: "ClusterIP", selector: { app: name }, ports: ports.map((port) => ({ name: `port-${port}`, port })) },
});

export const endpointSlice = (name: string, place: string, ready: readonly boolean[]): Manifest => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: `${name}-x7k2p`, namespace: place, labels: { "kubernetes.io/service-name": name } },
  addressType: "IPv4",
  endpoints: ready.map((one, index) => ({
    addresses: [`10.0.0.${index + 1}`],
    conditions: { ready: one, serving: one, terminating: false },
  })),
});

export const autoscaler = (name: string, place: string, min: number, current: number): Manifest => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name, namespace: place },
  spec: {
    minReplicas: min,
    maxReplicas: 5,
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
  },
  status: { currentReplicas: current, desiredReplicas: current },
});

export const serviceAccount = (name: string, place: string, owner: HelmOwner): Manifest => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name, namespace: place, labels: helmLabels, annotations: helmAnnotations(owner) },
});

const singular = {
  authorizationpolicies: "AuthorizationPolicy",
  destinationrules: "DestinationRule",
  envoyfilters: "EnvoyFilter",
  gateways: "Gateway",
  peerauthentications: "PeerAuthentication",
  proxyconfigs: "ProxyConfig",
  requestauthentications: "RequestAuthentication",
  serviceentries: "ServiceEntry",
  sidecars: "Sidecar",
  telemetries: "Telemetry",
  virtualservices: "VirtualService",
  wasmplugins: "WasmPlugin",
  workloadentries: "WorkloadEntry",
  workloadgroups: "WorkloadGroup",
} as const;

const kinds: ReadonlyMap<string, string> = new Map(Object.entries(singular));

export const customResource = (name: string, owner: HelmOwner): Manifest => {
  const [plural = "", ...group] = name.split(".");
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name,
      labels: { ...helmLabels, app: "istio-pilot", release: owner.release },
      annotations: { ...helmAnnotations(owner), "helm.sh/resource-policy": "keep" },
    },
    spec: {
      group: group.join("."),
      names: { plural, kind: kinds.get(plural) ?? plural },
      scope: "Namespaced",
      versions: [{ name: "v1", served: true, storage: true }],
    },
    status: { storedVersions: ["v1"] },
  };
};

/** Istio's kinds whose lists a server knows once the CRDs are there. */
export const istioTypes = [
  ...(["DestinationRule", "Gateway", "ServiceEntry", "VirtualService", "WorkloadEntry"] as const).map((kind) => ({
    apiVersion: "networking.istio.io/v1",
    kind,
  })),
  { apiVersion: "networking.istio.io/v1alpha3", kind: "EnvoyFilter" },
  { apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy" },
] as const;

interface WebhookShape {
  readonly kind: "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration";
  readonly name: string;
  readonly service: string;
  readonly path: string;
  readonly labels: Texts;
}

/** With the certificate that istiod writes into it. */
export const webhook = ({ kind, name, service: target, path, labels }: WebhookShape): Manifest => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind,
  metadata: { name, labels },
  webhooks: [
    {
      name: kind === "MutatingWebhookConfiguration" ? "namespace.sidecar-injector.istio.io" : "validation.istio.io",
      admissionReviewVersions: ["v1"],
      clientConfig: {
        service: { name: target, namespace: "istio-system", path, port: 443 },
        caBundle: "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
      },
      rules:
        kind === "MutatingWebhookConfiguration"
          ? [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "*" }]
          : [
              {
                apiGroups: ["security.istio.io", "networking.istio.io", "telemetry.istio.io", "extensions.istio.io"],
                apiVersions: ["*"],
                operations: ["CREATE", "UPDATE"],
                resources: ["*"],
                scope: "*",
              },
            ],
      sideEffects: "None",
      failurePolicy: "Fail",
    },
  ],
});

export const event = (
  subject: { readonly kind: string; readonly namespace: string; readonly name: string },
  type: "Normal" | "Warning",
  reason: string,
  message: string,
  at: number,
): Manifest => {
  const time = `${new Date(at).toISOString().slice(0, 19)}Z`;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${subject.name}.${at.toString(16)}${reason.length}`, namespace: subject.namespace },
    involvedObject: subject,
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: time,
    lastTimestamp: time,
  };
};
