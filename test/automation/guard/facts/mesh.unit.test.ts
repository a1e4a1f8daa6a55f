/** Facts for the upgrade notes: each is found where it is, and absent where no object tells. */
import { describe, expect, test } from "vitest";
import { collectEvidence } from "../../../../automation/guard/rules/collect.ts";
import type { MeshFacts } from "../../../../automation/guard/rules/evidence.ts";
import { SimulatedCluster } from "../../../../automation/guard/simulation/cluster.ts";
import { SimulatedClusters } from "../../../../automation/guard/simulation/clusters.ts";
import { helmReleaseType } from "../../../../automation/guard/simulation/flux-objects.ts";
import { configMap } from "../../../../automation/guard/simulation/shapes.ts";
import { Branch, istioFiles } from "../simulation/fleet-repository.ts";

const start = Date.parse("2026-11-30T10:00:00Z");
const istio = "networking.istio.io/v1";
const address = { clusterId: "prod-1", region: "eu-west-1", awsRoleArn: undefined, eksCluster: "prod-1" };

const put = (
  { api }: SimulatedCluster,
  apiVersion: string,
  kind: string,
  name: string,
  spec: object,
  metadata: object = {},
): void => {
  api.put({ apiVersion, kind, metadata: { name, namespace: "shop", ...metadata }, spec }, start);
};

async function facts(plant: (cluster: SimulatedCluster) => void, ambient?: string): Promise<MeshFacts> {
  const branch = new Branch(istioFiles("prod-1", { version: "1.30.5", ...(ambient === undefined ? {} : { ambient }) }));
  const cluster = new SimulatedCluster({ name: "prod-1", now: start, head: branch.head, path: "clusters/prod-1" });
  plant(cluster);
  const clusters = new SimulatedClusters([cluster]);
  const { evidence, problems } = await collectEvidence({
    kubernetes: clusters.kubernetes(address),
    mesh: clusters.mesh(address, "1.31"),
    eks: () => clusters.eks(address),
    git: undefined,
    registryVersion: "1.30.5",
    previousAnalysis: [],
    now: start,
  });
  expect(problems.filter(({ section }) => section === "mesh")).toEqual([]);
  return evidence.mesh ?? {};
}

