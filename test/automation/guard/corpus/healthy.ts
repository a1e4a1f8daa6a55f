/** A cluster with which nothing is wrong before a hop, and small changes to it. */

import { istioSupportOf, type Strategy } from "../../../../automation/guard/plan/support.ts";
import { minorOf, parseVersion } from "../../../../automation/guard/plan/versions.ts";
import type { SituationFile } from "../../../../automation/guard/rules/evidence.ts";
import { istioCrds } from "../../../../automation/guard/rules/install.ts";

export type Evidence = SituationFile["evidence"];
/** With every section. */
export type Whole = { [S in keyof Evidence]-?: NonNullable<Evidence[S]> };
type Git = NonNullable<Evidence["git"]>;
type Release = Git["releases"][number];

export const now = "2026-11-30T10:00:00+00:00";

const supportOf = (text: string) => {
  const version = parseVersion(text);
  return version === undefined ? undefined : istioSupportOf(minorOf(version));
};

const release = (name: string, component: Release["component"], version: string, dependsOn: string[]): Release => ({
  name,
  component,
  file: `clusters/prod-1/istio/${name}.yaml`,
  chartVersion: version,
  source: "https://blob.istio.io/istio-release/charts",
  hub: "docker.io/istio",
  dependsOn,
  kustomization: "istio",
  remediationRetries: 0,
  retryOnFailure: true,
  serverSideApply: false,
});

export interface Hop {
  readonly from?: string;
  readonly to?: string;
  readonly strategy?: Strategy;
  readonly production?: boolean;
  readonly final?: boolean;
  readonly stepwise?: boolean;
  readonly at?: string;
}

