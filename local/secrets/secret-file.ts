/**
 * The values of the local Secret Manager: one file, `.switchyard/local/secrets`, that only its owner can read. One line each,
 * `projects/P/secrets/S=value` for every version or `projects/P/secrets/S/versions/3=value` for one; `#` begins a comment.
 * Whoever needs a value names it. The values are in no resource, no state and no log.
 */
import { readFileSync, statSync } from "node:fs";

/** Reads a version, `projects/P/secrets/S/versions/V`. Errors: SecretUnavailableError. */
export type AccessSecret = (version: string) => string;

/** In Google's words where they are known; never with a value. */
export class SecretUnavailableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SecretUnavailableError";
  }
}

/** Read anew each time: a value that is changed reaches the next instance. */
export function createSecretFile(path: string): AccessSecret {
  return (version) => {
    const values = readValues(path);
    const value = values.get(version) ?? values.get(version.replace(/\/versions\/[^/]+$/, ""));
    if (value !== undefined) return value;
    throw new SecretUnavailableError(
      `Secret ${version} was not found: the local Secret Manager is the file ${path}, one line \`projects/P/secrets/S=value\` each.`,
    );
  };
}

function readValues(path: string): ReadonlyMap<string, string> {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) return new Map();
  if ((mode & 0o077) !== 0)
    throw new SecretUnavailableError(`Others than its owner can read ${path}. To close it: chmod 600 ${path}`);
  const lines = readFileSync(path, "utf8").split("\n");
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const [, name, value] = /^(projects\/[^=\s]+)=(.*)$/.exec(line.trimEnd()) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}
