/**
 * Guard's registry and state in one DynamoDB table: partition key `cluster_id`, index `batch_id-index`.
 *
 * A cluster is the item of its id. What is no cluster has a `#` in its key, which no cluster id can have, and no `batch_id`, so that
 * the index does not know it: `lock#NAME`, `counter#fence`, `archive#CLUSTER` (the last number), `archive#CLUSTER#NUMBER`,
 * `document#KIND#ID` and a document's parts. A removed cluster leaves an item without `batch_id`, so that versions never begin again
 * under one who read before.
 */
import type { ClusterWrite, GuardStore, LockOutcome, StoredCluster } from "../ports/guard-store.ts";
import { type DynamoTable, type Item, openDynamoTable } from "./dynamodb.ts";
import { keepDocument, readDocument } from "./guard-documents-dynamodb.ts";
import { clusterKey, count, damaged, guardTable, keyOf, number, packed, textOf } from "./guard-items-dynamodb.ts";

export interface DynamoGuardStoreOptions {
  readonly table: string;
  readonly region: string;
  /** Another server than AWS's, asked for when it is needed. Plain HTTP only to this machine. */
  readonly endpoint?: (() => Promise<string>) | undefined;
  /** Makes the table if there is none. Default false: then a missing table is an error. */
  readonly ensureTable?: boolean | undefined;
  /** Times a request is sent, with growing pauses, also when it was throttled. Default 5. */
  readonly attempts?: number | undefined;
}

/** Takings of a lock that lose against others before it counts as theirs. */
const lockAttempts = 20;

export function createDynamoGuardStore(options: DynamoGuardStoreOptions): GuardStore & { close(): Promise<void> } {
  const table = openDynamoTable({
    ...options,
    keys: [guardTable.key],
    index: guardTable.index,
    setting: "guard.aws.dynamodb.endpoint",
  });

  async function reread(keys: readonly Item[]): Promise<readonly StoredCluster[]> {
    const ids = keys.flatMap((key) => key[guardTable.key]?.S ?? []);
    const items = await table.getAll(ids.map(keyOf));
    const found = await Promise.all(items.filter(isPresent).map(clusterOf));
    return found.toSorted((one, other) => (one.clusterId < other.clusterId ? -1 : 1));
  }

  async function takeLock(name: string, holder: string, now: number, leaseMs: number): Promise<LockOutcome> {
    const key = keyOf(`lock#${name}`);
    for (let attempt = 1; ; attempt += 1) {
      const before = lockOf(await table.get(key));
      if ((before.holder !== holder && before.until > now) || attempt > lockAttempts)
        return { kind: "taken", holder: before.holder, until: before.until };
      // One counter for all locks, so that fences of a cluster that comes into another batch still compare.
      const fence = await table.increase(keyOf("counter#fence"), "fence");
      const outcome = await table.putIf(lockItem(name, { holder, fence, until: now + leaseMs }), {
        // Who is late with a lower fence, or did not see this holder's last change, looks again.
        expression: "attribute_not_exists(cluster_id) OR (#fence = :before AND #until = :until AND #fence < :fence)",
        names: { "#fence": "fence", "#until": "until" },
        values: { ":before": number(before.fence), ":until": number(before.until), ":fence": number(fence) },
      });
      if (outcome.put) return { kind: "held", fence };
    }
  }

  /** Changes the end of a lock that has this fence and was not given back. */
  async function setLockEnd(name: string, fence: number, until: number): Promise<boolean> {
    const { holder, fence: held, until: end } = lockOf(await table.get(keyOf(`lock#${name}`)));
    if (held !== fence || end === 0) return false;
    const outcome = await table.putIf(lockItem(name, { holder, fence, until }), {
      expression: "#fence = :fence AND #until > :free",
      names: { "#fence": "fence", "#until": "until" },
      values: { ":fence": number(fence), ":free": number(0) },
    });
    return outcome.put;
  }

  return {
    description: `DynamoDB ${table.where}`,

    async cluster(clusterId) {
      const item = await table.get(clusterKey(clusterId));
      return item === undefined || !isPresent(item) ? undefined : clusterOf(item);
    },

    async batch(batchId) {
      const keys = await table.query({
        IndexName: guardTable.index.name,
        KeyConditionExpression: "batch_id = :batch",
        ExpressionAttributeValues: { ":batch": { S: batchId } },
      });
      return (await reread(keys)).filter((cluster) => cluster.batchId === batchId);
    },

    clusters: async () => reread(await table.scanIndex()),

    async write({ clusterId, batchId, value, expected, fence }: ClusterWrite) {
      const key = clusterKey(clusterId);
      const text = await packed(value, `The state of cluster ${clusterId}`);
      // A removed cluster's item says where versions and fences go on.
      const removed = expected === 0 ? await table.get(key) : undefined;
      if (removed !== undefined && isPresent(removed)) return { kind: "conflict" };
      const from = removed === undefined ? expected : count(removed, "version");
      const version = from + 1;
      const item = { ...key, batch_id: { S: batchId }, ...text, version: number(version), fence: number(fence) };
      const outcome = await table.putIf(
        item,
        from === 0
          ? undefined
          : {
              expression: `#version = :expected AND fence <= :fence AND ${removed === undefined ? "attribute_not_exists" : "attribute_exists"}(removed)`,
              names: { "#version": "version" },
              values: { ":expected": number(from), ":fence": number(fence) },
            },
      );
      if (outcome.put) return { kind: "written", version };
      const { found } = outcome;
      const same = found !== undefined && isPresent(found) === (removed === undefined);
      return { kind: same && count(found, "version") === from ? "fenced" : "conflict" };
    },

    async remove(clusterId, expected) {
      const key = clusterKey(clusterId);
      const item = await table.get(key);
      if (item === undefined || !isPresent(item) || count(item, "version") !== expected) return false;
      const fence = number(count(item, "fence"));
      const outcome = await table.putIf(
        { ...key, version: number(expected + 1), fence, removed: { BOOL: true } },
        {
          expression: "#version = :expected",
          names: { "#version": "version" },
          values: { ":expected": number(expected) },
        },
      );
      return outcome.put;
    },

    async archive(clusterId, line, text, expiresAt) {
      const head = keyOf(`archive#${clusterKey(clusterId)[guardTable.key].S}`);
      await table.putIf({
        ...keyOf(`${head[guardTable.key].S}#${line}`),
        ...(await packed(text, `Line ${line} of the history of cluster ${clusterId}`)),
        // DynamoDB's own removal, late; nothing else reads it.
        [guardTable.timeToLive]: number(Math.ceil(expiresAt / 1_000)),
      });
      // After the line, so that it never names one that is not there.
      await table.putIf(
        { ...head, last: number(line) },
        {
          expression: "attribute_not_exists(cluster_id) OR #last < :line",
          names: { "#last": "last" },
          values: { ":line": number(line) },
        },
      );
    },

    archived: (clusterId) => readArchive(table, clusterId),

    lock: takeLock,
    renew: (name, fence, now, leaseMs) => setLockEnd(name, fence, now + leaseMs),
    async unlock(name, fence) {
      await setLockEnd(name, fence, 0);
    },

    document: (kind, id) => readDocument(table, kind, id),
    keep: (kind, id, text) => keepDocument(table, kind, id, text),
    close: () => table.close(),
  };
}

