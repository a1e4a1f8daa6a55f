/**
 * Rule 19: the upgrade notes of Istio 1.27 to 1.31 as data, each with what finds it in a cluster, or marked as a person's to
 * look at. Sources: istio.io, content/en/news/releases/1.N.x/announcing-1.N/upgrade-notes (read 30 Nov 2026); strict gateway
 * merging from 1.31's change notes. Pure.
 */

import { compareMinors, formatVersion, type Minor, minorOf } from "../plan/versions.ts";
import type { MeshFacts } from "./evidence.ts";
import { check, type Hit, type Rule, some } from "./rule.ts";
import { goesUp } from "./versions.ts";

type Fact = keyof MeshFacts;

interface UpgradeNote {
  /** Unique; the minor that brings it is in front. */
  readonly id: string;
  readonly minor: Minor;
  /** What changes, one sentence. */
  readonly what: string;
  readonly fix: string;
  readonly level: "block" | "warn";
  /** From this `compatibilityVersion` downwards the old behaviour stays. */
  readonly heldBackBy?: Minor;
  /** An istiod variable with the value that brings the old behaviour back. */
  readonly switchedOffBy?: readonly [variable: string, value: string];
  /** Facts without which it cannot be told. Empty: nothing in a cluster tells it. */
  readonly needs: readonly Fact[];
  /** What is affected. */
  affected(facts: MeshFacts): readonly string[];
}

const manual = { needs: [], affected: () => [] } as const satisfies Pick<UpgradeNote, "needs" | "affected">;

/** A note whose list of affected things is a fact itself. */
const listed = (fact: Fact, list: (facts: MeshFacts) => readonly string[] | undefined) => ({
  needs: [fact],
  affected: (facts: MeshFacts) => list(facts) ?? [],
});

const env = (variables: readonly string[]) => ({
  needs: ["istiodEnv"] as const,
  affected: ({ istiodEnv = {} }: MeshFacts) => variables.filter((name) => istiodEnv[name] !== undefined),
});

const stored = (pattern: RegExp) => ({
  needs: ["storedApis"] as const,
  affected: ({ storedApis = [] }: MeshFacts) => storedApis.filter((api) => pattern.test(api)),
});

