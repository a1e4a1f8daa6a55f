/** What the effects of a run work with. */
import type { Clock } from "../../ports/clock.ts";
import type { Clusters } from "../../ports/clusters.ts";
import type { GitHost, HostedFile } from "../../ports/git-host.ts";
import type { GuardStore } from "../../ports/guard-store.ts";
import type { LanguageModel } from "../../ports/language-model.ts";
import type { MetricSource } from "../../ports/metric-source.ts";
import type { ReadingCluster } from "../edit/edit.ts";
import type { MetricLanguage } from "../judge/queries.ts";
import type { SomeThresholds } from "../judge/thresholds.ts";
import type { Digest } from "../merge-request/mark.ts";
import type { LookedArtifacts } from "../plan/artifacts.ts";
import type { Plan } from "../plan/plan.ts";
import type { ClusterRecord, RestartMode } from "../registry/record.ts";
import type { Evidence } from "../rules/evidence.ts";
import type { Finding } from "../rules/rule.ts";
import type { GuardConfig } from "../settings.ts";
import type { BatchView } from "./decide.ts";
import type { Outcome } from "./outcomes.ts";

/** Where traffic and control planes are looked up. */
export interface MeshMetrics {
  /** Answers may be some minutes old. */
  readonly source: MetricSource;
  /** Never a kept answer: for soaks. */
  readonly fresh: MetricSource;
  readonly language: MetricLanguage;
}

export type Alerts = NonNullable<Evidence["alerts"]>;
export type Git = NonNullable<Evidence["git"]>;

export interface RunPorts {
  readonly store: GuardStore;
  readonly host: GitHost;
  readonly clusters: Clusters;
  readonly clock: Pick<Clock, "now" | "wall" | "sleep">;
  readonly digest: Digest;
  /** undefined: none is configured, so that nothing can be compared. */
  readonly metrics: MeshMetrics | undefined;
  /** Alerts in a cluster's scope. Errors: metric-unreadable. undefined: nobody can be asked. */
  readonly alerts: ((cluster: ClusterRecord, signal: AbortSignal) => Promise<Alerts>) | undefined;
  /** What the sources of charts and images have of a version, and why anything of it is not known. undefined: nobody can be asked. */
  readonly artifacts: ((git: Git, version: string, signal: AbortSignal) => Promise<LookedArtifacts>) | undefined;
  /** Asked for advice on failures. undefined: nobody is. */
  readonly languageModel: LanguageModel | undefined;
  /** What the checks by module say; one that cannot be carried out is undecided, which stands in the way. */
  readonly customChecks: (cluster: ClusterRecord, signal: AbortSignal) => Promise<readonly Finding[]>;
}

export interface RunContext extends RunPorts {
  readonly settings: GuardConfig;
  /** Limits that this process was told; they hold before a run's own and the settings'. */
  readonly thresholds?: SomeThresholds | undefined;
  /** How this process was told that workloads restart; likewise. */
  readonly restart?: RestartMode | undefined;
  readonly batch: string;
  readonly plan: Plan;
  /** Of the lock under which the run works. */
  readonly fence: number;
  /** Everything in the registry. */
  fleet(): Promise<readonly ClusterRecord[]>;
}

/** Files at a commit are asked once in a process: they do not change. */
export function filesOnce(host: GitHost): GitHost["files"] {
  const known = new Map<string, Promise<readonly HostedFile[]>>();
  return (repository, commit, signal) => {
    const key = `${repository}@${commit}`;
    const files = known.get(key) ?? host.files(repository, commit, signal);
    known.set(key, files);
    files.catch(() => known.delete(key));
    // A run looks at the head and at what it began from, and goes on.
    if (known.size > 8) known.delete(known.keys().next().value ?? key);
    return files;
  };
}

/** How long what GitLab says of a project holds for all clusters of a wave, ms: results of checks hold much longer. */
const factsMs = 300_000;
const listMs = 30_000;

/** The host, asked once in a while for what is the same for all clusters of a repository: facts alone are six requests. */
export function projectOnce(host: GitHost, clock: Pick<Clock, "now">): GitHost {
  const facts = forAWhile<Awaited<ReturnType<GitHost["facts"]>>>(clock, factsMs);
  const lists = forAWhile<Awaited<ReturnType<GitHost["openMergeRequests"]>>>(clock, listMs);
  return {
    ...host,
    facts: (repository, signal) => facts(repository, () => host.facts(repository, signal)),
    openMergeRequests: (repository, prefix, signal) =>
      lists(`${repository} ${prefix}`, () => host.openMergeRequests(repository, prefix, signal)),
  };
}

/** Answers are kept so long; what fails is asked again. */
function forAWhile<Answer>(clock: Pick<Clock, "now">, ms: number) {
  const known = new Map<string, { readonly at: number; readonly answer: Promise<Answer> }>();
  return (key: string, ask: () => Promise<Answer>): Promise<Answer> => {
    const last = known.get(key);
    if (last !== undefined && clock.now() - last.at < ms) return last.answer;
    const answer = ask();
    known.set(key, { at: clock.now(), answer });
    answer.catch(() => known.delete(key));
    return answer;
  };
}

export function recordOf(view: BatchView, cluster: string): ClusterRecord {
  const found = view.clusters.find(({ entry }) => entry.clusterId === cluster);
  if (found === undefined) throw new RangeError(`${cluster} is no member of this run`);
  return found;
}

export const recordsOf = (view: BatchView, clusters: readonly string[]): readonly ClusterRecord[] =>
  clusters.map((cluster) => recordOf(view, cluster));

/** All clusters of a repository: readers of a file are looked for among them. */
export function readersOf(fleet: readonly ClusterRecord[], repository: string): readonly ReadingCluster[] {
  return fleet
    .filter(({ entry }) => entry.gitlabRepo === repository)
    .map(({ entry }) => ({ cluster: entry.clusterId, batch: entry.batchId, path: entry.fluxConfigPath }));
}

export const together = (outcomes: readonly Outcome[]): Outcome => ({
  moves: outcomes.flatMap(({ moves }) => moves),
  waits: outcomes.flatMap(({ waits }) => waits),
});
