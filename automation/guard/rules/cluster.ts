/** Rules 21, 22, 25 and 26: the cluster, Flux, metrics and alerts before a hop. Pure. */
import { compareVersions, formatVersion } from "../plan/versions.ts";
import { check, type Hit, type Rule, some } from "./rule.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const healthy: Rule = {
  id: "G21",
  title: "Kubernetes and EKS are well and nothing else is being changed",
  link: "https://docs.aws.amazon.com/eks/latest/userguide/cluster-insights.html",
  checks: [
    check({
      name: "kubernetes-unwell",
      needs: ["kubernetes"],
      find({ kubernetes }) {
        const hits: Hit[] = [];
        if (!kubernetes.ready)
          hits.push({ subject: "the API server", evidence: "/readyz is not ok", fix: "Wait until it is ready." });
        const bad = kubernetes.nodes.filter(({ ready, pressure }) => !ready || pressure.length > 0);
        if (bad.length > 0)
          hits.push({
            subject: some(bad.map(({ name }) => name)),
            evidence: `${bad.length} of ${kubernetes.nodes.length} nodes are not ready or under pressure`,
            fix: "Repair or replace them.",
          });
        const pods = kubernetes.criticalPods.filter(({ ready, restarts }) => !ready || restarts > 0);
        if (pods.length > 0)
          hits.push({
            subject: some(pods.map(({ name }) => name)),
            evidence: `${pods.length} critical pods are not ready or restarted in the window`,
            fix: "Find out why before anything changes.",
          });
        return hits;
      },
    }),
    check({
      name: "eks-busy",
      needs: ["eks"],
      find({ eks }, { at }) {
        const hits: Hit[] = [];
        if (eks.status !== "ACTIVE" || eks.updateInProgress)
          hits.push({
            subject: "EKS",
            evidence: eks.updateInProgress ? "an update is in progress" : `its status is ${eks.status}`,
            fix: "Wait until it is ACTIVE with no update.",
          });
        for (const { name, status } of eks.insights)
          if (status === "ERROR")
            hits.push({
              subject: `insight ${name}`,
              evidence: "its status is ERROR",
              fix: "Resolve it in the EKS console.",
            });
          else if (status === "UNKNOWN")
            hits.push({
              subject: `insight ${name}`,
              evidence: "its status is UNKNOWN",
              fix: "Refresh the insights; they are renewed every 24 hours.",
              level: "undecided",
            });
        if (eks.upgradedAt !== undefined && at - eks.upgradedAt < 7 * dayMs)
          hits.push({
            subject: "EKS",
            evidence: `its control plane was upgraded ${Math.floor((at - eks.upgradedAt) / dayMs)} days ago and can still be rolled back`,
            fix: "Wait until its seven days are over, so that two ways back do not cross.",
            level: "warn",
          });
        return hits;
      },
    }),
  ],
};

const flux: Rule = {
  id: "G22",
  title: "Flux is at work, and registry, Git, release and image name one version",
  link: "https://fluxcd.io/flux/components/kustomize/kustomizations/#status",
  checks: [
    check({
      name: "flux-not-ready",
      needs: ["flux"],
      find: ({ flux: { objects } }) =>
        objects.flatMap(({ kind, name, suspended, ready, generation, observedGeneration }) => {
          const evidence = suspended
            ? "it is suspended"
            : observedGeneration !== generation
              ? `it has seen generation ${observedGeneration} of ${generation}`
              : ready
                ? undefined
                : "it is not Ready";
          return evidence === undefined
            ? []
            : [
                {
                  subject: `${kind} ${name}`,
                  evidence,
                  fix: suspended
                    ? `flux resume ${kind.toLowerCase()} ${name}`
                    : "Repair it first: a hop would not be applied.",
                },
              ];
        }),
    }),
    check({
      name: "drift",
      needs: ["flux"],
      find({ flux: { versions } }, { hop }) {
        const entries = Object.entries(versions);
        const told = entries.map(([name, version]) => `${name} ${formatVersion(version)}`).join(", ");
        return entries.every(([, version]) => compareVersions(version, hop.from) === 0)
          ? []
          : [
              {
                subject: `Istio ${formatVersion(hop.from)}`,
                evidence: `the four places differ: ${told}`,
                fix: "Bring them together first: what runs is not what the hop starts from.",
              },
            ];
      },
    }),
  ],
};

