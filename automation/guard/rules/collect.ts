/**
 * Evidence of one cluster from its API, istioctl and EKS: sections in parallel, each whole or left out with the reason. What other
 * parts deliver (artifacts, metrics, alerts, the fleet, the lock, GitLab, checks, credentials, istioctl) is added by the caller.
 */
import { SwitchyardError } from "../../errors.ts";
import type { EksFacts } from "../../ports/clusters.ts";
import type { KubernetesApi } from "../../ports/kubernetes-api.ts";
import type { MeshInspector } from "../../ports/mesh-inspector.ts";
import { ClusterObjects } from "../facts/cluster-objects.ts";
import { analysisSection, eksSection, envoyFilterSection, type StoredMessage } from "../facts/config.ts";
import { ambientSection, controlPlaneSection, mainControlPlane, readControlPlanes } from "../facts/control-planes.ts";
import { baseSection, fluxSection } from "../facts/flux.ts";
import { istioReleases, readFlux } from "../facts/flux-objects.ts";
import { readInjection } from "../facts/injection.ts";
import { meshSection } from "../facts/mesh.ts";
import { kubernetesSection } from "../facts/nodes.ts";
import { Unreadable } from "../facts/objects.ts";
import { readPods } from "../facts/pods.ts";
import { defaultRevision, webhookSection } from "../facts/webhooks.ts";
import { meshWorkloads, proxySection, workloadSection } from "../facts/workloads.ts";
import { parseVersion, type Version } from "../plan/versions.ts";
import type { Evidence } from "./evidence.ts";

export interface CollectInput {
  readonly kubernetes: KubernetesApi;
  readonly mesh: MeshInspector;
  /** As the port gives it; undefined: not on EKS, so that nothing of EKS is in the way. */
  eks(): Promise<EksFacts | undefined>;
  /** Section of the repository; without it the four-way comparison is left out. */
  readonly git: Evidence["git"];
  /** Version that the registry has, `1.30.5`. */
  readonly registryVersion: string;
  /** Version of the base chart after the hop, where the plan changes it. */
  readonly nextBase?: Version | undefined;
  /** Messages of the baseline; undefined: none is stored, and nothing can be told to be new. */
  readonly previousAnalysis: readonly StoredMessage[] | undefined;
  /** ms since the epoch. */
  readonly now: number;
  /** In which restarts of critical pods count; default 60. */
  readonly restartWindowMinutes?: number;
  readonly signal?: AbortSignal | undefined;
}

export const collectedSections = [
  "proxies",
  "controlPlanes",
  "ambient",
  "base",
  "webhooks",
  "injection",
  "workloads",
  "envoyFilters",
  "analysis",
  "kubernetes",
  "eks",
  "flux",
  "mesh",
] as const satisfies readonly (keyof Evidence)[];

export type CollectedSection = (typeof collectedSections)[number];

export interface Problem {
  readonly section: CollectedSection;
  /** What could not be read, and why. */
  readonly why: string;
}

export interface Collected {
  readonly evidence: Evidence;
  readonly problems: readonly Problem[];
  /** What istioctl said, for a baseline; undefined when it could not be asked. */
  readonly analysis: readonly StoredMessage[] | undefined;
}

type Sections = Pick<Evidence, CollectedSection>;
type Collector = { readonly [S in CollectedSection]: () => Promise<NonNullable<Evidence[S]>> };

/** Errors: none of reading; those become problems. An abort of the signal is thrown. */
export async function collectEvidence(input: CollectInput): Promise<Collected> {
  const { git } = input;
  const messages = once(() => analyze(input));
  const collector = collectorOf(input, messages);
  const problems: Problem[] = [];
  const evidence: Sections = {};
  const add = async <S extends CollectedSection>(section: S): Promise<void> => {
    try {
      evidence[section] = await collector[section]();
    } catch (error) {
      input.signal?.throwIfAborted();
      problems.push({ section, why: reasonOf(error) });
    }
  };
  await Promise.all(collectedSections.map((section) => add(section)));
  const analysis = await messages().then(
    (found) => analysisSection(found, []).messages,
    () => undefined,
  );
  return {
    evidence: { ...(git === undefined ? {} : { git }), ...evidence },
    problems: problems.toSorted((a, b) => collectedSections.indexOf(a.section) - collectedSections.indexOf(b.section)),
    analysis,
  };
}

/** Only what is known to mean "cannot be read" becomes a problem: everything else is a fault of the program. */
function reasonOf(error: unknown): string {
  if (error instanceof Unreadable) return error.message;
  if (error instanceof SwitchyardError) return `${error.code}: ${error.message}`;
  throw error;
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}

async function analyze({ mesh, signal }: CollectInput) {
  const [analyzed, prechecked] = await Promise.all([mesh.analyze(undefined, signal), mesh.precheck(signal)]);
  return [...analyzed, ...prechecked];
}