describe("a fact for the upgrade notes", () => {
  const cases: readonly (readonly [keyof MeshFacts, unknown, (cluster: SimulatedCluster) => void])[] = [
    [
      "istiodEnv",
      expect.objectContaining({ ENABLE_NATIVE_SIDECARS: "false" }),
      (cluster) =>
        cluster.workload("Deployment", "istio-system", "istiod").roll({ env: { ENABLE_NATIVE_SIDECARS: "false" } }),
    ],
    [
      "compatibilityVersion",
      "1.29",
      ({ api }) => {
        api.patch(helmReleaseType, "istiod", "istio-system", ["spec", "values", "compatibilityVersion"], "1.29");
      },
    ],
    [
      "telemetryProviders",
      [{ name: "oc", kind: "opencensus" }],
      ({ api }) => {
        api.patch(
          { apiVersion: "v1", kind: "ConfigMap" },
          "istio",
          "istio-system",
          ["data", "mesh"],
          "extensionProviders:\n- name: oc\n  opencensus: { service: x }\n",
        );
      },
    ],
    [
      "podAnnotations",
      expect.arrayContaining(["sidecar.istio.io/statsCompression", "proxy.istio.io/config"]),
      (cluster) => {
        cluster.add({
          kind: "Deployment",
          namespace: "shop",
          name: "zip",
          annotations: { "sidecar.istio.io/statsCompression": "gzip" },
        });
      },
    ],
    [
      "podWebhooks",
      ["vault-agent-injector"],
      ({ api }) => {
        api.put(
          {
            apiVersion: "admissionregistration.k8s.io/v1",
            kind: "MutatingWebhookConfiguration",
            metadata: { name: "vault-agent-injector" },
            webhooks: [
              {
                name: "v",
                clientConfig: { service: { name: "vault", namespace: "vault" } },
                rules: [{ apiGroups: [""], resources: ["pods"] }],
              },
            ],
          },
          start,
        );
      },
    ],
    [
      "bundledDashboards",
      ["monitoring/istio-mesh-dashboard"],
      ({ api }) => {
        api.put(configMap("istio-mesh-dashboard", "monitoring", { "x.json": "{}" }, { grafana_dashboard: "1" }), start);
        api.put(configMap("nodes", "monitoring", { "x.json": "{}" }, { grafana_dashboard: "1" }), start);
      },
    ],
    [
      "storedApis",
      ["gateway.networking.k8s.io/v1alpha3 BackendTLSPolicy", "inference.networking.x-k8s.io/v1alpha2 InferencePool"],
      (cluster) => {
        put(cluster, "gateway.networking.k8s.io/v1alpha3", "BackendTLSPolicy", "tls", {});
        put(cluster, "inference.networking.x-k8s.io/v1alpha2", "InferencePool", "pool", {});
      },
    ],
    [
      "serviceEntriesWithoutResolution",
      ["shop/none", "shop/unsaid"],
      (cluster) => {
        put(cluster, istio, "ServiceEntry", "none", { hosts: ["a.example.com"], resolution: "NONE" });
        put(cluster, istio, "ServiceEntry", "unsaid", { hosts: ["b.example.com"] });
        put(cluster, istio, "ServiceEntry", "dns", { hosts: ["c.example.com"], resolution: "DNS" });
      },
    ],
    [
      "dryRunPolicies",
      ["shop/try"],
      (cluster) => {
        put(
          cluster,
          "security.istio.io/v1",
          "AuthorizationPolicy",
          "try",
          {},
          { annotations: { "istio.io/dry-run": "true" } },
        );
        put(cluster, "security.istio.io/v1", "AuthorizationPolicy", "real", {});
      },
    ],
    [
      "debugClients",
      ["kiali/kiali"],
      (cluster) => {
        cluster.add({
          kind: "Deployment",
          namespace: "kiali",
          name: "kiali",
          env: { ISTIOD: "http://istiod.istio-system:15014/debug/configz" },
        });
      },
    ],
    [
      "plaintextXdsClients",
      ["tools/dump"],
      (cluster) => {
        cluster.add({
          kind: "Deployment",
          namespace: "tools",
          name: "dump",
          args: ["--plaintext", "--xds-address=istiod.istio-system.svc:15010"],
        });
      },
    ],
    [
      "apiGeneratorClients",
      ["tools/mcp"],
      (cluster) => {
        cluster.add({
          kind: "Deployment",
          namespace: "tools",
          name: "mcp",
          env: { CONFIG_SOURCE: "xds://istiod.istio-system.svc:15012" },
        });
      },
    ],
    [
      "remainingMetricReaders",
      ["PrometheusRule shop/breakers"],
      (cluster) =>
        put(cluster, "monitoring.coreos.com/v1", "PrometheusRule", "breakers", {
          groups: [{ rules: [{ expr: "envoy_cluster_circuit_breakers_default_remaining_cx < 5" }] }],
        }),
    ],
    [
      "ambientNamespaces",
      ["mesh"],
      ({ api }) => {
        api.put(
          {
            apiVersion: "v1",
            kind: "Namespace",
            metadata: { name: "mesh", labels: { "istio.io/dataplane-mode": "ambient" } },
          },
          start,
        );
      },
    ],
    [
      "ambientPodsWithoutDns",
      ["shop/amb"],
      (cluster) => {
        cluster.add({
          kind: "Pod",
          namespace: "shop",
          name: "amb",
          labels: { "sidecar.istio.io/inject": "false" },
          annotations: { "ambient.istio.io/redirection": "enabled" },
        });
      },
    ],
    [
      "hostsInTwoNamespaces",
      ["cart.shop.svc.cluster.local"],
      (cluster) =>
        put(
          cluster,
          istio,
          "ServiceEntry",
          "cart",
          { hosts: ["cart.shop.svc.cluster.local"], resolution: "DNS" },
          { namespace: "other" },
        ),
    ],
    [
      "servicesWithoutMinHealth",
      ["shop/checkout", "shop/catalog"],
      (cluster) =>
        put(cluster, istio, "DestinationRule", "cart", {
          host: "cart",
          trafficPolicy: { outlierDetection: { minHealthPercent: 50 } },
        }),
    ],
    [
      "unlabelledWorkloadEntries",
      ["shop/vm-1"],
      (cluster) => {
        const own = { "istio.io/autoRegistrationGroup": "vms" };
        put(cluster, istio, "WorkloadEntry", "vm-1", {}, { annotations: own });
        put(
          cluster,
          istio,
          "WorkloadEntry",
          "vm-2",
          {},
          { annotations: own, labels: { "networking.istio.io/tunnel": "http" } },
        );
        put(cluster, istio, "WorkloadEntry", "vm-3", {});
      },
    ],
    [
      "nodeUntaint",
      true,
      (cluster) =>
        cluster
          .workload("Deployment", "istio-system", "istiod")
          .roll({ env: { PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS: "true" } }),
    ],
    [
      "cniConfigReaders",
      ["shop/audit"],
      ({ api }) => {
        const spec = (path: string, runAsUser: number) => ({
          containers: [
            { name: "c", securityContext: { runAsUser }, volumeMounts: [{ name: "v", mountPath: "/host" }] },
          ],
          volumes: [{ name: "v", hostPath: { path } }],
        });
        const of = (name: string, path: string, user: number) =>
          api.put(
            { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "shop" }, spec: spec(path, user) },
            start,
          );
        of("audit", "/etc/cni", 1_000);
        of("root", "/etc/cni/net.d", 0);
        of("logs", "/var/log", 1_000);
        of("likewise", "/etc/cn", 1_000);
      },
    ],
    ["ambientWorkloads", 0, () => undefined],
    ["cniExcludedNamespaces", [], () => undefined],
  ];

  test.each(cases)("%s is %j", async (name, expected, plant) => {
    expect((await facts(plant))[name]).toEqual(expected);
  });

  test("is empty, not missing, in a plain cluster, where somebody could look", async () => {
    const found = await facts(() => undefined);
    for (const [name, value] of Object.entries(found))
      if (Array.isArray(value) && name !== "podAnnotations" && name !== "servicesWithoutMinHealth")
        expect(value, name).toEqual([]);
  });

  test("is left out where nothing in the cluster tells it", async () => {
    expect(await facts(() => undefined)).not.toHaveProperty("remainingMetricReaders");
    expect(await facts(() => undefined)).not.toHaveProperty("compatibilityVersion");
  });

  test("of ambient counts what ztunnel is told, and reads what istio-cni leaves out", async () => {
    const found = await facts(() => undefined, "1.30.5");
    expect(found.ambientWorkloads).toBeGreaterThan(10);
    expect(found.cniExcludedNamespaces).toEqual(["kube-system"]);
    const cni = await facts((cluster) => {
      cluster.add({
        kind: "Pod",
        namespace: "shop",
        name: "amb",
        labels: { "sidecar.istio.io/inject": "false" },
        annotations: { "ambient.istio.io/redirection": "enabled" },
      });
    }, "1.30.5");
    expect(cni.ambientPodsWithoutDns).toEqual([]);
  });
});
