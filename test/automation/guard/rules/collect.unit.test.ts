/** Evidence from the objects of a cluster, judged by the rule book: a healthy one passes, each planted fault is named. */
import { describe, expect, test } from "vitest";
import { SwitchyardError } from "../../../../automation/errors.ts";
import { inventory } from "../../../../automation/guard/edit/inventory.ts";
import { judge, type Verdict } from "../../../../automation/guard/rules/book.ts";
import { type CollectInput, collectEvidence } from "../../../../automation/guard/rules/collect.ts";
import {
  evidenceFile,
  type Situation,
  type SituationFile,
  situationFile,
} from "../../../../automation/guard/rules/evidence.ts";
import { SimulatedCluster, type SimulatedClusterOptions } from "../../../../automation/guard/simulation/cluster.ts";
import { helmReleaseType, kustomizationType } from "../../../../automation/guard/simulation/flux-objects.ts";
import { SimulatedInspector } from "../../../../automation/guard/simulation/inspector.ts";
import type { EksFacts } from "../../../../automation/ports/clusters.ts";
import { ambient, type Hop, healthy, now } from "../corpus/healthy.ts";
import { Branch, type IstioFiles, istioFiles } from "../simulation/fleet-repository.ts";

const at = Date.parse(now);
const eks: EksFacts = {
  status: "ACTIVE",
  kubernetes: "1.33",
  updateInProgress: false,
  insights: [{ name: "Deprecated APIs removed in Kubernetes v1.34", status: "PASSING" }],
  upgradedAt: undefined,
};

/** Delivered by other parts. */
const delivered = [
  "git",
  "artifacts",
  "metricsBaseline",
  "alerts",
  "fleet",
  "lock",
  "gitlab",
  "checks",
  "credentials",
  "istioctl",
] as const;

interface World {
  readonly branch: Branch;
  readonly cluster: SimulatedCluster;
  readonly inspector: SimulatedInspector;
  readonly input: CollectInput;
  readonly file: SituationFile;
}

function world(hop: Hop = {}, istio: Partial<IstioFiles> = {}, options: Partial<SimulatedClusterOptions> = {}): World {
  const version = hop.from ?? "1.30.5";
  const branch = new Branch(istioFiles("prod-1", { version, ...istio }));
  const cluster = new SimulatedCluster({
    name: "prod-1",
    now: at - 3_600_000,
    head: branch.head,
    path: "clusters/prod-1",
    ...options,
  });
  cluster.tick(at - 1_000);
  const inspector = new SimulatedInspector(cluster, hop.to ?? "1.31.1");
  const file = healthy(
    hop,
    istio.ambient === undefined ? undefined : ambient(istio.ambient, istio.ambient, hop.to ?? "1.31.1"),
  );
  const parsed = situationFile.parse(file);
  const input: CollectInput = {
    kubernetes: cluster.api,
    mesh: inspector,
    eks: async () => eks,
    git: parsed.evidence.git,
    registryVersion: version,
    previousAnalysis: [],
    now: at,
  };
  return { branch, cluster, inspector, input, file };
}

async function situationOf({ input, file }: World, change: Partial<CollectInput> = {}) {
  const collected = await collectEvidence({ ...input, ...change });
  const parsed = situationFile.parse(file);
  const others = Object.fromEntries(delivered.map((section) => [section, parsed.evidence[section]]));
  const situation: Situation = { ...parsed, evidence: { ...others, ...collected.evidence } };
  return { ...collected, situation, verdict: judge(situation) };
}

const blocking = ({ findings }: Verdict): readonly string[] => [
  ...new Set(findings.filter(({ level }) => level === "block").map(({ rule, check }) => `${rule} ${check}`)),
];
const open = ({ findings }: Verdict): readonly string[] =>
  findings.filter(({ level }) => level === "undecided").map(({ rule, evidence }) => `${rule} ${evidence}`);

