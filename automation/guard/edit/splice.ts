/**
 * Changes of scalars, made in the text itself: only the characters that differ are replaced, and what comes out is parsed again and
 * must differ in nothing but the places that were meant. Pure.
 */
import { isScalar } from "yaml";
import {
  type Cut,
  cutAt,
  difference,
  type Expected,
  type Replacement,
  replaced,
  rewritten,
  segmentsOf,
  spliced,
  Uncuttable,
  writtenAt,
} from "./cut.ts";
import type { Change, FileEdit, Problem } from "./edit.ts";
import { envEntry } from "./env-file.ts";
import type { Repository } from "./repository.ts";
import { at, type Leaf, type Place, textAt } from "./tree.ts";
import { nodeAt, readYaml, type YamlText } from "./yaml-text.ts";

/** A scalar that is to change. */
interface Target {
  readonly place: Place;
  readonly replacements: readonly Replacement[];
  /** Where else its value stands, by aliases that are meant. */
  readonly also: readonly string[];
}

/** Who else moves the value on a line, or checks it. */
const marker = /#.*(\{\s*"\$imagepolicy"|\$imagepolicy|renovate:.*automerge)/;

function lineOf(text: string, position: number): string {
  const begin = text.lastIndexOf("\n", position - 1) + 1;
  const end = text.indexOf("\n", position);
  return text.slice(begin, end < 0 ? undefined : end);
}

/** The marker on the line of a place: `imagepolicy` or `renovate`. */
export function markerAt(
  repository: Repository,
  { path, document, pointer }: Place,
): "imagepolicy" | "renovate" | undefined {
  let yaml = repository.yaml(path);
  let found: "imagepolicy" | "renovate" | undefined;
  const segments = segmentsOf(document, pointer);
  for (const [index, segment] of segments.entries()) {
    const node = nodeAt(yaml?.documents[segment.document], segment.pointer);
    if (yaml === undefined || !isScalar(node) || node.range === undefined || node.range === null) return found;
    const hit = marker.exec(lineOf(yaml.text, node.range[0]))?.[1];
    if (hit !== undefined) found = hit.includes("imagepolicy") ? "imagepolicy" : "renovate";
    if (index < segments.length - 1) yaml = readYaml(path, String(node.value ?? ""));
  }
  return found;
}

/** Whether a check sum of SOPS goes over the whole document, so that every change breaks it. */
export function isSealed(repository: Repository, { path, document }: Place): boolean {
  const tree = repository.yaml(path)?.documents[document]?.tree;
  return at(tree, ["sops", "mac"]) !== undefined && textAt(tree, "sops", "mac_only_encrypted") !== "true";
}

/** Scalars that are to change, collected for all files before the first is touched. */
export class Splices {
  readonly #repository: Repository;
  readonly #targets = new Map<string, Target>();
  readonly problems: Problem[] = [];

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** Plans `replace` for `find` at an offset of a leaf's value. `what`: of whom, for a problem. */
  replace(leaf: Leaf, offset: number, find: string, replace: string, what: string): void {
    let begin = 0;
    for (const part of leaf.parts) {
      const end = begin + part.text.length;
      if (offset >= begin && offset + find.length <= end && (part.text !== "" || leaf.value === "")) {
        if (part.place === undefined) break;
        this.#plan(part.place, { offset: part.offset + offset - begin, find, replace }, part.at, what);
        return;
      }
      begin = end;
    }
    this.problems.push({
      file: leaf.parts.find(({ place }) => place !== undefined)?.place?.path ?? "",
      what,
      why: leaf.parts.some(({ place }) => place === undefined)
        ? "it comes from a Secret, or from a source that is not in this repository"
        : `${find} is put together from pieces`,
      fix: "Write the whole version in one place of this repository.",
    });
  }

