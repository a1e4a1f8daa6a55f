/** Rules 9 to 11 and 13 to 15: how Istio is installed in the cluster. Pure. */

import { compareVersions, formatVersion, minorOf, minorParts } from "../plan/versions.ts";
import type { Situation } from "./evidence.ts";
import { check, type Hit, type Rule, some } from "./rule.ts";
import { goesUp } from "./versions.ts";

/** CRDs of every minor from 1.22 on; 1.31 adds one that its base chart brings. */
export const istioCrds = [
  "authorizationpolicies.security.istio.io",
  "destinationrules.networking.istio.io",
  "envoyfilters.networking.istio.io",
  "gateways.networking.istio.io",
  "peerauthentications.security.istio.io",
  "proxyconfigs.networking.istio.io",
  "requestauthentications.security.istio.io",
  "serviceentries.networking.istio.io",
  "sidecars.networking.istio.io",
  "telemetries.telemetry.istio.io",
  "virtualservices.networking.istio.io",
  "wasmplugins.extensions.istio.io",
  "workloadentries.networking.istio.io",
  "workloadgroups.networking.istio.io",
] as const;

const baseRule: Rule = {
  id: "G09",
  title: "The base chart is not behind istiod, and Helm owns and keeps the CRDs",
  link: "https://istio.io/latest/docs/setup/upgrade/helm/",
  checks: [
    check({
      name: "base-behind",
      needs: ["base"],
      find: ({ base }, { hop }) =>
        compareVersions(base.version, hop.from) >= 0
          ? []
          : [
              {
                subject: `base ${formatVersion(base.version)}`,
                evidence: `istiod is at ${formatVersion(hop.from)}`,
                fix: "Bring the base chart up to istiod first.",
              },
            ],
    }),
    check({
      name: "base-lowered",
      needs: ["base"],
      find: ({ base }) =>
        base.next === undefined || compareVersions(base.next, base.version) >= 0
          ? []
          : [
              {
                subject: `base ${formatVersion(base.version)}`,
                evidence: `it would go down to ${formatVersion(base.next)}; older CRDs drop fields of stored objects`,
                fix: "Leave the base chart where it is: it serves older control planes.",
              },
            ],
    }),
    check({
      name: "crds",
      needs: ["base"],
      find({ base }) {
        const known = new Map(base.crds.map((crd) => [crd.name, crd]));
        const missing = istioCrds.filter((name) => !known.has(name));
        const foreign = base.crds.filter(({ release }) => release !== base.release).map(({ name }) => name);
        const unkept = base.crds.filter(({ keep }) => !keep).map(({ name }) => name);
        const hits: Hit[] = [];
        if (missing.length > 0)
          hits.push({
            subject: some(missing),
            evidence: `${missing.length} of ${istioCrds.length} CRDs are missing`,
            fix: "Install them with the base chart of the present version.",
          });
        if (foreign.length > 0)
          hits.push({
            subject: some(foreign),
            evidence: `${foreign.length} CRDs are not of the release ${base.release}, and its upgrade fails on them`,
            fix: "Set meta.helm.sh/release-name and release-namespace, and the label app.kubernetes.io/managed-by=Helm.",
          });
        if (unkept.length > 0)
          hits.push({
            subject: some(unkept),
            evidence: `${unkept.length} CRDs lack helm.sh/resource-policy: keep, so that removing the release removes all objects`,
            fix: "Annotate them before the hop.",
          });
        return hits;
      },
    }),
  ],
};

const crosses = ({ hop }: Situation, minor: number): boolean =>
  minorParts(minorOf(hop.from))[1] < minor && minorParts(minorOf(hop.to))[1] >= minor;

