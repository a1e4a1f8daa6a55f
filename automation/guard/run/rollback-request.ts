/** Opens the merge request that takes a hop back, or finds it. */
import { z } from "zod";
import type { MergeRequest } from "../../ports/git-host.ts";
import type { FileEdit } from "../edit/edit.ts";
import { verdictRecord } from "../judge/verdict.ts";
import { branchName } from "../merge-request/mark.ts";
import { inline } from "../merge-request/markdown.ts";
import { rollbackText } from "../merge-request/text.ts";
import type { ClusterRecord, RunRecord } from "../registry/record.ts";
import { type RunContext, together } from "./context.ts";
import type { BatchView } from "./decide.ts";
import { holdBack } from "./hold-back.ts";
import { allOf, type Members, markOf, membersOf, openOrFind, problemText, readEdits } from "./merge-request.ts";
import * as outcomes from "./outcomes.ts";
import { hasNext, openRequestOf, requestsOf } from "./step.ts";
import { takenBack } from "./step-edits.ts";

const validated = z.object({ verdict: verdictRecord });

const most = 10;

/** What was seen of a cluster: why it goes back, and the values and limits of the signals that failed. */
async function evidenceOf(
  { store }: Pick<RunContext, "store">,
  { entry: { clusterId }, run }: ClusterRecord,
): Promise<readonly string[]> {
  if (run === undefined) return [];
  const id = run.validation;
  const text = id === undefined ? undefined : await store.document("validation", id);
  const failed =
    text === undefined ? [] : validated.parse(JSON.parse(text)).verdict.signals.filter(({ kind }) => kind === "failed");
  return [
    ...(run.note === undefined ? [] : [`${clusterId}: ${run.note}`]),
    ...failed
      .slice(0, most)
      .map(
        ({ name, before, now, limit }) =>
          `${clusterId}, ${name}: ${figure(now)} now, ${figure(before)} before; ${figure(limit)} is the limit of it or of its rise`,
      ),
    ...(failed.length > most ? [`${clusterId}: and ${failed.length - most} more signals`] : []),
    ...(run.bundle === undefined
      ? []
      : [`${clusterId}: events, logs and series: npx switchyard guard bundle --cluster ${clusterId}`]),
  ];
}

const figure = (value: number | null): string => (value === null ? "unknown" : String(Number(value.toPrecision(4))));

/**
 * Edits of the hop's landed steps, newest first, without the CRDs. A new revision that anything may name by now stays beside the old one:
 * to take it away is a step of its own.
 */
async function landedEdits(
  context: RunContext,
  { records }: Members,
  overtaken: ReadonlySet<string>,
): Promise<readonly (readonly FileEdit[])[]> {
  // Clusters that go back together need not have come to the same step.
  const landed = new Map<string, { readonly index: number; readonly kind: string | undefined }>();
  for (const { run, entry } of records) {
    if (run === undefined) continue;
    const requests = requestsOf(context.plan, entry.clusterId, run);
    for (const { index, edits, mergeRequest } of [...run.landed, run.step])
      if (edits !== undefined && (mergeRequest?.landed !== undefined || overtaken.has(edits)))
        landed.set(edits, { index, kind: requests[index]?.step.kind });
  }
  const named = [...landed.values()].some(({ kind }) => !["crds", "new-revision"].includes(kind ?? ""));
  const sets: (readonly FileEdit[])[] = [];
  for (const [edits, { kind }] of [...landed].toSorted(([, one], [, other]) => other.index - one.index)) {
    if (named && kind === "new-revision") continue;
    const kept = await readEdits(context, edits);
    if (kept === undefined) throw new RangeError(`the edits ${edits} were not kept`);
    sets.push(kept.step.rest);
  }
  return sets;
}

/**
 * Merge requests of the hop that are open must not be merged any more, in whatever repository; the edits of those that somebody merged
 * before guard saw it.
 */
async function holdFurther(
  context: RunContext,
  run: RunRecord,
  view: BatchView,
  reason: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const overtaken = new Set<string>();
  const held = new Map<string, Promise<MergeRequest>>();
  const why = `Do not merge this: the batch goes back. ${inline(reason, 2_000)}`;
  for (const one of view.clusters) {
    const open = one.run?.hop === run.hop && one.run.plan === run.plan ? openRequestOf(one) : undefined;
    if (open === undefined) continue;
    const key = `${open.repository}!${open.iid}`;
    const request = held.get(key) ?? holdBack(context, open, { why, marker: `guard-held-${run.plan}` }, signal);
    held.set(key, request);
    const edits = one.run?.step.edits;
    if ((await request).state === "merged" && edits !== undefined) overtaken.add(edits);
  }
  return overtaken;
}

export async function openRollback(
  context: RunContext,
  clusters: readonly string[],
  view: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Outcome> {
  const members = membersOf(view, clusters);
  const { repository, first, records } = members;
  const mark = markOf(context, members, "rollback", view.now);
  const { rollback } = first.run;
  if (rollback === undefined) throw new RangeError("a rollback has a reason");
  const opened = await openOrFind(context, {
    members,
    mark,
    branch: branchName(repository, mark, context.digest),
    target: context.settings.gitlab.default_target_branch,
    signal,
    edits: async (head) => {
      const overtaken = await holdFurther(context, first.run, view, rollback.reason, signal);
      const files = await context.host.files(repository, head, signal);
      const made = takenBack(await landedEdits(context, members, overtaken), files);
      return made.kind === "refused" ? { kind: "refused", why: problemText(made.problems) } : made;
    },
    text: async (edits) =>
      rollbackText({
        mark,
        what: hasNext(context.plan, first) ? "what has landed of the hop" : "the whole hop",
        steps: 1,
        clusters: records.map(({ entry }) => ({
          cluster: entry.clusterId,
          from: first.run.to,
          to: first.run.from,
          findings: [],
        })),
        files: allOf(edits).map(({ path }) => path),
        dashboards: context.settings.gitlab.dashboards,
        at: view.now,
        reason: rollback.reason,
        askedBy: rollback.askedBy,
        evidence: (await Promise.all(records.map((one) => evidenceOf(context, one)))).flat(),
        dataPlaneMoved: records.some(({ run }) => run?.rollback?.dataPlaneMoved ?? false),
      }),
  });
  return together(
    records.map((one) => {
      if (opened.kind === "refused") return outcomes.afterProblem(one, opened.why);
      if (opened.kind === "nothing") return outcomes.afterNothingToTakeBack(one, opened.head, view);
      return outcomes.afterRollbackOpened(one, opened.mark);
    }),
  );
}
