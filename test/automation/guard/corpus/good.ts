/** Upgrades that may begin, with what is said to people all the same: `G07 end-of-life`. */
import type { SituationFile } from "../../../../automation/guard/rules/evidence.ts";
import { metrics } from "./changes.ts";
import { ambient, facts, first, healthy, releaseOf, type Whole } from "./healthy.ts";

interface GoodCase {
  readonly name: string;
  /** Exactly these warn. */
  readonly warns: readonly string[];
  /** Exactly these are for a person to look at. */
  readonly manual: readonly string[];
  readonly situation: SituationFile;
}

const good = (name: string, situation: SituationFile, warns = "", manual = ""): GoodCase => ({
  name,
  warns: warns === "" ? [] : warns.split(", "),
  manual: manual === "" ? [] : manual.split(", "),
  situation,
});

const revised = { strategy: "revision" } as const;
const note = "G19 upgrade-note";
/** On 30 November 2026, EKS 1.31 four days after its end. */
const eol = "G02 eks-support-ended, G07 end-of-life";
/** Minors whose istioctl has no safe patch, and notes that nothing in a cluster tells. */
const old = "G19 upgrade-note, G20 istioctl";
const older = "G19 no-notes, G20 istioctl";

const kubernetes = (change: Partial<Whole["kubernetes"]>) => (all: Whole) => ({
  kubernetes: { ...all.kubernetes, ...change },
});
const workload = (change: Partial<Whole["workloads"][number]>) => (all: Whole) => ({
  workloads: first(all.workloads, change),
});
const plane = (change: Partial<Whole["controlPlanes"][number]>) => (all: Whole) => ({
  controlPlanes: first(all.controlPlanes, change),
});
const fleet = (change: Partial<Whole["fleet"]>) => (all: Whole) => ({ fleet: { ...all.fleet, ...change } });
const alerts = (change: Partial<Whole["alerts"][number]>) => (all: Whole) => ({ alerts: first(all.alerts, change) });
const fullyAmbient = (version: string, to: string) => ambient(version, version, to);

