/**
 * A state store within guard's table, for what is of the fleet and not of one cluster: guard's audit log and its alerts.
 *
 * `state#KEY`: values. `log#KEY#NUMBER`: lines; `log#KEY`: the last number, written after the line. `names#KEY`: the names directly
 * under a key, written before what has them.
 */
import type { StateStore } from "../ports/state-store.ts";
import { type Item, openDynamoTable } from "./dynamodb.ts";
import { count, damaged, guardTable, keyOf, number } from "./guard-items-dynamodb.ts";
import type { DynamoGuardStoreOptions } from "./guard-store-dynamodb.ts";
import { assertStateKey, assertStateLine } from "./state-key.ts";

export function createDynamoGuardState(options: DynamoGuardStoreOptions): StateStore & { close(): Promise<void> } {
  const table = openDynamoTable({
    ...options,
    keys: [guardTable.key],
    index: guardTable.index,
    setting: "guard.aws.dynamodb.endpoint",
  });
  /** Lines that are known to be there, per log. */
  const known = new Map<string, number>();
  const lineKey = (key: string, line: number) => keyOf(`log#${key}#${line}`);

  /** `a/b/c` is c under a/b, and b under a. A name that nothing follows is no harm. */
  async function addNames(key: string): Promise<void> {
    const parts = key.split("/");
    for (let depth = 1; depth < parts.length; depth += 1)
      await table.addText(keyOf(`names#${parts.slice(0, depth).join("/")}`), "names", parts[depth] ?? "");
  }

  return {
    description: `DynamoDB ${table.where}`,

    async read(key) {
      assertStateKey(key);
      const item = await table.get(keyOf(`state#${key}`));
      const value = item?.["value"]?.S;
      if (item === undefined) return undefined;
      if (value === undefined) throw damaged(item);
      return { value, version: count(item, "version") };
    },

    async write(key, value, expected) {
      assertStateKey(key);
      if (expected === 0) await addNames(key);
      const version = expected + 1;
      const outcome = await table.putIf(
        { ...keyOf(`state#${key}`), value: { S: value }, version: number(version) },
        expected === 0
          ? undefined
          : {
              expression: "#version = :expected",
              names: { "#version": "version" },
              values: { ":expected": number(expected) },
            },
      );
      return outcome.put ? version : undefined;
    },

    async list(key) {
      assertStateKey(key);
      const item = await table.get(keyOf(`names#${key}`));
      return (item?.["names"]?.SS ?? []).toSorted();
    },

    async readLog(key) {
      assertStateKey(key);
      const head = await table.get(keyOf(`log#${key}`));
      const last = head === undefined ? 0 : count(head, "last");
      const numbers = Array.from({ length: last }, (_, index) => index + 1);
      const found = await table.getAll(numbers.map((line) => lineKey(key, line)));
      const texts = new Map(found.map((item) => [item[guardTable.key]?.S, item["line"]?.S]));
      const lines = numbers.map((line) => texts.get(lineKey(key, line)[guardTable.key].S));
      if (!lines.every((line) => line !== undefined)) throw damaged(head ?? keyOf(`log#${key}`));
      // A writer that died, or that is about to, had no time for the last number.
      for (;;) {
        const next: Item | undefined = await table.get(lineKey(key, lines.length + 1));
        if (next === undefined) break;
        const line = next["line"]?.S;
        if (line === undefined) throw damaged(next);
        lines.push(line);
      }
      if (lines.length === 0) return undefined;
      known.set(key, lines.length);
      return { lines, torn: "" };
    },

    async appendLog(key, line, text) {
      assertStateKey(key);
      assertStateLine(text);
      if (!Number.isSafeInteger(line) || line < 1) return false;
      if (line === 1) await addNames(key);
      else if ((known.get(key) ?? 0) < line - 1 && (await table.get(lineKey(key, line - 1))) === undefined)
        return false;
      if (!(await table.putIf({ ...lineKey(key, line), line: { S: text } })).put) return false;
      known.set(key, line);
      await table.putIf(
        { ...keyOf(`log#${key}`), last: number(line) },
        {
          expression: "attribute_not_exists(cluster_id) OR #last < :line",
          names: { "#last": "last" },
          values: { ":line": number(line) },
        },
      );
      return true;
    },

    close: () => table.close(),
  };
}
