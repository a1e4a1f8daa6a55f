/**
 * Documents of guard's table, written once: a head item that says the text's digest, and, where the packed text does not fit into it,
 * parts that were written before the head. Parts have the digest in their keys, so that those of two writers never mix.
 */
import { createHash } from "node:crypto";
import { SwitchyardError } from "../errors.ts";
import type { DocumentKind } from "../ports/guard-store.ts";
import type { DynamoTable, Item } from "./dynamodb.ts";
import { count, damaged, keyOf, mostBytes, number, pack, unpacked } from "./guard-items-dynamodb.ts";

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Errors: internal-error; no user chooses an id. */
function headKey(kind: DocumentKind, id: string): string {
  if (/^[\w.:/@+-]{1,400}$/.test(id)) return `document#${kind}#${id}`;
  throw new SwitchyardError("internal-error", { message: `${JSON.stringify(id)} is no id of a document` });
}

const partKeys = (head: string, digest: string, parts: number) =>
  Array.from({ length: parts }, (_, index) => keyOf(`${head}#${digest}#${index + 1}`));

/** Errors: state-damaged where parts are missing or the text is not the one that was written. */
export async function readDocument(table: DynamoTable, kind: DocumentKind, id: string): Promise<string | undefined> {
  const key = headKey(kind, id);
  const head = await table.get(keyOf(key));
  if (head === undefined) return undefined;
  const digest = head["digest"]?.S;
  if (digest === undefined) throw damaged(head);
  const text = await unpacked(head["packed"]?.B ?? (await partsOf(table, key, digest, head)), head);
  if (digestOf(text) !== digest) throw damaged(head);
  return text;
}

async function partsOf(table: DynamoTable, key: string, digest: string, head: Item): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const part of partKeys(key, digest, count(head, "parts"))) {
    const bytes = (await table.get(part))?.["packed"]?.B;
    if (bytes === undefined) throw damaged(head);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

/** Whether the document with this text is there now. */
export async function keepDocument(table: DynamoTable, kind: DocumentKind, id: string, text: string): Promise<boolean> {
  const key = headKey(kind, id);
  const digest = digestOf(text);
  const before = await table.get(keyOf(key));
  if (before !== undefined) return before["digest"]?.S === digest;
  const bytes = await pack(text);
  const parts = bytes.length <= mostBytes ? 0 : Math.ceil(bytes.length / mostBytes);
  const keys = partKeys(key, digest, parts);
  for (const [index, part] of keys.entries())
    await table.putIf({ ...part, packed: { B: bytes.subarray(index * mostBytes, (index + 1) * mostBytes) } });
  const content = parts === 0 ? { packed: { B: bytes } } : { parts: number(parts) };
  const outcome = await table.putIf({ ...keyOf(key), digest: { S: digest }, ...content });
  if (outcome.put || outcome.found?.["digest"]?.S === digest) return true;
  // Another text was faster: nothing will ever name these parts.
  for (const part of keys) await table.delete(part);
  return false;
}
