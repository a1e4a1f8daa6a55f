/** What the next merge requests of a plan would change, computed on today's files. */
import { SwitchyardError } from "../errors.ts";
import type { Plan, PlannedMergeRequest } from "../guard/plan/plan.ts";
import type { ClusterRecord, RunRecord } from "../guard/registry/record.ts";
import type { Registry } from "../guard/registry/registry.ts";
import type { GuardState } from "../guard/registry/state-names.ts";
import { type RunPorts, readersOf } from "../guard/run/context.ts";
import { afterStep, beginRun, isAlone, nextHop, requestsOf } from "../guard/run/step.ts";
import { editsOfStep } from "../guard/run/step-edits.ts";
import type { GuardConfig } from "../guard/settings.ts";
import { plural } from "./text.ts";

export interface BatchDiff {
  readonly batch: string;
  readonly plan: string;
  /** Merge requests that come next, one per repository and step; none: nothing is left to change. */
  readonly next: readonly {
    readonly repository: string;
    /** `control plane`. */
    readonly title: string;
    readonly from: string;
    readonly to: string;
    readonly clusters: readonly string[];
    readonly files: readonly {
      readonly path: string;
      readonly readers: readonly string[];
      readonly changes: readonly { readonly place: string; readonly before: string; readonly after: string }[];
    }[];
    /** How many of the hop follow it. */
    readonly later: number;
  }[];
  /** Clusters that go back: what their merge request takes away is what theirs brought. */
  readonly goingBack: readonly string[];
}

interface Moving {
  readonly record: ClusterRecord;
  readonly run: RunRecord;
  readonly request: PlannedMergeRequest;
  readonly later: number;
}

/** Errors: guard-refused with what the editor cannot prove; git-host-not-found. */
export async function diffBatch(
  ports: Pick<RunPorts, "host">,
  registry: Registry,
  settings: GuardConfig,
  plan: Plan,
  signal: AbortSignal,
): Promise<BatchDiff> {
  const all = (await registry.loadAll()).map(({ record }) => record);
  const members = all.filter(({ entry }) => entry.batchId === plan.batch);
  const back = members.filter((record) => goesBack(plan, record));
  const moving = members.filter((record) => !back.includes(record)).flatMap((record) => movingOf(plan, record));
  const next: BatchDiff["next"][number][] = [];
  for (const group of Map.groupBy(moving, (one) => requestKey(one, settings)).values()) {
    const [first] = group;
    if (first !== undefined) next.push(await requestDiff(ports, settings, all, [first, ...group.slice(1)], signal));
  }
  return { batch: plan.batch, plan: plan.hash, next, goingBack: back.map(({ entry }) => entry.clusterId) };
}

/** Clusters of one merge request have one key. */
function requestKey({ record, run, request }: Moving, settings: GuardConfig): string {
  const { gitlabRepo, clusterId } = record.entry;
  return JSON.stringify([gitlabRepo, run.from, run.to, request, isAlone(run, settings) ? clusterId : ""]);
}

async function requestDiff(
  { host }: Pick<RunPorts, "host">,
  settings: GuardConfig,
  all: readonly ClusterRecord[],
  group: readonly [Moving, ...Moving[]],
  signal: AbortSignal,
): Promise<BatchDiff["next"][number]> {
  const [{ record, run, request, later }] = group;
  const { gitlabRepo: repository } = record.entry;
  const branch = settings.gitlab.default_target_branch;
  const head = await host.head(repository, branch, signal);
  if (head === undefined)
    throw new SwitchyardError("git-host-not-found", {
      message: `${repository} has no branch ${branch}`,
      next: "Compare gitlab_repo of the registry and guard.gitlab.default_target_branch with what is there.",
    });
  const targets = group.map((one) => one.record.entry.clusterId);
  const edits = editsOfStep(request, run, {
    files: await host.files(repository, head, signal),
    clusters: readersOf(all, repository),
    targets,
  });
  if (edits.kind === "refused")
    throw new SwitchyardError("guard-refused", {
      message: edits.problems.map(({ file, what, why }) => `${file}: ${what}: ${why}`).join("\n"),
      next: [...new Set(edits.problems.map(({ fix }) => fix))],
    });
  const files = edits.edits.map(({ path, changes }) => ({
    path,
    readers: edits.readers[path] ?? [],
    changes: changes.map(({ pointer, before, after }) => ({ place: pointer, before, after })),
  }));
  return { repository, title: request.title, from: run.from, to: run.to, clusters: targets, files, later };
}

const goingBack: readonly GuardState[] = ["rollback_needed", "rollback_mr_created", "rollback_mr_merged"];
const beforeMerge: readonly GuardState[] = ["pre_check_running", "pre_check_passed", "pre_check_failed", "mr_created"];
const hopIsOver: readonly GuardState[] = ["upgraded", "healthy", "rollback_completed", "abandoned", "pending"];

const goesBack = (plan: Plan, { run, state, pausedFrom = state }: ClusterRecord): boolean =>
  run?.plan === plan.hash && goingBack.includes(pausedFrom);

/** At the step of a run whose merge request has not landed yet, or before its next hop; none: nothing is left for it. */
function movingOf(plan: Plan, record: ClusterRecord): readonly Moving[] {
  const { run, entry, state, pausedFrom = state } = record;
  if (run?.plan === plan.hash && !hopIsOver.includes(state)) {
    const at = beforeMerge.includes(pausedFrom) ? run : afterStep(run);
    const here = atStep(plan, record, at);
    if (here.length > 0) return here;
  }
  // One whose last merge request has landed is at the hop's version soon.
  const under = run?.plan === plan.hash && !hopIsOver.includes(state) ? run.to : entry.currentIstioVersion;
  const next = nextHop(plan, entry.clusterId, under);
  if (next === undefined) return [];
  const { from, to } = next.hop;
  return atStep(plan, record, beginRun({ plan: plan.hash, hop: next.index, from, to, strategy: plan.strategy }, 0));
}

function atStep(plan: Plan, record: ClusterRecord, run: RunRecord): readonly Moving[] {
  const requests = requestsOf(plan, record.entry.clusterId, run);
  const request = requests[run.step.index];
  return request === undefined ? [] : [{ record, run, request, later: requests.length - run.step.index - 1 }];
}

export function describeDiff({ batch, plan, next, goingBack: back }: BatchDiff): readonly string[] {
  const lines = back.map((cluster) => `${cluster} goes back: its merge request takes away what guard wrote.`);
  if (next.length === 0)
    return back.length > 0 ? lines : [`Nothing is left to change in Git for batch ${batch}, plan ${plan}.`];
  for (const { repository, title, from, to, clusters, files, later } of next) {
    const what = `${repository}: ${title}, Istio ${from} to ${to}, for ${clusters.join(", ")}`;
    const more =
      later === 0 ? "" : `; ${plural(later, "merge request")} of the hop ${later === 1 ? "follows" : "follow"}`;
    lines.push(`${what}${more}`);
    if (files.length === 0) lines.push("  It changes nothing in today's files.");
    for (const { path, readers, changes } of files)
      lines.push(
        `  ${path} (read by ${readers.join(", ")})`,
        ...changes.flatMap(({ place, before, after }) => [
          `    ${place || "the document"}`,
          `      - ${before}`,
          `      + ${after}`,
        ]),
      );
  }
  return lines;
}