const serviceAccount: Rule = {
  id: "G10",
  title: "What base 1.29 drops belongs to istiod's release",
  link: "https://istio.io/latest/news/releases/1.29.x/announcing-1.29/upgrade-notes/",
  checks: [
    check({
      name: "service-account-owner",
      needs: ["base"],
      applies: (situation) => crosses(situation, 29),
      find: ({ base }) =>
        base.serviceAccountRelease === base.istiodRelease
          ? []
          : [
              {
                subject: "istiod's service account",
                evidence: `it is of ${base.serviceAccountRelease === "" ? "no release" : `the release ${base.serviceAccountRelease}`}, and base 1.29 removes it under a running istiod`,
                fix: `Let the release ${base.istiodRelease} own it first: upgrade istiod's chart to one that brings its own.`,
              },
            ],
    }),
  ],
};

/** Webhooks that block all of Istio's configuration, or all new pods, when nobody answers. */
const guarded = /^(?:istiod-default-validator|istio-validator-|istio-sidecar-injector|istio-revision-tag-)/;

const webhookRule: Rule = {
  id: "G11",
  title: "Every webhook of Istio is answered",
  link: "https://github.com/istio/istio/issues/60596",
  checks: [
    check({
      name: "webhook-unanswered",
      needs: ["webhooks"],
      find: ({ webhooks }) =>
        webhooks
          .filter(({ name }) => guarded.test(name))
          .flatMap(({ name, kind, service, serviceExists, readyEndpoints, caBundle }) => {
            const evidence = !serviceExists
              ? `its service ${service} does not exist`
              : readyEndpoints === 0
                ? `its service ${service} has no ready endpoint`
                : caBundle
                  ? undefined
                  : "it has no caBundle";
            return evidence === undefined
              ? []
              : [
                  {
                    subject: name,
                    evidence: `${evidence}: ${kind === "validating" ? "no Istio object can be written" : "pods start without a sidecar or not at all"}`,
                    fix: "Point it at a revision that runs, or delete it.",
                  },
                ];
          }),
    }),
  ],
};

const labels: Rule = {
  id: "G13",
  title: "Each namespace names one control plane, and one that exists",
  link: "https://istio.io/latest/docs/setup/upgrade/canary/#stable-revision-labels",
  checks: [
    check({
      name: "both-labels",
      needs: ["injection"],
      find({ injection }) {
        const both = injection.namespaces.filter((one) => one.injection !== "unset" && one.revision !== "");
        return both.map(({ name, injection: value, revision }) => ({
          subject: `namespace ${name}`,
          evidence: `it has istio-injection=${value} and istio.io/rev=${revision}; the former wins (IST0123)`,
          fix: "Remove istio-injection.",
        }));
      },
    }),
    check({
      name: "unknown-revision",
      needs: ["injection", "controlPlanes"],
      find({ injection, controlPlanes }) {
        const revisions = new Set(controlPlanes.map(({ revision }) => revision));
        const tags = new Map(injection.tags.map(({ tag, revision }) => [tag, revision]));
        return injection.namespaces.flatMap(({ name, revision }): readonly Hit[] => {
          if (revision === "") return [];
          const through = tags.get(revision);
          if (revisions.has(through ?? revision) || (revision === "default" && revisions.has("")))
            return through === undefined && revision !== "default"
              ? [
                  {
                    subject: `namespace ${name}`,
                    evidence: `istio.io/rev=${revision} names a revision, not a tag`,
                    fix: "Use a tag, so that a hop moves the tag and no namespace.",
                    level: "warn",
                  },
                ]
              : [];
          return [
            {
              subject: `namespace ${name}`,
              evidence: `istio.io/rev=${revision} leads to no control plane`,
              fix: "Name a tag or a revision that exists.",
            },
          ];
        });
      },
    }),
  ],
};

