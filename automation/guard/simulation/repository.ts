/** What Flux reads of a repository: the head of a branch, and the objects below a path of it. One reader serves all clusters. */
import type { HostedFile } from "../../ports/git-host.ts";
import type { Manifest } from "./kubernetes.ts";
import { build, normalPath, type SourceFiles, substituted } from "./kustomize.ts";

/** A commit with its files; the same array for the same commit, so that what was read is found again. */
export interface RepositoryHead {
  readonly commit: string;
  readonly files: readonly HostedFile[];
}

type Values = Readonly<Record<string, string>>;

interface Index extends SourceFiles {
  readonly built: Map<string, readonly Manifest[]>;
}

const indexes = new WeakMap<readonly HostedFile[], Index>();

/**
 * Objects below a path of a commit, with Flux's variables filled in (undefined: none are). Kept per commit, path and values.
 * Errors: BuildFailure.
 */
export function objectsBelow({ files }: RepositoryHead, path: string, values: Values | undefined): readonly Manifest[] {
  const index = indexes.get(files) ?? indexOf(files);
  indexes.set(files, index);
  const key = `${path}\n${values === undefined ? "" : JSON.stringify(values)}`;
  const known = index.built.get(key);
  if (known !== undefined) return known;
  const source: SourceFiles =
    values === undefined
      ? index
      : {
          ...index,
          text: (file) => {
            const text = index.text(file);
            return text?.includes("${") ? substituted(text, values) : text;
          },
        };
  const objects = build(source, path);
  index.built.set(key, objects);
  return objects;
}

function indexOf(files: readonly HostedFile[]): Index {
  const texts = new Map<string, string>();
  const inFolder = new Map<string, string[]>();
  const foldersIn = new Map<string, Set<string>>();
  for (const { path, text } of files) {
    const file = normalPath(path);
    texts.set(file, text);
    let folder = parent(file);
    const siblings = inFolder.get(folder) ?? [];
    siblings.push(file);
    inFolder.set(folder, siblings);
    while (folder !== "") {
      const above = parent(folder);
      foldersIn.set(above, (foldersIn.get(above) ?? new Set()).add(folder));
      folder = above;
    }
  }
  return {
    text: (path) => texts.get(path),
    files: (folder) => (inFolder.get(folder) ?? []).toSorted(),
    folders: (folder) => [...(foldersIn.get(folder) ?? [])].toSorted(),
    built: new Map(),
  };
}

const parent = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));
