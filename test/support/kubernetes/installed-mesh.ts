/**
 * Istio as Flux and Helm leave it in a cluster: objects of the real charts, with what Helm adds when it installs, and the statuses
 * that controllers would have written, which do not run beside a test's API server.
 */
import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { removeFolder } from "../remove-folder.ts";
import { binaryPath, istioCharts } from "./binaries.ts";
import type { ControlPlane, Manifest } from "./control-plane.ts";

const releases = [
  { name: "istio-base", chart: "base", folder: "base", namespace: "istio-system", dependsOn: [] },
  {
    name: "istiod",
    chart: "istiod",
    folder: "istio-control/istio-discovery",
    namespace: "istio-system",
    dependsOn: ["istio-base"],
  },
  { name: "istio-cni", chart: "cni", folder: "istio-cni", namespace: "istio-system", dependsOn: ["istiod"] },
  { name: "ingress", chart: "gateway", folder: "gateway", namespace: "istio-ingress", dependsOn: ["istiod"] },
] as const;

const rendered = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().exactOptional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});

const at = "2026-12-01T09:00:00Z";
const sha = "0123456789abcdef0123456789abcdef01234567";
const clusterWide =
  /^(Namespace|CustomResourceDefinition|ClusterRole|ClusterRoleBinding|MutatingWebhookConfiguration|ValidatingWebhookConfiguration|ValidatingAdmissionPolicy|ValidatingAdmissionPolicyBinding)$/;
const ready = [{ type: "Ready", status: "True", reason: "Succeeded", message: "", lastTransitionTime: at }];

export async function installMesh(plane: ControlPlane, version: string): Promise<void> {
  const namespaces = {
    "istio-system": {},
    "istio-ingress": {},
    "flux-system": {},
    shop: { "istio-injection": "enabled" },
  };
  await plane.apply([
    ...Object.entries(namespaces).map(([name, labels]) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels },
    })),
    node,
    // A second time: the server marks a new node as not ready, and a controller would take that away.
    node,
    // Before the webhooks, whose istiod does not run.
    ...running(version),
  ]);
  const home = await mkdtemp(join(tmpdir(), "switchyard-helm-"));
  try {
    for (const release of releases) await plane.apply(await render(release, version, home));
  } finally {
    await removeFolder(home);
  }
  await plane.apply(flux(version));
}

/** As Helm installs it. */
async function render(
  { name, folder, namespace }: (typeof releases)[number],
  version: string,
  home: string,
): Promise<readonly Manifest[]> {
  const values = [`global.hub=docker.io/istio,global.tag=${version}`];
  const { stdout } = await promisify(execFile)(
    binaryPath("helm"),
    ["template", name, join(istioCharts(), folder), "--namespace", namespace, "--set", ...values],
    { env: { HOME: home }, maxBuffer: 64 * 1024 * 1024 },
  );
  return parseAllDocuments(stdout).flatMap((document) => {
    const value: unknown = document.toJS();
    if (value === null) return [];
    const { metadata, ...rest } = rendered.parse(value);
    const { annotations, namespace: own = namespace, ...others } = metadata;
    const helm = { "meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace };
    return [
      {
        ...rest,
        metadata: {
          ...others,
          ...(clusterWide.test(rest.kind) ? {} : { namespace: own }),
          annotations: { ...annotations, ...helm },
        },
        ...statusOf(rest.kind),
      },
    ];
  });
}

function statusOf(kind: string): { readonly status?: unknown } {
  if (kind === "Deployment") {
    const all = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
    return { status: { observedGeneration: 1, ...all } };
  }
  if (kind !== "DaemonSet") return {};
  const all = { desiredNumberScheduled: 1, currentNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: 1 };
  return { status: { observedGeneration: 1, ...all, numberReady: 1, numberMisscheduled: 0 } };
}

const node: Manifest = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-1" },
  spec: { taints: [] },
  status: {
    conditions: [{ type: "Ready", status: "True", lastTransitionTime: at, lastHeartbeatTime: at }],
    allocatable: { cpu: "8", memory: "16Gi", pods: "110" },
    capacity: { cpu: "8", memory: "16Gi", pods: "110" },
  },
};