describe("a healthy cluster", () => {
  test.each<[string, Hop]>([
    ["1.30 to 1.31 in place", {}],
    ["a patch", { from: "1.30.3", to: "1.30.5" }],
    ["1.29 to 1.30", { from: "1.29.8", to: "1.30.5", final: false }],
  ])("passes the rule book: %s", async (_, hop) => {
    const { problems, verdict } = await situationOf(world(hop));
    expect(problems).toEqual([]);
    expect(blocking(verdict)).toEqual([]);
    expect(open(verdict)).toEqual([]);
    expect(verdict.kind).toBe("passed");
  });

  test("passes with a revisioned control plane and a tag", async () => {
    const revised = world(
      { strategy: "revision" },
      {
        values: '    revision: "1-30-5"\n    revisionTags: [stable]\n',
        baseValues: '    defaultRevision: "1-30-5"\n',
        gatewayValues: "    revision: stable\n",
      },
      { namespaces: { shop: { "istio.io/rev": "stable" } } },
    );
    const { problems, evidence, verdict } = await situationOf(revised);
    expect(problems).toEqual([]);
    expect(evidence.controlPlanes?.map(({ revision }) => revision)).toEqual(["1-30-5"]);
    expect(evidence.injection?.tags).toEqual([{ tag: "stable", revision: "1-30-5" }]);
    expect(new Set(evidence.proxies?.map(({ revision }) => revision))).toEqual(new Set(["1-30-5"]));
    expect(blocking(verdict)).toEqual([]);
    expect(open(verdict)).toEqual([]);
  });

  test("with ambient passes, and versions of istio-cni and ztunnel are read", async () => {
    const { problems, evidence, verdict } = await situationOf(world({}, { ambient: "1.30.5" }));
    expect(problems).toEqual([]);
    expect(evidence.ambient).toMatchObject({
      used: true,
      cni: { minor: 30, patch: 5 },
      ztunnel: { minor: 30, patch: 5 },
    });
    expect(evidence.proxies?.every(({ workload }) => !workload.includes("ztunnel"))).toBe(true);
    expect(blocking(verdict)).toEqual([]);
  });

  test("passes with the versions that the files themselves say", async () => {
    const one = world();
    const [found] = inventory(one.branch.head().files, [
      { cluster: "prod-1", batch: "wave-1", path: "clusters/prod-1" },
    ]);
    expect(found?.problems).toEqual([]);
    const git = evidenceFile.shape.git.parse(found?.git);
    const { problems, situation } = await situationOf(one, { git });
    expect(problems).toEqual([]);
    expect(git?.releases.map(({ name, component }) => `${component} ${name}`).toSorted()).toEqual([
      "base istio-base",
      "gateway ingress",
      "istiod istiod",
    ]);
    const verdict = judge({ ...situation, evidence: { ...situation.evidence, git } });
    expect(blocking(verdict)).toEqual([]);
    expect(open(verdict)).toEqual([]);
  });

  test("asks for each list once", async () => {
    const one = world();
    await situationOf(one);
    expect(one.cluster.api.calls.get("list")).toBeLessThanOrEqual(34);
  });
});

const istiod = ["Deployment", "istio-system", "istiod"] as const;
const webhookType = { apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingWebhookConfiguration" } as const;
const virtual = (kind: string, apiVersion: string, name: string, spec: object, metadata: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name, namespace: "shop", ...metadata },
  spec,
});
type Plant = (one: World) => unknown;

const isChange = (value: unknown): value is Partial<CollectInput> =>
  typeof value === "object" && value !== null && !("metadata" in value);

const planted = (one: World, plant: Plant): Partial<CollectInput> => {
  const change = plant(one);
  return isChange(change) ? change : {};
};

