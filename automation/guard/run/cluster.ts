/** What a run asks of a cluster, and does in it: the proof that a commit is applied, and restarts of its workloads. */
import type { ClusterAddress } from "../../ports/clusters.ts";
import type { KubernetesApi } from "../../ports/kubernetes-api.ts";
import { aheadOf, countAhead } from "../data-plane/ahead.ts";
import { decideRestart, type RestartDecision, type RestartInput } from "../data-plane/restart.ts";
import { type DataPlane, readDataPlane } from "../data-plane/waves.ts";
import { revisionOf } from "../edit/add-revision.ts";
import { ClusterObjects } from "../facts/cluster-objects.ts";
import type { PlannedMergeRequest } from "../plan/plan.ts";
import { compareVersions, parseVersion, type Version } from "../plan/versions.ts";
import { readProofObjects } from "../proof/objects.ts";
import { leftOfOldPlane } from "../proof/old-plane.ts";
import { type ExpectedRelease, type Proof as FluxProof, prove, revisionsToCheck } from "../proof/proof.ts";
import { restText, skewWindow } from "../proof/proxies-by-version.ts";
import type { ClusterRecord, MergeRequestMark, RunRecord } from "../registry/record.ts";
import { type RunContext, recordOf } from "./context.ts";
import type { BatchView } from "./decide.ts";
import * as outcomes from "./outcomes.ts";
import { hasNext, requestOf } from "./step.ts";

export function addressOf({ entry }: ClusterRecord): ClusterAddress {
  const { clusterId, region, awsRoleArn, eksCluster, kubeconfig } = entry;
  return { clusterId, region, awsRoleArn, eksCluster: eksCluster ?? clusterId, kubeconfig };
}

export function versionOf(text: string): Version {
  const version = parseVersion(text);
  if (version === undefined) throw new RangeError(`${text} is no version`);
  return version;
}

function runOf({ run, entry }: ClusterRecord): RunRecord {
  if (run === undefined) throw new RangeError(`${entry.clusterId} runs nothing`);
  return run;
}

/** What every effect in a cluster begins with. */
function atStep(context: RunContext, cluster: string, view: BatchView) {
  const record = recordOf(view, cluster);
  const request = requestOf(context.plan, record);
  if (request === undefined) throw new RangeError(`${cluster} is at no step of the plan`);
  return { record, run: runOf(record), request, kubernetes: context.clusters.kubernetes(addressOf(record)) };
}

/** Releases that a step moves, at the version that they must have. */
export function expectedOf(request: PlannedMergeRequest, run: RunRecord, version: string): readonly ExpectedRelease[] {
  const at = versionOf(version);
  const { step, components } = request;
  switch (step.kind) {
    case "all":
    case "crds":
    case "control-plane":
    case "node-components":
    case "gateways":
      return components.map((component) => ({ component, version: at }));
    case "new-revision":
      return [{ component: "istiod", version: at, name: `istiod-${revisionOf(run.to)}` }];
    default:
      // Labels and tags: the commit alone is proven. What goes is looked for apart.
      return [];
  }
}

async function proofOf(
  context: RunContext,
  kubernetes: KubernetesApi,
  mark: MergeRequestMark,
  expected: readonly ExpectedRelease[],
  signal: AbortSignal,
): Promise<FluxProof> {
  const { landed } = mark;
  if (landed === undefined) throw new RangeError("nothing has landed yet");
  const objects = await readProofObjects(kubernetes, signal);
  const contains = new Map<string, boolean>();
  for (const commit of revisionsToCheck(objects, mark.repository))
    contains.set(commit, commit === landed || (await context.host.contains(mark.repository, commit, landed, signal)));
  return prove({ objects, landed, contains, repository: mark.repository, expected });
}

const asOutcome = ({ kind, why, fetched }: FluxProof): outcomes.Proof => {
  if (kind === "proven") return { kind };
  return kind === "waiting" ? { kind, why, fetched } : { kind, why };
};

