/**
 * What the rules take: one hop of one cluster, and the evidence that was collected for it. A section that is left out was not
 * collected, and every rule that needs it is undecided; a section that is there is whole. Pure.
 */
import { z } from "zod";
import { monitorStates } from "../../ports/monitors.ts";
import { freezeWindow } from "../../swap/freeze.ts";
import { strategies } from "../plan/support.ts";
import { type Minor, parseMinor, parseVersion, type Version } from "../plan/versions.ts";

const text = z.string().min(1).max(500);
const texts = z.array(text);
const count = z.number().int().nonnegative();

/** Never a number: 1.30 in YAML is 1.3. */
export const versionText = z
  .string('must be text in quotes, for example "1.31.1"')
  .transform((value, context): Version => {
    const parsed = parseVersion(value);
    if (parsed !== undefined) return parsed;
    context.issues.push({
      code: "custom",
      input: value,
      message: `"${value}" is no whole version, for example 1.31.1`,
    });
    return z.NEVER;
  });

export const minorText = z.string('must be text in quotes, for example "1.33"').transform((value, context): Minor => {
  const parsed = parseMinor(value);
  if (parsed !== undefined) return parsed;
  context.issues.push({
    code: "custom",
    input: value,
    message: `"${value}" is no Kubernetes version, for example 1.33`,
  });
  return z.NEVER;
});

/** An instant with offset becomes ms since the epoch. */
export const instant = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value));

export const components = ["base", "istiod", "cni", "ztunnel", "gateway"] as const;
/** In the order in which they may move. */
export type Component = (typeof components)[number];

const hop = z.strictObject({
  from: versionText,
  to: versionText,
  strategy: z.enum(strategies),
  /** Whether `to` is what the plan is for, and no version on the way. */
  final: z.boolean(),
  /** Base, control plane and gateways by merge requests of their own. */
  stepwise: z.boolean(),
});

const release = z.strictObject({
  name: text,
  component: z.enum(components),
  file: text,
  /** As the file has it: a version: versionText, a range; missing when the file names none. */
  chartVersion: z.string().optional(),
  /** Repository of the chart. */
  source: text,
  /** `global.hub`, where it is set. */
  hub: text.optional(),
  /** Public key that the source verifies signatures with. */
  verifyKey: text.optional(),
  /** HelmReleases that it waits for. */
  dependsOn: texts,
  /** The Flux Kustomization that applies it. */
  kustomization: text,
  /** Another tool moves the version: an image policy's marker or Renovate's automerge on the line. */
  movedBy: z.enum(["imagepolicy", "renovate"]).optional(),
  remediationRetries: count,
  retryOnFailure: z.boolean(),
  serverSideApply: z.boolean(),
});

const git = z.strictObject({
  releases: z.array(release).min(1),
  kustomizations: z.array(z.strictObject({ name: text, dependsOn: texts, wait: z.boolean() })),
  /** Namespaces whose label istio.io/rev names a tag of the series, stable or canary; missing where nobody read them. */
  tagged: texts.optional(),
});

const proxies = z.array(z.strictObject({ workload: text, version: versionText, revision: z.string() }));

const controlPlanes = z
  .array(
    z.strictObject({
      /** Empty for the one without a revision. */
      revision: z.string(),
      version: versionText,
      replicas: count,
      autoscaleMin: count,
      disruptionBudget: z.boolean(),
    }),
  )
  .min(1);

const ambient = z.strictObject({
  used: z.boolean(),
  cni: versionText.optional(),
  ztunnel: versionText.optional(),
  /** Nodes are drained before their ztunnel restarts. */
  drainsNodes: z.boolean(),
});

const artifacts = z.array(
  z.strictObject({
    kind: z.enum(["chart", "image"]),
    name: text,
    version: versionText,
    source: text,
    found: z.boolean(),
  }),
);

const base = z.strictObject({
  version: versionText,
  release: text,
  /** Version after this hop, where the plan changes it. */
  next: versionText.optional(),
  crds: z.array(z.strictObject({ name: text, release: z.string(), keep: z.boolean() })),
  /** Which release owns the service account that istiod's Deployment uses; empty for none. */
  serviceAccountRelease: z.string(),
  istiodRelease: text,
  defaultRevision: z.string(),
});

