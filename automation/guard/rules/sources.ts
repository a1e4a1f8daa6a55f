/** Rules 5, 6, 8, 12, 23 and 24: what Git says, and what the sources have. Pure. */

import { compareVersions, formatVersion, isFloating, minorOf, parseVersion, type Version } from "../plan/versions.ts";
import { type Component, components, type Evidence } from "./evidence.ts";
import { check, type Hit, type Rule, some } from "./rule.ts";
import { goesUp } from "./versions.ts";

type Git = NonNullable<Evidence["git"]>;
type Release = Git["releases"][number];

const atLeast = (version: Version, text: string): boolean => {
  const bound = parseVersion(text);
  return bound !== undefined && compareVersions(version, bound) >= 0;
};

const target: Rule = {
  id: "G05",
  title: "Every chart and image of the target exists where it is asked for, all of one version",
  link: "https://istio.io/latest/docs/setup/install/helm/",
  checks: [
    check({
      name: "artifact-missing",
      needs: ["artifacts", "git"],
      find({ artifacts, git }, { hop }) {
        const wanted: { readonly kind: "chart" | "image"; readonly name: string }[] = [
          ...new Set(git.releases.map(({ component }) => component)),
        ].map((name) => ({ kind: "chart", name }));
        wanted.push({ kind: "image", name: "pilot" }, { kind: "image", name: "proxyv2" });
        if (wanted.some(({ name }) => name === "cni")) wanted.push({ kind: "image", name: "install-cni" });
        if (wanted.some(({ name }) => name === "ztunnel")) wanted.push({ kind: "image", name: "ztunnel" });
        const unseen = wanted.filter(
          (one) => !artifacts.some(({ kind, name }) => kind === one.kind && name === one.name),
        );
        const hits: Hit[] = artifacts.flatMap(({ kind, name, version, source, found }) => {
          const subject = `${kind} ${name} ${formatVersion(version)}`;
          if (!found)
            return [{ subject, evidence: `${source} does not have it`, fix: "Correct the version or the source." }];
          return compareVersions(version, hop.to) === 0
            ? []
            : [
                {
                  subject,
                  evidence: `the hop goes to ${formatVersion(hop.to)}`,
                  fix: "Bring all components to one version.",
                },
              ];
        });
        if (unseen.length > 0)
          hits.push({
            subject: some(unseen.map(({ kind, name }) => `${kind} ${name}`)),
            evidence: "nobody looked whether the source has it",
            fix: "Ask the source for it.",
            level: "undecided",
          });
        return hits;
      },
    }),
  ],
};

/** Gone in December 2026; from 1.31 on nothing new is published there. */
export const retiredHosts = [
  "gcr.io/istio-release",
  "registry.istio.io",
  "istio-release.storage.googleapis.com",
] as const;

const onRetiredHost = (address: string): boolean => {
  const plain = address.replace(/^(?:https?|oci):\/\//, "").toLowerCase();
  return retiredHosts.some((host) => plain === host || plain.startsWith(`${host}/`));
};

const hosts: Rule = {
  id: "G06",
  title: "Charts and images come from hosts that still publish, with the key of their version",
  link: "https://istio.io/latest/blog/2026/retirement-of-gcp/",
  checks: [
    check({
      name: "retired-host",
      needs: ["git"],
      find({ git }, { hop }) {
        const gone = atLeast(hop.to, "1.31.0");
        return git.releases.flatMap(({ name, file, source, hub }) =>
          [source, ...(hub === undefined ? [] : [hub])].filter(onRetiredHost).map(
            (address): Hit => ({
              subject: `${name} in ${file}`,
              evidence: `${address} ${gone ? "has nothing from 1.31 on" : "ends in December 2026"}`,
              fix: "Charts: https://blob.istio.io/istio-release/charts or oci://ghcr.io/istio/release/charts; images: docker.io/istio.",
              level: gone ? "block" : "warn",
            }),
          ),
        );
      },
    }),
    check({
      name: "signature-key",
      needs: ["git"],
      find({ git }, { hop }) {
        const key = atLeast(hop.to, "1.31.1") ? "istio-key-v2.pub" : "istio-key.pub";
        return git.releases.flatMap(({ name, file, verifyKey }) =>
          verifyKey === undefined || verifyKey === key
            ? []
            : [
                {
                  subject: `${name} in ${file}`,
                  evidence: `it verifies with ${verifyKey}; ${formatVersion(hop.to)} is signed with ${key}`,
                  fix: `Verify with ${key} from this version on.`,
                },
              ],
        );
      },
    }),
  ],
};

/** Names of the releases that a release surely comes after: by itself, or because Flux waits for their Kustomization. */
function comesAfter(git: Git, release: Release): ReadonlySet<string> {
  const known = new Map(git.releases.map((one) => [one.name, one]));
  const groups = new Map(git.kustomizations.map((one) => [one.name, one]));
  const done = new Set<string>();
  const open = [release];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const waitedFor = (groups.get(one.kustomization)?.dependsOn ?? []).filter(
      (name) => groups.get(name)?.wait === true,
    );
    const before = [
      ...one.dependsOn,
      ...git.releases.filter(({ kustomization }) => waitedFor.includes(kustomization)).map(({ name }) => name),
    ];
    for (const name of before) {
      const next = known.get(name);
      if (done.has(name) || next === undefined) continue;
      done.add(name);
      open.push(next);
    }
  }
  return done;
}

