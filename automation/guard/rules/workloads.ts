/** Rules 16 to 18 and 20: what runs in the mesh, and what istioctl says of it. Pure. */
import { safeIstioctlVersions } from "../../ports/mesh-inspector.ts";
import { compareVersions, formatVersion, minorOf, parseVersion } from "../plan/versions.ts";
import { check, type Hit, type Rule } from "./rule.ts";
import { goesUp } from "./versions.ts";

const restartable: Rule = {
  id: "G16",
  title: "Every meshed workload can be restarted without an outage",
  link: "https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
  checks: [
    check({
      name: "cannot-restart",
      needs: ["workloads"],
      find: ({ workloads }) =>
        workloads.flatMap(({ name, disruptionsAllowed, paused, rollingOut }) => {
          const evidence =
            disruptionsAllowed === 0
              ? "its disruption budget allows none"
              : paused
                ? "its rollout is paused"
                : rollingOut
                  ? "it is in the middle of a rollout"
                  : undefined;
          return evidence === undefined
            ? []
            : [{ subject: name, evidence, fix: "Settle it before the data plane restarts, or exclude it by name." }];
        }),
    }),
    check({
      name: "restart-hurts",
      level: "warn",
      needs: ["workloads"],
      find: ({ workloads }) =>
        workloads.flatMap(({ name, kind, replicas, pinnedProxyImage }): readonly Hit[] => {
          if (pinnedProxyImage !== undefined)
            return [
              {
                subject: name,
                evidence: `sidecar.istio.io/proxyImage pins ${pinnedProxyImage}: it never moves`,
                fix: "Remove the annotation, or count it as an explained rest.",
              },
            ];
          if (kind === "Pod" || kind === "Job")
            return [
              { subject: name, evidence: `nothing restarts a bare ${kind}`, fix: "Let its owner start it anew." },
            ];
          return kind !== "DaemonSet" && replicas < 2
            ? [{ subject: name, evidence: `it has ${replicas} replicas`, fix: "Give it two for the time of the hop." }]
            : [];
        }),
    }),
  ],
};

/** As Envoy filters match: the pattern anywhere in the proxy's version. undefined: not a pattern that can be read here. */
function matchesVersion(pattern: string, version: string): boolean | undefined {
  if (pattern.length > 200) return undefined;
  try {
    return new RegExp(pattern).test(version);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const filters: Rule = {
  id: "G17",
  title: "Every EnvoyFilter still matches the new proxies, and Gateway API's CRDs fit",
  link: "https://istio.io/latest/docs/reference/config/networking/envoy-filter/",
  checks: [
    check({
      name: "envoy-filter-misses",
      needs: ["envoyFilters"],
      find: ({ envoyFilters }, { hop }) =>
        envoyFilters.flatMap(({ name, proxyVersions }) =>
          proxyVersions.flatMap((pattern): readonly Hit[] => {
            const now = matchesVersion(pattern, formatVersion(hop.from));
            const then = matchesVersion(pattern, formatVersion(hop.to));
            if (now === undefined || then === undefined)
              return [
                {
                  subject: `EnvoyFilter ${name}`,
                  evidence: `its proxyVersion ${pattern} cannot be read`,
                  fix: "Look whether it matches both versions.",
                  level: "undecided",
                },
              ];
            return now && !then
              ? [
                  {
                    subject: `EnvoyFilter ${name}`,
                    evidence: `its proxyVersion ${pattern} matches ${formatVersion(hop.from)} and misses ${formatVersion(hop.to)}`,
                    fix: "Add a copy that matches the new version, tested with it, before the hop.",
                  },
                ]
              : [];
          }),
        ),
    }),
    check({
      name: "filter-messages",
      level: "warn",
      needs: ["analysis"],
      find: ({ analysis }) =>
        analysis.messages
          .filter(({ code }) => filterCodes.includes(code))
          .map(({ code, origin }) => ({
            subject: origin,
            evidence: `${code}: ${code < "IST0156" ? "an EnvoyFilter depends on where Istio puts things" : "Gateway API's CRDs do not fit"}`,
            fix: "Try it on the target version outside production.",
          })),
    }),
  ],
};

const filterCodes: readonly string[] = ["IST0151", "IST0152", "IST0153", "IST0154", "IST0155", "IST0172", "IST0176"];

/** Messages that block whether or not they are new. */
const alwaysBlock: readonly string[] = ["IST0139", "IST0141", "IST0142", "IST0156", "IST0168", "IST0169"];
const warnCodes: readonly string[] = ["IST0002", "IST0103", "IST0123", "IST0158", "IST0171"];

const analyze: Rule = {
  id: "G18",
  title: "istioctl analyze finds nothing that it did not find before",
  link: "https://istio.io/latest/docs/reference/config/analysis/",
  checks: [
    check({
      name: "new-message",
      needs: ["analysis"],
      find({ analysis }) {
        const before = new Set(analysis.baseline.map(({ code, origin }) => `${code} ${origin}`));
        return analysis.messages.flatMap(({ code, level, origin }): readonly Hit[] => {
          const fix = `See https://istio.io/latest/docs/reference/config/analysis/${code.toLowerCase()}/.`;
          if (alwaysBlock.includes(code)) return [{ subject: origin, evidence: `${code} blocks always`, fix }];
          if (level === "Error" && !before.has(`${code} ${origin}`))
            return [{ subject: origin, evidence: `${code} is new since the baseline`, fix }];
          return warnCodes.includes(code)
            ? [{ subject: origin, evidence: `${code} is known`, fix, level: "warn" }]
            : [];
        });
      },
    }),
  ],
};

const tool: Rule = {
  id: "G20",
  title: "istioctl has the right minor, a safe patch, an empty environment and an explicit context",
  link: "https://istio.io/latest/news/releases/1.31.x/announcing-1.31.1/",
  checks: [
    check({
      name: "istioctl",
      needs: ["istioctl"],
      find({ istioctl }, situation) {
        const { hop } = situation;
        // Upwards the target's, downwards the one to which it returns.
        const minor = minorOf(hop.to);
        const hits: Hit[] = [];
        const subject = `istioctl ${formatVersion(istioctl.version)}`;
        if (minorOf(istioctl.version) !== minor)
          hits.push({
            subject,
            evidence: `${goesUp(situation) ? "the hop" : "the rollback"} goes to ${minor}`,
            fix: `Use istioctl ${minor}.`,
          });
        const safe = safeIstioctlVersions.map((text) => parseVersion(text)).filter((one) => one !== undefined);
        const own = safe.find((one) => minorOf(one) === minorOf(istioctl.version));
        const newest = safe.at(-1);
        const isSafe =
          own === undefined
            ? newest !== undefined && compareVersions(istioctl.version, newest) > 0
            : compareVersions(istioctl.version, own) >= 0;
        if (!isSafe)
          hits.push({
            subject,
            evidence: "its analyze may start a program that a secret of the cluster names",
            fix: `Use ${safeIstioctlVersions.join(", ")} or later${own === undefined ? "; for an older minor let no cluster secret be readable to it" : ""}.`,
            // Older minors have no safe patch: then a person decides.
            level: own === undefined ? "manual" : "block",
          });
        if (!istioctl.emptyEnvironment)
          hits.push({ subject, evidence: "it runs with this process's environment", fix: "Empty its environment." });
        if (!istioctl.explicitContext)
          hits.push({ subject, evidence: "it takes whichever context is current", fix: "Give it --context." });
        return hits;
      },
    }),
  ],
};

export const workloadRules: readonly Rule[] = [restartable, filters, analyze, tool];
