/** Rules 1 to 4 and 7: what may follow what. Pure. */

import {
  deniedBy,
  eksSupportOf,
  endOfLifeMs,
  istioSupportOf,
  mostMinors,
  supportsKubernetes,
} from "../plan/support.ts";
import {
  compareMinors,
  compareVersions,
  formatVersion,
  minorOf,
  minorsBetween,
  type Version,
} from "../plan/versions.ts";
import type { Situation } from "./evidence.ts";
import { check, type Hit, type Rule, some } from "./rule.ts";

const dayMs = 86_400_000;
const date = (at: number): string => new Date(at).toISOString().slice(0, 10);

export const goesUp = ({ hop }: Situation): boolean => compareVersions(hop.to, hop.from) > 0;

const skip: Rule = {
  id: "G01",
  title: "A hop crosses one minor in place, at most two by revision, and never a major",
  link: "https://istio.io/latest/docs/setup/upgrade/",
  checks: [
    check({
      name: "skip-level",
      needs: [],
      find(_, { hop }) {
        const [from, to] = [minorOf(hop.from), minorOf(hop.to)];
        const minors = minorsBetween(from, to);
        const subject = `${formatVersion(hop.from)} to ${formatVersion(hop.to)}`;
        if (minors === undefined)
          return [
            { subject, evidence: "it crosses a major version", fix: "Install the new major beside the old one." },
          ];
        const most = mostMinors(hop.strategy, false);
        if (Math.abs(minors) <= most) return [];
        return [
          {
            subject,
            evidence: `it crosses ${Math.abs(minors)} minors; ${hop.strategy} may cross ${most}`,
            fix: "Plan hops in between.",
          },
        ];
      },
    }),
  ],
};

const window: Rule = {
  id: "G02",
  title: "The cluster's Kubernetes is in the window of the version it goes to",
  link: "https://istio.io/latest/docs/releases/supported-releases/",
  checks: [
    check({
      name: "kubernetes-window",
      needs: ["kubernetes"],
      find({ kubernetes }, { hop }) {
        const minor = minorOf(hop.to);
        const support = istioSupportOf(minor);
        if (support === undefined)
          return [
            {
              subject: `Istio ${minor}`,
              evidence: "it is not in the support table",
              fix: "Add it with its Kubernetes versions and a source.",
              level: "undecided",
            },
          ];
        if (supportsKubernetes(support, kubernetes.minor)) return [];
        const { from, to } = support.kubernetes;
        const below = compareMinors(kubernetes.minor, from) < 0;
        return [
          {
            subject: `Kubernetes ${kubernetes.minor}`,
            evidence: `Istio ${minor} supports ${from} to ${to}`,
            fix: below
              ? `Upgrade EKS to ${from} first, as a step of its own.`
              : `Choose an Istio that supports ${kubernetes.minor}.`,
          },
        ];
      },
    }),
    check({
      name: "eks-support-ended",
      level: "warn",
      needs: ["kubernetes"],
      find({ kubernetes }, { at }) {
        const row = eksSupportOf(kubernetes.minor);
        if (row?.extendedUntil === undefined || Date.parse(`${row.extendedUntil}T23:59:59Z`) >= at) return [];
        return [
          {
            subject: `EKS ${kubernetes.minor}`,
            evidence: `its extended support ended on ${row.extendedUntil}; AWS upgrades it at a time of its own`,
            fix: "Upgrade EKS before the mesh, so that the two do not meet.",
          },
        ];
      },
    }),
  ],
};

const skew: Rule = {
  id: "G03",
  title: "No proxy is ahead of its control plane, and none lags when a hop starts",
  link: "https://istio.io/latest/docs/releases/supported-releases/#control-planedata-plane-skew",
  checks: [
    check({
      name: "proxy-skew",
      needs: ["proxies", "controlPlanes"],
      find({ proxies, controlPlanes }, situation) {
        const planes = new Map(controlPlanes.map(({ revision, version }) => [revision, version]));
        const lost: string[] = [];
        const ahead: string[] = [];
        const lagging: string[] = [];
        for (const { workload, version, revision } of proxies) {
          const plane = planes.get(revision);
          const told = `${workload} (${formatVersion(version)})`;
          if (plane === undefined) {
            lost.push(`${workload} (revision ${revision === "" ? "none" : revision})`);
            continue;
          }
          const behind = minorsBetween(minorOf(version), minorOf(plane)) ?? Number.NaN;
          // A control plane that is to move on needs all its proxies with it; one that has moved, or goes back, may be one ahead.
          const most = goesUp(situation) && minorOf(plane) === minorOf(situation.hop.from) ? 0 : 1;
          if (behind < 0) ahead.push(told);
          else if (!(behind <= most)) lagging.push(told);
        }
        return [
          hit(
            lost,
            proxies.length,
            "no control plane has their revision",
            "Restart them under a revision that exists.",
          ),
          hit(
            ahead,
            proxies.length,
            "ahead of their control plane, which Istio does not support",
            "Bring the control plane up first.",
          ),
          hit(lagging, proxies.length, "behind their control plane", "Restart them before the control plane moves on."),
        ].flat();
      },
    }),
    check({
      name: "rollback-skew",
      level: "warn",
      needs: ["proxies"],
      applies: (situation) => !goesUp(situation) && situation.hop.strategy === "in-place",
      find({ proxies }, { hop }) {
        const newer = proxies.filter(({ version }) => isAhead(version, hop.to)).map(({ workload }) => workload);
        return hit(
          newer,
          proxies.length,
          `ahead of the control plane from its way back to ${formatVersion(hop.to)} until they restart`,
          "Restart them at once after it; the time in between is measured and reported.",
        );
      },
    }),
  ],
};

