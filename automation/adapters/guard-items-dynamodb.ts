/** The items of guard's table: keys, numbers, and texts that are kept packed when they are long. */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { SwitchyardError } from "../errors.ts";
import type { Item } from "./dynamodb.ts";

/** What others need to make the table. */
export const guardTable = Object.freeze({
  key: "cluster_id",
  index: Object.freeze({ name: "batch_id-index", key: "batch_id" }),
  timeToLive: "expires_at",
});

/** Of a text in an item, or of a part of a document, bytes; DynamoDB takes 400 KB with the names. */
export const mostBytes = 350_000;
/** Longer texts are packed, bytes. */
const plainBytes = 8_192;

export const pack = promisify(gzip);
export const unpack = promisify(gunzip);

export const keyOf = (id: string) => ({ [guardTable.key]: { S: id } }) as const;

/** Errors: internal-error; the registry has checked ids before. */
export function clusterKey(clusterId: string) {
  if (/^[a-z0-9-]{1,100}$/.test(clusterId)) return keyOf(clusterId);
  throw new SwitchyardError("internal-error", { message: `${JSON.stringify(clusterId)} is no id of a cluster` });
}

export const number = (value: number) => ({ N: String(value) });

/** Errors: state-damaged. */
export function count(item: Item, name: string): number {
  const value = Number(item[name]?.N);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw damaged(item);
}

/** `what`: for messages. Errors: guard-refused when it does not fit. */
export async function packed(text: string, what: string): Promise<Item> {
  if (Buffer.byteLength(text) <= plainBytes) return { value: { S: text } };
  const bytes = await pack(text);
  if (bytes.length <= mostBytes) return { packed: { B: bytes } };
  throw new SwitchyardError("guard-refused", {
    message: `${what} has ${bytes.length} bytes packed; an item of the table takes ${mostBytes}`,
  });
}

/** Errors: state-damaged. */
export async function textOf(item: Item): Promise<string> {
  const plain = item["value"]?.S;
  if (plain !== undefined) return plain;
  const bytes = item["packed"]?.B;
  if (bytes === undefined) throw damaged(item);
  return unpacked(bytes, item);
}

/** `item`: whose bytes they are. Errors: state-damaged. */
export async function unpacked(bytes: Uint8Array, item: Item): Promise<string> {
  try {
    return (await unpack(bytes)).toString("utf8");
  } catch (error) {
    throw damaged(item, error);
  }
}

export function damaged(item: Item, cause?: unknown): SwitchyardError {
  return new SwitchyardError("state-damaged", {
    message: `The item ${item[guardTable.key]?.S ?? "(without a key)"} of guard's table does not have the form that Switchyard writes`,
    cause,
  });
}
