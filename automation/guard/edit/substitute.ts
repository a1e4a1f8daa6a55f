/** Variables as Flux puts them in after a build: `${name}`, `${name:=default}`. Pure. */
import { type Leaf, mapLeaves, type Part, type Tree, type Variables } from "./tree.ts";

const expression = /\$?\$\{([^}]*)\}/g;
const simple = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[=-])(.*))?$/s;

/** A piece of a piece. */
function slice(part: Part, begin: number, end: number): Part {
  return { ...part, text: part.text.slice(begin, end), offset: part.offset + begin };
}

const unread = (text: string, part: Part): Part => ({ ...part, text, place: undefined, via: "substitution" });

/** What stands for one `${…}`, which begins at `begin` in the part. */
function variableParts(part: Part, begin: number, inner: string, variables: Variables): readonly Part[] {
  const found = simple.exec(inner);
  const [whole, name = "", operator, otherwise = ""] = found ?? [];
  if (whole === undefined) return [unread(`\${${inner}}`, part)];
  const known = variables.known.get(name);
  // `=` and `-` take an empty value for a value; with a colon they do not.
  if (known !== undefined && !(known.value === "" && operator?.startsWith(":") === true))
    return known.parts.map((one): Part => ({ ...one, via: "substitution" }));
  if (known === undefined && variables.unread.length > 0) return [unread(`\${${inner}}`, part)];
  const from = begin + 2 + name.length + (operator?.length ?? 0);
  return operator === undefined ? [] : [{ ...slice(part, from, from + otherwise.length), via: "default" }];
}

function partsOf(part: Part, variables: Variables): readonly Part[] {
  const parts: Part[] = [];
  let done = 0;
  for (const found of part.text.matchAll(expression)) {
    parts.push(slice(part, done, found.index));
    done = found.index + found[0].length;
    // `$${name}` stays `${name}`.
    if (found[0].startsWith("$$")) parts.push(slice(part, found.index + 1, done));
    else parts.push(...variableParts(part, found.index, found[1] ?? "", variables));
  }
  parts.push(slice(part, done, part.text.length));
  return parts.filter(({ text }) => text !== "");
}

/** Without a variable and without an unread source Flux leaves everything as it is. */
export function substituted(tree: Tree, variables: Variables): Tree {
  if (variables.known.size === 0 && variables.unread.length === 0) return tree;
  return mapLeaves(tree, (leaf): Leaf => {
    if (leaf.file !== undefined) return { ...leaf, raw: { leaf, variables } };
    if (!leaf.value.includes("${")) return leaf;
    const parts = leaf.parts.flatMap((part) => partsOf(part, variables));
    return { ...leaf, value: parts.map(({ text }) => text).join(""), parts, raw: { leaf, variables } };
  });
}
