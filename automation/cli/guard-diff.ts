/** What the next merge requests of a plan would change, computed on today's files. */
import { SwitchyardError } from "../errors.ts";
import type { Plan } from "../guard/plan/plan.ts";
import type { ClusterRecord, RunRecord } from "../guard/registry/record.ts";
import type { Registry } from "../guard/registry/registry.ts";
import { type RunPorts, readersOf } from "../guard/run/context.ts";
import { beginRun, nextHop, requestsOf } from "../guard/run/step.ts";
import { editsOfStep } from "../guard/run/step-edits.ts";
import type { GuardConfig } from "../guard/settings.ts";

export interface BatchDiff {
  readonly batch: string;
  readonly plan: string;
  readonly files: readonly {
    readonly repository: string;
    readonly path: string;
    readonly readers: readonly string[];
    readonly changes: readonly { readonly place: string; readonly before: string; readonly after: string }[];
  }[];
}

interface Moving {
  readonly record: ClusterRecord;
  readonly run: RunRecord;
}

/** Errors: guard-refused with what the editor cannot prove. */
export async function diffBatch(
  ports: Pick<RunPorts, "host">,
  registry: Registry,
  settings: GuardConfig,
  plan: Plan,
  signal: AbortSignal,
): Promise<BatchDiff> {
  const all = (await registry.loadAll()).map(({ record }) => record);
  const moving = all.filter(({ entry }) => entry.batchId === plan.batch).flatMap((record) => movingOf(plan, record));
  const files: BatchDiff["files"][number][] = [];
  for (const [repository, members] of Map.groupBy(moving, ({ record }) => record.entry.gitlabRepo)) {
    const [first] = members;
    const head = await ports.host.head(repository, settings.gitlab.default_target_branch, signal);
    const request = first && requestsOf(plan, first.record.entry.clusterId, first.run)[first.run.step.index];
    if (head === undefined || first === undefined || request === undefined) continue;
    const edits = editsOfStep(request, first.run, {
      files: await ports.host.files(repository, head, signal),
      clusters: readersOf(all, repository),
      targets: members.map(({ record }) => record.entry.clusterId),
    });
    if (edits.kind === "refused")
      throw new SwitchyardError("guard-refused", {
        message: edits.problems.map(({ file, what, why }) => `${file}: ${what}: ${why}`).join("\n"),
        next: [...new Set(edits.problems.map(({ fix }) => fix))],
      });
    for (const { path, changes } of edits.edits)
      files.push({
        repository,
        path,
        readers: edits.readers[path] ?? [],
        changes: changes.map(({ pointer, before, after }) => ({ place: pointer, before, after })),
      });
  }
  return { batch: plan.batch, plan: plan.hash, files };
}

/** At its step of a run, or before its next hop. */
function movingOf(plan: Plan, record: ClusterRecord): readonly Moving[] {
  const { run, entry } = record;
  if (run?.plan === plan.hash) return [{ record, run }];
  const next = nextHop(plan, entry.clusterId, entry.currentIstioVersion);
  if (next === undefined) return [];
  const { from, to } = next.hop;
  const hop = { plan: plan.hash, hop: next.index, from, to, strategy: plan.strategy };
  return [{ record, run: beginRun(hop, 0) }];
}

export function describeDiff({ batch, plan, files }: BatchDiff): readonly string[] {
  if (files.length === 0) return [`Nothing is left to change in Git for batch ${batch}, plan ${plan}.`];
  return files.flatMap(({ repository, path, readers, changes }) => [
    `${repository} ${path} (read by ${readers.join(", ")})`,
    ...changes.flatMap(({ place, before, after }) => [
      `  ${place || "the document"}`,
      `    - ${before}`,
      `    + ${after}`,
    ]),
  ]);
}
