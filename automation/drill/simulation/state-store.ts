import { SwitchyardError } from "../../errors.ts";
import type { StateStore, StoredLog, StoredValue } from "../../ports/state-store.ts";

/** A state store in memory, with handles to make it go wrong. */
export interface SimulatedStateStore extends StateStore {
  /** Writes fail as on a full or read-only disk; undefined ends that. */
  fail(code: "disk-full" | "disk-read-only" | undefined): void;
  /** A crash left this behind the last whole line of a log. */
  tear(key: string, remains: string): void;
  /** The lines of a log as they are now. */
  log(key: string): StoredLog;
  /** What was kept aside of torn lines. */
  readonly keptAside: readonly string[];
}

/** The form that all state stores ask for: one contract suite holds them together. */
const segment = /^(?!.*\.jsonl)[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

function assertKey(key: string): void {
  if (key.length <= 400 && key.split("/").every((part) => segment.test(part))) return;
  throw new SwitchyardError("internal-error", { message: `${JSON.stringify(key)} is no key of a state store` });
}

function assertLine(line: string): void {
  if (line !== "" && !/[\n\r]/.test(line) && !/\s$/.test(line)) return;
  throw new SwitchyardError("internal-error", { message: `${JSON.stringify(line)} is no line of a log` });
}

export function createSimulatedStateStore(): SimulatedStateStore {
  const values = new Map<string, StoredValue>();
  const logs = new Map<string, { lines: string[]; torn: string }>();
  const keptAside: string[] = [];
  let failing: "disk-full" | "disk-read-only" | undefined;
  const assertWritable = (key: string): void => {
    assertKey(key);
    if (failing !== undefined) throw new SwitchyardError(failing, { message: `${key} cannot be written` });
  };
  return {
    description: "memory",
    keptAside,
    fail(code) {
      failing = code;
    },
    tear(key, remains) {
      const log = logs.get(key) ?? { lines: [], torn: "" };
      logs.set(key, { ...log, torn: remains });
    },
    async read(key) {
      assertKey(key);
      return values.get(key);
    },
    async write(key, value, expected) {
      assertWritable(key);
      if ((values.get(key)?.version ?? 0) !== expected) return undefined;
      values.set(key, { value, version: expected + 1 });
      return expected + 1;
    },
    async list(key) {
      assertKey(key);
      const names = [...values.keys(), ...logs.keys()].flatMap((one) =>
        one.startsWith(`${key}/`) ? (one.slice(key.length + 1).split("/")[0] ?? []) : [],
      );
      return [...new Set(names)].toSorted();
    },
    log: (key) => logs.get(key) ?? { lines: [], torn: "" },
    async readLog(key): Promise<StoredLog | undefined> {
      assertKey(key);
      const log = logs.get(key);
      return log === undefined ? undefined : { lines: [...log.lines], torn: log.torn };
    },
    async appendLog(key, number, line) {
      assertWritable(key);
      assertLine(line);
      const log = logs.get(key) ?? { lines: [], torn: "" };
      if (log.lines.length !== number - 1) return false;
      if (log.torn !== "") keptAside.push(log.torn);
      log.lines.push(line);
      logs.set(key, { lines: log.lines, torn: "" });
      return true;
    },
  };
}
