/** A simulated fleet: clusters whose Flux follows a repository, a Git host, a store, and people who merge. */

import type { z } from "zod";
import type { Strategy } from "../../guard/plan/support.ts";
import { parseVersion, type Version } from "../../guard/plan/versions.ts";
import { type ClusterEntry, clusterEntry } from "../../guard/registry/record.ts";
import { createRegistry } from "../../guard/registry/registry.ts";
import type { RunPorts } from "../../guard/run/context.ts";
import { filesOnce } from "../../guard/run/context.ts";
import { type GuardConfig, guardConfig } from "../../guard/settings.ts";
import { SimulatedCluster, type SimulatedClusterOptions } from "../../guard/simulation/cluster.ts";
import { createSimulatedGitHost, type SimulatedGitHost } from "../../guard/simulation/git-host.ts";
import { SimulatedInspector } from "../../guard/simulation/inspector.ts";
import { type SimulatedGuardStore, simulateGuardStore } from "../../guard/simulation/store.ts";
import type { ClusterAddress, Clusters } from "../../ports/clusters.ts";
import type { GitHost } from "../../ports/git-host.ts";
import type { GuardStore } from "../../ports/guard-store.ts";
import { createVirtualClock, type VirtualClock } from "../simulation/clock.ts";
import { createFleetMetrics, type FleetMetrics } from "./fleet-metrics.ts";
import { clusterFiles, folderOf, namespacesInGit, revisionedFiles, withoutOrder } from "./repository-files.ts";
import { sharesReached } from "./share-reached.ts";
import { watchRevisions } from "./watched-revisions.ts";
import { type WatchedStore, watchStore } from "./watched-store.ts";

export interface FleetOptions {
  readonly clusters: number;
  /** Each with a repository of its own. */
  readonly waves: number;
  /** ms since the epoch. */
  readonly now: number;
  /** Version that all run. */
  readonly istio: string;
  readonly kubernetes: string;
  readonly digest: RunPorts["digest"];
  readonly settings?: z.input<typeof guardConfig>;
  /** How Istio is installed, and upgraded; default in-place. */
  readonly strategy?: Strategy;
  /** Releases do not say what they wait for. */
  readonly unordered?: boolean;
  /** Store and host as guard's processes see them: a broken one shows that the drill finds it. */
  readonly store?: (store: GuardStore) => GuardStore;
  readonly gitHost?: (host: GitHost) => GitHost;
}

export interface Fleet {
  readonly clock: VirtualClock;
  readonly host: SimulatedGitHost;
  readonly store: SimulatedGuardStore;
  readonly settings: GuardConfig;
  readonly strategy: Strategy;
  readonly metrics: FleetMetrics;
  readonly waves: readonly string[];
  readonly entries: readonly ClusterEntry[];
  readonly ports: RunPorts;
  /** What the store was asked and said, and what of it must not be. */
  readonly watched: WatchedStore;
  /** Everything that was seen of store and clusters and must not be, in sentences. */
  problems(): readonly string[];
  /** Percent of a cluster's namespaces that may be at the new revision by now. */
  shareOf(cluster: string): number;
  /** As it is now. */
  cluster(id: string): SimulatedCluster;
  repositoryOf(wave: string): string;
  /** Somebody merges what is open, in all repositories; how many. */
  mergeAll(by: string): number;
}

/** Of a cluster by revision: one in each namespace. */
export const revisionedWorkloads = namespacesInGit.map((namespace) => ({
  kind: "Deployment",
  namespace,
  name: "app",
  minAvailable: 1,
  annotations: { "proxy.istio.io/config": '{"holdApplicationUntilProxyStarts":true}' },
})) satisfies SimulatedClusterOptions["workloads"];

const pad = (number: number, width: number): string => String(number).padStart(width, "0");

