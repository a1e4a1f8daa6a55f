/** Which merge request of its hop a cluster is at, and what that one moves. Pure. */
import type { BranchOf } from "../merge-request/mark.ts";
import type { Plan, PlannedMergeRequest, StepKind } from "../plan/plan.ts";
import type { Strategy } from "../plan/support.ts";
import type { ClusterRecord, MergeRequestMark, RunRecord, RunStep } from "../registry/record.ts";
import { components } from "../rules/evidence.ts";
import type { GuardConfig } from "../settings.ts";

type IstioStep = Extract<Plan["clusters"][number]["steps"][number], { kind: "istio" }>;

/** The cluster's first hop of a plan that is not done yet; undefined: there is none. */
export function nextHop(plan: Plan, cluster: string, version: string): { index: number; hop: IstioStep } | undefined {
  const steps = plan.clusters.find((one) => one.cluster === cluster)?.steps ?? [];
  const index = steps.findIndex((step) => step.kind === "istio" && step.from === version);
  const hop = steps[index];
  return hop?.kind === "istio" ? { index, hop } : undefined;
}

export function requestsOf(plan: Plan, cluster: string, run: RunRecord): readonly PlannedMergeRequest[] {
  const hop = plan.clusters.find((one) => one.cluster === cluster)?.steps[run.hop];
  return hop?.kind === "istio" ? hop.mergeRequests : [];
}

/** The merge request that a cluster is at. */
export function requestOf(plan: Plan, { entry, run }: ClusterRecord): PlannedMergeRequest | undefined {
  return run === undefined ? undefined : requestsOf(plan, entry.clusterId, run)[run.step.index];
}

/** Clusters with the same key are moved by one merge request: same repository, versions, step and attempt. */
export const stepKey = (plan: Plan, one: ClusterRecord): string => {
  const { run, entry } = one;
  return JSON.stringify([
    entry.gitlabRepo,
    run?.hop,
    run?.from,
    run?.to,
    run?.cohort,
    run?.step.index,
    run?.step.attempt,
    requestOf(plan, one)?.step,
  ]);
};

/** What a merge request of several clusters moves: what any of them has. */
export function sharedRequest(plan: Plan, records: readonly ClusterRecord[]): PlannedMergeRequest | undefined {
  const requests = records.flatMap((one) => requestOf(plan, one) ?? []);
  const [first] = requests;
  if (first === undefined) return undefined;
  const moved = new Set(requests.flatMap((one) => one.components));
  return { ...first, components: components.filter((one) => moved.has(one)) };
}

export const hasNext = (plan: Plan, { entry, run }: ClusterRecord): boolean =>
  run !== undefined && run.step.index + 1 < requestsOf(plan, entry.clusterId, run).length;

export const movesControlPlane = ({ kind }: StepKind): boolean =>
  kind === "all" || kind === "control-plane" || kind === "new-revision";

/** Whether traffic goes through something else after a step by revision. */
export const movesDataPlane = ({ kind }: StepKind): boolean =>
  kind === "share" || kind === "node-components" || kind === "gateways";

/** Whether a landed step put anything into the cluster that a rollback takes back: CRDs stay (rule 9). */
export const isTakenBack = ({ kind }: StepKind): boolean => kind !== "crds";

/** Whether workloads were restarted, so that going back means to restart them again. */
export const dataPlaneMoved = ({ restartMark }: RunRecord): boolean => restartMark !== undefined;

/** The first merge request of a hop, for who looks at a cluster before it has a plan. */
export function firstRequest(strategy: Strategy, ambient: boolean): PlannedMergeRequest {
  if (strategy === "revision") return { title: "CRDs", step: { kind: "crds" }, components: ["base"] };
  const present = ambient ? components : components.filter((one) => one !== "cni" && one !== "ztunnel");
  return { title: "all components", step: { kind: "all" }, components: present };
}

/** Members of a batch as if each began this run from its version: files that those of one version share are theirs alone. */
export const begunTogether = (members: readonly ClusterRecord[], run: RunRecord): readonly ClusterRecord[] =>
  members.map((one) => ({ ...one, run: { ...run, from: one.entry.currentIstioVersion } }));

/** Whether a cluster has merge requests of its own: as its run began, whatever a later process is told. */
export const isAlone = (run: RunRecord | undefined, { execution }: Pick<GuardConfig, "execution">): boolean =>
  run?.alone ?? execution.mr_strategy === "per-cluster";

/** What a run is at its beginning; only looked at, where `plan` says so. */
export function beginRun(
  hop: Pick<
    RunRecord,
    "plan" | "hop" | "from" | "to" | "strategy" | "alone" | "thresholds" | "without" | "restart" | "cohort"
  >,
  at: number,
  attempt = 1,
): RunRecord {
  return { ...hop, startedAt: at, step: { index: 0, attempt }, landed: [], restarted: [] };
}

/** The step is done: the next one begins, with nothing of the last one's soak. */
export function afterStep(run: RunRecord): RunRecord {
  const { soak: _soak, restartingSince: _since, note: _note, ...kept } = run;
  const next: RunStep = { index: run.step.index + 1, attempt: 1 };
  return { ...kept, landed: [...run.landed, run.step], step: next, restarted: [] };
}

/** Minutes on the moved data plane before a step is done; 0: the next one may begin at once. */
export function dataSoakMinutes(
  step: StepKind,
  more: boolean,
  { soak_period_minutes, control_plane_soak_minutes }: GuardConfig["validation"],
): number {
  if (!more) return step.kind === "remove-old" ? control_plane_soak_minutes : soak_period_minutes;
  // In place gateways follow the workloads, and the whole is soaked at the end.
  if (step.kind === "control-plane" || step.kind === "all") return 0;
  return step.kind === "share" && step.share < 100 ? control_plane_soak_minutes : soak_period_minutes;
}

/** A cluster's merge request that has not landed, as far as is known. */
export function openRequestOf({ run }: ClusterRecord): MergeRequestMark | undefined {
  const mark = run?.step.mergeRequest;
  return mark === undefined || mark.landed !== undefined ? undefined : mark;
}

/** What the name of a cluster's branch follows from, for the step that it is at, or for what goes back. */
export function branchOf(
  {
    plan,
    settings,
    batch,
  }: { readonly plan: Plan; readonly settings: Pick<GuardConfig, "execution">; readonly batch: string },
  record: ClusterRecord & { readonly run: RunRecord },
  kind: BranchOf["kind"],
): BranchOf {
  const { run, entry } = record;
  const alone = isAlone(run, settings) ? { cluster: entry.clusterId } : {};
  const cohort = run.cohort === undefined ? {} : { cohort: run.cohort };
  const of = { kind, plan: run.plan, step: run.step.index, batch, ...alone, ...cohort };
  if (kind === "rollback") return { ...of, attempt: run.rollback?.attempt ?? 1, version: run.from, from: run.to };
  const step = requestOf(plan, record)?.step;
  const part = step === undefined ? {} : { part: step.kind === "share" ? `share-${step.share}` : step.kind };
  return { ...of, attempt: run.step.attempt, version: run.to, from: run.from, ...part };
}
