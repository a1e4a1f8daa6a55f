/**
 * What YAML says, where each scalar still knows the place in a file that it comes from. Trees are never changed: a patch makes a new
 * one. Pure.
 */

/** A scalar in a file. */
export interface Place {
  readonly path: string;
  readonly document: number;
  /** As in Change: the node itself, never through an alias. */
  readonly pointer: string;
  /** A file of `KEY=value` lines; missing: YAML. */
  readonly format?: "env";
}

/** How a value gets to where it is used. */
export type Via =
  | "resource"
  | "patch"
  | "json-patch"
  | "inline-patch"
  | "images"
  | "substitution"
  | "default"
  | "generator";

/** A piece of a scalar's value. */
export interface Part {
  readonly text: string;
  /** undefined: from where nobody can read, such as a Secret. */
  readonly place: Place | undefined;
  /** Where the piece begins in the value at the place. */
  readonly offset: number;
  /** Where the value stands as the file is read, through aliases; the same as the place's pointer without them. */
  readonly at: string;
  readonly via: Via;
}

export interface Leaf {
  readonly kind: "leaf";
  readonly value: string;
  /** A plain null, `~` or nothing. */
  readonly isNull: boolean;
  /** In order; together they are the value. */
  readonly parts: readonly Part[];
  /** The leaf as it stood before variables were put in. */
  readonly raw?: { readonly leaf: Leaf; readonly variables: Variables };
  /** The whole of a file, that a generator reads. */
  readonly file?: string;
}

export interface Variables {
  readonly known: ReadonlyMap<string, Leaf>;
  /** Sources that could not be read: a variable that is not known may come from them. */
  readonly unread: readonly string[];
}

export interface MapTree {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Tree>;
}

export interface ListTree {
  readonly kind: "list";
  readonly items: readonly Tree[];
}

export type Tree = Leaf | MapTree | ListTree;

export const emptyMap: MapTree = { kind: "map", entries: new Map() };

export const escapeStep = (key: string): string =>
  /[~/#]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1").replaceAll("#", "~2") : key;

const unescapeStep = (step: string): string => step.replaceAll("~2", "#").replaceAll("~1", "/").replaceAll("~0", "~");

/** Steps of a pointer without nesting. */
export const stepsOf = (pointer: string): readonly string[] => pointer.split("/").slice(1).map(unescapeStep);

export const pointerTo = (...steps: readonly string[]): string => steps.map((step) => `/${escapeStep(step)}`).join("");

export function at(tree: Tree | undefined, steps: readonly string[]): Tree | undefined {
  let here = tree;
  for (const step of steps) {
    if (here?.kind === "map") here = here.entries.get(step);
    else if (here?.kind === "list") here = /^\d+$/.test(step) ? here.items[Number(step)] : undefined;
    else return undefined;
  }
  return here;
}

export function leafAt(tree: Tree | undefined, ...steps: readonly string[]): Leaf | undefined {
  const found = at(tree, steps);
  return found?.kind === "leaf" && !found.isNull ? found : undefined;
}

export const textAt = (tree: Tree | undefined, ...steps: readonly string[]): string | undefined =>
  leafAt(tree, ...steps)?.value;

export function itemsAt(tree: Tree | undefined, ...steps: readonly string[]): readonly Tree[] {
  const found = at(tree, steps);
  return found?.kind === "list" ? found.items : [];
}

export function entriesAt(tree: Tree | undefined, ...steps: readonly string[]): ReadonlyMap<string, Tree> {
  const found = at(tree, steps);
  return found?.kind === "map" ? found.entries : emptyMap.entries;
}

export const textsOf = (trees: readonly Tree[]): readonly string[] =>
  trees.flatMap((tree) => (tree.kind === "leaf" && !tree.isNull ? [tree.value] : []));

/** A scalar that stands in no file. */
export const literal = (value: string): Leaf => ({
  kind: "leaf",
  value,
  isNull: false,
  parts: [{ text: value, place: undefined, offset: 0, at: "", via: "resource" }],
});

/** The tree with something else at a place; the maps on the way are made. undefined takes the entry away. */
export function withAt(tree: Tree | undefined, steps: readonly string[], value: Tree | undefined): Tree | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (tree?.kind === "list") {
    const index = step === "-" ? tree.items.length : Number(step);
    const inner = withAt(tree.items[index], rest, value);
    const items = [...tree.items];
    if (inner === undefined) items.splice(index, 1);
    else items[index] = inner;
    return { kind: "list", items };
  }
  const entries = new Map(tree?.kind === "map" ? tree.entries : []);
  const inner = withAt(entries.get(step), rest, value);
  if (inner === undefined) entries.delete(step);
  else entries.set(step, inner);
  return { kind: "map", entries };
}

/** What does not change is the same tree afterwards. */
export function mapLeaves(tree: Tree, change: (leaf: Leaf) => Leaf): Tree {
  if (tree.kind === "leaf") return change(tree);
  if (tree.kind === "list") {
    const items = tree.items.map((item) => mapLeaves(item, change));
    return items.every((item, index) => item === tree.items[index]) ? tree : { kind: "list", items };
  }
  let entries: Map<string, Tree> | undefined;
  for (const [key, value] of tree.entries) {
    const changed = mapLeaves(value, change);
    if (changed === value) continue;
    entries ??= new Map(tree.entries);
    entries.set(key, changed);
  }
  return entries === undefined ? tree : { kind: "map", entries };
}

export const withVia = (tree: Tree, via: Via): Tree =>
  mapLeaves(tree, (leaf) => ({ ...leaf, parts: leaf.parts.map((part) => ({ ...part, via })) }));

/** As Helm lays values over each other, and kustomize a patch over a custom resource: maps by key, lists whole, null takes away. */
export function overlay(below: Tree | undefined, above: Tree): Tree | undefined {
  if (above.kind === "leaf" && above.isNull) return undefined;
  if (above.kind !== "map") return above;
  const directive = textAt(above, "$patch");
  if (directive === "delete") return undefined;
  const entries = new Map(below?.kind === "map" && directive !== "replace" ? below.entries : []);
  for (const [key, value] of above.entries) {
    if (key === "$patch") continue;
    const merged = overlay(entries.get(key), value);
    if (merged === undefined) entries.delete(key);
    else entries.set(key, merged);
  }
  return { kind: "map", entries };
}
