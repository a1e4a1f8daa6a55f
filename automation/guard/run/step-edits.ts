/** What a merge request of a hop changes in a repository, and what takes it back. Pure. */
import { z } from "zod";
import { nextOfShare } from "../data-plane/shares.ts";
import type { Edited, EditSet, FileEdit, Problem, ReadingCluster, RepositoryFile } from "../edit/edit.ts";
import { editVersions } from "../edit/edit-versions.ts";
import { type NamespaceLabel, namespaceLabels, relabelNamespaces } from "../edit/namespaces.ts";
import { revertEdits } from "../edit/revert.ts";
import { revisionStep } from "../edit/revision-step.ts";
import type { PlannedMergeRequest } from "../plan/plan.ts";
import type { RunRecord } from "../registry/record.ts";
import type { Component } from "../rules/evidence.ts";

/** What a merge request committed, as it is kept: CRDs apart, because a rollback leaves them (rule 9). */
export interface StepEdits {
  readonly crds: readonly FileEdit[];
  readonly rest: readonly FileEdit[];
}

const change = z.object({
  path: z.string(),
  document: z.number(),
  pointer: z.string(),
  before: z.string(),
  after: z.string(),
});
const fileEdit = z
  .object({
    path: z.string(),
    before: z.string().optional(),
    after: z.string().optional(),
    changes: z.array(change),
  })
  .transform(({ before, after, ...rest }): FileEdit => ({ ...rest, before, after }));

/** As it is stored. */
export const stepEdits = z.object({ crds: z.array(fileEdit), rest: z.array(fileEdit) });

/** The files after some of them were edited. */
export function edited(files: readonly RepositoryFile[], edits: readonly FileEdit[]): readonly RepositoryFile[] {
  const changed = new Map(edits.map((one) => [one.path, one]));
  const kept = files.flatMap((file) => {
    const edit = changed.get(file.path);
    changed.delete(file.path);
    if (edit === undefined) return [file];
    return edit.after === undefined ? [] : [{ path: file.path, text: edit.after }];
  });
  const made = [...changed.values()].flatMap(({ path, after }) => (after === undefined ? [] : [{ path, text: after }]));
  return [...kept, ...made];
}

/** One edit per file of several that follow each other; a file that ends as it began is left out. */
export function joined(...sets: readonly (readonly FileEdit[])[]): readonly FileEdit[] {
  const files = new Map<string, FileEdit>();
  for (const edit of sets.flat()) {
    const before = files.get(edit.path);
    files.set(
      edit.path,
      before === undefined ? edit : { ...edit, before: before.before, changes: [...before.changes, ...edit.changes] },
    );
  }
  return [...files.values()].filter(({ before, after }) => before !== after);
}

export interface RepositoryView {
  readonly files: readonly RepositoryFile[];
  /** All of this repository. */
  readonly clusters: readonly ReadingCluster[];
  /** That move. */
  readonly targets: readonly string[];
}

export type StepResult =
  | ({ readonly kind: "edits"; readonly step: StepEdits } & EditSet)
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** Of the same files, by what is asked: every cluster of a wave asks for the same edits. */
const known = new WeakMap<readonly RepositoryFile[], Map<string, StepResult>>();

/** The edits of a step of a hop; worked out once for the same array of files. */
export function editsOfStep(request: PlannedMergeRequest, run: RunRecord, view: RepositoryView): StepResult {
  const key = JSON.stringify([request, run.plan, run.from, run.to, run.strategy, view.targets, view.clusters]);
  const ofFiles = known.get(view.files) ?? new Map<string, StepResult>();
  known.set(view.files, ofFiles);
  const result = ofFiles.get(key) ?? workOut(request, run, view);
  ofFiles.set(key, result);
  return result;
}

function workOut(request: PlannedMergeRequest, run: RunRecord, view: RepositoryView): StepResult {
  const { step } = request;
  if (step.kind === "crds" || step.kind === "node-components" || run.strategy === "in-place")
    return inPlace(request, run, view);
  const rest = step.kind === "share" ? shareOf(step.share, run, view) : revisioned(request, run, view);
  if (rest.kind === "refused") return rest;
  return { ...rest, step: { crds: [], rest: rest.edits } };
}

