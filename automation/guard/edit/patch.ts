/** Patches of kustomize and Flux on built objects: strategic merges and JSON 6902. Pure. */
import type { Problem } from "./edit.ts";
import { type BuiltObject, isMeantBy, isTarget } from "./object.ts";
import type { Repository } from "./repository.ts";
import { at, itemsAt, type Leaf, overlay, stepsOf, type Tree, textAt, withAt, withVia } from "./tree.ts";

export interface Patched {
  readonly objects: readonly BuiltObject[];
  readonly problems: readonly Problem[];
}

class Unpatchable extends Error {}

function operate(tree: Tree, operation: Tree): Tree {
  const op = textAt(operation, "op");
  const steps = stepsOf(textAt(operation, "path") ?? "");
  const value = at(operation, ["value"]);
  const set = (target: Tree, inner: Tree | undefined): Tree => withAt(target, steps, inner) ?? target;
  const insert = (target: Tree, inner: Tree): Tree => {
    const list = at(target, steps.slice(0, -1));
    const last = steps.at(-1) ?? "";
    if (list?.kind !== "list" || last === "-") return set(target, inner);
    const items = list.items.toSpliced(Number(last), 0, inner);
    return withAt(target, steps.slice(0, -1), { kind: "list", items }) ?? target;
  };
  if (op === "test") return tree;
  if (op === "remove") {
    if (at(tree, steps) === undefined) throw new Unpatchable(`there is no ${textAt(operation, "path")} to remove`);
    return set(tree, undefined);
  }
  if (op === "copy" || op === "move") {
    const from = stepsOf(textAt(operation, "from") ?? "");
    const found = at(tree, from);
    if (found === undefined) throw new Unpatchable(`there is no ${textAt(operation, "from")} to ${op}`);
    return insert(op === "move" ? (withAt(tree, from, undefined) ?? tree) : tree, found);
  }
  if (value === undefined) throw new Unpatchable(`an operation ${op ?? ""} has no value`);
  if (op === "add") return insert(tree, value);
  if (op !== "replace") throw new Unpatchable(`there is no operation ${op ?? ""}`);
  if (at(tree, steps) === undefined) throw new Unpatchable(`there is no ${textAt(operation, "path")} to replace`);
  return set(tree, value);
}

function merged(object: BuiltObject, patch: Tree): readonly BuiltObject[] {
  let tree = overlay(object.tree, patch);
  if (tree === undefined) return [];
  // Its identity is not a patch's to change.
  for (const steps of [["apiVersion"], ["kind"], ["metadata", "name"], ["metadata", "namespace"]])
    tree = withAt(tree, steps, at(object.tree, steps)) ?? tree;
  return [{ ...object, tree }];
}

/** One patch text on all objects that it means. `target`: undefined for one that names its object itself. */
function applyTree(objects: readonly BuiltObject[], patch: Tree, target: Tree | undefined): readonly BuiltObject[] {
  return objects.flatMap((object) => {
    if (!(target === undefined ? isMeantBy(object, patch) : isTarget(object, target))) return [object];
    if (patch.kind === "map") return merged(object, patch);
    if (patch.kind !== "list") throw new Unpatchable("it is neither a manifest nor a list of operations");
    return [{ ...object, tree: patch.items.reduce(operate, object.tree) }];
  });
}

/** A patch with the text in itself (`patch`) or in a file. `file`: who is to blame in a problem. */
export interface PatchText {
  readonly inline?: Leaf;
  readonly path?: string;
  readonly target: Tree | undefined;
}

export function patched(
  repository: Repository,
  objects: readonly BuiltObject[],
  patches: readonly PatchText[],
  file: string,
): Patched {
  const problems: Problem[] = [];
  let now = objects;
  for (const { inline, path, target } of patches) {
    const place = path ?? file;
    const read = inline === undefined ? repository.trees(path ?? "") : repository.nested(inline);
    const refuse = (why: string): void => {
      problems.push({ file: place, what: "A patch cannot be followed", why, fix: "Correct the patch, and try again." });
    };
    if (read.problem !== undefined) refuse(read.problem);
    for (const { tree } of read.trees) {
      const via = tree.kind === "list" ? "json-patch" : inline === undefined ? "patch" : "inline-patch";
      try {
        now = applyTree(now, withVia(tree, via), target);
      } catch (error) {
        if (!(error instanceof Unpatchable)) throw error;
        refuse(error.message);
      }
    }
  }
  return { objects: now, problems };
}

/** The `patches` of a Flux Kustomization or a kustomization.yaml. `resolve`: a path as the file means it. */
export function patchesOf(
  tree: Tree,
  resolve: (path: string) => string,
  ...steps: readonly string[]
): readonly PatchText[] {
  return itemsAt(tree, ...steps).flatMap((item): readonly PatchText[] => {
    const target = at(item, ["target"]);
    const inline = at(item, ["patch"]);
    const path = textAt(item, "path");
    if (inline?.kind === "leaf") return [{ inline, target }];
    return path === undefined ? [] : [{ path: resolve(path), target }];
  });
}
