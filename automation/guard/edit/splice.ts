/**
 * Changes of scalars, made in the text itself: only the characters that differ are replaced, and what comes out is parsed again and
 * must differ in nothing but the places that were meant. Pure.
 */
import { isAlias, isScalar, type Scalar } from "yaml";
import type { Change, FileEdit, Problem } from "./edit.ts";
import type { Repository } from "./repository.ts";
import { at, type Leaf, type Place, textAt } from "./tree.ts";
import { leavesOf, nodeAt, readYaml, type YamlText } from "./yaml-text.ts";

/** In the decoded value of a scalar: at an offset something else. */
interface Replacement {
  readonly offset: number;
  readonly find: string;
  readonly replace: string;
}

/** A scalar that is to change. */
interface Target {
  readonly place: Place;
  readonly replacements: readonly Replacement[];
  /** Where else its value stands, by aliases that are meant. */
  readonly also: readonly string[];
}

/** A piece of a text that is replaced. */
interface Cut {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

class Uncuttable extends Error {}

/** The outer pointer, then those inside nested texts, with the number of the document there. */
const segmentsOf = (pointer: string): readonly { readonly document: number; readonly pointer: string }[] =>
  pointer.split("#").map((segment) => {
    const [, index = "", inner = ""] = /^(\d*)(.*)$/s.exec(segment) ?? [];
    return { document: Number(index), pointer: inner };
  });

function occurrences(text: string, find: string): readonly number[] {
  const found: number[] = [];
  if (find === "") return found;
  for (let index = text.indexOf(find); index >= 0; index = text.indexOf(find, index + find.length)) found.push(index);
  return found;
}

/** What YAML 1.1 or 1.2 reads as null, a truth value, a number or a date. */
const otherTypes =
  /^(?:|~|null|true|false|yes|no|on|off|y|n|[-+]?\.(?:inf|nan)|[-+]?[\d_]+(?:\.[\d_]*)?(?:e[-+]?\d+)?|[-+]?\.[\d_]+(?:e[-+]?\d+)?|0[xob][\da-f_]+|\d+(?::\d+)+(?:\.\d*)?|\d{4}-\d\d?-\d\d?.*)$/i;
const notPlain = /^[\s!&*?|>@`"'%#,[\]{}:]|^-(?:\s|$)|: |\s#|[\r\n,[\]{}]|\s$|:$/;

/** Whether a text has to stand in quotes to be that text. */
export const needsQuotes = (value: string): boolean => otherTypes.test(value) || notPlain.test(value);

const quoted = (value: string): string => `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

function rendered({ type }: Scalar, value: string): string {
  if (/[\r\n]/.test(value)) throw new Uncuttable("a value of several lines is not written");
  if (type === "QUOTE_SINGLE") return `'${value.replaceAll("'", "''")}'`;
  if (type === "QUOTE_DOUBLE") return quoted(value);
  if (type === "PLAIN") return needsQuotes(value) ? quoted(value) : value;
  throw new Uncuttable("a block of text is not replaced as a whole");
}

/** The same characters in the source of a scalar that stand at an offset of its value. */
function inSource(source: string, value: string, offset: number, find: string): number | undefined {
  const inValue = occurrences(value, find);
  const inText = occurrences(source, find);
  return inValue.length === inText.length ? inText[inValue.indexOf(offset)] : undefined;
}

function scalarAt(yaml: YamlText, document: number, pointer: string): Scalar & { range: [number, number, number] } {
  const node = nodeAt(yaml.documents[document], pointer);
  if (isAlias(node)) throw new Uncuttable(`${pointer} is an alias`);
  if (!isScalar(node) || node.range === undefined || node.range === null)
    throw new Uncuttable(`there is no text at ${pointer}`);
  return Object.assign(node, { range: node.range });
}

const decoded = (node: Scalar): string => (node.value === null || node.value === undefined ? "" : String(node.value));

function cutOf(
  path: string,
  yaml: YamlText,
  segments: readonly { readonly document: number; readonly pointer: string }[],
  { offset, find, replace }: Replacement,
): Cut {
  const [first, ...rest] = segments;
  if (first === undefined) throw new Uncuttable("there is no place");
  const node = scalarAt(yaml, first.document, first.pointer);
  const [start, end] = node.range;
  const source = yaml.text.slice(start, end);
  const value = decoded(node);
  if (rest.length > 0) {
    const inner = cutOf(path, readYaml(path, value), rest, { offset, find, replace });
    const old = value.slice(inner.start, inner.end);
    const index = inSource(source, value, inner.start, old);
    if (index === undefined) throw new Uncuttable(`${old} cannot be found for sure in the text at ${first.pointer}`);
    if (node.type !== "BLOCK_LITERAL" && inner.text.includes('"'))
      throw new Uncuttable("quotes inside quotes are not written");
    return { start: start + index, end: start + index + old.length, text: inner.text };
  }
  if (value.slice(offset, offset + find.length) !== find) throw new Uncuttable(`${find} is not at ${first.pointer}`);
  const after = value.slice(0, offset) + replace + value.slice(offset + find.length);
  const index = inSource(source, value, offset, find);
  if (index === undefined || (node.type === "PLAIN" && needsQuotes(after))) {
    if (index === undefined && find !== value)
      throw new Uncuttable(`${find} is written with escapes at ${first.pointer}`);
    return { start, end, text: rendered(node, after) };
  }
  return { start: start + index, end: start + index + find.length, text: replace };
}

export function spliced(text: string, cuts: readonly Cut[]): string {
  let result = "";
  let done = 0;
  for (const { start, end, text: inserted } of cuts.toSorted((a, b) => a.start - b.start)) {
    if (start < done) throw new Uncuttable("two changes overlap");
    result += text.slice(done, start) + inserted;
    done = end;
  }
  return result + text.slice(done);
}

const replaced = (value: string, replacements: readonly Replacement[]): string =>
  spliced(
    value,
    replacements.map(({ offset, find, replace }) => ({ start: offset, end: offset + find.length, text: replace })),
  );

/** What may differ in a text: by document the pointers, and for those that are known the value. */
interface Expected {
  readonly segments: readonly { readonly document: number; readonly pointer: string }[];
  readonly value: string | undefined;
}

/** Why a text is not what was meant; undefined when exactly the expected places differ. */
function difference(
  path: string,
  before: YamlText,
  after: YamlText,
  expected: readonly Expected[],
): string | undefined {
  if (after.problem !== undefined) return after.problem;
  if (before.documents.length !== after.documents.length) return "the number of documents differs";
  for (const [index, { tree }] of before.documents.entries()) {
    const here = expected.filter(({ segments }) => segments[0]?.document === index);
    const old = leavesOf(tree);
    const now = leavesOf(after.documents[index]?.tree);
    const differs = new Set([...old.keys(), ...now.keys()].filter((pointer) => old.get(pointer) !== now.get(pointer)));
    for (const pointer of differs)
      if (!here.some(({ segments }) => segments[0]?.pointer === pointer)) return `${pointer} would change too`;
    for (const pointer of new Set(here.map(({ segments }) => segments[0]?.pointer ?? ""))) {
      const nested = here
        .filter(({ segments }) => segments[0]?.pointer === pointer && segments.length > 1)
        .map((one) => ({ ...one, segments: one.segments.slice(1) }));
      const value = here.find(({ segments }) => segments.length === 1 && segments[0]?.pointer === pointer)?.value;
      if (value !== undefined && now.get(pointer) !== value) return `${pointer} would not be ${value}`;
      if (nested.length === 0) continue;
      const [was, is] = [old.get(pointer) ?? "", now.get(pointer) ?? ""];
      const inner = difference(path, readYaml(path, was), readYaml(path, is), nested);
      if (inner !== undefined) return `inside ${pointer}: ${inner}`;
    }
  }
  return undefined;
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
  for (const [index, segment] of segmentsOf(pointer).entries()) {
    const node = nodeAt(yaml?.documents[index === 0 ? document : segment.document], segment.pointer);
    if (yaml === undefined || !isScalar(node) || node.range === undefined || node.range === null) return found;
    const hit = marker.exec(lineOf(yaml.text, node.range[0]))?.[1];
    if (hit !== undefined) found = hit.includes("imagepolicy") ? "imagepolicy" : "renovate";
    yaml = readYaml(path, decoded(node));
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
        ? "it comes from a Secret, an .env file, or a source that is not in this repository"
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

  #edit(path: string, targets: readonly Target[]): { readonly edit: FileEdit; readonly yaml: YamlText } {
    const yaml = this.#repository.yaml(path);
    if (yaml === undefined || yaml.problem !== undefined)
      throw new Uncuttable(yaml?.problem ?? "there is no such file");
    const cuts: Cut[] = [];
    const changes: Change[] = [];
    const expected: Expected[] = [];
    for (const { place, replacements, also } of targets) {
      const segments = segmentsOf(place.pointer).map((one, index) =>
        index === 0 ? { ...one, document: place.document } : one,
      );
      for (const replacement of replacements) cuts.push(cutOf(path, yaml, segments, replacement));
      const before = this.#value(path, yaml, segments);
      const after = replaced(before, replacements);
      changes.push({ path, document: place.document, pointer: place.pointer, before, after });
      expected.push({ segments, value: after });
      for (const pointer of also) {
        const others = segmentsOf(pointer).map((one, index) =>
          index === 0 ? { ...one, document: place.document } : one,
        );
        expected.push({ segments: others, value: after });
      }
    }
    const after = spliced(yaml.text, cuts);
    const now = readYaml(path, after);
    const wrong = difference(path, yaml, now, expected);
    if (wrong !== undefined) throw new Uncuttable(wrong);
    return { edit: { path, before: yaml.text, after, changes }, yaml: now };
  }

  #value(path: string, yaml: YamlText, segments: Expected["segments"]): string {
    const [first, ...rest] = segments;
    const value = decoded(scalarAt(yaml, first?.document ?? 0, first?.pointer ?? ""));
    return rest.length === 0 ? value : this.#value(path, readYaml(path, value), rest);
  }
}