export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const { now, istio, kubernetes, digest, strategy = "in-place" } = options;
  const revisioned = strategy === "revision";
  const made = revisioned ? revisionedFiles : clusterFiles;
  const filesOf = options.unordered === true ? (...of: Parameters<typeof made>) => withoutOrder(made(...of)) : made;
  const clock = createVirtualClock(now, 1);
  const host = createSimulatedGitHost({ now: clock.wall });
  const store = simulateGuardStore();
  const settings = guardConfig.parse({
    metrics: { source: "prometheus", prometheus: { url: "http://127.0.0.1" } },
    ...options.settings,
  });
  const waves = Array.from({ length: options.waves }, (_, index) => `wave-${pad(index + 1, 2)}`);
  const repositoryOf = (wave: string): string => `mesh/${wave}`;
  const entries = Array.from({ length: options.clusters }, (_, index): ClusterEntry => {
    const wave = waves[Math.floor((index * options.waves) / options.clusters)] ?? "wave-01";
    const clusterId = `c-${pad(index + 1, 3)}`;
    return clusterEntry.parse({
      clusterId,
      batchId: wave,
      environment: "prod",
      region: index % 2 === 0 ? "eu-central-1" : "us-east-1",
      gitlabRepo: repositoryOf(wave),
      fluxConfigPath: folderOf(clusterId),
      currentIstioVersion: istio,
    });
  });
  for (const wave of waves) {
    const own = entries.filter(({ batchId }) => batchId === wave);
    const files = Object.assign({}, ...own.map(({ clusterId }) => filesOf(clusterId, istio)));
    host.createRepository(repositoryOf(wave), { ...files, CODEOWNERS: "* @mesh\n" });
    host.configure(repositoryOf(wave), { approvalsRequired: 1, authorMayApprove: false });
  }
  const clusters = new Map(
    entries.map(({ clusterId, batchId }) => {
      const cluster = new SimulatedCluster({
        name: clusterId,
        kubernetes,
        now,
        head: () => host.fetched(repositoryOf(batchId), "main"),
        path: folderOf(clusterId),
        repositoryUrl: `https://git.example.com/${repositoryOf(batchId)}.git`,
        intervalSeconds: 60,
        ...(revisioned ? { namespaces: { shop: {} }, workloads: revisionedWorkloads } : {}),
      });
      return [clusterId, cluster];
    }),
  );
  const cluster = (id: string): SimulatedCluster => {
    const found = clusters.get(id);
    if (found === undefined) throw new RangeError(`there is no cluster ${id}`);
    found.tick(clock.now());
    return found;
  };
  const registry = createRegistry(store);
  for (const entry of entries) await registry.add(entry, now, 0);
  const metrics = createFleetMetrics(entries, settings);
  const watched = watchStore(options.store?.(store) ?? store);
  const shareOf = sharesReached(watched, digest);
  const revisions = watchRevisions({ shareOf, holdMs: settings.validation.hold_days * 86_400_000 });
  if (revisioned) for (const one of clusters.values()) revisions.watch(one);
  const asked = options.gitHost?.(host.host) ?? host.host;
  const files = filesOnce(asked);
  return {
    clock,
    host,
    store,
    settings,
    strategy,
    metrics,
    waves,
    entries,
    ports: {
      store: watched.store,
      host: { ...asked, files },
      clusters: clustersOf(cluster),
      clock,
      digest,
      metrics,
      alerts: async () => [],
      artifacts: async (git, version) => ({ section: artifactsOf(git, version), unknown: [] }),
      languageModel: undefined,
      customChecks: async () => [],
    },
    watched,
    problems: () => [...watched.lostStates, ...watched.doubleLocks, ...revisions.problems],
    shareOf,
    cluster,
    repositoryOf,
    mergeAll(by) {
      let merged = 0;
      for (const wave of waves)
        for (const iid of host.open(repositoryOf(wave))) {
          host.approve(repositoryOf(wave), iid, by);
          host.merge(repositoryOf(wave), iid, { method: "merge", by });
          merged += 1;
        }
      return merged;
    },
  };
}

function clustersOf(cluster: (id: string) => SimulatedCluster): Clusters {
  return {
    kubernetes: ({ clusterId }: ClusterAddress) => cluster(clusterId).api,
    mesh: ({ clusterId }, minor) => new SimulatedInspector(cluster(clusterId), safeClient(minor)),
    eks: async () => ({
      status: "ACTIVE",
      kubernetes: "1.33",
      updateInProgress: false,
      insights: [],
      upgradedAt: undefined,
    }),
  };
}

/** A patch of a minor whose istioctl is safe. */
const safeClient = (minor: string): string => `${minor}.9`;

function artifactsOf(git: Parameters<NonNullable<RunPorts["artifacts"]>>[0], text: string) {
  const version = parseVersion(text);
  if (version === undefined) throw new RangeError(text);
  const found = (kind: "chart" | "image", name: string, of: Version) =>
    ({
      kind,
      name,
      version: of,
      source: kind === "chart" ? "https://blob.istio.io/istio-release/charts" : "docker.io/istio",
      found: true,
    }) as const;
  return [
    ...[...new Set(git.releases.map(({ component }) => component))].map((name) => found("chart", name, version)),
    found("image", "pilot", version),
    found("image", "proxyv2", version),
  ];
}