const webhooks = z.array(
  z.strictObject({
    name: text,
    kind: z.enum(["validating", "mutating"]),
    service: text,
    serviceExists: z.boolean(),
    readyEndpoints: count,
    caBundle: z.boolean(),
  }),
);

const injection = z.strictObject({
  namespaces: z.array(
    z.strictObject({ name: text, injection: z.enum(["enabled", "disabled", "unset"]), revision: z.string() }),
  ),
  tags: z.array(z.strictObject({ tag: text, revision: text })),
});

const workloads = z.array(
  z.strictObject({
    name: text,
    kind: z.enum(["Deployment", "StatefulSet", "DaemonSet", "Job", "Pod"]),
    replicas: count,
    /** disruptionsAllowed of its budget; missing without a budget. */
    disruptionsAllowed: count.optional(),
    paused: z.boolean(),
    rollingOut: z.boolean(),
    pinnedProxyImage: text.optional(),
  }),
);

const envoyFilters = z.array(
  z.strictObject({ name: text, /** `match.proxy.proxyVersion`s; none: all versions. */ proxyVersions: texts }),
);

const message = z.strictObject({
  code: z.string().regex(/^IST\d{4}$/),
  level: z.enum(["Info", "Warning", "Error"]),
  origin: z.string(),
});

const analysis = z.strictObject({ messages: z.array(message), baseline: z.array(message) });

const istioctl = z.strictObject({ version: versionText, emptyEnvironment: z.boolean(), explicitContext: z.boolean() });

const kubernetes = z.strictObject({
  minor: minorText,
  ready: z.boolean(),
  nodes: z.array(z.strictObject({ name: text, ready: z.boolean(), pressure: texts })).min(1),
  criticalPods: z.array(z.strictObject({ name: text, ready: z.boolean(), restarts: count })),
  /** What the scheduler can still place. */
  freeCpuMillis: count,
  freeMemoryMi: count,
});

const eks = z.strictObject({
  status: text,
  updateInProgress: z.boolean(),
  insights: z.array(z.strictObject({ name: text, status: z.enum(["PASSING", "WARNING", "ERROR", "UNKNOWN"]) })),
  upgradedAt: instant.optional(),
});

const flux = z.strictObject({
  objects: z
    .array(
      z.strictObject({
        name: text,
        kind: z.enum(["GitRepository", "OCIRepository", "HelmRepository", "Kustomization", "HelmRelease"]),
        suspended: z.boolean(),
        ready: z.boolean(),
        remediated: z.boolean(),
        generation: count,
        observedGeneration: count,
      }),
    )
    .min(1),
  versions: z.strictObject({ registry: versionText, git: versionText, history: versionText, running: versionText }),
});

const metricsBaseline = z.strictObject({
  storedAt: instant,
  immutable: z.boolean(),
  query: text,
  windowMinutes: z.number().positive(),
  services: z.array(z.strictObject({ name: text, requests: count, sameHourLastWeek: z.boolean() })).min(1),
  /** Other clusters of its environment in which nothing changes meanwhile: a soak is held against them. */
  unchangedClusters: count.optional(),
  /** Of each service, to be judged; default 1,000. */
  requestsNeeded: count.optional(),
  /** How old it may be; default 24. */
  hoursAllowed: z.number().positive().optional(),
});

const alerts = z.array(
  z.strictObject({
    name: text,
    state: z.enum(monitorStates),
    required: z.boolean(),
    muted: z.boolean(),
  }),
);

const fleet = z.strictObject({
  freezes: z.array(freezeWindow),
  earlierWaves: z.array(
    z.strictObject({ name: text, state: z.enum(["upgraded", "soaking", "failed", "not-started"]) }),
  ),
  failures: count,
  failureBudget: count,
  wave: z.array(z.strictObject({ cluster: text, meshId: z.string(), region: text })).min(1),
  /** Clusters of the same multi-cluster mesh. */
  peers: z.array(z.strictObject({ cluster: text, version: versionText })),
});