const isPresent = (item: Item): boolean => item["removed"] === undefined;

async function clusterOf(item: Item): Promise<StoredCluster> {
  const clusterId = item[guardTable.key]?.S;
  const batchId = item[guardTable.index.key]?.S;
  if (clusterId === undefined || batchId === undefined) throw damaged(item);
  return {
    clusterId,
    batchId,
    value: await textOf(item),
    version: count(item, "version"),
    fence: count(item, "fence"),
  };
}

interface Lock {
  readonly holder: string;
  /** 0: never taken. */
  readonly fence: number;
  /** 0: free. */
  readonly until: number;
}

function lockOf(item: Item | undefined): Lock {
  if (item === undefined) return { holder: "", fence: 0, until: 0 };
  const holder = item["holder"]?.S;
  if (holder === undefined) throw damaged(item);
  return { holder, fence: count(item, "fence"), until: count(item, "until") };
}

const lockItem = (name: string, { holder, fence, until }: Lock): Item => ({
  ...keyOf(`lock#${name}`),
  holder: { S: holder },
  fence: number(fence),
  until: number(until),
});

async function readArchive(table: DynamoTable, clusterId: string): Promise<readonly string[]> {
  const head = keyOf(`archive#${clusterKey(clusterId)[guardTable.key].S}`);
  const item = await table.get(head);
  if (item === undefined) return [];
  const keys = Array.from({ length: count(item, "last") }, (_, index) =>
    keyOf(`${head[guardTable.key].S}#${index + 1}`),
  );
  const found = await table.getAll(keys);
  const texts = new Map(
    await Promise.all(found.map(async (line) => [line[guardTable.key]?.S, await textOf(line)] as const)),
  );
  return keys.map((key) => texts.get(key[guardTable.key].S) ?? "");
}
