/** Texts of YAML as trees, and the nodes that stand at a place. Pure. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseAllDocuments, type Scalar } from "yaml";
import { escapeStep, type Leaf, stepsOf, type Tree, type Via } from "./tree.ts";

/** More scalars than any manifest has: aliases of aliases grow without end. */
const mostLeaves = 200_000;
const mostDepth = 200;

export interface YamlDocument {
  /** undefined: an empty document. */
  readonly tree: Tree | undefined;
  readonly source: Document.Parsed;
}

export interface YamlText {
  readonly path: string;
  readonly text: string;
  readonly documents: readonly YamlDocument[];
  /** Why it cannot be read; undefined when it can. */
  readonly problem: string | undefined;
}

class Untraceable extends Error {}

/** The context in which a tree is made. */
interface Tracing {
  readonly path: string;
  readonly document: number;
  /** Of the scalar that holds this text, with the number sign; empty for a file. */
  readonly outer: string;
  readonly via: Via;
  readonly anchors: Map<string, { readonly node: Node; readonly pointer: string }>;
  leaves: number;
}

const isPlainNull = ({ type, source = "" }: Scalar): boolean =>
  (type === "PLAIN" || type === undefined) && /^(?:~|null|Null|NULL|)$/.test(source);

function traceScalar(tracing: Tracing, node: Scalar, place: string, at: string): Leaf {
  tracing.leaves += 1;
  if (tracing.leaves > mostLeaves) throw new Untraceable("its aliases multiply to more than can be followed");
  const { path, document, outer, via } = tracing;
  const value = isPlainNull(node) ? "" : String(node.value);
  return {
    kind: "leaf",
    value,
    isNull: isPlainNull(node),
    parts: [
      {
        text: value,
        place: { path, document, pointer: `${outer}${place}` },
        offset: 0,
        at: `${outer}${at}`,
        via,
      },
    ],
  };
}

const keyOf = (key: unknown): string => {
  if (isScalar(key) && key.anchor === undefined) return key.type === "PLAIN" ? (key.source ?? "") : String(key.value);
  throw new Untraceable("a key is no plain text");
};

function traceMap(tracing: Tracing, items: readonly unknown[], place: string, at: string, depth: number): Tree {
  const own = new Map<string, Tree>();
  const merged = new Map<string, Tree>();
  for (const item of items) {
    if (typeof item !== "object" || item === null || !("key" in item) || !("value" in item)) continue;
    const key = keyOf(item.key);
    const step = `/${escapeStep(key)}`;
    const value = trace(tracing, item.value, place + step, at + step, depth + 1, key === "<<" ? at : undefined);
    if (key !== "<<") own.set(key, value);
    else
      for (const map of value.kind === "list" ? value.items : [value])
        if (map.kind === "map") for (const [name, inner] of map.entries) if (!merged.has(name)) merged.set(name, inner);
  }
  for (const [key, value] of merged) if (!own.has(key)) own.set(key, value);
  return { kind: "map", entries: own };
}

/** `mergedAt`: where the entries of a merge key come to stand. */
function trace(tracing: Tracing, node: unknown, place: string, at: string, depth: number, mergedAt?: string): Tree {
  if (depth > mostDepth) throw new Untraceable("it is nested deeper than can be followed, or an alias names itself");
  if (isAlias(node)) {
    const anchored = tracing.anchors.get(node.source);
    if (anchored === undefined) throw new Untraceable(`the alias *${node.source} has no anchor before it`);
    return trace(tracing, anchored.node, anchored.pointer, mergedAt ?? at, depth + 1);
  }
  if (isScalar(node) || isMap(node) || isSeq(node)) {
    if (node.anchor !== undefined && place === at) tracing.anchors.set(node.anchor, { node, pointer: place });
    if (isScalar(node)) return traceScalar(tracing, node, place, at);
    if (isMap(node)) return traceMap(tracing, node.items, place, mergedAt ?? at, depth);
    return {
      kind: "list",
      items: node.items.map((item, index) =>
        trace(tracing, item, `${place}/${index}`, `${at}/${index}`, depth + 1, mergedAt),
      ),
    };
  }
  tracing.leaves += 1;
  return { kind: "leaf", value: "", isNull: true, parts: [] };
}

const shortened = (message: string): string => message.split("\n")[0]?.replace(/:$/, "") ?? message;

/**
 * `path`: the file. `nested`: for a text inside a scalar, that scalar's document and pointer, and how its values get to be used.
 */
export function readYaml(
  path: string,
  text: string,
  nested?: { readonly document: number; readonly pointer: string; readonly via: Via },
): YamlText {
  // Failsafe: every scalar is its text, so that 1.30 stays 1.30.
  const parsed = parseAllDocuments(text, { schema: "failsafe", prettyErrors: true, logLevel: "silent" });
  const documents: YamlDocument[] = [];
  for (const [index, source] of (Array.isArray(parsed) ? parsed : []).entries()) {
    const error = source.errors[0];
    if (error !== undefined) return { path, text, documents: [], problem: shortened(error.message) };
    const tracing: Tracing = {
      path,
      document: nested?.document ?? index,
      outer: nested === undefined ? "" : `${nested.pointer}#${index === 0 ? "" : index}`,
      via: nested?.via ?? "resource",
      anchors: new Map(),
      leaves: 0,
    };
    try {
      const tree = source.contents === null ? undefined : trace(tracing, source.contents, "", "", 0);
      documents.push({ tree: tree?.kind === "leaf" && tree.isNull ? undefined : tree, source });
    } catch (error) {
      if (!(error instanceof Untraceable)) throw error;
      return { path, text, documents: [], problem: error.message };
    }
  }
  return { path, text, documents, problem: undefined };
}

/** The node at a pointer without nesting; undefined where there is none, or only through an alias. */
export function nodeAt(document: YamlDocument | undefined, pointer: string): Node | undefined {
  let here: unknown = document?.source.contents;
  for (const step of stepsOf(pointer)) {
    if (isMap(here)) here = here.items.find(({ key }) => isScalar(key) && keyOf(key) === step)?.value;
    else if (isSeq(here)) here = here.items[Number(step)];
    else return undefined;
  }
  return isScalar(here) || isMap(here) || isSeq(here) || isAlias(here) ? here : undefined;
}

/** All scalars by where they stand, through aliases. */
export function leavesOf(tree: Tree | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (here: Tree, pointer: string): void => {
    if (here.kind === "leaf") found.set(pointer, here.isNull ? "\0null" : here.value);
    else if (here.kind === "list") {
      if (here.items.length === 0) found.set(pointer, "\0list");
      for (const [index, item] of here.items.entries()) visit(item, `${pointer}/${index}`);
    } else {
      if (here.entries.size === 0) found.set(pointer, "\0map");
      for (const [key, value] of here.entries) visit(value, `${pointer}/${escapeStep(key)}`);
    }
  };
  if (tree !== undefined) visit(tree, "");
  return found;
}
