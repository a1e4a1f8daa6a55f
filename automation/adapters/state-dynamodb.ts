/**
 * State in one DynamoDB table, for who works on an environment from several machines.
 *
 * pk `<environment>`: values (sk = key) and the names of logs (sk = `<key>#log`). pk `<environment>#<log key>`: its lines,
 * sk = ten digits. A line is only written when the one before it is there, and none is ever removed, so that there are no
 * gaps.
 */
import { SwitchyardError } from "../errors.ts";
import type { StateStore, StoredLog, StoredValue } from "../ports/state-store.ts";
import { type Item, openDynamoTable } from "./dynamodb.ts";
import { assertStateKey, assertStateLine } from "./state-key.ts";

export interface DynamoStateStoreOptions {
  readonly table: string;
  readonly region: string;
  /** Keeps the state of several environments apart in one table. */
  readonly environment: string;
  /** Another server than AWS's, asked for when it is needed. Plain HTTP only to this machine. */
  readonly endpoint?: () => Promise<string>;
  /** Makes the table if there is none. Default false: then a missing table is an error. */
  readonly ensureTable?: boolean;
  /** Times a request is sent, with growing pauses, also when it was throttled. Default 5. */
  readonly attempts?: number;
}

export function createDynamoStateStore(options: DynamoStateStoreOptions): StateStore & { close(): Promise<void> } {
  const { environment } = options;
  const table = openDynamoTable({ ...options, keys: ["pk", "sk"], setting: "state.endpoint" });
  /** Lines that are known to be there, per log. */
  const known = new Map<string, number>();

  const logPk = (key: string): string => `${environment}#${key}`;

  const getItem = (pk: string, sk: string): Promise<Item | undefined> => table.get({ pk: { S: pk }, sk: { S: sk } });

  /** Puts the item if there is none, or (`expected`) one of that version; whether it was put. */
  async function putIf(item: Item, expected?: number): Promise<boolean> {
    const condition = {
      expression: "#version = :expected",
      names: { "#version": "version" },
      values: { ":expected": { N: String(expected) } },
    };
    return (await table.putIf(item, expected === undefined ? undefined : condition)).put;
  }

  return {
    description: `DynamoDB ${table.where}, environment ${environment}`,

    async read(key): Promise<StoredValue | undefined> {
      assertStateKey(key);
      const item = await getItem(environment, key);
      const value = item?.["value"]?.S;
      const version = Number(item?.["version"]?.N);
      if (item === undefined) return undefined;
      if (value !== undefined && Number.isSafeInteger(version)) return { value, version };
      throw damaged(key, options);
    },

    async write(key, value, expected) {
      assertStateKey(key);
      const version = expected + 1;
      const item: Item = {
        pk: { S: environment },
        sk: { S: key },
        value: { S: value },
        version: { N: String(version) },
      };
      const written = await putIf(item, expected === 0 ? undefined : expected);
      return written ? version : undefined;
    },

    async list(key) {
      assertStateKey(key);
      const prefix = `${key}/`;
      const items = await table.query({
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues: { ":pk": { S: environment }, ":prefix": { S: prefix } },
        ProjectionExpression: "sk",
      });
      const names = items.map((item) => (item["sk"]?.S ?? "").slice(prefix.length).split(/[/#]/)[0] ?? "");
      return [...new Set(names)].toSorted();
    },

    async readLog(key): Promise<StoredLog | undefined> {
      assertStateKey(key);
      const items = await table.query({
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: logPk(key) } },
      });
      if (items.length === 0) return undefined;
      known.set(key, items.length);
      const lines = items.map((item) => item["line"]?.S);
      if (!lines.every((line) => line !== undefined)) throw damaged(key, options);
      return { lines, torn: "" };
    },

    async appendLog(key, number, line) {
      assertStateKey(key);
      assertStateLine(line);
      if (!Number.isSafeInteger(number) || number < 1) return false;
      // The name comes first: a log that no list shows would be lost.
      if (number === 1) await putIf({ pk: { S: environment }, sk: { S: `${key}#log` } });
      else if ((known.get(key) ?? 0) < number - 1) {
        if ((await getItem(logPk(key), lineKey(number - 1))) === undefined) return false;
      }
      const item: Item = { pk: { S: logPk(key) }, sk: { S: lineKey(number) }, line: { S: line } };
      const appended = await putIf(item);
      if (appended) known.set(key, number);
      return appended;
    },

    close: () => table.close(),
  };
}

const lineKey = (number: number): string => String(number).padStart(10, "0");

function damaged(key: string, { table, environment }: DynamoStateStoreOptions): SwitchyardError {
  return new SwitchyardError("state-damaged", {
    message: `The item ${key} of environment ${environment} in table ${table} does not have the form that Switchyard writes`,
  });
}
