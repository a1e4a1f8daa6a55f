/**
 * Changes of a file's structure: entries, items and documents that come and go, in its own style. As with scalars, what comes out
 * must differ in nothing but what was meant. Pure.
 */
import { isAlias, isMap, isScalar, isSeq, type Node, type Range, type Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import { type Cut, cutAt, differing, needsQuotes, quoted, rewritten, segmentsOf, spliced, Uncuttable } from "./cut.ts";
import type { Change, FileEdit } from "./edit.ts";
import { pointerTo } from "./tree.ts";
import { nodeAt, readYaml, type YamlText } from "./yaml-text.ts";

const inYaml = (value: string): string => (needsQuotes(value) ? quoted(value) : value);

function rangeOf(node: Node | undefined): Range {
  if (node?.range === undefined || node.range === null) throw new Uncuttable("it has no place in the text");
  return node.range;
}

export class Draft {
  readonly #yaml: YamlText;
  readonly #text: string;
  readonly #eol: string;
  readonly #cuts: Cut[] = [];
  readonly #changes: Change[] = [];
  readonly #removed = new Set<number>();
  /** By the document that they come after. */
  readonly #added: number[] = [];

  constructor(yaml: YamlText) {
    if (yaml.problem !== undefined) throw new Uncuttable(yaml.problem);
    this.#yaml = yaml;
    this.#text = yaml.text;
    this.#eol = yaml.text.includes("\r\n") ? "\r\n" : "\n";
  }

  #note(document: number, pointer: string, before: string, after: string): void {
    this.#changes.push({ path: this.#yaml.path, document, pointer, before, after });
  }

  #lineStart(position: number): number {
    return this.#text.lastIndexOf("\n", position - 1) + 1;
  }

  /** Behind the line's end; a line end that is missing at the end of the file is none. */
  #nextLine(position: number): number {
    const end = this.#text.indexOf("\n", position);
    return end < 0 ? this.#text.length : end + 1;
  }

  /** Lines in front of a position that begins a line, or ends the file. */
  #insertLines(position: number, lines: readonly string[]): void {
    const open = position > 0 && this.#text[position - 1] !== "\n";
    const joined = lines.join(this.#eol);
    const text = open ? this.#eol + joined : joined + this.#eol;
    this.#cuts.push({ start: position, end: position, text });
  }

  #node(document: number, steps: readonly string[]): Node | undefined {
    const node = nodeAt(this.#yaml.documents[document], pointerTo(...steps));
    if (isAlias(node)) throw new Uncuttable(`${pointerTo(...steps)} is an alias`);
    return node;
  }

  /** The key that an entry stands behind. */
  #key(document: number, steps: readonly string[]): Scalar {
    const parent = this.#node(document, steps.slice(0, -1));
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === steps.at(-1))
      : undefined;
    if (pair === undefined || !isScalar(pair.key)) throw new Uncuttable(`there is no ${pointerTo(...steps)}`);
    return pair.key;
  }

  /** Sets a scalar, or puts it in with the maps that it needs. */
  set(document: number, steps: readonly string[], value: string): void {
    const node = this.#node(document, steps);
    if (isMap(node) || isSeq(node)) throw new Uncuttable(`${pointerTo(...steps)} is no single value`);
    if (!isScalar(node)) {
      this.#insert(document, steps, inYaml(value));
      this.#note(document, pointerTo(...steps), "", value);
      return;
    }
    const before = node.value === null || node.value === undefined ? "" : String(node.value);
    if (before === value) return;
    const pointer = pointerTo(...steps);
    this.#cuts.push(
      cutAt(this.#yaml.path, this.#yaml, segmentsOf(document, pointer), (written) =>
        rewritten(written, { offset: 0, find: before, replace: value }),
      ),
    );
    this.#note(document, pointer, before, value);
  }

  /** Makes a list empty, or puts an empty one in. */
  clear(document: number, steps: readonly string[]): void {
    const node = this.#node(document, steps);
    if (isSeq(node)) {
      const before = node.items.map((item) => (isScalar(item) ? String(item.value) : "")).join(", ");
      if (before === "") return;
      this.#empty(document, steps, node);
      this.#note(document, pointerTo(...steps), before, "");
    } else {
      this.#insert(document, steps, "[]");
      this.#note(document, pointerTo(...steps), "", "[]");
    }
  }

  #empty(document: number, steps: readonly string[], list: YAMLSeq): void {
    const [start, end] = rangeOf(list);
    if (list.flow === true) {
      this.#cuts.push({ start, end, text: "[]" });
      return;
    }
    const last = list.items.at(-1);
    const [, keyEnd] = rangeOf(this.#key(document, steps));
    // Comments on its items go with them.
    const line = this.#nextLine(rangeOf(isScalar(last) ? last : undefined)[1]);
    const lineEnd = this.#text.slice(0, line).replace(/\r?\n$/, "").length;
    this.#cuts.push({ start: keyEnd, end: lineEnd, text: ": []" });
  }

  #insert(document: number, steps: readonly string[], rendered: string): void {
    let depth = steps.length - 1;
    while (depth > 0 && this.#node(document, steps.slice(0, depth)) === undefined) depth -= 1;
    const map = this.#node(document, steps.slice(0, depth));
    const missing = steps.slice(depth);
    if (!isMap(map)) throw new Uncuttable(`${pointerTo(...steps.slice(0, depth))} holds no entries`);
    const flow = missing
      .toReversed()
      .reduce((inner, key) => (inner === "" ? `${key}: ${rendered}` : `${key}: {${inner}}`), "");
    const [start] = rangeOf(map);
    if (map.flow === true) {
      const text = map.items.length === 0 ? flow : `${flow}, `;
      this.#cuts.push({ start: start + 1, end: start + 1, text });
      return;
    }
    this.#insertLines(this.#behindKey(document, steps.slice(0, depth)), this.#blockLines(map, missing, rendered));
  }

  /** Where the first entry of a block below a key would begin. */
  #behindKey(document: number, steps: readonly string[]): number {
    return this.#nextLine(rangeOf(this.#key(document, steps))[1]);
  }

  #blockLines(map: YAMLMap, missing: readonly string[], rendered: string): readonly string[] {
    const first = map.items[0]?.key;
    if (!isScalar(first)) throw new Uncuttable("it has an entry without a plain key");
    const [start] = rangeOf(first);
    const indent = this.#text.slice(this.#lineStart(start), start);
    if (indent.trim() !== "") throw new Uncuttable("its entries do not begin lines of their own");
    return missing.map((key, index) => {
      const value = index === missing.length - 1 ? ` ${rendered}` : "";
      return `${indent}${"  ".repeat(index)}${key}:${value}`;
    });
  }

  /** A text behind an item of a list; the list is made where there is none. `after`: default the last one. */
  add(document: number, steps: readonly string[], value: string, after?: number): void {
    const list = this.#node(document, steps);
    this.#note(document, pointerTo(...steps, "-"), "", value);
    if (!isSeq(list)) {
      this.#insert(document, steps, `[${inYaml(value)}]`);
      return;
    }
    const item = list.items[after ?? list.items.length - 1];
    if (item === undefined) {
      const [start, end] = rangeOf(list);
      this.#cuts.push({ start, end, text: `[${inYaml(value)}]` });
      return;
    }
    const [start, end] = rangeOf(isScalar(item) ? item : undefined);
    if (list.flow === true) {
      this.#cuts.push({ start: end, end, text: `, ${inYaml(value)}` });
      return;
    }
    const dash = /^(\s*-\s+)\S*\s*$/.exec(this.#text.slice(this.#lineStart(start), start) || " ");
    const indent = dash?.[1] ?? this.#text.slice(this.#lineStart(start), start);
    if (!/^\s*-\s+$/.test(indent)) throw new Uncuttable(`an item of ${pointerTo(...steps)} does not begin a line`);
    this.#insertLines(this.#nextLine(end), [`${indent}${inYaml(value)}`]);
  }

  /** Takes an item of a list away, with its line. */
  remove(document: number, steps: readonly string[], index: number): void {
    const list = this.#node(document, steps);
    const item = isSeq(list) ? list.items[index] : undefined;
    if (!isSeq(list) || !isScalar(item)) throw new Uncuttable(`there is no ${pointerTo(...steps, String(index))}`);
    this.#note(document, pointerTo(...steps, String(index)), String(item.value), "");
    const [start, end] = rangeOf(item);
    const [previous, next] = [list.items[index - 1], list.items[index + 1]];
    if (list.items.length === 1) this.#empty(document, steps, list);
    else if (list.flow !== true) this.#cuts.push({ start: this.#lineStart(start), end: this.#nextLine(end), text: "" });
    else if (isScalar(previous)) this.#cuts.push({ start: rangeOf(previous)[1], end, text: "" });
    else this.#cuts.push({ start, end: rangeOf(isScalar(next) ? next : undefined)[0], text: "" });
  }

  /** The text of a document, its marker included. */
  document(index: number): string {
    const [start, , end] = this.#range(index);
    return this.#text.slice(start, end);
  }

  #range(index: number): Range {
    const range = this.#yaml.documents[index]?.source.range;
    if (range === undefined || range === null) throw new Uncuttable(`there is no document ${index}`);
    // What stands in front of the first one is its.
    const mark = this.#text.startsWith("\uFEFF") ? 1 : 0;
    return index === 0 ? [mark, range[1], range[2]] : range;
  }

  removeDocument(index: number, name: string): void {
    const [start, , end] = this.#range(index);
    this.#cuts.push({ start, end, text: "" });
    this.#removed.add(index);
    this.#note(index, "", name, "");
  }

  addDocument(after: number, text: string, name: string): void {
    const [, , end] = this.#range(after);
    const open = this.#text[end - 1] !== "\n";
    const marker = text.startsWith("---") ? "" : `---${this.#eol}`;
    const last = end === this.#text.length || text.endsWith("\n") ? "" : this.#eol;
    this.#cuts.push({ start: end, end, text: `${open ? this.#eol : ""}${marker}${text}${last}` });
    for (const _ of readYaml(this.#yaml.path, text).documents) this.#added.push(after);
    this.#note(after + 1, "", "", name);
  }

  /** The edit; undefined when nothing was changed. A file without a document left is deleted. */
  edit(): FileEdit | undefined {
    if (this.#cuts.length === 0) return undefined;
    const { path } = this.#yaml;
    const documents = this.#yaml.documents.map((_, index) => index);
    const left = documents.filter(
      (index) => this.#yaml.documents[index]?.tree !== undefined && !this.#removed.has(index),
    );
    if (left.length === 0 && this.#added.length === 0)
      return { path, before: this.#text, after: undefined, changes: this.#changes };
    const after = spliced(this.#text, this.#cuts);
    this.#verify(readYaml(path, after), documents);
    return { path, before: this.#text, after, changes: this.#changes };
  }

  #verify(now: YamlText, documents: readonly number[]): void {
    if (now.problem !== undefined) throw new Uncuttable(now.problem);
    const expected = documents.flatMap((index) => [
      ...(this.#removed.has(index) ? [] : [index]),
      ...this.#added.filter((after) => after === index).map(() => undefined),
    ]);
    if (expected.length !== now.documents.length) throw new Uncuttable("the number of documents is not what was meant");
    for (const [position, index] of expected.entries()) {
      if (index === undefined) continue;
      const meant = this.#changes
        .filter(({ document, pointer }) => document === index && pointer !== "")
        .map(({ pointer }) => pointer.replace(/\/(?:-|\d+)$/, ""));
      for (const pointer of differing(this.#yaml.documents[index], now.documents[position]))
        if (!meant.some((one) => pointer === one || pointer.startsWith(`${one}/`) || one.startsWith(`${pointer}/`)))
          throw new Uncuttable(`${pointer} would change too`);
    }
  }
}