export const upgradeNotes: readonly UpgradeNote[] = [
  {
    id: "1.27-gateway-certificates",
    minor: "1.27",
    what: "a Gateway may offer RSA and ECDSA certificates side by side",
    fix: "Nothing, unless a client pins the certificate that it is given.",
    level: "warn",
    ...manual,
  },
  {
    id: "1.27-dashboards",
    minor: "1.27",
    what: "the bundled Grafana dashboards have fixed ids, and links to old ones break",
    fix: "Generate the dashboards anew after the hop.",
    level: "warn",
    ...listed("bundledDashboards", ({ bundledDashboards }) => bundledDashboards),
  },
  {
    id: "1.27-telemetry-providers",
    minor: "1.27",
    what: "the telemetry providers Lightstep and OpenCensus are gone",
    fix: "Move to an OpenTelemetry provider first.",
    level: "block",
    needs: ["telemetryProviders"],
    affected: ({ telemetryProviders = [] }) =>
      telemetryProviders.filter(({ kind }) => /^(?:lightstep|opencensus)$/i.test(kind)).map(({ name }) => name),
  },
  {
    id: "1.27-native-sidecars",
    minor: "1.27",
    what: "istio-proxy becomes an init container, which other webhooks on pods may not expect",
    fix: "Try these webhooks on a pod with a native sidecar, or set ENABLE_NATIVE_SIDECARS=false.",
    level: "warn",
    switchedOffBy: ["ENABLE_NATIVE_SIDECARS", "false"],
    ...listed("podWebhooks", ({ podWebhooks }) => podWebhooks),
  },
  {
    id: "1.27-traffic-distribution",
    minor: "1.27",
    what: "services may ask for a traffic distribution mode, and those that had the field set before are followed now",
    fix: "Look at services with trafficDistribution.",
    level: "warn",
    ...manual,
  },
  {
    id: "1.28-seccomp",
    minor: "1.28",
    what: "global.proxy.seccompProfile can be set for sidecars",
    fix: "Nothing; set RuntimeDefault where your policy wants it.",
    level: "warn",
    ...manual,
  },
  {
    id: "1.28-inference-pool",
    minor: "1.28",
    what: "InferencePool is read at v1 only",
    fix: "Move these objects to inference.networking.k8s.io/v1 first; portNumber becomes port.number.",
    level: "block",
    ...stored(
      /^inference\.networking\.(?:x-)?k8s\.io\/v1(?:alpha\d+|-rc\S*) InferencePool$|^inference\.networking\.x-k8s\.io\//,
    ),
  },
  {
    id: "1.28-service-entry-none",
    minor: "1.28",
    what: "until ztunnel moves it refuses ServiceEntries with resolution NONE, and new ones do not exist for it",
    fix: "Make no new ones between istiod and ztunnel, and keep that time short.",
    level: "warn",
    needs: ["serviceEntriesWithoutResolution", "ambientNamespaces"],
    affected: ({ serviceEntriesWithoutResolution = [], ambientNamespaces = [] }) =>
      ambientNamespaces.length === 0 ? [] : serviceEntriesWithoutResolution,
  },
  {
    id: "1.28-backend-tls-policy",
    minor: "1.28",
    what: "BackendTLSPolicy is read at v1 only, and no longer ignored without the alpha flag",
    fix: "Move these objects to gateway.networking.k8s.io/v1, and look at every one: it takes effect.",
    level: "block",
    ...stored(/^gateway\.networking\.k8s\.io\/v1alpha\d+ BackendTLSPolicy$/),
  },
  {
    id: "1.28-metric-rotation",
    minor: "1.28",
    what: "METRIC_ROTATION_INTERVAL and METRIC_GRACEFUL_DELETION_INTERVAL are gone",
    fix: "Use the pod annotation sidecar.istio.io/statsEvictionInterval.",
    level: "warn",
    ...env(["METRIC_ROTATION_INTERVAL", "METRIC_GRACEFUL_DELETION_INTERVAL"]),
  },
  {
    id: "1.29-stats-compression",
    minor: "1.29",
    what: "the annotation sidecar.istio.io/statsCompression is gone, and compression is on",
    fix: "Set statsCompression in proxy.istio.io/config where a scraper cannot take it.",
    level: "warn",
    needs: ["podAnnotations"],
    affected: ({ podAnnotations = [] }) =>
      podAnnotations.filter((name) => name === "sidecar.istio.io/statsCompression"),
  },
  {
    id: "1.29-ambient-dns",
    minor: "1.29",
    what: "new ambient pods send their DNS through ztunnel; those that run already do not until they restart",
    fix: "Restart these pods, or set cni.ambient.dnsCapture=false.",
    level: "warn",
    ...listed("ambientPodsWithoutDns", ({ ambientPodsWithoutDns }) => ambientPodsWithoutDns),
  },
  {
    id: "1.29-dry-run-policies",
    minor: "1.29",
    what: "with AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY an older ztunnel enforces dry-run policies in full",
    fix: "Turn the flag on only when every ztunnel is at 1.29.",
    level: "block",
    needs: ["istiodEnv", "dryRunPolicies"],
    affected: ({ istiodEnv = {}, dryRunPolicies = [] }) =>
      istiodEnv["AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY"] === "true" ? dryRunPolicies : [],
  },
  {
    id: "1.29-debug-endpoints",
    minor: "1.29",
    what: "outside istio-system only config_dump, ndsz and edsz of the own namespace answer",
    fix: "Name these namespaces in DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES.",
    level: "warn",
    switchedOffBy: ["ENABLE_DEBUG_ENDPOINT_AUTH", "false"],
    ...listed("debugClients", ({ debugClients }) => debugClients),
  },
  {
    id: "1.29-circuit-breaker-metrics",
    minor: "1.29",
    what: "the remaining_* gauges of circuit breakers are off",
    fix: "Set DISABLE_TRACK_REMAINING_CB_METRICS=false where somebody reads them.",
    level: "warn",
    heldBackBy: "1.28",
    switchedOffBy: ["DISABLE_TRACK_REMAINING_CB_METRICS", "false"],
    ...listed("remainingMetricReaders", ({ remainingMetricReaders }) => remainingMetricReaders),
  },
  {
    id: "1.29-base-roles",
    minor: "1.29",
    what: "base no longer brings istiod's roles and service account; bindings of your own to the old names point nowhere",
    fix: "Bind to istiod-clusterrole and istio-reader-clusterrole; rule G10 looks at the service account.",
    level: "warn",
    ...manual,
  },
  {
    id: "1.29-iptables-reconcile",
    minor: "1.29",
    what: "a starting istio-cni rewrites the packet rules of ambient pods that run",
    fix: "Take a quiet time, or set cni.ambient.reconcileIptablesOnStartup=false.",
    level: "warn",
    ...listed("ambientNamespaces", ({ ambientNamespaces }) => ambientNamespaces),
  },
  {
    id: "1.30-cni-file-mode",
    minor: "1.30",
    what: "CNI's configuration file is readable by root only",
    fix: "Set cni.env.CNI_CONF_GROUP_READ=true for tools that read it as a group.",
    level: "warn",
    ...listed("cniConfigReaders", ({ cniConfigReaders }) => cniConfigReaders),
  },
  {
    id: "1.30-cni-exclude-namespaces",
    minor: "1.30",
    what: "ambient pods in a namespace that excludeNamespaces names leave the mesh",
    fix: "Take these namespaces out of excludeNamespaces first, or out of the mesh on purpose.",
    level: "block",
    needs: ["cniExcludedNamespaces", "ambientNamespaces"],
    affected: ({ cniExcludedNamespaces = [], ambientNamespaces = [] }) =>
      cniExcludedNamespaces.filter((name) => ambientNamespaces.includes(name)),
  },
  {
    id: "1.30-untaint",
    minor: "1.30",
    what: "the chart sets PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS by taint.enabled",
    fix: "Remove the variable that you set by hand.",
    level: "warn",
    ...env(["PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS"]),
  },
  {
    id: "1.30-same-host",
    minor: "1.30",
    what: "of one host in several namespaces the Kubernetes service wins, then the oldest; before, the first by name",
    fix: "Make the hosts different, or set PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE=false.",
    level: "warn",
    heldBackBy: "1.28",
    switchedOffBy: ["PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE", "false"],
    ...listed("hostsInTwoNamespaces", ({ hostsInTwoNamespaces }) => hostsInTwoNamespaces),
  },
  {
    id: "1.30-plaintext-xds",
    minor: "1.30",
    what: "syncz and config_dump on port 15010 want a login",
    fix: "Take --plaintext away from these tools.",
    level: "warn",
    switchedOffBy: ["ENABLE_DEBUG_ENDPOINT_AUTH", "false"],
    ...listed("plaintextXdsClients", ({ plaintextXdsClients }) => plaintextXdsClients),
  },
  {
    id: "1.31-unhealthy-endpoints",
    minor: "1.31",
    what: "unhealthy endpoints are sent to proxies unless OutlierDetection.minHealthPercent is set",
    fix: "Set minHealthPercent where a service relies on their absence, or PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS=false.",
    level: "warn",
    heldBackBy: "1.30",
    switchedOffBy: ["PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS", "false"],
    ...listed("servicesWithoutMinHealth", ({ servicesWithoutMinHealth }) => servicesWithoutMinHealth),
  },
  {
    id: "1.31-workload-entries",
    minor: "1.31",
    what: "WorkloadEntries that registered themselves before stay in plaintext",
    fix: "Label them networking.istio.io/tunnel=http, or let them register again.",
    level: "warn",
    ...listed("unlabelledWorkloadEntries", ({ unlabelledWorkloadEntries }) => unlabelledWorkloadEntries),
  },
  {
    id: "1.31-upstream-span",
    minor: "1.31",
    what: "PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY is gone; gateways always make a span for each upstream request",
    fix: "Remove the variable, and look at sampling when it was false.",
    level: "warn",
    ...env(["PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY"]),
  },
  {
    id: "1.31-grpc-limit",
    minor: "1.31",
    what: "a reconnecting ztunnel sends more than istiod's 4 MiB from about 40,000 workloads on, and never gets in",
    fix: "Set ISTIO_GPRC_MAXRECVMSGSIZE on istiod, 1 MiB for each 10,000 workloads and services.",
    level: "block",
    needs: ["ambientWorkloads", "istiodEnv"],
    affected: ({ ambientWorkloads = 0, istiodEnv = {} }) =>
      ambientWorkloads >= 40_000 && !enough(istiodEnv["ISTIO_GPRC_MAXRECVMSGSIZE"], ambientWorkloads)
        ? [`${ambientWorkloads.toLocaleString("en")} workloads`]
        : [],
  },
  {
    id: "1.31-api-generator",
    minor: "1.31",
    what: "clients of the XDS api generator outside istio-system are refused",
    fix: "Move them to istio-system, or set ENABLE_XDS_API_GENERATOR_AUTH=false.",
    level: "warn",
    switchedOffBy: ["ENABLE_XDS_API_GENERATOR_AUTH", "false"],
    ...listed("apiGeneratorClients", ({ apiGeneratorClients }) => apiGeneratorClients),
  },
  {
    id: "1.31-gateway-merging",
    minor: "1.31",
    what: "an Istio Gateway of another namespace no longer merges with a managed Gateway API gateway",
    fix: "Move these Gateways into the gateway's namespace, or set PILOT_ENABLE_STRICT_GATEWAY_MERGING=false.",
    level: "block",
    switchedOffBy: ["PILOT_ENABLE_STRICT_GATEWAY_MERGING", "false"],
    ...listed("gatewaysMergedAcrossNamespaces", ({ gatewaysMergedAcrossNamespaces }) => gatewaysMergedAcrossNamespaces),
  },
];