describe("a fault in objects blocks by its rule", () => {
  test.each<[string, string, Plant, Hop?]>([
    [
      "G03 proxy-skew",
      "a workload that was left at 1.29",
      ({ cluster }) => {
        cluster.add({
          kind: "Deployment",
          namespace: "shop",
          name: "left-behind",
          annotations: { "sidecar.istio.io/proxyImage": "docker.io/istio/proxyv2:1.29.8" },
        });
      },
    ],
    [
      "G09 crds",
      "a CRD of another release",
      ({ cluster }) => {
        cluster.api.patch(
          { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" },
          "gateways.networking.istio.io",
          undefined,
          ["metadata", "annotations", "meta.helm.sh/release-name"],
          "istio-1-20",
        );
      },
    ],
    [
      "G09 crds",
      "a CRD that is missing",
      ({ cluster }) =>
        cluster.api.remove(
          { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" },
          "wasmplugins.extensions.istio.io",
        ),
    ],
    [
      "G10 service-account-owner",
      "istiod's service account is the base release's",
      ({ cluster }) => {
        cluster.api.patch(
          { apiVersion: "v1", kind: "ServiceAccount" },
          "istiod",
          "istio-system",
          ["metadata", "annotations", "meta.helm.sh/release-name"],
          "istio-base",
        );
      },
      { from: "1.28.6", to: "1.29.8", final: false },
    ],
    [
      "G11 webhook-unanswered",
      "a default validator on a revision that is gone",
      ({ cluster }) => {
        cluster.api.patch(
          webhookType,
          "istiod-default-validator",
          undefined,
          ["webhooks"],
          [
            {
              name: "validation.istio.io",
              clientConfig: { service: { name: "istiod-1-27-2", namespace: "istio-system" }, caBundle: "LS0t" },
              rules: [],
            },
          ],
        );
      },
    ],
    [
      "G11 webhook-unanswered",
      "a webhook without caBundle",
      ({ cluster }) => {
        cluster.api.patch(
          webhookType,
          "istio-validator-istio-system",
          undefined,
          ["webhooks"],
          [
            {
              name: "validation.istio.io",
              clientConfig: { service: { name: "istiod", namespace: "istio-system" }, caBundle: "" },
              rules: [],
            },
          ],
        );
      },
    ],
    [
      "G13 both-labels",
      "a namespace with both labels",
      ({ cluster }) => {
        cluster.api.patch(
          { apiVersion: "v1", kind: "Namespace" },
          "shop",
          undefined,
          ["metadata", "labels", "istio.io/rev"],
          "stable",
        );
      },
    ],
    [
      "G15 single-istiod",
      "an autoscaler that may go down to one istiod",
      ({ cluster }) => {
        cluster.api.patch(
          { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" },
          "istiod",
          "istio-system",
          ["spec", "minReplicas"],
          1,
        );
      },
    ],
    [
      "G15 single-istiod",
      "no disruption budget of istiod",
      ({ cluster }) =>
        cluster.api.remove({ apiVersion: "policy/v1", kind: "PodDisruptionBudget" }, "istiod", "istio-system"),
    ],
    [
      "G16 cannot-restart",
      "a budget that allows nothing",
      ({ cluster }) => {
        cluster.add({ kind: "StatefulSet", namespace: "shop", name: "queue", minAvailable: 2 });
      },
    ],
    [
      "G16 cannot-restart",
      "a paused rollout",
      ({ cluster }) => {
        cluster.add({ kind: "Deployment", namespace: "shop", name: "held", paused: true });
      },
    ],
    [
      "G16 cannot-restart",
      "a rollout under way",
      ({ cluster }) => {
        cluster.neverReady("Deployment", "shop", "cart");
        cluster.workload("Deployment", "shop", "cart").roll({ image: "registry.example.com/cart:2" });
        cluster.tick(at);
      },
    ],
    [
      "G17 envoy-filter-misses",
      "an EnvoyFilter for 1.30 only",
      ({ cluster }) => {
        cluster.api.put(
          virtual("EnvoyFilter", "networking.istio.io/v1alpha3", "lua", {
            configPatches: [{ applyTo: "HTTP_FILTER", match: { proxy: { proxyVersion: "^1\\.30.*" } } }],
          }),
          at,
        );
      },
    ],
    [
      "G18 new-message",
      "an Error that the baseline has not",
      ({ inspector }) => {
        inspector.analyzed = [
          { code: "IST0101", level: "Error", origin: "VirtualService cart.shop", message: "no host" },
        ];
      },
    ],
    [
      "G18 new-message",
      "a precheck that always blocks",
      ({ inspector }) => {
        inspector.prechecked = [{ code: "IST0142", level: "Warning", origin: "", message: "unsupported" }];
      },
    ],
    [
      "G19 upgrade-note",
      "a gateway that would no longer merge",
      ({ cluster }) => {
        cluster.api.put(virtual("Gateway", "networking.istio.io/v1", "public", { selector: { istio: "edge" } }), at);
        cluster.add({
          kind: "Deployment",
          namespace: "edge",
          name: "edge-istio",
          labels: {
            istio: "edge",
            "gateway.networking.k8s.io/gateway-name": "edge",
            "sidecar.istio.io/inject": "true",
          },
        });
      },
    ],
    [
      "G19 upgrade-note",
      "a provider that 1.27 drops",
      ({ cluster }) => {
        cluster.api.patch(
          { apiVersion: "v1", kind: "ConfigMap" },
          "istio",
          "istio-system",
          ["data", "mesh"],
          "extensionProviders:\n- name: ls\n  lightstep: {service: x}\n",
        );
      },
      { from: "1.26.8", to: "1.27.7", final: false },
    ],
    [
      "G21 kubernetes-unwell",
      "an API server that is not ready",
      ({ cluster }) => {
        cluster.api.faults.readyz = ["etcd"];
      },
    ],
    [
      "G21 kubernetes-unwell",
      "a node under pressure",
      ({ cluster }) => {
        const [node] = cluster.api.all({ apiVersion: "v1", kind: "Node" });
        cluster.api.patch(
          { apiVersion: "v1", kind: "Node" },
          node?.metadata.name ?? "",
          undefined,
          ["status", "conditions"],
          [
            { type: "Ready", status: "True" },
            { type: "DiskPressure", status: "True" },
          ],
        );
      },
    ],
    [
      "G21 kubernetes-unwell",
      "CoreDNS that restarted half an hour ago",
      ({ cluster }) => {
        const pod = cluster.api
          .all({ apiVersion: "v1", kind: "Pod" })
          .find(({ metadata }) => metadata.namespace === "kube-system");
        cluster.api.patch(
          { apiVersion: "v1", kind: "Pod" },
          pod?.metadata.name ?? "",
          "kube-system",
          ["status", "containerStatuses"],
          [
            {
              name: "coredns",
              ready: true,
              restartCount: 4,
              lastState: { terminated: { finishedAt: new Date(at - 1_800_000).toISOString() } },
            },
          ],
        );
      },
    ],
    ["G21 eks-busy", "an EKS update in progress", () => ({ eks: async () => ({ ...eks, updateInProgress: true }) })],
    [
      "G21 eks-busy",
      "an insight in ERROR",
      () => ({ eks: async () => ({ ...eks, insights: [{ name: "add-ons", status: "ERROR" }] }) }),
    ],
    [
      "G22 flux-not-ready",
      "a suspended Kustomization",
      ({ cluster }) => cluster.suspend(kustomizationType, "istio", "flux-system"),
    ],
    [
      "G22 flux-not-ready",
      "a suspended HelmRelease",
      ({ cluster }) => cluster.suspend(helmReleaseType, "istiod", "istio-system"),
    ],
    [
      "G22 flux-not-ready",
      "a release that was edited by hand and not yet seen",
      ({ cluster }) => {
        cluster.api.patch(helmReleaseType, "istio-base", "istio-system", ["spec", "interval"], "5m");
      },
    ],
    [
      "G22 drift",
      "istiod's image by hand",
      ({ cluster }) => {
        cluster.drift(...istiod, "docker.io/istio/pilot:1.30.4");
        cluster.tick(at);
      },
    ],
    ["G22 drift", "a registry that nobody advanced", () => ({ registryVersion: "1.29.8" })],
    [
      "G24 remediated",
      "a release that Helm rolled back",
      ({ branch, cluster }) => {
        cluster.failing.set("istiod", "remediated");
        branch.push(istioFiles("prod-1", { version: "1.31.0" }));
        cluster.tick(at + 600_000);
      },
    ],
  ])("%s: %s", async (rule, _, plant, hop) => {
    const one = world(hop);
    const { problems, verdict } = await situationOf(one, planted(one, plant));
    expect(problems).toEqual([]);
    expect(blocking(verdict)).toContain(rule);
  });
});

test("a cluster whose Kubernetes the target does not support is blocked by G02", async () => {
  const { verdict } = await situationOf(world({}, {}, { kubernetes: "1.31" }));
  expect(blocking(verdict)).toEqual(["G02 kubernetes-window"]);
});

describe("what cannot be read", () => {
  const named = async (plant: Plant, hop: Hop = {}) => {
    const one = world(hop);
    const { problems, verdict, evidence } = await situationOf(one, planted(one, plant));
    return { problems, verdict, evidence, sections: problems.map(({ section }) => section) };
  };

  test("an unreachable cluster leaves out all that is of it, and every rule is undecided", async () => {
    const { sections, verdict } = await named(({ cluster }) => {
      cluster.api.faults.unreachable = true;
    });
    expect(sections).toEqual(expect.arrayContaining(["proxies", "kubernetes", "flux", "webhooks", "workloads"]));
    expect(verdict.kind).not.toBe("passed");
  });

  test("a forbidden list leaves out its sections only", async () => {
    const { problems, sections } = await named(({ cluster }) => {
      cluster.api.faults.forbidden = new Set(["PodDisruptionBudget"]);
    });
    expect(sections).toEqual(["controlPlanes", "workloads"]);
    expect(problems[0]?.why).toMatch(/^cluster-refused: .* refuses list PodDisruptionBudget/);
  });

  test.each<[string, string, Plant]>([
    [
      "analysis",
      "a broken istioctl",
      ({ inspector }) => {
        inspector.broken = true;
      },
    ],
    ["analysis", "no baseline", () => ({ previousAnalysis: undefined })],
    ["flux", "no section of Git", () => ({ git: undefined })],
    [
      "eks",
      "EKS that refuses",
      () => ({
        eks: async () => {
          throw new SwitchyardError("cluster-refused", { message: "EKS refuses DescribeCluster" });
        },
      }),
    ],
    [
      "controlPlanes",
      "an image without a version",
      ({ cluster }) => {
        cluster.drift(...istiod, "docker.io/istio/pilot:latest");
        cluster.tick(at + 60_000);
      },
    ],
  ])("%s is left out and named: %s", async (section, _, plant) => {
    const { sections, evidence, verdict } = await named(plant);
    expect(sections).toContain(section);
    expect(evidence).not.toHaveProperty(section);
    expect(verdict.kind).not.toBe("passed");
  });

  test("a fault of the program is thrown, not told as one of the cluster", async () => {
    const eks = async () => Promise.reject(new TypeError("a bug"));
    await expect(named(() => ({ eks }))).rejects.toThrow("a bug");
  });

  test("a proxy whose image tells no version is asked itself; one that says nothing leaves proxies out", async () => {
    const one = world();
    one.cluster.add({
      kind: "Deployment",
      namespace: "shop",
      name: "digest",
      annotations: { "sidecar.istio.io/proxyImage": `docker.io/istio/proxyv2@sha256:${"a".repeat(64)}` },
    });
    const silent = await situationOf(one);
    expect(silent.problems.map(({ section }) => section)).toEqual(["proxies"]);
    const { versions } = one.inspector;
    const pods = one.cluster.workload("Deployment", "shop", "digest").pods;
    one.inspector.versions = async () => ({
      ...(await versions.call(one.inspector)),
      proxies: pods.map(({ name }) => ({ id: `${name}.shop`, version: "1.30.5" })),
    });
    const told = await situationOf(one);
    expect(told.problems).toEqual([]);
  });

  test("an upgrade note whose fact nothing in the cluster tells stays undecided", async () => {
    const { verdict } = await named(() => {}, { from: "1.28.6", to: "1.29.8", final: false });
    expect(open(verdict).join("\n")).toMatch(/remainingMetricReaders was not collected/);
  });
});