const rank = (component: Component): number => components.indexOf(component);

/** Pairs whose order nothing guarantees: each release and those of the component that comes right before it. */
export function unprovenOrder(git: Git): readonly { readonly after: Release; readonly before: Release }[] {
  const present = [...new Set(git.releases.map(({ component }) => component))].toSorted((a, b) => rank(a) - rank(b));
  return git.releases.flatMap((release) => {
    const previous = present[present.indexOf(release.component) - 1];
    const after = comesAfter(git, release);
    return git.releases
      .filter(({ component, name }) => component === previous && !after.has(name))
      .map((before) => ({ after: release, before }));
  });
}

const order: Rule = {
  id: "G08",
  title: "Flux applies base, istiod, istio-cni, ztunnel and gateways in this order",
  link: "https://fluxcd.io/flux/components/helm/helmreleases/#dependencies",
  checks: [
    check({
      name: "order-unproven",
      needs: ["git"],
      find: ({ git }, { hop }) =>
        unprovenOrder(git).map(
          ({ after, before }): Hit => ({
            subject: `${after.name} in ${after.file}`,
            evidence: `nothing makes Flux wait for ${before.name} (${before.component}) before it`,
            fix: `Add dependsOn ${before.name}, or go by a merge request per component.`,
            level: hop.stepwise ? "warn" : "block",
          }),
        ),
    }),
  ],
};

/** Patches from which on charts leave failurePolicy alone when they are upgraded (istio/istio#59367). */
const serverSideApplyFixed = ["1.28.6", "1.29.2"] as const;

function toleratesServerSideApply(version: Version): boolean {
  const own = serverSideApplyFixed.find((text) => {
    const fixed = parseVersion(text);
    return fixed !== undefined && minorOf(fixed) === minorOf(version);
  });
  return own === undefined ? atLeast(version, "1.30.0") : atLeast(version, own);
}

const serverSide: Rule = {
  id: "G12",
  title: "Server-side apply does not fight istiod over its webhooks",
  link: "https://github.com/istio/istio/pull/59367",
  checks: [
    check({
      name: "server-side-apply",
      needs: ["git"],
      applies: ({ hop }) => !toleratesServerSideApply(hop.to),
      find: ({ git }, { hop }) =>
        git.releases
          .filter(
            ({ component, serverSideApply }) => serverSideApply && (component === "base" || component === "istiod"),
          )
          .map(({ name, file }) => ({
            subject: `${name} in ${file}`,
            evidence: `the chart of ${formatVersion(hop.to)} sets failurePolicy again, and the upgrade fails on the conflict`,
            fix: `Set upgrade.serverSideApply: disabled, or go to ${serverSideApplyFixed.join(", ")} or 1.30.`,
          })),
    }),
  ],
};

const floating: Rule = {
  id: "G23",
  title: "Nobody else moves the version",
  link: "https://fluxcd.io/flux/components/helm/helmreleases/#chart-template",
  checks: [
    check({
      name: "floating-version",
      needs: ["git"],
      find: ({ git }) =>
        git.releases
          .filter(({ chartVersion }) => isFloating(chartVersion))
          .map(({ name, file, chartVersion }) => ({
            subject: `${name} in ${file}`,
            evidence: chartVersion === undefined ? "it names no version" : `"${chartVersion}" is a range`,
            fix: "Pin the version that runs now, by a merge request of its own.",
          })),
    }),
    check({
      name: "moved-by-others",
      needs: ["git"],
      find: ({ git }) =>
        git.releases
          .filter(({ movedBy }) => movedBy !== undefined)
          .map(({ name, file, movedBy }) => ({
            subject: `${name} in ${file}`,
            evidence:
              movedBy === "renovate" ? "Renovate may merge its version by itself" : "an image policy writes its line",
            fix: "Take the marker or the automerge away for these files.",
          })),
    }),
  ],
};

const remediation: Rule = {
  id: "G24",
  title: "Helm does not roll back behind Git's back",
  link: "https://fluxcd.io/flux/components/helm/helmreleases/#configuring-failure-handling",
  checks: [
    check({
      name: "helm-rollback",
      level: "warn",
      needs: ["git"],
      applies: goesUp,
      find: ({ git }) =>
        git.releases
          .filter(({ remediationRetries, retryOnFailure }) => remediationRetries > 0 && !retryOnFailure)
          .map(({ name, file, remediationRetries }) => ({
            subject: `${name} in ${file}`,
            evidence: `after ${remediationRetries} failures Flux rolls the release back while Git says the new version`,
            fix: "Set upgrade.strategy.name: RetryOnFailure.",
          })),
    }),
    check({
      name: "remediated",
      needs: ["flux"],
      find: ({ flux }) =>
        flux.objects
          .filter(({ remediated }) => remediated)
          .map(({ kind, name }) => ({
            subject: `${kind} ${name}`,
            evidence: "its condition Remediated is True: an earlier upgrade was rolled back by Helm",
            fix: "Bring Git and the release together again before a new hop.",
          })),
    }),
  ],
};

export const sourceRules: readonly Rule[] = [target, hosts, order, serverSide, floating, remediation];