/** Istio's advice: 1 MiB for each 10,000. */
function enough(limit: string | undefined, workloads: number): boolean {
  return limit !== undefined && Number(limit) >= (workloads / 10_000) * 1_048_576;
}

/** Notes of the minors that a hop reaches, oldest first. */
export function notesBetween(from: Minor, to: Minor): readonly UpgradeNote[] {
  return upgradeNotes.filter(({ minor }) => compareMinors(from, minor) < 0 && compareMinors(minor, to) <= 0);
}

/** How a note stands in one cluster: undefined when it does not touch it. */
function look(note: UpgradeNote, facts: MeshFacts | undefined): Hit | undefined {
  const hit = (subject: string, level: Hit["level"], evidence = note.what): Hit => ({
    subject,
    evidence: `${note.id}: ${evidence}`,
    fix: note.fix,
    ...(level === undefined ? {} : { level }),
  });
  if (note.needs.length === 0) return hit(`Istio ${note.minor}`, "manual");
  const { compatibilityVersion, istiodEnv } = facts ?? {};
  if (note.heldBackBy !== undefined && compatibilityVersion !== undefined)
    if (compareMinors(compatibilityVersion, note.heldBackBy) <= 0) return undefined;
  if (note.switchedOffBy !== undefined && istiodEnv?.[note.switchedOffBy[0]] === note.switchedOffBy[1])
    return undefined;
  const missing = note.needs.filter((fact) => facts?.[fact] === undefined);
  if (facts === undefined || missing.length > 0) {
    const evidence = `${note.what}; ${missing.join(" and ")} ${missing.length === 1 ? "was" : "were"} not collected`;
    return { ...hit(missing.join(", "), "undecided", evidence), missing };
  }
  const affected = note.affected(facts);
  return affected.length === 0 ? undefined : hit(some(affected), note.level);
}

export const noteRule: Rule = {
  id: "G19",
  title: "No upgrade note of a minor that is crossed touches this cluster unseen",
  link: "https://istio.io/latest/news/releases/",
  checks: [
    check({
      name: "upgrade-note",
      needs: [],
      applies: goesUp,
      find: (_, { hop, evidence }) =>
        notesBetween(minorOf(hop.from), minorOf(hop.to)).flatMap((note) => look(note, evidence.mesh) ?? []),
    }),
    check({
      name: "no-notes",
      level: "warn",
      needs: [],
      applies: (situation) => goesUp(situation) && compareMinors(minorOf(situation.hop.from), "1.26") < 0,
      find: (_, { hop }) => [
        {
          subject: `${formatVersion(hop.from)} to ${formatVersion(hop.to)}`,
          evidence: "the catalogue begins with the notes of 1.27",
          fix: `Read the upgrade notes up to ${compareMinors(minorOf(hop.to), "1.26") < 0 ? minorOf(hop.to) : "1.26"}.`,
          level: "manual",
        },
      ],
    }),
  ],
};