  #plan(place: Place, replacement: Replacement, where: string, what: string): void {
    const { path } = place;
    const moved = markerAt(this.#repository, place);
    if (moved !== undefined)
      this.problems.push({
        file: path,
        what,
        why: moved === "renovate" ? "Renovate may merge its version by itself" : "an image policy writes its line",
        fix: "Take the marker away first, by a merge request of its own.",
      });
    if (isSealed(this.#repository, place))
      this.problems.push({
        file: path,
        what,
        why: "the check sum of SOPS goes over the whole document",
        fix: "Set mac_only_encrypted, or keep the version in a document without SOPS.",
      });
    const key = JSON.stringify([path, place.document, place.pointer]);
    const known = this.#targets.get(key) ?? { place, replacements: [], also: [] };
    const same = known.replacements.find(({ offset }) => offset === replacement.offset);
    if (same !== undefined && (same.find !== replacement.find || same.replace !== replacement.replace))
      this.problems.push({ file: path, what, why: "the same text is to become two things", fix: "Give each its own." });
    this.#targets.set(key, {
      place,
      replacements: same === undefined ? [...known.replacements, replacement] : known.replacements,
      also: known.also.includes(where) ? known.also : [...known.also, where],
    });
  }

  /** The edits of all files, or why one cannot be made. `repository`: as it is with them. */
  edits(): {
    readonly edits: readonly FileEdit[];
    readonly problems: readonly Problem[];
    readonly repository: Repository;
  } {
    const parsed: YamlText[] = [];
    const byPath = Map.groupBy(this.#targets.values(), ({ place }) => place.path);
    const edits: FileEdit[] = [];
    const problems = [...this.problems];
    for (const [path, targets] of [...byPath].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      try {
        if (targets.every(({ place }) => place.format === "env")) {
          edits.push(this.#editEnv(path, targets));
          continue;
        }
        const { edit, yaml } = this.#edit(path, targets);
        edits.push(edit);
        parsed.push(yaml);
      } catch (error) {
        if (!(error instanceof Uncuttable)) throw error;
        problems.push({
          file: path,
          what: "It cannot be edited without touching something else",
          why: error.message,
          fix: "Write the version as plain text of its own, without anchors that others use.",
        });
      }
    }
    return { edits, problems, repository: this.#repository.edited(edits, parsed) };
  }

  /** Lines of `KEY=value`. */
  #editEnv(path: string, targets: readonly Target[]): FileEdit {
    const text = this.#repository.text(path) ?? "";
    const cuts: Cut[] = [];
    const changes: Change[] = [];
    for (const { place, replacements } of targets) {
      const { value, start } = envEntry(text, place.pointer);
      for (const { offset, find, replace } of replacements)
        cuts.push({ start: start + offset, end: start + offset + find.length, text: replace });
      changes.push({ path, document: 0, pointer: place.pointer, before: value, after: replaced(value, replacements) });
    }
    const after = spliced(text, cuts);
    for (const { pointer, after: value } of changes)
      if (envEntry(after, pointer).value !== value) throw new Uncuttable(`${pointer} would not be ${value}`);
    return { path, before: text, after, changes };
  }

  #edit(path: string, targets: readonly Target[]): { readonly edit: FileEdit; readonly yaml: YamlText } {
    const yaml = this.#repository.yaml(path);
    if (yaml === undefined || yaml.problem !== undefined)
      throw new Uncuttable(yaml?.problem ?? "there is no such file");
    const cuts: Cut[] = [];
    const changes: Change[] = [];
    const expected: Expected[] = [];
    for (const { place, replacements, also } of targets) {
      const segments = segmentsOf(place.document, place.pointer);
      for (const replacement of replacements)
        cuts.push(cutAt(path, yaml, segments, (written) => rewritten(written, replacement)));
      const before = writtenAt(path, yaml, segments).value;
      const after = replaced(before, replacements);
      changes.push({ path, document: place.document, pointer: place.pointer, before, after });
      for (const pointer of new Set([place.pointer, ...also]))
        expected.push({ segments: segmentsOf(place.document, pointer), value: after });
    }
    const after = spliced(yaml.text, cuts);
    const now = readYaml(path, after);
    const wrong = difference(path, yaml, now, expected);
    if (wrong !== undefined) throw new Uncuttable(wrong);
    return { edit: { path, before: yaml.text, after, changes }, yaml: now };
  }
}