const defaultTag: Rule = {
  id: "G14",
  title: "Namespaces with istio-injection=enabled have a default control plane, which exists",
  link: "https://istio.io/latest/docs/setup/upgrade/canary/#default-tag",
  checks: [
    check({
      name: "no-default-tag",
      needs: ["injection", "controlPlanes"],
      applies: ({ hop }) => hop.strategy === "revision",
      find({ injection, controlPlanes }) {
        const plain = injection.namespaces.filter((one) => one.injection === "enabled").map(({ name }) => name);
        const hasDefault =
          injection.tags.some(({ tag }) => tag === "default") || controlPlanes.some(({ revision }) => revision === "");
        return plain.length === 0 || hasDefault
          ? []
          : [
              {
                subject: some(plain),
                evidence: `${plain.length} namespaces use istio-injection=enabled, and there is no tag default`,
                fix: "Make the tag default before the hop.",
              },
            ];
      },
    }),
    check({
      name: "label-not-in-git",
      needs: ["injection", "git"],
      applies: ({ hop }) => hop.strategy === "revision",
      find({ injection, git: { tagged } }) {
        if (tagged === undefined) return [];
        const left = injection.namespaces
          .filter(({ injection: said, revision }) => said === "enabled" || (said !== "disabled" && revision !== ""))
          .filter(({ name }) => !tagged.includes(name))
          .map(({ name }) => name);
        return left.length === 0
          ? []
          : [
              {
                subject: some(left),
                evidence: `${left.length} namespaces are injected and have no label istio.io/rev: stable in Git: no share would move them, and the last would move them all at once or never`,
                fix: "Label them istio.io/rev: stable in the repository, by a merge request of its own, before the hop.",
              },
            ];
      },
    }),
    check({
      name: "default-revision-gone",
      needs: ["base", "controlPlanes"],
      find({ base, controlPlanes }) {
        const { defaultRevision } = base;
        const names = controlPlanes.map(({ revision }) => revision);
        const exists =
          defaultRevision === "" ||
          names.includes(defaultRevision) ||
          (defaultRevision === "default" && names.includes(""));
        return exists
          ? []
          : [
              {
                subject: `defaultRevision ${defaultRevision}`,
                evidence: "no control plane has this revision; it validates configuration and elects the leader",
                fix: "Set base's defaultRevision to a revision that runs.",
              },
            ];
      },
    }),
  ],
};

/** What the chart's default istiod asks for. */
const istiodRequest = { cpuMillis: 500, memoryMi: 2_048 } as const;

const replicas: Rule = {
  id: "G15",
  title: "The control plane survives the loss of a pod, and a second one has room",
  link: "https://istio.io/latest/docs/ops/best-practices/deployment/",
  checks: [
    check({
      name: "single-istiod",
      needs: ["controlPlanes"],
      find: ({ controlPlanes }, { production }) =>
        controlPlanes.flatMap(({ revision, replicas: running, autoscaleMin, disruptionBudget }): readonly Hit[] => {
          const subject = revision === "" ? "istiod" : `istiod-${revision}`;
          const level = production ? "block" : "warn";
          if (running < 2 || autoscaleMin < 2)
            return [
              {
                subject,
                evidence: `it runs ${running} and may shrink to ${autoscaleMin}; the chart gives one replica no disruption budget`,
                fix: "Set pilot.autoscaleMin: 2.",
                level,
              },
            ];
          return disruptionBudget
            ? []
            : [
                {
                  subject,
                  evidence: "it has no disruption budget",
                  fix: "Enable global.defaultPodDisruptionBudget.",
                  level,
                },
              ];
        }),
    }),
    check({
      name: "no-room",
      needs: ["kubernetes"],
      applies: (situation) => situation.hop.strategy === "revision" && goesUp(situation),
      find: ({ kubernetes: { freeCpuMillis, freeMemoryMi } }, { production }) =>
        freeCpuMillis >= 2 * istiodRequest.cpuMillis && freeMemoryMi >= 2 * istiodRequest.memoryMi
          ? []
          : [
              {
                subject: "the nodes",
                evidence: `${freeCpuMillis}m and ${freeMemoryMi} MiB are free; two more istiod pods ask for ${2 * istiodRequest.cpuMillis}m and ${2 * istiodRequest.memoryMi} MiB`,
                fix: "Add a node for the time of the hop.",
                level: production ? "block" : "warn",
              },
            ],
    }),
  ],
};

export const installRules: readonly Rule[] = [baseRule, serviceAccount, webhookRule, labels, defaultTag, replicas];