function collectorOf(input: CollectInput, messages: () => ReturnType<typeof analyze>): Collector {
  const { kubernetes, now, signal } = input;
  const objects = new ClusterObjects(kubernetes, signal);
  const pods = once(async () => readPods(await objects.must("Pod")));
  const planes = once(async () => readControlPlanes(await objects.must("Deployment")));
  const injection = once(async () =>
    readInjection(await objects.must("Namespace"), await objects.must("MutatingWebhookConfiguration")),
  );
  const validating = once(() => objects.must("ValidatingWebhookConfiguration"));
  const plane = once(async () => mainControlPlane(await planes(), defaultRevision(await validating())));
  const flux = once(async () =>
    readFlux({
      gitRepositories: await objects.some("GitRepository"),
      ociRepositories: await objects.some("OCIRepository"),
      helmRepositories: await objects.some("HelmRepository"),
      kustomizations: await objects.must("Kustomization"),
      helmReleases: await objects.must("HelmRelease"),
    }),
  );
  return {
    proxies: async () => {
      const found = await pods();
      const untold = found.some(({ gone, proxy }) => !gone && proxy !== undefined && proxy.version === undefined);
      const told = untold ? (await input.mesh.versions(signal)).proxies : [];
      return proxySection(found, new Map(told.map(({ id, version }) => [id, version])));
    },
    controlPlanes: async () =>
      controlPlaneSection(
        await planes(),
        await objects.must("HorizontalPodAutoscaler"),
        await objects.must("PodDisruptionBudget"),
      ),
    ambient: async () => ambientSection(await objects.must("DaemonSet"), await objects.must("Namespace")),
    base: async () =>
      baseSection({
        flux: await flux(),
        plane: await plane(),
        crds: await objects.must("CustomResourceDefinition"),
        serviceAccounts: await objects.must("ServiceAccount"),
        defaultRevision: defaultRevision(await validating()),
        next: input.nextBase,
      }),
    webhooks: async () =>
      webhookSection({
        validating: await validating(),
        mutating: await objects.must("MutatingWebhookConfiguration"),
        services: await objects.must("Service"),
        endpointSlices: await objects.must("EndpointSlice"),
      }),
    injection,
    workloads: async () =>
      workloadSection(
        meshWorkloads({
          pods: await pods(),
          deployments: await objects.must("Deployment"),
          statefulSets: await objects.must("StatefulSet"),
          daemonSets: await objects.must("DaemonSet"),
          budgets: await objects.must("PodDisruptionBudget"),
          injection: await injection(),
          revisions: (await planes()).map(({ revision }) => revision),
        }),
      ),
    envoyFilters: async () => envoyFilterSection(await objects.must("EnvoyFilter")),
    analysis: async () => {
      const found = await messages();
      if (input.previousAnalysis === undefined)
        throw new Unreadable("no baseline of istioctl analyze is stored, so that nothing can be told to be new");
      return analysisSection(found, input.previousAnalysis);
    },
    kubernetes: async () =>
      kubernetesSection({
        version: await kubernetes.version(signal),
        failingChecks: await kubernetes.failingChecks(signal),
        nodes: await objects.must("Node"),
        pods: await pods(),
        meshNamespaces: [...new Set((await planes()).map(({ namespace }) => namespace))],
        now,
        windowMinutes: input.restartWindowMinutes ?? 60,
      }),
    eks: async () =>
      eksSection(
        (await input.eks()) ?? {
          status: "ACTIVE",
          kubernetes: "",
          updateInProgress: false,
          insights: [],
          upgradedAt: undefined,
        },
      ),
    flux: async () => {
      const registry = parseVersion(input.registryVersion);
      if (registry === undefined) throw new Unreadable(`the registry's version "${input.registryVersion}" is none`);
      return fluxSection({ flux: await flux(), plane: await plane(), registry, git: input.git });
    },
    mesh: async () => {
      const own = await plane();
      // The facts stand without Flux: then only the compatibility version is not known.
      const releases = istioReleases(await flux().catch(() => ({ sources: [], kustomizations: [], releases: [] })));
      return meshSection({
        plane: own,
        release: releases.find(({ component, releaseName }) => component === "istiod" && releaseName === own.release),
        pods: await pods(),
        mutating: await objects.must("MutatingWebhookConfiguration"),
        namespaces: await objects.must("Namespace"),
        meshConfigMaps: await objects.must("ConfigMap", { namespace: own.namespace }),
        dashboards: await objects.must("ConfigMap", { labelSelector: "grafana_dashboard" }),
        prometheusRules: await objects.find("PrometheusRule"),
        authorizationPolicies: await objects.some("AuthorizationPolicy"),
        workloadEntries: await objects.some("WorkloadEntry"),
        stored: [...(await objects.some("BackendTLSPolicy")), ...(await objects.some("InferencePool"))],
        services: await objects.must("Service"),
        serviceEntries: await objects.some("ServiceEntry"),
        destinationRules: await objects.some("DestinationRule"),
        gateways: await objects.some("Gateway"),
      });
    },
  };
}
