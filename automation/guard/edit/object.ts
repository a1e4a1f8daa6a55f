/** Kubernetes objects as trees. Pure. */
import { entriesAt, itemsAt, literal, type Tree, textAt, textsOf, withAt } from "./tree.ts";

export interface BuiltObject {
  readonly tree: Tree;
  /** The file that the object is declared in; patches come from others. */
  readonly path: string;
  readonly document: number;
  /** What it was called before prefixes; with what it is called now. */
  readonly names: readonly string[];
}

export const kindOf = ({ tree }: BuiltObject): string => textAt(tree, "kind") ?? "";
export const nameOf = ({ tree }: BuiltObject): string => textAt(tree, "metadata", "name") ?? "";
export const namespaceOf = ({ tree }: BuiltObject): string | undefined => textAt(tree, "metadata", "namespace");
const groupOf = (apiVersion = ""): string => apiVersion.split("/").toReversed()[1] ?? "";

/** Whether it is an object of an API group and kind; the version does not matter. */
export const isA = (object: BuiltObject, group: string, kind: string): boolean =>
  kindOf(object) === kind && groupOf(textAt(object.tree, "apiVersion")) === group;

export const describe = (object: BuiltObject): string => {
  const namespace = namespaceOf(object);
  return `${kindOf(object)} ${namespace === undefined ? "" : `${namespace}/`}${nameOf(object)}`;
};

/** The objects of a document: one, or those of a list. */
export function objectsOf(tree: Tree, path: string, document: number): readonly BuiltObject[] {
  const kind = textAt(tree, "kind");
  if (kind === undefined) return [];
  if (kind.endsWith("List") && itemsAt(tree, "items").length > 0)
    return itemsAt(tree, "items").flatMap((item) => objectsOf(item, path, document));
  const name = textAt(tree, "metadata", "name");
  return name === undefined ? [] : [{ tree, path, document, names: [name] }];
}

export function renamed(object: BuiltObject, prefix: string, suffix: string): BuiltObject {
  const name = `${prefix}${nameOf(object)}${suffix}`;
  const tree = withAt(object.tree, ["metadata", "name"], literal(name)) ?? object.tree;
  return { ...object, tree, names: [...object.names, name] };
}

const clusterScoped = /^(?:Namespace|ClusterRole|ClusterRoleBinding|CustomResourceDefinition|.*WebhookConfiguration)$/;

export function moved(object: BuiltObject, namespace: string): BuiltObject {
  if (clusterScoped.test(kindOf(object))) return object;
  return {
    ...object,
    tree: withAt(object.tree, ["metadata", "namespace"], literal(namespace)) ?? object.tree,
  };
}

const matches = (pattern: string | undefined, values: readonly string[]): boolean => {
  if (pattern === undefined) return true;
  if (values.includes(pattern)) return true;
  try {
    const whole = new RegExp(`^(?:${pattern})$`);
    return values.some((value) => whole.test(value));
  } catch {
    return false;
  }
};

/** `a=b,c!=d,e,!f`; a term that is not understood selects nothing. */
function selects(selector: string | undefined, values: ReadonlyMap<string, Tree>): boolean {
  if (selector === undefined || selector.trim() === "") return true;
  return selector.split(",").every((term) => {
    const found = /^\s*(!?)\s*([^\s=!()]+)\s*(?:(==?|!=)\s*([^\s()]*))?\s*$/.exec(term);
    if (found === null) return false;
    const [, not, key = "", operator, value] = found;
    const [known] = textsOf([...values].flatMap(([name, tree]) => (name === key ? [tree] : [])));
    if (operator === undefined) return (known !== undefined) === (not === "");
    return (known === value) === (operator !== "!=");
  });
}

/** Whether a patch's `target` means the object; all of its fields are regular expressions but the selectors. */
export function isTarget(object: BuiltObject, target: Tree): boolean {
  const apiVersion = textAt(object.tree, "apiVersion") ?? "";
  return (
    matches(textAt(target, "kind"), [kindOf(object)]) &&
    matches(textAt(target, "name"), object.names) &&
    matches(textAt(target, "namespace"), [namespaceOf(object) ?? "default"]) &&
    matches(textAt(target, "group"), [groupOf(apiVersion)]) &&
    matches(textAt(target, "version"), [apiVersion.split("/").at(-1) ?? ""]) &&
    selects(textAt(target, "labelSelector"), entriesAt(object.tree, "metadata", "labels")) &&
    selects(textAt(target, "annotationSelector"), entriesAt(object.tree, "metadata", "annotations"))
  );
}

/** Whether a patch without a target means the object. */
export function isMeantBy(object: BuiltObject, patch: Tree): boolean {
  const namespace = textAt(patch, "metadata", "namespace");
  return (
    textAt(patch, "kind") === kindOf(object) &&
    groupOf(textAt(patch, "apiVersion")) === groupOf(textAt(object.tree, "apiVersion")) &&
    object.names.includes(textAt(patch, "metadata", "name") ?? "") &&
    (namespace === undefined || namespace === (namespaceOf(object) ?? namespace))
  );
}
