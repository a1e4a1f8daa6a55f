/** Upgrades that must not begin, each with the rules that forbid it: `G13 both-labels`. All else is well in them. */
import { type BadCase, bad, eleven } from "./bad-case.ts";
import { alert, drifted, fleet, flux, gitlab, kubernetes, message, metrics, workload } from "./changes.ts";
import { facts, first, healthy, releaseOf } from "./healthy.ts";

/** By rules 16 to 31: workloads, tools, cluster, Flux, metrics, fleet, people; and several at once. */
export const badSurroundings: readonly BadCase[] = [
  // 16 to 20: workloads and tools
  bad("G16 cannot-restart", "a budget that allows no disruption", healthy({}, workload({ disruptionsAllowed: 0 }))),
  bad("G16 cannot-restart", "a paused rollout", healthy({}, workload({ paused: true }))),
  bad("G16 cannot-restart", "a rollout in progress", healthy({}, workload({ rollingOut: true }))),
  bad(
    "G17 envoy-filter-misses",
    "an EnvoyFilter for 1.30 proxies only",
    healthy({}, () => ({ envoyFilters: [{ name: "shop/lua", proxyVersions: ["^1\\.30.*"] }] })),
  ),
  bad("G18 new-message", "an Error that is new", healthy({}, message("IST0101", "Error"))),
  bad(
    "G18 new-message",
    "an unsupported Kubernetes (IST0142), however it is levelled",
    healthy({}, message("IST0142", "Warning")),
  ),
  bad(
    "G18 new-message",
    "overlapping webhooks (IST0139), new or not",
    healthy({}, (all) => ({
      analysis: {
        messages: [...all.analysis.messages, { code: "IST0139", level: "Error", origin: "istio-sidecar-injector" }],
        baseline: [{ code: "IST0139", level: "Error", origin: "istio-sidecar-injector" }],
      },
    })),
  ),
  bad(
    "G19 upgrade-note",
    "Lightstep over 1.27",
    healthy(
      { from: "1.26.8", to: "1.27.7", final: false },
      facts({ telemetryProviders: [{ name: "ls", kind: "lightstep" }] }),
    ),
    "https://istio.io/latest/news/releases/1.27.x/announcing-1.27/upgrade-notes/",
  ),
  bad(
    "G19 upgrade-note",
    "InferencePool v1alpha2 over 1.28",
    healthy(
      { from: "1.27.7", to: "1.28.6", final: false },
      facts({ storedApis: ["inference.networking.x-k8s.io/v1alpha2 InferencePool"] }),
    ),
  ),
  bad(
    "G19 upgrade-note",
    "BackendTLSPolicy v1alpha3 over 1.28",
    healthy(
      { from: "1.27.7", to: "1.28.6", final: false },
      facts({ storedApis: ["gateway.networking.k8s.io/v1alpha3 BackendTLSPolicy"] }),
    ),
  ),
  bad(
    "G19 upgrade-note",
    "dry-run policies with an older ztunnel over 1.29",
    healthy(
      eleven,
      facts({ istiodEnv: { AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY: "true" }, dryRunPolicies: ["shop/try"] }),
    ),
  ),
  bad(
    "G19 upgrade-note",
    "ambient pods in an excluded namespace over 1.30",
    healthy(
      { from: "1.29.8", to: "1.30.5" },
      facts({ cniExcludedNamespaces: ["kube-system", "jobs"], ambientNamespaces: ["shop", "jobs"] }),
    ),
  ),
  bad("G19 upgrade-note", "60,000 ambient workloads over 1.31", healthy({}, facts({ ambientWorkloads: 60_000 }))),
  bad(
    "G19 upgrade-note",
    "60,000 with a limit for 40,000",
    healthy({}, facts({ ambientWorkloads: 60_000, istiodEnv: { ISTIO_GPRC_MAXRECVMSGSIZE: "4194304" } })),
  ),
  bad(
    "G19 upgrade-note",
    "Gateways merged across namespaces over 1.31",
    healthy({}, facts({ gatewaysMergedAcrossNamespaces: ["shop/public"] })),
  ),
  bad(
    "G20 istioctl",
    "istioctl of the old minor",
    healthy({}, (all) => ({ istioctl: { ...all.istioctl, version: "1.30.5" } })),
  ),
  bad(
    "G20 istioctl",
    "istioctl 1.31.0, whose analyze may start a program",
    healthy({}, (all) => ({ istioctl: { ...all.istioctl, version: "1.31.0" } })),
    "https://istio.io/latest/news/releases/1.31.x/announcing-1.31.1/",
  ),
  bad(
    "G20 istioctl",
    "istioctl with our own environment",
    healthy({}, (all) => ({ istioctl: { ...all.istioctl, emptyEnvironment: false } })),
  ),
  bad(
    "G20 istioctl",
    "istioctl in whichever context",
    healthy({}, (all) => ({ istioctl: { ...all.istioctl, explicitContext: false } })),
  ),
  // 21 to 26: cluster, Flux, metrics
  bad(
    "G21 kubernetes-unwell",
    "a node under memory pressure",
    healthy({}, (all) => ({
      kubernetes: { ...all.kubernetes, nodes: first(all.kubernetes.nodes, { pressure: ["MemoryPressure"] }) },
    })),
  ),
  bad("G21 kubernetes-unwell", "an API server that is not ready", healthy({}, kubernetes({ ready: false }))),
  bad(
    "G21 kubernetes-unwell",
    "CoreDNS that restarts",
    healthy({}, kubernetes({ criticalPods: [{ name: "kube-system/coredns", ready: true, restarts: 3 }] })),
  ),
  bad(
    "G21 eks-busy",
    "an EKS update in progress",
    healthy({}, (all) => ({ eks: { ...all.eks, updateInProgress: true } })),
  ),
  bad(
    "G21 eks-busy",
    "an insight in ERROR",
    healthy({}, (all) => ({ eks: { ...all.eks, insights: first(all.eks.insights, { status: "ERROR" }) } })),
  ),
  bad("G22 flux-not-ready", "a suspended Kustomization", healthy({}, flux({ kind: "Kustomization", suspended: true }))),
  bad(
    "G22 flux-not-ready",
    "a Ready of an older generation",
    healthy({}, flux({ observedGeneration: 3 })),
    "https://github.com/argoproj/argo-cd/issues/29410",
  ),
  bad(
    "G22 flux-not-ready",
    "a HelmRelease that is not Ready",
    healthy({}, flux({ kind: "HelmRelease", ready: false })),
  ),
  bad("G22 drift", "a registry that nobody advanced", healthy({}, drifted({ registry: "1.29.8" }))),
  bad("G22 drift", "an image by hand", healthy({}, drifted({ running: "1.30.4" }))),
  bad("G23 floating-version", "a semver range", healthy({}, releaseOf("istiod", { chartVersion: ">=1.30.0 <1.32.0" }))),
  bad("G23 floating-version", "an unquoted 1.30", healthy({}, releaseOf("istiod", { chartVersion: "1.3" }))),
  bad("G23 floating-version", "a wildcard", healthy({}, releaseOf("base", { chartVersion: "1.30.x" }))),
  bad("G23 moved-by-others", "an image policy's marker", healthy({}, releaseOf("istiod", { movedBy: "imagepolicy" }))),
  bad("G23 moved-by-others", "Renovate's automerge", healthy({}, releaseOf("gateway", { movedBy: "renovate" }))),
  bad(
    "G24 remediated",
    "a release that Helm rolled back",
    healthy({}, flux({ kind: "HelmRelease", remediated: true })),
  ),
  bad(
    "G25 baseline",
    "a baseline of the day before yesterday",
    healthy({}, metrics({ storedAt: "2026-11-28T10:00:00+00:00" })),
  ),
  bad("G25 baseline", "a baseline of tomorrow", healthy({}, metrics({ storedAt: "2026-12-01T10:00:00+00:00" }))),
  bad(
    "G25 baseline",
    "a service with 200 requests",
    healthy({}, metrics({ services: [{ name: "shop/cart", requests: 200, sameHourLastWeek: true }] })),
  ),
  bad("G25 baseline", "fewer requests than were asked for", healthy({}, metrics({ requestsNeeded: 10_000_000 }))),
  bad(
    "G25 baseline",
    "a baseline of five hours where four are allowed",
    healthy({}, metrics({ storedAt: "2026-11-30T05:00:00+00:00", hoursAllowed: 4 })),
  ),
  bad("G25 baseline", "a baseline that can be overwritten", healthy({}, metrics({ immutable: false }))),
  bad(
    "G25 baseline",
    "nothing of the same hour last week",
    healthy({}, metrics({ services: [{ name: "shop/cart", requests: 5_000, sameHourLastWeek: false }] })),
  ),
  bad("G26 alert", "an active alert", healthy({}, alert({ state: "Alert" }))),
  bad("G26 alert", "No Data on a required monitor", healthy({}, alert({ state: "No Data" }))),
  bad("G26 alert", "a required monitor that is muted", healthy({}, alert({ muted: true }))),
  // 27 to 31: fleet and people
  bad(
    "G27 freeze",
    "a freeze over Christmas",
    healthy({ at: "2026-12-24T20:00:00+01:00" }, (all) => ({
      ...fleet({
        freezes: [{ name: "Christmas", from: "2026-12-24T12:00:00+01:00", to: "2026-12-27T00:00:00+01:00" }],
      })(all),
      checks: { ranAt: "2026-12-24T19:50:00+01:00", validMinutes: 60 },
      metricsBaseline: { ...all.metricsBaseline, storedAt: "2026-12-24T19:00:00+01:00" },
    })),
  ),
  bad(
    "G27 freeze",
    "every Monday morning in Zurich",
    healthy({}, fleet({ freezes: [{ days: ["mon"], start: "08:00", end: "12:00", zone: "Europe/Zurich" }] })),
  ),
  bad(
    "G27 wave-order",
    "staging still soaks",
    healthy({}, fleet({ earlierWaves: [{ name: "staging", state: "soaking" }] })),
    "https://github.com/argoproj/argo-cd/issues/22558",
  ),
  bad("G27 wave-order", "the failure budget is spent", healthy({}, fleet({ failures: 1 }))),
  bad(
    "G27 wave-members",
    "both halves of a mesh at once",
    healthy(
      {},
      fleet({
        wave: [
          { cluster: "prod-1", meshId: "mesh-eu", region: "eu-west-1" },
          { cluster: "prod-3", meshId: "mesh-eu", region: "eu-central-1" },
        ],
      }),
    ),
  ),
  bad(
    "G27 mesh-peers",
    "a peer two minors behind",
    healthy({}, fleet({ peers: [{ cluster: "prod-9", version: "1.29.8" }] })),
  ),
  bad(
    "G28 lock",
    "another process has taken over",
    healthy({}, (all) => ({ lock: { ...all.lock, highestFence: 8 } })),
  ),
  bad(
    "G28 lock",
    "a lock that somebody else holds",
    healthy({}, (all) => ({ lock: { ...all.lock, held: false } })),
  ),
  bad(
    "G29 merge-request",
    "a second merge request for the same files",
    healthy({}, gitlab({ openMergeRequests: [{ iid: 41, branch: "istio-by-hand" }] })),
  ),
  bad(
    "G29 merge-request",
    "a commit by hand on our branch",
    healthy({}, gitlab({ foreignCommits: [{ sha: "9f2b1c00ab", author: "kim" }] })),
  ),
  bad("G29 merge-request", "a project without approvals", healthy({}, gitlab({ approvalsRequired: 0 }))),
  bad("G29 merge-request", "authors who approve their own", healthy({}, gitlab({ authorMayApprove: true }))),
  bad("G29 merge-request", "an expired token", healthy({}, gitlab({ tokenExpiresAt: "2026-11-29T00:00:00+00:00" }))),
  bad(
    "G30 stale-results",
    "checks of yesterday",
    healthy({}, () => ({ checks: { ranAt: "2026-11-29T10:00:00+00:00", validMinutes: 60 } })),
  ),
  bad(
    "G30 stale-results",
    "checks by a clock that is ahead",
    healthy({}, () => ({ checks: { ranAt: "2026-11-30T11:00:00+00:00", validMinutes: 60 } })),
  ),
  bad(
    "G31 credentials-expire",
    "a session of an hour for a soak of two",
    healthy({}, () => ({ credentials: { sessionMinutes: 60, soakMinutes: 120, refreshed: false } })),
  ),
  // Several at once
  bad(
    "G01 skip-level, G02 kubernetes-window, G06 retired-host",
    "an old cluster in one leap",
    healthy({ from: "1.28.6", to: "1.31.1" }, (all) => ({
      ...kubernetes({ minor: "1.30" })(all),
      ...releaseOf("base", { source: "gcr.io/istio-release/charts" })(all),
    })),
  ),
];
