import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openDynamoTable } from "../../../automation/adapters/dynamodb.ts";
import { createDynamoGuardState } from "../../../automation/adapters/guard-state-dynamodb.ts";
import { createDynamoGuardStore } from "../../../automation/adapters/guard-store-dynamodb.ts";
import { type DynamoDb, serveDynamoDb } from "../../../local/aws/dynamodb.ts";
import { type FrontAnswer, serveInFront } from "../../support/dynamodb-front.ts";
import { guardStoreContract, noise } from "../ports/guard-store.contract.ts";
import { stateStoreContract } from "../ports/state-store.contract.ts";

let database: DynamoDb;
const stores: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  database = await serveDynamoDb({ tableChangeMs: 0 });
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await database.close();
});

function open(table: string) {
  const store = createDynamoGuardStore({
    table,
    region: "us-east-1",
    endpoint: async () => database.endpoint,
    ensureTable: true,
  });
  stores.push(store);
  return store;
}

let tables = 0;
guardStoreContract("DynamoDB", async () => {
  tables += 1;
  const table = `guard-${tables}`;
  return { open: () => open(table) };
});

function openState(table: string) {
  const store = createDynamoGuardState({
    table,
    region: "us-east-1",
    endpoint: async () => database.endpoint,
    ensureTable: true,
  });
  stores.push(store);
  return store;
}

stateStoreContract("guard's table", async () => {
  tables += 1;
  const table = `guard-${tables}`;
  return { open: () => openState(table) };
});

async function behind(table: string, answer: FrontAnswer) {
  const front = await serveInFront(database.endpoint, answer);
  onTestFinished(() => front.close());
  await open(table).cluster("a");
  const store = createDynamoGuardStore({ table, region: "us-east-1", endpoint: front.endpoint });
  stores.push(store);
  return { store, counts: front.counts };
}

const write = (clusterId: string, expected: number, fence = 0) => ({
  clusterId,
  batchId: "wave-1",
  value: `${expected}`,
  expected,
  fence,
});

const raw = (table: string) => {
  const opened = openDynamoTable({
    table,
    region: "us-east-1",
    keys: ["cluster_id"],
    endpoint: async () => database.endpoint,
    setting: "test",
  });
  stores.push(opened);
  return opened;
};