function inPlace({ components }: PlannedMergeRequest, { from, to }: RunRecord, view: RepositoryView): StepResult {
  const part = (files: readonly RepositoryFile[], moving: readonly Component[]): Edited =>
    moving.length === 0
      ? { kind: "edits", edits: [], readers: {} }
      : editVersions({ ...view, files, components: moving, from, to });
  const crds = part(
    view.files,
    components.filter((one) => one === "base"),
  );
  if (crds.kind === "refused") return crds;
  const rest = part(
    edited(view.files, crds.edits),
    components.filter((one) => one !== "base"),
  );
  if (rest.kind === "refused") return rest;
  return {
    kind: "edits",
    step: { crds: crds.edits, rest: rest.edits },
    edits: joined(crds.edits, rest.edits),
    readers: { ...crds.readers, ...rest.readers },
  };
}

const canary = "canary";
const stable = "stable";

function revisioned({ step }: PlannedMergeRequest, { from, to }: RunRecord, view: RepositoryView): Edited {
  switch (step.kind) {
    case "new-revision":
    case "canary-tag":
    case "gateways":
    case "default-revision":
    case "remove-old":
      return revisionStep({ ...view, step: { kind: step.kind }, from, to });
    default:
      throw new RangeError(`${step.kind} is no step of a revisioned hop`);
  }
}

const tagLabels = (files: readonly RepositoryFile[], clusters: readonly ReadingCluster[]): readonly NamespaceLabel[] =>
  namespaceLabels(files, clusters).filter(
    ({ label, value }) => label === "istio.io/rev" && (value === stable || value === canary),
  );

/** Namespaces that the shares of a revisioned hop move. */
export const taggedNamespaces = (
  files: readonly RepositoryFile[],
  clusters: readonly ReadingCluster[],
): readonly string[] => tagLabels(files, clusters).map(({ namespace }) => namespace);

/**
 * A share of each cluster's namespaces follows the canary tag, by a hash of their names; with the last share the stable tag itself moves,
 * and the namespaces come back to it, where nothing of them restarts any more.
 */
function shareOf(share: number, { from, to, plan }: RunRecord, view: RepositoryView): Edited {
  const mine = view.clusters.filter(({ cluster }) => view.targets.includes(cluster));
  const labels = tagLabels(view.files, mine);
  const sets: FileEdit[][] = [];
  const readers: Record<string, readonly string[]> = {};
  let files = view.files;
  const add = (made: Edited): boolean => {
    if (made.kind === "refused") return false;
    sets.push([...made.edits]);
    Object.assign(readers, made.readers);
    files = edited(files, made.edits);
    return true;
  };
  if (share === 100) {
    const tag = revisionStep({ ...view, step: { kind: "stable-tag" }, from, to });
    if (!add(tag)) return tag;
  }
  for (const { cluster } of mine) {
    const own = labels.filter((one) => one.cluster === cluster);
    const moved = own.filter(({ value }) => value === canary).map(({ namespace }) => namespace);
    const namespaces = own.map(({ namespace }) => namespace);
    const wanted = share === 100 ? moved : nextOfShare({ namespaces, share, seed: `${plan}/${cluster}`, moved });
    if (wanted.length === 0) continue;
    const [at, towards] = share === 100 ? [canary, stable] : [stable, canary];
    const made = relabelNamespaces({ ...view, files, targets: [cluster], namespaces: wanted, from: at, to: towards });
    if (!add(made)) return made;
  }
  return { kind: "edits", edits: joined(...sets), readers };
}

/** Several sets of edits taken back in today's files, in their order; what others changed in them since stays. */
export function takenBack(sets: readonly (readonly FileEdit[])[], files: readonly RepositoryFile[]): StepResult {
  let now = files;
  const done: (readonly FileEdit[])[] = [];
  for (const set of sets) {
    const back = revertEdits(set, now);
    if (back.kind === "refused") return back;
    done.push(back.edits);
    now = edited(now, back.edits);
  }
  const rest = joined(...done);
  return { kind: "edits", step: { crds: [], rest }, edits: rest, readers: {} };
}
