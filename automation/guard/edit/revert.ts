/**
 * Takes edits back in today's files: exactly what was changed, so that what others changed since stays. Refused where a place says a
 * third thing by now. Pure.
 */
import {
  type Cut,
  cutAt,
  difference,
  differing,
  type Expected,
  rewritten,
  segmentsOf,
  spliced,
  Uncuttable,
  writtenAt,
} from "./cut.ts";
import {
  type Change,
  type Edited,
  type FileEdit,
  type Problem,
  type ReadingCluster,
  type RepositoryFile,
  refused,
} from "./edit.ts";
import { fleetOf, withReaders } from "./fleet.ts";
import { mergedLines } from "./line-merge.ts";
import { Repository } from "./repository.ts";
import { textAt } from "./tree.ts";
import { readYaml, type YamlDocument, type YamlText } from "./yaml-text.ts";

const back = ({ path, document, pointer, before, after }: Change): Change => ({
  path,
  document,
  pointer,
  before: after,
  after: before,
});

/** Whether a change is one of a scalar that was there before and after. */
function isScalarChange(before: YamlText, after: YamlText, { path, document, pointer, ...said }: Change): boolean {
  try {
    const segments = segmentsOf(document, pointer);
    return (
      writtenAt(path, before, segments).value === said.before && writtenAt(path, after, segments).value === said.after
    );
  } catch (error) {
    if (error instanceof Uncuttable) return false;
    throw error;
  }
}

const identity = (document: YamlDocument | undefined): string => {
  const of = (...steps: readonly string[]): string => textAt(document?.tree, ...steps) ?? "";
  return JSON.stringify([of("kind"), of("metadata", "namespace"), of("metadata", "name")]);
};

/** The document of today that was the one at an index. */
function documentNow(after: YamlText, now: YamlText, index: number): number {
  const wanted = identity(after.documents[index]);
  const found = now.documents.flatMap((document, position) => (identity(document) === wanted ? [position] : []));
  if (found.includes(index) && now.documents.length === after.documents.length) return index;
  const [only, ...others] = found;
  if (only === undefined || others.length > 0) throw new Uncuttable(`document ${index} is not there as it was`);
  return only;
}

/** From one text to another without what they begin and end with alike, but for words that are cut. */
function onlyWhatDiffers(from: string, to: string): Cut {
  const isWord = (character = ""): boolean => /[\w.-]/.test(character);
  let [begin, end] = [0, 0];
  while (begin < from.length && begin < to.length && from[begin] === to[begin]) begin += 1;
  while (begin > 0 && isWord(from[begin - 1])) begin -= 1;
  const most = Math.min(from.length, to.length) - begin;
  while (end < most && from.at(-1 - end) === to.at(-1 - end)) end += 1;
  while (end > 0 && isWord(from[from.length - end])) end -= 1;
  return { start: begin, end: from.length - end, text: to.slice(begin, to.length - end) };
}

/** Each scalar for itself, at its place. */
function scalarsBack(
  path: string,
  before: YamlText,
  after: YamlText,
  now: YamlText,
  changes: readonly Change[],
): FileEdit {
  const cuts: Cut[] = [];
  const done: Change[] = [];
  for (const change of changes) {
    const document = documentNow(after, now, change.document);
    const segments = segmentsOf(document, change.pointer);
    const today = writtenAt(path, now, segments);
    if (today.value === change.before) continue;
    if (today.value !== change.after)
      throw new Uncuttable(
        `${change.pointer} says ${today.value} by now, neither ${change.after} nor ${change.before}`,
      );
    const [old, made] = [before, after].map((yaml) =>
      writtenAt(path, yaml, segmentsOf(change.document, change.pointer)),
    );
    cuts.push(
      cutAt(path, now, segments, (written) =>
        old !== undefined && written.source === made?.source
          ? onlyWhatDiffers(written.source, old.source)
          : rewritten(written, { offset: 0, find: change.after, replace: change.before }),
      ),
    );
    done.push(back({ ...change, document }));
  }
  const text = spliced(now.text, cuts);
  const expected: Expected[] = done.map((change) => ({
    segments: segmentsOf(change.document, change.pointer),
    value: change.after,
  }));
  // Aliases of an anchor went with it, and go back with it.
  for (const { document } of new Map(changes.map((change) => [change.document, change])).values())
    for (const pointer of differing(before.documents[document], after.documents[document]))
      expected.push({ segments: [{ document: documentNow(after, now, document), pointer }], value: undefined });
  const wrong = difference(path, now, readYaml(path, text), expected);
  if (wrong !== undefined) throw new Uncuttable(wrong);
  return { path, before: now.text, after: text, changes: done };
}

function fileBack(edit: FileEdit, today: string | undefined): FileEdit | undefined {
  const { path, before, after, changes } = edit;
  if (today === before) return undefined;
  const undone = changes.map(back);
  if (today === after) return { path, before: today, after: before, changes: undone };
  if (before === undefined) throw new Uncuttable("it is new, and others have changed it since");
  if (after === undefined) throw new Uncuttable("it was deleted, and there is another one of its name by now");
  if (today === undefined) throw new Uncuttable("it is gone");
  const [old, made, now] = [before, after, today].map((text) => readYaml(path, text));
  if (old === undefined || made === undefined || now === undefined) return undefined;
  // What was no YAML before, such as a file of variables, need not be any now.
  if (now.problem !== undefined && made.problem === undefined) throw new Uncuttable(now.problem);
  if (changes.every((change) => isScalarChange(old, made, change))) return scalarsBack(path, old, made, now, changes);
  const text = mergedLines(after, before, today);
  if (text === undefined)
    throw new Uncuttable("the lines that were changed, or those beside them, are different by now");
  const problem = readYaml(path, text).problem;
  if (problem !== undefined && made.problem === undefined) throw new Uncuttable(problem);
  return { path, before: today, after: text, changes: undone };
}

/**
 * `clusters`: for who reads the files; default none. What is as it was already is left alone, so that doing it twice is doing it
 * once.
 */
export function revertEdits(
  applied: readonly FileEdit[],
  files: readonly RepositoryFile[],
  clusters: readonly ReadingCluster[] = [],
): Edited {
  const repository = new Repository(files);
  const edits: FileEdit[] = [];
  const problems: Problem[] = [];
  for (const edit of applied) {
    try {
      const made = fileBack(edit, repository.text(edit.path));
      if (made !== undefined && made.before !== made.after) edits.push(made);
    } catch (error) {
      if (!(error instanceof Uncuttable)) throw error;
      problems.push({
        file: edit.path,
        what: "It cannot be taken back by itself",
        why: error.message,
        fix: "Take it back by hand, by a merge request of its own.",
      });
    }
  }
  return problems.length > 0
    ? refused(problems)
    : { kind: "edits", ...withReaders(fleetOf(repository, clusters), edits) };
}
