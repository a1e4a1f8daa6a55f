/**
 * Places in texts of YAML, nested ones included, and the characters to replace there so that nothing else changes. Pure.
 */
import { isAlias, isScalar, type Scalar } from "yaml";
import { leavesOf, nodeAt, readYaml, type YamlDocument, type YamlText } from "./yaml-text.ts";

/** In the decoded value of a scalar: at an offset something else. */
export interface Replacement {
  readonly offset: number;
  readonly find: string;
  readonly replace: string;
}

/** A piece of a text that is replaced. */
export interface Cut {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export class Uncuttable extends Error {}

/** A pointer in a document, then those inside nested texts, with the number of the document there. */
export type Segments = readonly { readonly document: number; readonly pointer: string }[];

export const segmentsOf = (document: number, pointer: string): Segments =>
  pointer.split("#").map((segment, index) => {
    const [, nested = "", inner = ""] = /^(\d*)(.*)$/s.exec(segment) ?? [];
    return { document: index === 0 ? document : Number(nested), pointer: inner };
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

export const quoted = (value: string): string => `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

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

/** A scalar: what it says, and the characters that say it. */
export interface Written {
  readonly value: string;
  readonly source: string;
  readonly node: Scalar;
}

/** The scalar at a place, through nested texts. */
export function writtenAt(path: string, yaml: YamlText, [first, ...rest]: Segments): Written {
  const node = scalarAt(yaml, first?.document ?? 0, first?.pointer ?? "");
  const value = decoded(node);
  if (rest.length > 0) return writtenAt(path, readYaml(path, value), rest);
  return { value, source: yaml.text.slice(node.range[0], node.range[1]), node };
}

/** A cut at a place. `make`: from the scalar there, the cut in its own characters. */
export function cutAt(path: string, yaml: YamlText, segments: Segments, make: (written: Written) => Cut): Cut {
  const [first, ...rest] = segments;
  if (first === undefined) throw new Uncuttable("there is no place");
  const node = scalarAt(yaml, first.document, first.pointer);
  const [begin, end] = node.range;
  const source = yaml.text.slice(begin, end);
  const value = decoded(node);
  if (rest.length === 0) {
    const cut = make({ value, source, node });
    return { start: begin + cut.start, end: begin + cut.end, text: cut.text };
  }
  const inner = cutAt(path, readYaml(path, value), rest, make);
  const old = value.slice(inner.start, inner.end);
  const index = inSource(source, value, inner.start, old);
  if (index === undefined) throw new Uncuttable(`${old} cannot be found for sure in the text at ${first.pointer}`);
  if (node.type !== "BLOCK_LITERAL" && /["'\\\n]/.test(inner.text))
    throw new Uncuttable("quotes inside quotes are not written");
  return { start: begin + index, end: begin + index + old.length, text: inner.text };
}

/** The characters to replace so that the scalar says something else at an offset. */
export function rewritten({ value, source, node }: Written, { offset, find, replace }: Replacement): Cut {
  if (value.slice(offset, offset + find.length) !== find) throw new Uncuttable(`${find} is not where it was`);
  const after = value.slice(0, offset) + replace + value.slice(offset + find.length);
  const index = inSource(source, value, offset, find);
  if (index === undefined || (node.type === "PLAIN" && needsQuotes(after))) {
    if (index === undefined && find !== value) throw new Uncuttable(`${find} is written with escapes`);
    return { start: 0, end: source.length, text: rendered(node, after) };
  }
  return { start: index, end: index + find.length, text: replace };
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

export const replaced = (value: string, replacements: readonly Replacement[]): string =>
  spliced(
    value,
    replacements.map(({ offset, find, replace }) => ({ start: offset, end: offset + find.length, text: replace })),
  );

/** What may differ in a text: by document the pointers, and for those that are known the value. */
export interface Expected {
  readonly segments: Segments;
  readonly value: string | undefined;
}

/** Where two documents differ, as they are read. */
export function differing(before: YamlDocument | undefined, after: YamlDocument | undefined): ReadonlySet<string> {
  const [old, now] = [leavesOf(before?.tree), leavesOf(after?.tree)];
  return new Set([...old.keys(), ...now.keys()].filter((pointer) => old.get(pointer) !== now.get(pointer)));
}

/** Why a text is not what was meant; undefined when exactly the expected places differ. */
export function difference(
  path: string,
  before: YamlText,
  after: YamlText,
  expected: readonly Expected[],
): string | undefined {
  if (after.problem !== undefined) return after.problem;
  if (before.documents.length !== after.documents.length) return "the number of documents differs";
  for (const [index, document] of before.documents.entries()) {
    const here = expected.filter(({ segments }) => segments[0]?.document === index);
    const old = leavesOf(document.tree);
    const now = leavesOf(after.documents[index]?.tree);
    const differs = [...old.keys(), ...now.keys()].filter((pointer) => old.get(pointer) !== now.get(pointer));
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