const baseline: Rule = {
  id: "G25",
  title: "A baseline is stored, immutable, fresh and big enough",
  link: "https://sre.google/workbook/canarying-releases/",
  checks: [
    check({
      name: "baseline",
      needs: ["metricsBaseline"],
      find({ metricsBaseline }, { at }) {
        const { storedAt, immutable, services, windowMinutes, unchangedClusters } = metricsBaseline;
        const { requestsNeeded = 1_000, hoursAllowed = 24 } = metricsBaseline;
        const hits: Hit[] = [];
        const age = at - storedAt;
        if (age > hoursAllowed * hourMs || age < 0)
          hits.push({
            subject: "the baseline",
            evidence:
              age < 0
                ? "it is from the future: a clock is wrong"
                : `it is ${Math.floor(age / hourMs)} hours old, and ${hoursAllowed} are allowed`,
            fix: "Take it anew.",
          });
        if (!immutable)
          hits.push({
            subject: "the baseline",
            evidence: "it can be overwritten",
            fix: "Store it by a write that refuses a second one.",
          });
        const few = services.filter(({ requests }) => requests < requestsNeeded);
        if (few.length > 0)
          hits.push({
            subject: some(few.map(({ name, requests }) => `${name} (${requests})`)),
            evidence: `${few.length} services had fewer than ${requestsNeeded.toLocaleString("en")} requests in ${windowMinutes} minutes`,
            fix: "Name only services with traffic (guard.metrics.services), or lower validation.thresholds.min_requests.",
          });
        const weekless = services.filter(({ sameHourLastWeek }) => !sameHourLastWeek).map(({ name }) => name);
        if (weekless.length > 0)
          hits.push({
            subject: some(weekless),
            evidence: `${weekless.length} services have no value of the same hour last week`,
            fix: "Take it: a daily season looks like a regression without it.",
          });
        if (unchangedClusters === 0)
          hits.push({
            subject: "the other clusters",
            // docs/adr/0033-the-judge-of-an-upgrade.md, Measured.
            evidence:
              "none of its environment stands still meanwhile: a soak is held against its own last week alone, which finds +20 % p99 in 71 of 100 soaks of 60 minutes and in 94 of 120",
            fix: "Keep one cluster back with --exclude, or set validation.soak_period_minutes to 120.",
            level: "warn",
          });
        return hits;
      },
    }),
  ],
};

const alerting: Rule = {
  id: "G26",
  title: "No alert is active in scope, and required monitors have data",
  link: "https://docs.datadoghq.com/monitors/",
  checks: [
    check({
      name: "alert",
      needs: ["alerts"],
      find: ({ alerts }) =>
        alerts.flatMap(({ name, state, required, muted }): readonly Hit[] => {
          if (state === "Alert" && !muted)
            return [{ subject: name, evidence: "it alerts now", fix: "Resolve it before anything changes." }];
          if (required && state !== "OK" && state !== "Warn" && state !== "Alert")
            return [
              {
                subject: name,
                evidence: `it says ${state}, and it is required: silence is not health`,
                fix: "Make it report, or take it from the required ones.",
              },
            ];
          if (muted)
            return [
              {
                subject: name,
                evidence: "it is muted",
                fix: "Unmute it for the soak.",
                level: required ? "block" : "warn",
              },
            ];
          return state === "Warn" ? [{ subject: name, evidence: "it warns", fix: "Have a look.", level: "warn" }] : [];
        }),
    }),
  ],
};

export const clusterRules: readonly Rule[] = [healthy, flux, baseline, alerting];