const isAhead = (proxy: Version, plane: Version): boolean => compareMinors(minorOf(proxy), minorOf(plane)) > 0;

function hit(names: readonly string[], of: number, evidence: string, fix: string): readonly Hit[] {
  return names.length === 0
    ? []
    : [{ subject: some(names), evidence: `${names.length} of ${of} proxies: ${evidence}`, fix }];
}

const tooFar = (name: string, version: Version, to: Version): readonly Hit[] =>
  (minorsBetween(minorOf(version), minorOf(to)) ?? 2) <= 1
    ? []
    : [
        {
          subject: `${name} ${formatVersion(version)}`,
          evidence: `it does not work with a control plane ${minorOf(to)}`,
          fix: "Bring it to the control plane's minor first, and go one minor at a time: revisions do not help it.",
        },
      ];

const ambient: Rule = {
  id: "G04",
  title: "istio-cni and ztunnel are at the control plane's minor or the one below, in this order",
  link: "https://istio.io/latest/docs/ambient/upgrade/helm/",
  checks: [
    check({
      name: "node-components",
      needs: ["ambient"],
      find({ ambient: found }, { hop }) {
        const { cni, ztunnel } = found;
        const hits: Hit[] = [];
        // Without ztunnel its chain of rules does not hold, but istio-cni still has to work with both ends of a hop.
        if (!found.used) return cni === undefined ? [] : tooFar("istio-cni", cni, hop.to);
        for (const [name, version] of [
          ["istio-cni", cni],
          ["ztunnel", ztunnel],
        ] as const) {
          if (version === undefined)
            hits.push({
              subject: name,
              evidence: "its version is not known",
              fix: "Read the DaemonSet's image.",
              level: "undecided",
            });
          else if (isAhead(version, hop.from))
            hits.push({
              subject: `${name} ${formatVersion(version)}`,
              evidence: `it is ahead of the control plane (${formatVersion(hop.from)})`,
              fix: "Bring the control plane up first, then istio-cni, then ztunnel.",
            });
          else hits.push(...tooFar(name, version, hop.to));
        }
        if (cni !== undefined && ztunnel !== undefined && isAhead(ztunnel, cni))
          hits.push({
            subject: `ztunnel ${formatVersion(ztunnel)}`,
            evidence: `it is ahead of istio-cni (${formatVersion(cni)})`,
            fix: "Upgrade istio-cni before ztunnel.",
          });
        return hits;
      },
    }),
    check({
      name: "ztunnel-restart",
      level: "warn",
      needs: ["ambient"],
      find: ({ ambient: found }) =>
        !found.used || found.drainsNodes
          ? []
          : [
              {
                subject: "ztunnel",
                evidence: "its restart resets long TCP connections of the node",
                fix: "Drain each node, or replace the node group.",
              },
            ],
    }),
  ],
};

/** Days before the end of life from which on it is said. */
const soonDays = 60;

const deny: Rule = {
  id: "G07",
  title: "The target is maintained and not known to be bad",
  link: "https://istio.io/latest/docs/releases/supported-releases/",
  checks: [
    check({
      name: "deny-list",
      needs: [],
      applies: goesUp,
      find(_, { hop }) {
        const denied = deniedBy(hop.to, true);
        return denied === undefined
          ? []
          : [
              {
                subject: formatVersion(hop.to),
                evidence: `${denied.reason} (${denied.source})`,
                fix: `Go to ${denied.fixedIn} or later.`,
              },
            ];
      },
    }),
    check({
      name: "end-of-life",
      needs: [],
      applies: goesUp,
      find(_, { hop, at }) {
        const support = istioSupportOf(minorOf(hop.to));
        const ends = support === undefined ? undefined : endOfLifeMs(support);
        if (ends === undefined || ends - at > soonDays * dayMs) return [];
        const over = ends < at;
        return [
          {
            subject: `Istio ${minorOf(hop.to)}`,
            evidence: `${over ? "it got its last patches on" : "its last patches come by"} ${date(ends)}`,
            fix: hop.final ? "Choose a newer minor as target." : "Do not stay on it longer than the plan needs.",
            level: over && hop.final ? "block" : "warn",
          },
        ];
      },
    }),
  ],
};

export const versionRules: readonly Rule[] = [skip, window, skew, ambient, deny];
