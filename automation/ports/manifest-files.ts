/** A file that may hold manifests. */
export interface ManifestFile {
  /** As a person calls it: relative to where they are; "stdin" for the standard input. */
  readonly file: string;
  /** undefined when it could not be read; `problem` says why. */
  readonly text: string | undefined;
  readonly problem?: string;
  /** Named by the person; false for what was found in a folder. */
  readonly named: boolean;
}

/** Where manifests come from. */
export interface ManifestFiles {
  /**
   * The files of the paths: a file itself, of a folder every *.yaml, *.yml and *.json below it (without hidden folders and
   * node_modules, links to folders are not followed), `-` the standard input. Sorted within a folder.
   * Errors: manifest-unreadable for a path that is not there.
   */
  read(paths: readonly string[]): Promise<readonly ManifestFile[]>;
}
