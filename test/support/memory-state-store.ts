import { assertStateKey, assertStateLine } from "../../automation/adapters/state-key.ts";
import { type ErrorCode, SwitchyardError } from "../../automation/errors.ts";
import type { StateStore, StoredValue } from "../../automation/ports/state-store.ts";

/** A state store in memory. Every call is one step, as it is for one item of a database. */
export interface MemoryStateStore extends StateStore {
  readonly values: Map<string, StoredValue>;
  /** Lines per key; tests may change them. */
  readonly logs: Map<string, string[]>;
  /** What a crash left behind the lines. */
  readonly torn: Map<string, string>;
  /** Makes every call fail, as a full disk or a lost connection does; undefined ends that. */
  fail(code: ErrorCode | undefined): void;
}

export function createMemoryStateStore(): MemoryStateStore {
  const values = new Map<string, StoredValue>();
  const logs = new Map<string, string[]>();
  const torn = new Map<string, string>();
  let failing: ErrorCode | undefined;
  const enter = (key: string): void => {
    assertStateKey(key);
    if (failing !== undefined) throw new SwitchyardError(failing, { message: `${key} cannot be reached` });
  };
  return {
    description: "memory",
    values,
    logs,
    torn,
    fail(code) {
      failing = code;
    },
    async read(key) {
      enter(key);
      return values.get(key);
    },
    async write(key, value, expected) {
      enter(key);
      if ((values.get(key)?.version ?? 0) !== expected) return undefined;
      values.set(key, { value, version: expected + 1 });
      return expected + 1;
    },
    async list(key) {
      enter(key);
      const names = [...values.keys(), ...logs.keys()].flatMap((one) =>
        one.startsWith(`${key}/`) ? (one.slice(key.length + 1).split("/")[0] ?? []) : [],
      );
      return [...new Set(names)].toSorted();
    },
    async readLog(key) {
      enter(key);
      const lines = logs.get(key);
      const left = torn.get(key) ?? "";
      return lines === undefined && left === "" ? undefined : { lines: [...(lines ?? [])], torn: left };
    },
    async appendLog(key, number, line) {
      enter(key);
      assertStateLine(line);
      const lines = logs.get(key) ?? [];
      if (lines.length !== number - 1) return false;
      logs.set(key, [...lines, line]);
      torn.delete(key);
      return true;
    },
  };
}
