/** The files of a repository, each parsed once. Pure but for what it remembers. */
import type { FileEdit, RepositoryFile } from "./edit.ts";
import { substituted } from "./substitute.ts";
import { type Leaf, type Tree, withVia } from "./tree.ts";
import { readYaml, type YamlText } from "./yaml-text.ts";

/** `a/./b/../c` becomes `a/c`; empty is the root; undefined leads out of the repository. */
export function resolvePath(folder: string, path: string): string | undefined {
  const steps: string[] = [];
  for (const step of `${path.startsWith("/") ? "" : folder}/${path}`.split("/")) {
    if (step === "" || step === ".") continue;
    if (step !== "..") steps.push(step);
    else if (steps.pop() === undefined) return undefined;
  }
  return steps.join("/");
}

export const folderOf = (path: string): string => path.split("/").slice(0, -1).join("/");

export const baseName = (path: string): string => path.split("/").at(-1) ?? path;

/** Trees of a text; empty documents are left out. */
export interface Trees {
  readonly trees: readonly { readonly tree: Tree; readonly document: number }[];
  readonly problem: string | undefined;
}

export class Repository {
  readonly #texts = new Map<string, string>();
  readonly #folders = new Map<string, { readonly folders: Set<string>; readonly files: string[] }>();
  readonly #parsed = new Map<string, YamlText>();
  readonly #nested = new Map<string, Trees>();

  constructor(files: readonly RepositoryFile[]) {
    for (const { path, text } of files) {
      this.#texts.set(path, text);
      this.#place(path);
    }
  }

  /** The repository with edits; what did not change is not parsed again, nor what is in `parsed`. */
  edited(edits: readonly FileEdit[], parsed: readonly YamlText[] = []): Repository {
    const changed = new Map(edits.map(({ path, after }) => [path, after]));
    const files = [...this.#texts].flatMap(([path, text]) => (changed.has(path) ? [] : [{ path, text }]));
    for (const [path, text] of changed) if (text !== undefined) files.push({ path, text });
    const made = new Repository(files);
    const known = new Map(parsed.map((yaml) => [yaml.path, yaml]));
    for (const { path } of files) {
      const yaml = changed.has(path) ? known.get(path) : this.#parsed.get(path);
      if (yaml !== undefined) made.#parsed.set(path, yaml);
    }
    return made;
  }

  #place(path: string): void {
    let name = path;
    for (let folder = folderOf(path), leaf = true; ; leaf = false) {
      const known = this.#folders.get(folder);
      const entry = known ?? { folders: new Set<string>(), files: [] };
      this.#folders.set(folder, entry);
      if (leaf) entry.files.push(name);
      else entry.folders.add(name);
      if (folder === "" || known !== undefined) return;
      [name, folder] = [folder, folderOf(folder)];
    }
  }

  text(path: string): string | undefined {
    return this.#texts.get(path);
  }

  isFolder(path: string): boolean {
    return this.#folders.has(path);
  }

  /** Files right in a folder, whole paths, sorted. */
  filesIn(folder: string): readonly string[] {
    return (this.#folders.get(folder)?.files ?? []).toSorted();
  }

  foldersIn(folder: string): readonly string[] {
    return [...(this.#folders.get(folder)?.folders ?? [])].toSorted();
  }

  get paths(): readonly string[] {
    return [...this.#texts.keys()];
  }

  yaml(path: string): YamlText | undefined {
    const text = this.#texts.get(path);
    if (text === undefined) return undefined;
    const known = this.#parsed.get(path);
    if (known !== undefined) return known;
    const made = readYaml(path, text);
    this.#parsed.set(path, made);
    return made;
  }

  trees(path: string): Trees {
    const yaml = this.yaml(path);
    if (yaml === undefined) return { trees: [], problem: "there is no such file" };
    return treesOf(yaml);
  }

  /** The YAML inside a scalar, or in the file that a generator reads; variables are put in as in the scalar itself. */
  nested(leaf: Leaf): Trees {
    if (leaf.raw !== undefined) {
      const { variables } = leaf.raw;
      const { trees, problem } = this.nested(leaf.raw.leaf);
      return { trees: trees.map((one) => ({ ...one, tree: substituted(one.tree, variables) })), problem };
    }
    if (leaf.file !== undefined) {
      const { trees, problem } = this.trees(leaf.file);
      return { trees: trees.map((one) => ({ ...one, tree: withVia(one.tree, "generator") })), problem };
    }
    const [part] = leaf.parts;
    if (part?.place === undefined || leaf.parts.length > 1)
      return { trees: [], problem: "its text is put together from pieces" };
    const { path, document, pointer } = part.place;
    const key = `${path}\0${document}\0${pointer}\0${part.via}`;
    const known = this.#nested.get(key);
    if (known !== undefined) return known;
    const made = treesOf(readYaml(path, leaf.value, { document, pointer, via: part.via }));
    this.#nested.set(key, made);
    return made;
  }
}

function treesOf({ documents, problem }: YamlText): Trees {
  return {
    trees: documents.flatMap(({ tree }, document) => (tree === undefined ? [] : [{ tree, document }])),
    problem,
  };
}