/** Pods and endpoints of what the charts declare, and a workload with a sidecar. */
function running(version: string): readonly Manifest[] {
  const pod = (
    namespace: string,
    name: string,
    labels: object,
    container: object,
    annotations: object = {},
  ): Manifest => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels,
      annotations,
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: name.slice(0, name.lastIndexOf("-")),
          uid: "00000000-0000-0000-0000-000000000001",
          controller: true,
        },
      ],
    },
    spec: { nodeName: "node-1", ...container },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime: at }] },
  });
  const app = { name: "app", image: "example.com/cart:1" };
  const proxy = { name: "istio-proxy", image: `docker.io/istio/proxyv2:${version}`, args: ["proxy", "sidecar"] };
  const labels = { app: "cart", "pod-template-hash": "6d4cf56db" };
  return [
    pod(
      "istio-system",
      "istiod-7f9b8c6d5-x2x4k",
      { app: "istiod", istio: "pilot", "istio.io/rev": "default", "pod-template-hash": "7f9b8c6d5" },
      { containers: [{ name: "discovery", image: `docker.io/istio/pilot:${version}` }] },
    ),
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: "istiod-x7k2p",
        namespace: "istio-system",
        labels: { "kubernetes.io/service-name": "istiod" },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.0.0.10"], conditions: { ready: true } }],
      ports: [{ name: "https-webhook", port: 15017, protocol: "TCP" }],
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "cart", namespace: "shop" },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: "cart" } },
        template: { metadata: { labels: { app: "cart" } }, spec: { containers: [app] } },
      },
      ...statusOf("Deployment"),
    },
    pod(
      "shop",
      "cart-6d4cf56db-q7w8e",
      labels,
      { initContainers: [{ ...proxy, restartPolicy: "Always" }], containers: [app] },
      { "sidecar.istio.io/status": JSON.stringify({ revision: "default", initContainers: ["istio-proxy"] }) },
    ),
  ];
}

function flux(version: string): readonly Manifest[] {
  const system = "flux-system";
  const source = { apiVersion: "source.toolkit.fluxcd.io/v1", kind: "HelmRepository" };
  const artifact = (revision: string) => ({ observedGeneration: 1, conditions: ready, artifact: { revision } });
  return [
    {
      apiVersion: source.apiVersion,
      kind: "GitRepository",
      metadata: { name: system, namespace: system },
      spec: { url: "ssh://git@git.example.com/fleet", interval: "1m" },
      status: artifact(`main@sha1:${sha}`),
    },
    {
      ...source,
      metadata: { name: "istio", namespace: system },
      spec: { url: "https://blob.istio.io/istio-release/charts", interval: "1h" },
      status: artifact("sha256:00"),
    },
    {
      apiVersion: "kustomize.toolkit.fluxcd.io/v1",
      kind: "Kustomization",
      metadata: { name: "istio", namespace: system },
      spec: { path: "./istio", prune: true, wait: true, sourceRef: { kind: "GitRepository", name: system } },
      status: { observedGeneration: 1, conditions: ready, lastAppliedRevision: `main@sha1:${sha}` },
    },
    ...releases.map(({ name, chart, namespace, dependsOn }) => ({
      apiVersion: "helm.toolkit.fluxcd.io/v2",
      kind: "HelmRelease",
      metadata: {
        name,
        namespace,
        labels: { "kustomize.toolkit.fluxcd.io/name": "istio", "kustomize.toolkit.fluxcd.io/namespace": system },
      },
      spec: {
        interval: "10m",
        dependsOn: dependsOn.map((other) => ({ name: other, namespace: "istio-system" })),
        chart: { spec: { chart, version, sourceRef: { kind: "HelmRepository", name: "istio", namespace: system } } },
        values: { global: { hub: "docker.io/istio", tag: version } },
      },
      status: {
        observedGeneration: 1,
        conditions: ready,
        history: [{ chartName: chart, chartVersion: version, status: "deployed", version: 1 }],
      },
    })),
  ];
}
