/** Makes the plan of a batch from what its clusters, repositories and registry say now, and stores it under its hash. */

import { planHops } from "../plan/hops.ts";
import { makePlan, noPlan, type Plan, type Planned, type PlannedFile, type PlanRequest } from "../plan/plan.ts";
import { readPlan } from "../plan/stored-plan.ts";
import type { Strategy } from "../plan/support.ts";
import { formatVersion, parseMinor, type Version } from "../plan/versions.ts";
import type { ClusterRecord } from "../registry/record.ts";
import { createRegistry } from "../registry/registry.ts";
import { states } from "../registry/state.ts";
import type { GuardState } from "../registry/state-names.ts";
import type { GuardConfig } from "../settings.ts";
import { measuredNow } from "./check.ts";
import { addressOf, versionOf } from "./cluster.ts";
import { projectOnce, type RunContext, type RunPorts } from "./context.ts";
import { gathered } from "./gather.ts";
import { inParallel } from "./loop.ts";
import { assertInBatch } from "./members.ts";
import { beginRun, begunTogether, firstRequest } from "./step.ts";

export interface PlanOptions {
  readonly batch: string;
  readonly target: Version;
  readonly strategy: Strategy;
  readonly settings: GuardConfig;
  /** Clusters that stay out. */
  readonly exclude?: readonly string[];
  readonly signal: AbortSignal;
}

interface Looked {
  readonly cluster: PlanRequest["clusters"][number];
  readonly files: readonly PlannedFile[];
  /** What could not be read, or not be edited. */
  readonly problems: readonly string[];
}

/** Errors: guard-unknown-cluster; those of the ports, for what cannot be left out (the Kubernetes version). */
export async function planBatch(ports: RunPorts, options: PlanOptions): Promise<Planned> {
  const { batch, settings, exclude = [], target, strategy } = options;
  const registry = createRegistry(ports.store);
  const loaded = await registry.loadBatch(batch);
  assertInBatch(batch, loaded, exclude);
  const members = loaded.map(({ record }) => record).filter(({ entry }) => !exclude.includes(entry.clusterId));
  const all = await registry.loadAll();
  // A plan is made outside any lock: nothing of a cluster is written by it.
  const host = projectOnce(ports.host, ports.clock);
  const context = { ...ports, host, settings, batch, fence: 0, fleet: async () => all.map(({ record }) => record) };
  const looked = await inParallel(settings.execution.max_parallel_clusters, members, (record) =>
    lookAt(context, record, members, options),
  );
  const planned = makePlan(
    { batch, target, strategy, clusters: looked.map(({ cluster }) => cluster) },
    ports.clock.wall(),
    ports.digest,
    new Map(looked.map(({ cluster, files }) => [cluster.cluster, files])),
  );
  if (planned.kind !== "plan") return planned;
  const problems = looked.flatMap(({ cluster, problems: found }) => found.map((why) => `${cluster.cluster}: ${why}`));
  const plan = { ...planned.plan, warnings: [...planned.plan.warnings, ...problems] };
  await ports.store.keep("plan", plan.hash, JSON.stringify(plan));
  return { kind: "plan", plan };
}

/** Errors: guard-plan-changed. undefined: there is none of this hash. */
export async function storedPlan(ports: Pick<RunPorts, "store" | "digest">, hash: string): Promise<Plan | undefined> {
  const text = await ports.store.document("plan", hash);
  return text === undefined ? undefined : readPlan(text, hash, ports.digest);
}

/** The plan of a run that has not come to its end in the batch; undefined: none, or several. Errors: guard-unknown-cluster, guard-plan-changed. */
export async function planUnderWay(
  ports: Pick<RunPorts, "store" | "digest">,
  batch: string,
): Promise<Plan | undefined> {
  const loaded = await createRegistry(ports.store).loadBatch(batch);
  const unfinished: readonly GuardState[] = ["pre_check_failed", "rollback_completed"];
  const open = loaded.filter(({ record: { state } }) => !states[state].resting || unfinished.includes(state));
  const hashes = new Set(open.flatMap(({ record }) => record.run?.plan ?? []));
  const [only] = hashes;
  // One that failed its checks is planned anew: what stood in the way may be gone. One that went back is not: a person says that it begins again.
  const going = open.some(
    ({ record: { state, run } }) =>
      !states[state].resting || state === "rollback_completed" || (run?.landed.length ?? 0) > 0,
  );
  return only === undefined || hashes.size > 1 || !going ? undefined : storedPlan(ports, only);
}

async function lookAt(
  context: Omit<RunContext, "plan">,
  record: ClusterRecord,
  members: readonly ClusterRecord[],
  { target, strategy, signal }: PlanOptions,
): Promise<Looked> {
  const { entry } = record;
  const { clusterId: cluster, production, ambient } = entry;
  const istio = versionOf(entry.currentIstioVersion);
  const kubernetes = parseMinor(await context.clusters.kubernetes(addressOf(record)).version(signal)) ?? "0.0";
  const route = planHops({ from: istio, to: target, kubernetes, strategy, ambient });
  const hop = route.kind === "route" ? route.steps.find((step) => step.kind === "istio") : undefined;
  const plain = { cluster, production, istio, kubernetes, ambient };
  if (hop === undefined) return { cluster: { ...plain, evidence: {} }, files: [], problems: [] };
  const begun = { plan: "none", hop: 0, from: hop.from, to: hop.to, strategy };
  const run = beginRun(begun, context.clock.wall());
  const request = firstRequest(strategy, ambient);
  const subject = {
    record: { ...record, run },
    run,
    request,
    members: begunTogether(members, run),
    now: context.clock.wall(),
  };
  const unplanned = { ...context, plan: noPlan(formatVersion(target)) };
  const { repository, sections } = await gathered(unplanned, subject, false, signal);
  const measured = await measuredNow(unplanned, subject, signal);
  const files = repository.edits
    .filter(({ path }) => repository.readers[path]?.includes(cluster) ?? false)
    .map(({ path, changes }) => ({
      repository: entry.gitlabRepo,
      path,
      readers: repository.readers[path] ?? [],
      changes: changes.map(({ pointer, before, after }) => `${pointer}: ${before} -> ${after}`),
    }));
  const problems = [...repository.problems, ...sections.problems];
  return { cluster: { ...plain, evidence: { ...sections.evidence, ...measured } }, files, problems };
}
