/** Edits of a repository's files: what goes in, and what comes out. Everything in this folder is pure. */

export interface RepositoryFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  /** Exactly what the file holds, byte order mark and line ends included. */
  readonly text: string;
}

/**
 * A cluster of this repository, as the registry has it; all of them, not only those of the batch: readers of a file are
 * looked for among them.
 */
export interface ReadingCluster {
  readonly cluster: string;
  readonly batch: string;
  /** Folder or file that its Flux reads, `flux_config_path`. */
  readonly path: string;
}

export interface Change {
  readonly path: string;
  /** Index of the document in the file, from 0. */
  readonly document: number;
  /**
   * JSON pointer in it. Inside a nested YAML string: pointer, then `#`, then the inner pointer; in its second document `#1`. `~2`
   * in a key is a number sign. Empty: the document itself.
   */
  readonly pointer: string;
  /** Empty: it was not there. */
  readonly before: string;
  /** Empty: it is no longer there. */
  readonly after: string;
}

export interface FileEdit {
  readonly path: string;
  /** undefined: the file is new. */
  readonly before: string | undefined;
  /** undefined: the file is deleted. */
  readonly after: string | undefined;
  readonly changes: readonly Change[];
}

export interface EditSet {
  readonly edits: readonly FileEdit[];
  /** Clusters that read each edited file. */
  readonly readers: Readonly<Record<string, readonly string[]>>;
}

/** Why nothing is edited. */
export interface Problem {
  readonly file: string;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

export type Edited =
  | ({ readonly kind: "edits" } & EditSet)
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** Each once. */
export function refused(problems: readonly Problem[]): Edited {
  const seen = new Map(problems.map((one) => [JSON.stringify([one.file, one.what, one.why]), one]));
  return { kind: "refused", problems: [...seen.values()] };
}