const lock = z.strictObject({ held: z.boolean(), fence: count, highestFence: count, conditionalWrites: z.boolean() });

const gitlab = z.strictObject({
  /** Open merge requests for the same repository, clusters and component that are not this step's own. */
  openMergeRequests: z.array(z.strictObject({ iid: count, branch: text })),
  foreignCommits: z.array(z.strictObject({ sha: text, author: text })),
  approvalsRequired: count,
  authorMayApprove: z.boolean(),
  pathsWithoutOwner: texts,
  tokenExpiresAt: instant,
});

const checks = z.strictObject({ ranAt: instant, validMinutes: z.number().positive() });

const credentials = z.strictObject({
  sessionMinutes: z.number().positive(),
  soakMinutes: z.number().positive(),
  refreshed: z.boolean(),
});

/**
 * Facts for the detectors of the upgrade notes. Each may be missing by itself. Lists name what is affected, so that an empty
 * list means that somebody looked.
 */
const mesh = z.strictObject({
  istiodEnv: z.record(z.string(), z.string()).optional(),
  compatibilityVersion: minorText.optional(),
  telemetryProviders: z.array(z.strictObject({ name: text, kind: text })).optional(),
  /** Pods' annotations that begin with sidecar.istio.io/, proxy.istio.io/ or istio.io/, each once. */
  podAnnotations: texts.optional(),
  /** Mutating webhooks on pods besides Istio's. */
  podWebhooks: texts.optional(),
  bundledDashboards: texts.optional(),
  /** `group/version Kind` of stored objects. */
  storedApis: texts.optional(),
  serviceEntriesWithoutResolution: texts.optional(),
  dryRunPolicies: texts.optional(),
  /** Namespaces outside istio-system whose pods call istiod's debug endpoints. */
  debugClients: texts.optional(),
  /** Tools that speak xDS to port 15010. */
  plaintextXdsClients: texts.optional(),
  /** Dashboards and alerts that read the remaining_* gauges of circuit breakers. */
  remainingMetricReaders: texts.optional(),
  ambientPodsWithoutDns: texts.optional(),
  cniExcludedNamespaces: texts.optional(),
  ambientNamespaces: texts.optional(),
  cniConfigReaders: texts.optional(),
  /** Hosts of a Service and of a ServiceEntry in another namespace. */
  hostsInTwoNamespaces: texts.optional(),
  servicesWithoutMinHealth: texts.optional(),
  unlabelledWorkloadEntries: texts.optional(),
  ambientWorkloads: count.optional(),
  apiGeneratorClients: texts.optional(),
  gatewaysMergedAcrossNamespaces: texts.optional(),
  nodeUntaint: z.boolean().optional(),
});

export const evidenceFile = z.strictObject({
  git: git.optional(),
  proxies: proxies.optional(),
  controlPlanes: controlPlanes.optional(),
  ambient: ambient.optional(),
  artifacts: artifacts.optional(),
  base: base.optional(),
  webhooks: webhooks.optional(),
  injection: injection.optional(),
  workloads: workloads.optional(),
  envoyFilters: envoyFilters.optional(),
  analysis: analysis.optional(),
  istioctl: istioctl.optional(),
  kubernetes: kubernetes.optional(),
  eks: eks.optional(),
  flux: flux.optional(),
  metricsBaseline: metricsBaseline.optional(),
  alerts: alerts.optional(),
  fleet: fleet.optional(),
  lock: lock.optional(),
  gitlab: gitlab.optional(),
  checks: checks.optional(),
  credentials: credentials.optional(),
  mesh: mesh.optional(),
});

/** One hop of one cluster at one time, as it stands in a file. */
export const situationFile = z.strictObject({
  cluster: text,
  at: instant.describe("The time for which is judged."),
  production: z.boolean(),
  hop,
  evidence: evidenceFile,
});

export type SituationFile = z.input<typeof situationFile>;
export type Situation = z.output<typeof situationFile>;
export type Evidence = Situation["evidence"];
export type EvidenceSection = keyof Evidence;
export type MeshFacts = NonNullable<Evidence["mesh"]>;