export const goodCases: readonly GoodCase[] = [
  // Hops
  good("1.30 to 1.31 in place", healthy()),
  good("1.30 to 1.31 by revision", healthy({ ...revised })),
  good("a patch within 1.31", healthy({ from: "1.31.0", to: "1.31.1" })),
  good("a patch within 1.30", healthy({ from: "1.30.3", to: "1.30.5" })),
  good("1.29 to 1.30 in place", healthy({ from: "1.29.8", to: "1.30.5" })),
  good("1.29 to 1.31 by revision", healthy({ from: "1.29.8", to: "1.31.1", ...revised })),
  good("1.28 to 1.29 on the way", healthy({ from: "1.28.6", to: "1.29.8", final: false }), eol, note),
  good("1.28 to 1.30 by revision", healthy({ from: "1.28.6", to: "1.30.5", ...revised }), "", note),
  good("1.27 to 1.28 on the way", healthy({ from: "1.27.7", to: "1.28.6", final: false }), eol, old),
  good("1.26 to 1.27 on the way", healthy({ from: "1.26.8", to: "1.27.7", final: false }), eol, old),
  good(
    "1.26 to 1.28 by revision on the way",
    healthy({ from: "1.26.8", to: "1.28.6", final: false, ...revised }),
    eol,
    old,
  ),
  good("1.25 to 1.26, before the catalogue", healthy({ from: "1.25.5", to: "1.26.8", final: false }), eol, older),
  good("1.22 to 1.23 on EKS 1.27", healthy({ from: "1.22.8", to: "1.23.6", final: false }), eol, older),
  good(
    "1.29 a month before its end",
    healthy({ from: "1.28.6", to: "1.29.8", at: "2026-09-01T10:00:00+00:00" }, (all) => ({
      checks: { ranAt: "2026-09-01T09:50:00+00:00", validMinutes: 60 },
      metricsBaseline: { ...all.metricsBaseline, storedAt: "2026-09-01T09:00:00+00:00" },
    })),
    "G07 end-of-life",
    note,
  ),
  good(
    "back from 1.31 to 1.30 before the data plane moved",
    healthy({ from: "1.31.1", to: "1.30.5" }, (all) => ({
      proxies: all.proxies.map((one) => ({ ...one, version: "1.30.5" })),
    })),
  ),
  good("back from 1.31 to 1.30 after it moved", healthy({ from: "1.31.1", to: "1.30.5" }), "G03 rollback-skew"),
  good("back by revision", healthy({ from: "1.31.1", to: "1.30.5", ...revised })),
  good(
    "a service of 200 requests where 100 are enough",
    healthy(
      {},
      metrics({ services: [{ name: "shop/cart", requests: 200, sameHourLastWeek: true }], requestsNeeded: 100 }),
    ),
  ),
  good(
    "a baseline of two days where three are allowed",
    healthy({}, metrics({ storedAt: "2026-11-28T10:00:00+00:00", hoursAllowed: 72 })),
  ),
  // Kubernetes and EKS
  good("EKS 1.36", healthy({}, kubernetes({ minor: "1.36" }))),
  good("a version as EKS prints it", healthy({}, kubernetes({ minor: "v1.33.4-eks-99b2f6a" }))),
  good(
    "an insight that warns",
    healthy({}, (all) => ({ eks: { ...all.eks, insights: first(all.eks.insights, { status: "WARNING" }) } })),
  ),
  good(
    "EKS upgraded three days ago",
    healthy({}, (all) => ({ eks: { ...all.eks, upgradedAt: "2026-11-27T10:00:00+00:00" } })),
    "G21 eks-busy",
  ),
  good(
    "EKS upgraded a month ago",
    healthy({}, (all) => ({ eks: { ...all.eks, upgradedAt: "2026-10-30T10:00:00+00:00" } })),
  ),
  // Ambient
  good("ambient, nodes drained", healthy({}, fullyAmbient("1.30.5", "1.31.1"))),
  good("ambient, nodes not drained", healthy({}, ambient("1.30.5", "1.30.5", "1.31.1", false)), "G04 ztunnel-restart"),
  good("ztunnel a patch behind", healthy({}, ambient("1.30.5", "1.30.3", "1.31.1"))),
  good("ambient one minor by revision", healthy({ ...revised }, fullyAmbient("1.30.5", "1.31.1"))),
  good("39,000 ambient workloads", healthy({}, facts({ ambientWorkloads: 39_000 }))),
  good(
    "60,000 with a limit of 32 MiB",
    healthy({}, facts({ ambientWorkloads: 60_000, istiodEnv: { ISTIO_GPRC_MAXRECVMSGSIZE: "33554432" } })),
  ),
  // Sources and order
  good(
    "charts by OCI from ghcr",
    healthy({}, releaseOf("istiod", { source: "oci://ghcr.io/istio/release/charts/istiod" })),
  ),
  good(
    "a mirror whose name holds the old host's",
    healthy({}, releaseOf("istiod", { hub: "mirror.example.com/gcr.io/istio-release" })),
  ),
  good(
    "the old bucket below 1.31",
    healthy(
      { from: "1.29.8", to: "1.30.5" },
      releaseOf("istiod", { source: "https://istio-release.storage.googleapis.com/charts" }),
    ),
    "G06 retired-host",
  ),
  good("the new key for 1.31.1", healthy({}, releaseOf("istiod", { verifyKey: "istio-key-v2.pub" }))),
  good(
    "the old key for 1.30.5",
    healthy({ from: "1.29.8", to: "1.30.5" }, releaseOf("istiod", { verifyKey: "istio-key.pub" })),
  ),
  good("1.30.3, after the deny-list", healthy({ from: "1.29.8", to: "1.30.3" })),
  good(
    "no proven order, by a merge request per component",
    healthy({ stepwise: true }, releaseOf("gateway", { dependsOn: [] })),
    "G08 order-unproven",
  ),
  good(
    "order by Kustomizations that wait",
    healthy({}, ({ git }) => ({
      git: {
        releases: git.releases.map((one) => ({ ...one, dependsOn: [], kustomization: one.component })),
        kustomizations: [
          { name: "base", dependsOn: [], wait: true },
          { name: "istiod", dependsOn: ["base"], wait: true },
          { name: "gateway", dependsOn: ["istiod"], wait: false },
        ],
      },
    })),
  ),
  good(
    "server-side apply with 1.29.2",
    healthy({ from: "1.28.6", to: "1.29.2", final: false }, releaseOf("istiod", { serverSideApply: true })),
    eol,
    note,
  ),
  good("server-side apply with 1.31", healthy({}, releaseOf("base", { serverSideApply: true }))),
  good(
    "server-side apply on a gateway of 1.28.5",
    healthy({ from: "1.28.4", to: "1.28.5", final: false }, releaseOf("gateway", { serverSideApply: true })),
    eol,
    "G20 istioctl",
  ),
  good(
    "Helm remediation, which people are told of",
    healthy({}, releaseOf("istiod", { remediationRetries: 3, retryOnFailure: false })),
    "G24 helm-rollback",
  ),
  good("an image tag with a variant", healthy({}, releaseOf("istiod", { chartVersion: "1.30.5+9f2b" }))),
  // Installation
  good(
    "base ahead of istiod",
    healthy({}, (all) => ({ base: { ...all.base, version: "1.31.1" } })),
  ),
  good(
    "a rollback that leaves base up",
    healthy({ from: "1.31.1", to: "1.30.5" }, (all) => ({ base: { ...all.base, next: "1.31.1" } })),
    "G03 rollback-skew",
  ),
  good(
    "base owns the service account where base 1.29 is not crossed",
    healthy({}, (all) => ({ base: { ...all.base, serviceAccountRelease: "istio-base" } })),
  ),
  good(
    "a webhook of somebody else without endpoints",
    healthy({}, (all) => ({
      webhooks: [
        ...all.webhooks,
        {
          name: "cert-manager",
          kind: "mutating",
          service: "cm",
          serviceExists: false,
          readyEndpoints: 0,
          caBundle: false,
        },
      ],
    })),
  ),
  good(
    "a namespace that opts out",
    healthy({}, (all) => ({
      injection: { ...all.injection, namespaces: [{ name: "jobs", injection: "disabled", revision: "" }] },
    })),
  ),
  good(
    "a namespace with a raw revision",
    healthy({ ...revised }, (all) => ({
      injection: { ...all.injection, namespaces: [{ name: "pay", injection: "unset", revision: "1-30-5" }] },
    })),
    "G13 unknown-revision",
  ),
  good(
    "istio-injection=enabled with a tag default",
    healthy({ ...revised }, (all) => ({
      injection: {
        namespaces: [{ name: "pay", injection: "enabled", revision: "" }],
        tags: [...all.injection.tags, { tag: "default", revision: "1-30-5" }],
      },
    })),
  ),
  good(
    "one istiod outside production",
    healthy({ production: false }, plane({ replicas: 1, autoscaleMin: 1, disruptionBudget: false })),
    "G15 single-istiod",
  ),
  good(
    "little room outside production",
    healthy({ production: false, ...revised }, kubernetes({ freeCpuMillis: 300 })),
    "G15 no-room",
  ),
  good("little room in place", healthy({}, kubernetes({ freeCpuMillis: 300 }))),
  // Workloads and tools
  good("a single replica", healthy({}, workload({ replicas: 1 })), "G16 restart-hurts"),
  good(
    "a pinned proxy image",
    healthy({}, workload({ pinnedProxyImage: "docker.io/istio/proxyv2:1.27.0" })),
    "G16 restart-hurts",
  ),
  good("a bare pod", healthy({}, workload({ kind: "Pod", replicas: 1 })), "G16 restart-hurts"),
  good(
    "an EnvoyFilter for 1.3x",
    healthy({}, () => ({ envoyFilters: [{ name: "shop/lua", proxyVersions: ["^1\\.3[01].*"] }] })),
  ),
  good(
    "an EnvoyFilter for a version long gone",
    healthy({}, () => ({ envoyFilters: [{ name: "shop/lua", proxyVersions: ["^1\\.20.*"] }] })),
  ),
  good(
    "a known Error of analyze",
    healthy({}, (all) => {
      const known = { code: "IST0101", level: "Error" as const, origin: "VirtualService shop/old" };
      return { analysis: { messages: [...all.analysis.messages, known], baseline: [known] } };
    }),
  ),
  good(
    "a known warning of analyze",
    healthy({}, (all) => ({
      analysis: { ...all.analysis, messages: [{ code: "IST0103", level: "Warning", origin: "Pod shop/job" }] },
    })),
    "G18 new-message",
  ),
  good(
    "an EnvoyFilter that analyze warns of",
    healthy({}, (all) => ({
      analysis: { ...all.analysis, messages: [{ code: "IST0151", level: "Warning", origin: "EnvoyFilter shop/lua" }] },
    })),
    "G17 filter-messages",
  ),
  good(
    "istioctl 1.31.2",
    healthy({}, (all) => ({ istioctl: { ...all.istioctl, version: "1.31.2" } })),
  ),
  // Notes
  good(
    "a note that is switched off",
    healthy(
      {},
      facts({
        gatewaysMergedAcrossNamespaces: ["shop/public"],
        istiodEnv: { PILOT_ENABLE_STRICT_GATEWAY_MERGING: "false" },
      }),
    ),
  ),
  good(
    "a note that compatibilityVersion holds back",
    healthy({}, facts({ servicesWithoutMinHealth: ["shop/cart"], compatibilityVersion: "1.30" })),
  ),
  good("a note that warns", healthy({}, facts({ servicesWithoutMinHealth: ["shop/cart"] })), note),
  good(
    "Lightstep where 1.27 is not crossed",
    healthy({}, facts({ telemetryProviders: [{ name: "ls", kind: "lightstep" }] })),
  ),
  good(
    "BackendTLSPolicy at v1",
    healthy(
      { from: "1.27.7", to: "1.28.6", final: false },
      facts({ storedApis: ["gateway.networking.k8s.io/v1 BackendTLSPolicy"] }),
    ),
    eol,
    old,
  ),
  good(
    "excluded namespaces outside the mesh",
    healthy(
      { from: "1.29.8", to: "1.30.5" },
      facts({ cniExcludedNamespaces: ["kube-system"], ambientNamespaces: ["shop"] }),
    ),
  ),
  // Fleet and people
  good(
    "after the freeze",
    healthy({}, fleet({ freezes: [{ days: ["mon"], start: "08:00", end: "10:59", zone: "Europe/Zurich" }] })),
  ),
  good(
    "before the freeze",
    healthy(
      {},
      fleet({ freezes: [{ name: "Christmas", from: "2026-12-24T12:00:00+01:00", to: "2026-12-27T00:00:00+01:00" }] }),
    ),
  ),
  good("the first wave", healthy({}, fleet({ earlierWaves: [] }))),
  good("a peer one minor behind", healthy({}, fleet({ peers: [{ cluster: "prod-9", version: "1.30.5" }] }))),
  good(
    "clusters without a mesh id",
    healthy(
      {},
      fleet({
        wave: [
          { cluster: "a", meshId: "", region: "eu-west-1" },
          { cluster: "b", meshId: "", region: "eu-west-1" },
        ],
      }),
    ),
  ),
  good("a batch that is its whole environment", healthy({}, metrics({ unchangedClusters: 0 })), "G25 baseline"),
  good("one cluster left to compare with", healthy({}, metrics({ unchangedClusters: 1 }))),
  good("a monitor that warns", healthy({}, alerts({ state: "Warn" })), "G26 alert"),
  good(
    "a muted monitor that is not required",
    healthy({}, alerts({ state: "Alert", muted: true, required: false })),
    "G26 alert",
  ),
  good("No Data on a monitor that is not required", healthy({}, alerts({ state: "No Data", required: false }))),
  good(
    "paths without an owner",
    healthy({}, (all) => ({ gitlab: { ...all.gitlab, pathsWithoutOwner: ["clusters/prod-1/istio"] } })),
    "G29 merge-request",
  ),
  good(
    "a token with ten days left",
    healthy({}, (all) => ({ gitlab: { ...all.gitlab, tokenExpiresAt: "2026-12-10T11:00:00+00:00" } })),
    "G29 merge-request",
  ),
  good(
    "results exactly as old as they may be",
    healthy({}, () => ({ checks: { ranAt: "2026-11-30T09:00:00+00:00", validMinutes: 60 } })),
  ),
  good(
    "a short soak in one session",
    healthy({}, () => ({ credentials: { sessionMinutes: 60, soakMinutes: 45, refreshed: false } })),
  ),
];
