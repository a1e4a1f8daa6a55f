/** What a merge request of a hop changes in a repository, and what takes it back. Pure. */
import { z } from "zod";
import type { Edited, EditSet, FileEdit, Problem, ReadingCluster, RepositoryFile } from "../edit/edit.ts";
import { editVersions } from "../edit/edit-versions.ts";
import { revertEdits } from "../edit/revert.ts";
import type { Component } from "../evidence.ts";
import type { PlannedMergeRequest } from "../plan.ts";
import type { RunRecord } from "../record.ts";

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

/** The edits of a step of a hop. */
export function editsOfStep(request: PlannedMergeRequest, run: RunRecord, view: RepositoryView): StepResult {
  const { from, to } = run;
  const { components } = request;
  switch (request.step.kind) {
    case "all":
    case "crds":
    case "control-plane":
    case "gateways": {
      const crds = part(
        view,
        components.filter((one) => one === "base"),
        from,
        to,
      );
      if (crds.kind === "refused") return crds;
      const moved = { ...view, files: edited(view.files, crds.edits) };
      const rest = part(
        moved,
        components.filter((one) => one !== "base"),
        from,
        to,
      );
      if (rest.kind === "refused") return rest;
      return {
        kind: "edits",
        step: { crds: crds.edits, rest: rest.edits },
        edits: joined(crds.edits, rest.edits),
        readers: { ...crds.readers, ...rest.readers },
      };
    }
    default:
      return {
        kind: "refused",
        problems: [
          {
            file: "the repository",
            what: request.title,
            why: "guard plans the revisioned series and does not write it yet",
            fix: "Use the strategy in-place, or make this change by hand",
          },
        ],
      };
  }
}

function part(view: RepositoryView, components: readonly Component[], from: string, to: string): Edited {
  if (components.length === 0) return { kind: "edits", edits: [], readers: {} };
  return editVersions({ ...view, components, from, to });
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
