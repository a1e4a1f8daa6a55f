/** Upgrades that must not begin, each with the rules that forbid it: `G13 both-labels`. All else is well in them. */
import { type BadCase, bad, eleven, revised } from "./bad-case.ts";
import { base, kubernetes, labelled, plane, proxy, webhook } from "./changes.ts";
import { ambient, first, healthy, releaseOf } from "./healthy.ts";

/** By rules 1 to 15: versions, sources and order, installation. */
export const badInstallations: readonly BadCase[] = [
  // 1 to 4: versions
  bad("G01 skip-level", "two minors in place", healthy({ from: "1.29.8", to: "1.31.1" })),
  bad(
    "G01 skip-level",
    "three minors by revision",
    healthy({ from: "1.28.6", to: "1.31.1", ...revised }, kubernetes({ minor: "1.33" })),
  ),
  bad(
    "G01 skip-level",
    "two minors down in place",
    healthy({ from: "1.31.1", to: "1.29.8" }, (all) => ({ proxies: all.proxies.slice(0, 0) })),
  ),
  bad("G02 kubernetes-window", "EKS 1.31 under Istio 1.31 (IST0142)", healthy({}, kubernetes({ minor: "1.31" }))),
  bad("G02 kubernetes-window", "EKS 1.36 above Istio 1.29", healthy(eleven, kubernetes({ minor: "1.36" }))),
  bad(
    "G03 proxy-skew",
    "a sidecar that was never restarted",
    healthy({}, proxy({ version: "1.29.8" })),
    "https://github.com/istio/istio/issues/41354",
  ),
  bad("G03 proxy-skew", "a gateway ahead of its control plane", healthy({}, proxy({ version: "1.31.1" }))),
  bad("G03 proxy-skew", "a sidecar of a revision that is gone", healthy({}, proxy({ revision: "1-28-0" }))),
  bad(
    "G03 proxy-skew",
    "a way back with sidecars two minors behind",
    healthy({ from: "1.31.1", to: "1.30.5" }, proxy({ version: "1.29.8" })),
  ),
  bad("G04 node-components", "ztunnel ahead of the control plane", healthy({}, ambient("1.30.5", "1.31.1", "1.31.1"))),
  bad(
    "G04 node-components",
    "istio-cni a minor behind before a hop",
    healthy({}, ambient("1.29.8", "1.29.8", "1.31.1")),
  ),
  bad(
    "G04 node-components",
    "two minors by revision in ambient",
    healthy({ from: "1.29.8", to: "1.31.1", ...revised }, ambient("1.29.8", "1.29.8", "1.31.1")),
  ),
  bad(
    "G04 node-components",
    "two minors by revision with istio-cni, without ambient",
    healthy({ from: "1.29.8", to: "1.31.1", ...revised }, (all) => ({
      ...ambient("1.29.8", "1.29.8", "1.31.1")(all),
      ambient: { used: false, cni: "1.29.8", drainsNodes: false },
    })),
  ),
  // 5 to 8: sources and order
  bad(
    "G05 artifact-missing",
    "a version that does not exist",
    healthy({ to: "1.31.7" }, (all) => ({ artifacts: first(all.artifacts, { found: false }) })),
  ),
  bad(
    "G05 artifact-missing",
    "images of another version",
    healthy({}, (all) => ({ artifacts: first(all.artifacts, { version: "1.31.0" }) })),
  ),
  bad(
    "G06 retired-host",
    "charts from the old bucket at 1.31",
    healthy({}, releaseOf("istiod", { source: "https://istio-release.storage.googleapis.com/charts" })),
    "https://istio.io/latest/blog/2026/retirement-of-gcp/",
  ),
  bad(
    "G06 retired-host",
    "images from gcr.io at 1.31",
    healthy({}, releaseOf("istiod", { hub: "gcr.io/istio-release" })),
  ),
  bad(
    "G06 retired-host",
    "an OCI source on registry.istio.io",
    healthy({}, releaseOf("gateway", { source: "oci://registry.istio.io/charts/gateway" })),
  ),
  bad("G06 signature-key", "the old key for 1.31.1", healthy({}, releaseOf("istiod", { verifyKey: "istio-key.pub" }))),
  bad(
    "G07 deny-list",
    "1.30.1 under Flux",
    healthy({ from: "1.29.8", to: "1.30.1" }),
    "https://github.com/istio/istio/issues/60629",
  ),
  bad("G07 end-of-life", "1.29 as the target after its end of life", healthy({ ...eleven, final: true })),
  bad(
    "G08 order-unproven",
    "gateways that do not wait for istiod",
    healthy({}, releaseOf("gateway", { dependsOn: [] })),
  ),
  bad(
    "G08 order-unproven",
    "istiod that does not wait for the CRDs",
    healthy({}, releaseOf("istiod", { dependsOn: [] })),
  ),
  bad(
    "G08 order-unproven",
    "a Kustomization that depends on another, which does not wait",
    healthy({}, ({ git }) => ({
      git: {
        releases: git.releases.map((one) =>
          one.component === "base"
            ? { ...one, kustomization: "crds" }
            : { ...one, dependsOn: one.dependsOn.filter((name) => name !== "istio-base") },
        ),
        kustomizations: [
          { name: "crds", dependsOn: [], wait: false },
          { name: "istio", dependsOn: ["crds"], wait: true },
        ],
      },
    })),
  ),
  // 9 to 15: installation
  bad("G09 base-behind", "a base chart that was never upgraded", healthy({}, base({ version: "1.27.7" }))),
  bad(
    "G09 base-lowered",
    "a rollback that takes the base chart along",
    healthy({ from: "1.31.1", to: "1.30.5" }, base({ next: "1.30.5" })),
  ),
  bad(
    "G09 crds",
    "CRDs of an old istioctl install",
    healthy({}, (all) => ({ base: { ...all.base, crds: first(all.base.crds, { release: "" }) } })),
  ),
  bad(
    "G09 crds",
    "CRDs that go with their release",
    healthy({}, (all) => ({ base: { ...all.base, crds: first(all.base.crds, { keep: false }) } })),
  ),
  bad(
    "G09 crds",
    "a CRD that is missing",
    healthy({}, (all) => ({ base: { ...all.base, crds: all.base.crds.slice(1) } })),
  ),
  bad(
    "G10 service-account-owner",
    "base 1.29 takes istiod's service account",
    healthy(eleven, base({ serviceAccountRelease: "istio-base" })),
    "https://istio.io/latest/news/releases/1.29.x/announcing-1.29/upgrade-notes/",
  ),
  bad(
    "G11 webhook-unanswered",
    "the default validator on a deleted revision",
    healthy({}, webhook({ serviceExists: false, readyEndpoints: 0 })),
    "https://github.com/istio/istio/issues/28880",
  ),
  bad(
    "G11 webhook-unanswered",
    "an injector without endpoints",
    healthy({}, (all) => ({
      webhooks: all.webhooks.map((one) => (one.kind === "mutating" ? { ...one, readyEndpoints: 0 } : one)),
    })),
  ),
  bad(
    "G11 webhook-unanswered",
    "a tag's webhook without a caBundle",
    healthy({}, webhook({ name: "istio-revision-tag-stable", kind: "mutating", caBundle: false })),
    "https://github.com/istio/istio/issues/60596",
  ),
  bad(
    "G12 server-side-apply",
    "1.28.5 by Flux's server-side apply",
    healthy({ from: "1.28.4", to: "1.28.5", final: false }, releaseOf("istiod", { serverSideApply: true })),
    "https://github.com/istio/istio/pull/59367",
  ),
  bad(
    "G12 server-side-apply",
    "1.29.1 likewise, in the base chart",
    healthy({ from: "1.28.6", to: "1.29.1", final: false }, releaseOf("base", { serverSideApply: true })),
    "https://github.com/istio/istio/issues/58302",
  ),
  bad(
    "G13 both-labels",
    "both injection labels (IST0123)",
    healthy({ ...revised }, (all) => ({
      injection: {
        namespaces: [{ name: "shop", injection: "enabled", revision: "stable" }],
        tags: [...all.injection.tags, { tag: "default", revision: "1-30-5" }],
      },
    })),
  ),
  bad("G13 unknown-revision", "a namespace whose revision was removed", healthy({}, labelled("unset", "1-27-0"))),
  bad(
    "G13 unknown-revision",
    "a tag that leads nowhere",
    healthy({ ...revised }, (all) => ({
      injection: { ...all.injection, tags: [{ tag: "stable", revision: "1-26-0" }] },
    })),
  ),
  bad(
    "G14 no-default-tag",
    "istio-injection=enabled without a tag default",
    healthy({ ...revised }, labelled("enabled", "")),
  ),
  bad(
    "G14 label-not-in-git",
    "a namespace that somebody labelled by hand, by revision",
    healthy({ ...revised }, ({ git }) => ({ git: { ...git, tagged: ["other"] } })),
  ),
  bad(
    "G14 default-revision-gone",
    "defaultRevision of a deleted revision",
    healthy({ ...revised }, base({ defaultRevision: "1-28-0" })),
    "https://github.com/istio/istio/issues/43227",
  ),
  bad(
    "G15 single-istiod",
    "one istiod in production",
    healthy({}, plane({ replicas: 1, autoscaleMin: 1, disruptionBudget: false })),
  ),
  bad("G15 single-istiod", "two istiods that may shrink to one", healthy({}, plane({ autoscaleMin: 1 }))),
  bad("G15 no-room", "no room for a second control plane", healthy({ ...revised }, kubernetes({ freeCpuMillis: 300 }))),
];
