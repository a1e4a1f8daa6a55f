/** Lists of a cluster that sections share: each is asked for once. */
import type { KubernetesApi, KubernetesObject, ListOptions } from "../../ports/kubernetes-api.ts";
import { Unreadable } from "./objects.ts";

/** Kinds by the versions in which servers may know them, the newest first. */
const types = {
  Namespace: ["v1"],
  Node: ["v1"],
  Pod: ["v1"],
  Service: ["v1"],
  ServiceAccount: ["v1"],
  ConfigMap: ["v1"],
  Deployment: ["apps/v1"],
  StatefulSet: ["apps/v1"],
  DaemonSet: ["apps/v1"],
  PodDisruptionBudget: ["policy/v1"],
  HorizontalPodAutoscaler: ["autoscaling/v2"],
  EndpointSlice: ["discovery.k8s.io/v1"],
  MutatingWebhookConfiguration: ["admissionregistration.k8s.io/v1"],
  ValidatingWebhookConfiguration: ["admissionregistration.k8s.io/v1"],
  CustomResourceDefinition: ["apiextensions.k8s.io/v1"],
  GitRepository: ["source.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1beta2"],
  OCIRepository: ["source.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1beta2"],
  HelmRepository: ["source.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1beta2"],
  Kustomization: ["kustomize.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1beta2"],
  HelmRelease: ["helm.toolkit.fluxcd.io/v2", "helm.toolkit.fluxcd.io/v2beta2", "helm.toolkit.fluxcd.io/v2beta1"],
  EnvoyFilter: ["networking.istio.io/v1alpha3"],
  ServiceEntry: ["networking.istio.io/v1", "networking.istio.io/v1beta1"],
  DestinationRule: ["networking.istio.io/v1", "networking.istio.io/v1beta1"],
  Gateway: ["networking.istio.io/v1", "networking.istio.io/v1beta1"],
  WorkloadEntry: ["networking.istio.io/v1", "networking.istio.io/v1beta1"],
  AuthorizationPolicy: ["security.istio.io/v1", "security.istio.io/v1beta1"],
  PrometheusRule: ["monitoring.coreos.com/v1"],
  BackendTLSPolicy: ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha3"],
  InferencePool: [
    "inference.networking.k8s.io/v1",
    "inference.networking.x-k8s.io/v1alpha2",
    "inference.networking.x-k8s.io/v1alpha1",
  ],
} as const satisfies Record<string, readonly string[]>;

export type ListedKind = keyof typeof types;

export class ClusterObjects {
  readonly #kubernetes: KubernetesApi;
  readonly #signal: AbortSignal | undefined;
  readonly #asked = new Map<string, Promise<readonly KubernetesObject[] | undefined>>();

  constructor(kubernetes: KubernetesApi, signal?: AbortSignal) {
    this.#kubernetes = kubernetes;
    this.#signal = signal;
  }

  /** undefined: the cluster does not know the kind in any version. Errors: cluster-unreachable, cluster-refused. */
  find(kind: ListedKind, options: ListOptions = {}): Promise<readonly KubernetesObject[] | undefined> {
    const key = `${kind} ${options.namespace ?? ""} ${options.labelSelector ?? ""}`;
    const asked = this.#asked.get(key) ?? this.#find(kind, options);
    this.#asked.set(key, asked);
    return asked;
  }

  /** As `find`; a kind that the cluster does not know has no objects. */
  async some(kind: ListedKind, options: ListOptions = {}): Promise<readonly KubernetesObject[]> {
    return (await this.find(kind, options)) ?? [];
  }

  /** As `find`; errors also: Unreadable. */
  async must(kind: ListedKind, options: ListOptions = {}): Promise<readonly KubernetesObject[]> {
    const found = await this.find(kind, options);
    if (found === undefined) throw new Unreadable(`the cluster does not know the kind ${kind}`);
    return found;
  }

  async #find(kind: ListedKind, options: ListOptions): Promise<readonly KubernetesObject[] | undefined> {
    for (const apiVersion of types[kind]) {
      const found = await this.#kubernetes.list({ apiVersion, kind }, options, this.#signal);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