describe("guard's table", () => {
  it("counts what was done and whose reply was lost once, as done", async () => {
    const { store, counts } = await behind("lost", (operation, count) =>
      operation === "PutItem" && count % 2 === 1 ? "drop the reply" : "pass",
    );
    expect(await store.write(write("a", 0, 3))).toEqual({ kind: "written", version: 1 });
    expect(await store.write(write("a", 1, 3))).toEqual({ kind: "written", version: 2 });
    const held = await store.lock("batch/wave-1", "me", 0, 1_000);
    expect(held).toMatchObject({ kind: "held" });
    if (held.kind !== "held") return;
    expect(await store.renew("batch/wave-1", held.fence, 500, 1_000)).toBe(true);
    await store.unlock("batch/wave-1", held.fence);
    expect(await store.lock("batch/wave-1", "you", 600, 1_000)).toMatchObject({ kind: "held" });
    expect(await store.keep("bundle", "b", noise(900_000))).toBe(true);
    await store.archive("a", 1, "one", 1_000);
    expect(await store.archived("a")).toEqual(["one"]);
    expect(await store.remove("a", 2)).toBe(true);
    expect(await store.cluster("a")).toBeUndefined();
    // Every second one was sent again.
    expect(counts.get("PutItem")).toBeGreaterThanOrEqual(20);
  });

  it("waits and asks again when it is throttled", async () => {
    const { store, counts } = await behind("throttled", (operation, count) =>
      operation === "BatchGetItem" && count === 1 ? { status: 400, type: "ThrottlingException" } : "pass",
    );
    await open("throttled").write(write("a", 0));
    expect(await store.batch("wave-1")).toHaveLength(1);
    expect(counts.get("BatchGetItem")).toBe(2);
  });

  it("that is not there is unreachable, and says how to make it, index included", async () => {
    const store = createDynamoGuardStore({
      table: "absent",
      region: "eu-west-1",
      endpoint: async () => database.endpoint,
    });
    stores.push(store);
    await expect(store.clusters()).rejects.toMatchObject({
      code: "state-unreachable",
      next: [
        expect.stringMatching(
          /create-table --region eu-west-1 --table-name absent .*cluster_id.*IndexName=batch_id-index.*KEYS_ONLY/,
        ),
      ],
    });
  });

  it("has only clusters in the index, and a time to live only on history, in seconds", async () => {
    const store = open("items");
    const table = raw("items");
    await store.write(write("a", 0));
    await store.write(write("b", 0));
    await store.remove("b", 1);
    await store.archive("a", 1, "one", 1_700_000_000_001);
    await store.keep("bundle", "b", noise(900_000));
    await store.lock("batch/wave-1", "me", 0, 1_000);
    const all = await table.scanIndex();
    const keys = all.map((item) => item["cluster_id"]?.S ?? "").toSorted();
    expect(keys.map((key) => key.replace(/[0-9a-f]{64}/, "DIGEST"))).toEqual([
      "a",
      "archive#a",
      "archive#a#1",
      "b",
      "counter#fence",
      "document#bundle#b",
      "document#bundle#b#DIGEST#1",
      "document#bundle#b#DIGEST#2",
      "lock#batch/wave-1",
    ]);
    expect(all.filter((item) => "batch_id" in item).map((item) => item["cluster_id"]?.S)).toEqual(["a"]);
    expect(all.filter((item) => "expires_at" in item)).toEqual([
      expect.objectContaining({ cluster_id: { S: "archive#a#1" }, expires_at: { N: "1700000001" } }),
    ]);
  });

  it("keeps a log and values beside clusters, which no list of clusters shows", async () => {
    const state = openState("beside");
    await state.write("alerts/state", "{}", 0);
    await state.appendLog("audit/1/log", 1, "one");
    await open("beside").write(write("a", 0));
    expect((await open("beside").clusters()).map(({ clusterId }) => clusterId)).toEqual(["a"]);
    expect(await openState("beside").list("audit")).toEqual(["1"]);
  });

  it("reads a line whose writer died before it said that it is the last, and goes on behind it", async () => {
    const state = openState("torn");
    await state.appendLog("audit/1/log", 1, "one");
    await raw("torn").putIf({ cluster_id: { S: "log#audit/1/log#2" }, line: { S: "two" } });
    expect((await openState("torn").readLog("audit/1/log"))?.lines).toEqual(["one", "two"]);
    expect(await openState("torn").appendLog("audit/1/log", 3, "three")).toBe(true);
    expect((await openState("torn").readLog("audit/1/log"))?.lines).toEqual(["one", "two", "three"]);
  });

  it("reads history whose oldest lines DynamoDB has removed", async () => {
    const store = open("expired");
    for (const line of [1, 2, 3]) await store.archive("a", line, `line ${line}`, 1_000);
    await raw("expired").delete({ cluster_id: { S: "archive#a#1" } });
    expect(await store.archived("a")).toEqual(["", "line 2", "line 3"]);
  });

  it("says which item is damaged", async () => {
    const store = open("damaged");
    const table = raw("damaged");
    await store.clusters();
    await table.putIf({ cluster_id: { S: "a" }, batch_id: { S: "wave-1" }, value: { S: "x" }, version: { S: "1" } });
    await table.putIf({ cluster_id: { S: "lock#l" }, holder: { N: "1" } });
    await table.putIf({ cluster_id: { S: "document#plan#p" }, digest: { S: "d" }, packed: { B: new Uint8Array(3) } });
    await store.keep("bundle", "b", noise(900_000));
    const [part] = (await table.scanIndex()).filter((item) => item["cluster_id"]?.S?.endsWith("#1"));
    await table.delete({ cluster_id: part?.["cluster_id"] ?? { S: "" } });
    const refused = (item: string) => ({ code: "state-damaged", message: expect.stringContaining(item) });
    await expect(store.cluster("a")).rejects.toMatchObject(refused("a"));
    await expect(store.batch("wave-1")).rejects.toMatchObject(refused("a"));
    await expect(store.lock("l", "me", 0, 1)).rejects.toMatchObject(refused("lock#l"));
    await expect(store.document("plan", "p")).rejects.toMatchObject(refused("document#plan#p"));
    await expect(store.document("bundle", "b")).rejects.toMatchObject(refused("document#bundle#b"));
  });

  it("finds a document whose text is not the one of its digest", async () => {
    const store = open("forged");
    await store.keep("plan", "p", "one");
    await store.keep("plan", "q", "two");
    const table = raw("forged");
    const key = { cluster_id: { S: "document#plan#p" } };
    const other = await table.get({ cluster_id: { S: "document#plan#q" } });
    const mine = await table.get(key);
    await table.delete(key);
    await table.putIf({ ...mine, packed: other?.["packed"] ?? { S: "" } });
    await expect(store.document("plan", "p")).rejects.toMatchObject({ code: "state-damaged" });
  });

  it("refuses a state that no item can hold, before anything is written", async () => {
    const store = open("large");
    await expect(store.write({ ...write("a", 0), value: noise(600_000) })).rejects.toMatchObject({
      code: "guard-refused",
      message: expect.stringMatching(/cluster a has \d+ bytes packed; an item of the table takes 350000/),
    });
    expect(await store.cluster("a")).toBeUndefined();
  });

  it("takes no id that could be another item's key", async () => {
    const store = open("ids");
    const refused = { code: "internal-error" };
    for (const id of ["lock#a", "", "A", "a#b", "a b"]) {
      await expect(store.cluster(id)).rejects.toMatchObject(refused);
      await expect(store.write(write(id, 0))).rejects.toMatchObject(refused);
      await expect(store.archive(id, 1, "x", 1)).rejects.toMatchObject(refused);
    }
    for (const id of ["", "a#b", "a b", "ä"]) await expect(store.keep("plan", id, "x")).rejects.toMatchObject(refused);
  });

  it("is not asked over plain HTTP on another machine", async () => {
    const store = createDynamoGuardStore({
      table: "kept",
      region: "us-east-1",
      endpoint: async () => "http://10.0.0.1:8000",
    });
    await expect(store.cluster("a")).rejects.toMatchObject({
      code: "credentials-over-http",
      message: expect.stringContaining("guard.aws.dynamodb.endpoint"),
    });
  });

  it("of 75 clusters is read in less than a second of processor time, the database's included", async () => {
    const store = open("fleet");
    const value = noise(6_000);
    await Promise.all(Array.from({ length: 75 }, (_, index) => store.write({ ...write(`c-${index}`, 0), value })));
    const before = process.cpuUsage();
    expect(await store.clusters()).toHaveLength(75);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });
});