/** Everything collected, everything well: 1.30.5 to 1.31.1 in place, if nothing else is said. */
export function healthy(hop: Hop = {}, change: (evidence: Whole) => Partial<Evidence> = () => ({})): SituationFile {
  const { from = "1.30.5", to = "1.31.1", strategy = "in-place" } = hop;
  const [old, target] = [supportOf(from), supportOf(to)];
  const revision = strategy === "revision" ? from.replaceAll(".", "-") : "";
  const revised = revision !== "";
  // The highest of the two lowest: in both windows.
  const kubernetes =
    [old, target]
      .map((one) => one?.kubernetes.from ?? "1.32")
      .toSorted()
      .at(-1) ?? "1.32";
  const proxy = (workload: string) => ({ workload, version: from, revision });
  const artifact = (kind: "chart" | "image", name: string) => ({
    kind,
    name,
    version: to,
    source: "docker.io/istio",
    found: true,
  });
  const webhook = (name: string, kind: "validating" | "mutating") => ({
    name,
    kind,
    service: revised ? `istiod-${revision}` : "istiod",
    serviceExists: true,
    readyEndpoints: 2,
    caBundle: true,
  });
  const message = { code: "IST0118", level: "Info" as const, origin: "Service shop/cart" };
  const evidence: Whole = {
    git: {
      releases: [
        release("istio-base", "base", from, []),
        release("istiod", "istiod", from, ["istio-base"]),
        release("ingress", "gateway", from, ["istiod"]),
      ],
      kustomizations: [{ name: "istio", dependsOn: [], wait: true }],
    },
    proxies: ["shop/cart", "shop/checkout", "istio-ingress/ingress"].map(proxy),
    controlPlanes: [{ revision, version: from, replicas: 2, autoscaleMin: 2, disruptionBudget: true }],
    ambient: { used: false, drainsNodes: false },
    artifacts: [
      ...["base", "istiod", "gateway"].map((name) => artifact("chart", name)),
      ...["pilot", "proxyv2"].map((name) => artifact("image", name)),
    ],
    base: {
      version: from,
      release: "istio-base",
      crds: istioCrds.map((name) => ({ name, release: "istio-base", keep: true })),
      serviceAccountRelease: "istiod",
      istiodRelease: "istiod",
      defaultRevision: revised ? revision : "default",
    },
    webhooks: [webhook("istiod-default-validator", "validating"), webhook("istio-sidecar-injector", "mutating")],
    injection: revised
      ? {
          namespaces: [{ name: "shop", injection: "unset", revision: "stable" }],
          tags: [{ tag: "stable", revision }],
        }
      : { namespaces: [{ name: "shop", injection: "enabled", revision: "" }], tags: [] },
    workloads: ["shop/cart", "shop/checkout"].map((name) => ({
      name,
      kind: "Deployment",
      replicas: 3,
      disruptionsAllowed: 1,
      paused: false,
      rollingOut: false,
    })),
    envoyFilters: [{ name: "shop/headers", proxyVersions: [] }],
    analysis: { messages: [message], baseline: [message] },
    istioctl: { version: target?.patch ?? to, emptyEnvironment: true, explicitContext: true },
    kubernetes: {
      minor: kubernetes,
      ready: true,
      nodes: ["a", "b", "c"].map((name) => ({ name: `node-${name}`, ready: true, pressure: [] })),
      criticalPods: [{ name: "kube-system/coredns", ready: true, restarts: 0 }],
      freeCpuMillis: 4_000,
      freeMemoryMi: 16_384,
    },
    eks: { status: "ACTIVE", updateInProgress: false, insights: [{ name: "deprecated APIs", status: "PASSING" }] },
    flux: {
      objects: (["GitRepository", "Kustomization", "HelmRelease"] as const).map((kind) => ({
        name: "istio",
        kind,
        suspended: false,
        ready: true,
        remediated: false,
        generation: 4,
        observedGeneration: 4,
      })),
      versions: { registry: from, git: from, history: from, running: from },
    },
    metricsBaseline: {
      storedAt: "2026-11-30T09:30:00+00:00",
      immutable: true,
      query: "sum:istio.mesh.request.count{cluster:prod-1} by {destination_service}",
      windowMinutes: 60,
      services: [{ name: "shop/cart", requests: 48_000, sameHourLastWeek: true }],
    },
    alerts: [{ name: "5xx of shop", state: "OK", required: true, muted: false }],
    fleet: {
      freezes: [],
      earlierWaves: [{ name: "staging", state: "upgraded" }],
      failures: 0,
      failureBudget: 1,
      wave: [
        { cluster: "prod-1", meshId: "mesh-eu", region: "eu-west-1" },
        { cluster: "prod-2", meshId: "mesh-us", region: "us-east-1" },
      ],
      peers: [],
    },
    lock: { held: true, fence: 7, highestFence: 7, conditionalWrites: true },
    gitlab: {
      openMergeRequests: [],
      foreignCommits: [],
      approvalsRequired: 1,
      authorMayApprove: false,
      pathsWithoutOwner: [],
      tokenExpiresAt: "2027-06-01T00:00:00+00:00",
    },
    checks: { ranAt: "2026-11-30T09:45:00+00:00", validMinutes: 60 },
    credentials: { sessionMinutes: 60, soakMinutes: 60, refreshed: true },
    mesh: {
      istiodEnv: {},
      telemetryProviders: [{ name: "otel", kind: "opentelemetry" }],
      podAnnotations: ["proxy.istio.io/config"],
      podWebhooks: [],
      bundledDashboards: [],
      storedApis: ["networking.istio.io/v1 VirtualService"],
      serviceEntriesWithoutResolution: [],
      dryRunPolicies: [],
      debugClients: [],
      plaintextXdsClients: [],
      remainingMetricReaders: [],
      ambientPodsWithoutDns: [],
      cniExcludedNamespaces: [],
      ambientNamespaces: [],
      cniConfigReaders: [],
      hostsInTwoNamespaces: [],
      servicesWithoutMinHealth: [],
      unlabelledWorkloadEntries: [],
      ambientWorkloads: 0,
      apiGeneratorClients: [],
      gatewaysMergedAcrossNamespaces: [],
    },
  };
  return {
    cluster: "prod-1",
    at: hop.at ?? now,
    production: hop.production ?? true,
    hop: { from, to, strategy, final: hop.final ?? true, stepwise: hop.stepwise ?? false },
    evidence: { ...evidence, ...change(evidence) },
  };
}

/** One release of Git changed. */
export const releaseOf =
  (component: Release["component"], change: Partial<Release>) =>
  ({ git }: Whole): Partial<Evidence> => ({
    git: { ...git, releases: git.releases.map((one) => (one.component === component ? { ...one, ...change } : one)) },
  });

/** The first member of a list changed. */
export const first = <T>(list: readonly T[], change: Partial<T>): T[] =>
  list.map((one, index) => (index === 0 ? { ...one, ...change } : one));

export const facts =
  (change: NonNullable<Evidence["mesh"]>) =>
  ({ mesh }: Whole): Partial<Evidence> => ({ mesh: { ...mesh, ...change } });

/** With istio-cni and ztunnel beside the sidecars. */
export function ambient(cni: string, ztunnel: string, to: string, drainsNodes = true) {
  return ({ git, artifacts }: Whole): Partial<Evidence> => ({
    ambient: { used: true, cni, ztunnel, drainsNodes },
    git: {
      ...git,
      releases: [
        ...git.releases.filter(({ component }) => component !== "gateway"),
        release("istio-cni", "cni", cni, ["istiod"]),
        release("ztunnel", "ztunnel", ztunnel, ["istio-cni"]),
        release("ingress", "gateway", cni, ["ztunnel"]),
      ],
    },
    artifacts: [
      ...artifacts,
      ...(["chart", "image"] as const).flatMap((kind) =>
        [kind === "chart" ? "cni" : "install-cni", "ztunnel"].map((name) => ({
          kind,
          name,
          version: to,
          source: "docker.io/istio",
          found: true,
        })),
      ),
    ],
  });
}