export async function proveStep(
  context: RunContext,
  cluster: string,
  view: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Outcome> {
  const { record, run, request, kubernetes } = atStep(context, cluster, view);
  const mark = run.step.mergeRequest;
  if (mark === undefined) throw new RangeError("there is nothing to prove");
  const proof = asOutcome(await proofOf(context, kubernetes, mark, expectedOf(request, run, run.to), signal));
  const removed = proof.kind === "proven" && request.step.kind === "remove-old";
  const gone = removed ? await goneProof(kubernetes, run, view, signal) : proof;
  return outcomes.afterProof(record, gone, view);
}

/** Nothing uses the old control plane any more, so that one that stays is a person's to remove and no reason to go back. */
async function goneProof(
  kubernetes: KubernetesApi,
  { step, from }: RunRecord,
  { now, settings }: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Proof> {
  const objects = new ClusterObjects(kubernetes, signal);
  const left = leftOfOldPlane(versionOf(from), {
    deployments: await objects.must("Deployment"),
    mutating: await objects.must("MutatingWebhookConfiguration"),
    validating: await objects.must("ValidatingWebhookConfiguration"),
  });
  if (left.length === 0) return { kind: "proven" };
  const why = `the old control plane's release is not in Git any more, and the cluster still has ${left.join(", ")}`;
  const patience = settings.validation.flux_sync_timeout_minutes * 60_000;
  if (now - (step.mergeRequest?.mergedAt ?? now) <= patience) return { kind: "waiting", why, fetched: true };
  return { kind: "person", why: `${why}: uninstall that release by Helm, then resume` };
}

/** The revision of the control plane of a version; undefined: there is none. */
const revisionAt = (planes: DataPlane["planes"], version: string): string | undefined =>
  planes.find((one) => compareVersions(one.version, versionOf(version)) === 0)?.revision;

/** One look at the data plane, and the next wave of restarts where one is due. */
async function restarted(
  context: RunContext,
  kubernetes: KubernetesApi,
  run: Pick<RunRecord, "restart">,
  input: Omit<RestartInput, "settings" | "now">,
  signal: AbortSignal,
): Promise<outcomes.Restarted> {
  const { settings, clock } = context;
  const mode = context.restart ?? run.restart ?? settings.restart.mode;
  const decision = decideRestart({ ...input, now: clock.wall(), settings: { ...settings.restart, mode } });
  if (decision.kind === "restart")
    for (const workload of decision.workloads) await kubernetes.restart(workload, input.mark, signal);
  return restartedAs(decision);
}

function restartedAs(decision: RestartDecision): outcomes.Restarted {
  switch (decision.kind) {
    case "restart":
      return {
        kind: "restarted",
        workloads: decision.workloads.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`),
      };
    case "waiting":
      return { kind: "going", why: decision.for.map(({ workload, why }) => `${workload}: ${why}`).join("; ") };
    case "done":
      return { kind: "done", rest: decision.rest.map(restText) };
    case "failed":
      return { kind: "failed", why: `${decision.workload}: ${decision.why}` };
    case "manual":
      return { kind: "manual", left: decision.left };
  }
}

/** In place gateways follow with their own merge request, where there is one. */
function scopeOf(request: PlannedMergeRequest, more: boolean): NonNullable<RestartInput["scope"]> {
  if (request.step.kind === "control-plane" && more) return "workloads";
  return "all";
}

export async function restartStep(
  context: RunContext,
  cluster: string,
  view: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Outcome> {
  const { record, run, request, kubernetes } = atStep(context, cluster, view);
  if (run.restartMark === undefined) throw new RangeError("there is nothing to restart");
  const { workloads, planes } = await readDataPlane(kubernetes, signal);
  const revision = revisionAt(planes, run.to);
  if (revision === undefined)
    return outcomes.afterRestart(record, { kind: "going", why: `no control plane of ${run.to} is seen` }, view);
  const plane = { revision, version: versionOf(run.to) };
  const scope = scopeOf(request, hasNext(context.plan, record));
  const { strategy, restartMark: mark } = run;
  const input = { workloads, plane, strategy, scope, mark, restarted: run.restarted };
  return outcomes.afterRestart(record, await restarted(context, kubernetes, run, input, signal), view);
}

/** The way back is proven as the way there was, and what was restarted restarts again under the old control plane. */
export async function proveRollback(
  context: RunContext,
  cluster: string,
  view: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Outcome> {
  const { record, run, kubernetes } = atStep(context, cluster, view);
  const { rollback } = run;
  if (rollback?.mergeRequest === undefined) throw new RangeError("nothing goes back");
  const expected = expectedBack(context, record);
  const proof = await proofOf(context, kubernetes, rollback.mergeRequest, expected, signal);
  const dataPlane = await readDataPlane(kubernetes, signal);
  const { workloads, planes } = dataPlane;
  const ahead = aheadOf(dataPlane, versionOf(run.from));
  const mark = new Date(rollback.mergeRequest.mergedAt ?? view.now).toISOString();
  // Old proxies cannot be injected while the new control plane serves: restarts follow the proof. Pods that started by themselves under
  // the new one are ahead too, whether guard restarted any or not.
  const revision = revisionAt(planes, run.from);
  const moved = rollback.dataPlaneMoved || ahead.proxies > 0 || rollback.skewFrom !== undefined;
  const back = { workloads, strategy: run.strategy, mark, restarted: run.restarted };
  const again = async (): Promise<outcomes.Restarted | undefined> => {
    if (!moved || proof.kind !== "proven") return undefined;
    if (revision === undefined) return { kind: "going", why: `no control plane of ${run.from} is seen` };
    const plane = { revision, version: versionOf(run.from) };
    return restarted(context, kubernetes, run, { ...back, plane }, signal);
  };
  const skew = skewWindow(rollback, countAhead(ahead), view.now);
  return outcomes.afterRollbackProof(record, asOutcome(proof), ahead, await again(), skew, view);
}

/** What the landed steps moved has to be at the old version again; CRDs stay. */
function expectedBack(context: RunContext, record: ClusterRecord): readonly ExpectedRelease[] {
  const run = runOf(record);
  const requests = [...run.landed, run.step].flatMap(({ index, mergeRequest }) => {
    const request =
      mergeRequest?.landed === undefined
        ? undefined
        : requestOf(context.plan, { ...record, run: { ...run, step: { index, attempt: 1 } } });
    return request ?? [];
  });
  const back = requests
    .flatMap((request) => (request.step.kind === "new-revision" ? [] : expectedOf(request, run, run.from)))
    .filter(({ component }) => component !== "base");
  return [...new Map(back.map((one) => [one.component, one])).values()];
}
