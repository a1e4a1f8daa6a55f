export interface StoredValue {
  readonly value: string;
  /** Rises by one with every write of the key, from 1. */
  readonly version: number;
}

export interface StoredLog {
  /** Whole lines, oldest first, without line feeds. */
  readonly lines: readonly string[];
  /** What a crash left of a line that was never finished; empty when there is nothing. */
  readonly torn: string;
}

/**
 * Where swaps keep their state: values that are written on condition, and logs that only grow. Of two writers that expect the
 * same version or the same line number exactly one succeeds, on whatever machine they are. Keys are `/`-separated, of
 * letters, digits, `.`, `_` and `-`. Everything is durable when its promise resolves.
 * Errors of all: disk-full, disk-read-only, disk-error (files); state-unreachable (others).
 */
export interface StateStore {
  /** For people: `files in .switchyard/environments/local`. */
  readonly description: string;
  /** undefined when there is none. Always the newest (a consistent read). */
  read(key: string): Promise<StoredValue | undefined>;
  /** Writes if the key has the expected version (0: there is none). The new version; undefined when another one is there. */
  write(key: string, value: string, expected: number): Promise<number | undefined>;
  /**
   * Names directly under a key, without the key, sorted: of values, of logs, and of what has such further below. After a crash
   * a name may be there whose log has no line yet.
   */
  list(key: string): Promise<readonly string[]>;
  /** undefined when there is none. */
  readLog(key: string): Promise<StoredLog | undefined>;
  /** Appends line `number` (from 1). false when the log does not have exactly number - 1 whole lines; nothing is written then. A torn line is kept aside and replaced. */
  appendLog(key: string, number: number, line: string): Promise<boolean>;
}
