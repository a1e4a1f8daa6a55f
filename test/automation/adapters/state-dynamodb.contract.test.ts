import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDynamoStateStore } from "../../../automation/adapters/state-dynamodb.ts";
import { type DynamoDb, serveDynamoDb } from "../../../local/aws/dynamodb.ts";
import { type FrontAnswer, serveInFront } from "../../support/dynamodb-front.ts";
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

function open(environment: string, options: { readonly table?: string; readonly ensureTable?: boolean } = {}) {
  const store = createDynamoStateStore({
    table: "switchyard",
    region: "us-east-1",
    environment,
    endpoint: async () => database.endpoint,
    ensureTable: true,
    ...options,
  });
  stores.push(store);
  return store;
}

let environments = 0;
stateStoreContract("DynamoDB", async () => {
  environments += 1;
  const environment = `env-${environments}`;
  // A client per process, as in life; at most three of them work at a time in the suite, so few are made.
  return { open: () => open(environment) };
});

const inFront = (answer: FrontAnswer) => serveInFront(database.endpoint, answer);

describe("state in DynamoDB", () => {
  it("keeps environments apart in one table", async () => {
    await open("dev").write("lease", "of dev", 0);
    await open("dev").appendLog("swaps/1/journal", 1, "of dev");
    expect(await open("prod").read("lease")).toBeUndefined();
    expect(await open("prod").readLog("swaps/1/journal")).toBeUndefined();
    expect(await open("prod").list("swaps")).toEqual([]);
    expect((await open("dev").read("lease"))?.value).toBe("of dev");
  });

  it("makes its table once, although many ask for it at the same moment", async () => {
    const many = [1, 2, 3].map((one) => open(`made-${one}`, { table: "made-at-once" }));
    await Promise.all(many.map((store) => store.write("a", "x", 0)));
    expect((await many[2]?.read("a"))?.version).toBe(1);
  });

  it("without its table says how to make it, and makes none", async () => {
    const store = open("dev", { table: "absent", ensureTable: false });
    await expect(store.read("lease")).rejects.toMatchObject({
      code: "state-unreachable",
      message: expect.stringContaining("There is no DynamoDB table absent in us-east-1"),
      next: [expect.stringContaining("aws dynamodb create-table --region us-east-1 --table-name absent")],
    });
  });

  it("counts a write whose reply was lost once, as done", async () => {
    const front = await inFront((operation, count) =>
      operation === "PutItem" && count % 2 === 1 ? "drop the reply" : "pass",
    );
    const store = createDynamoStateStore({
      table: "switchyard",
      region: "us-east-1",
      environment: "lost-replies",
      endpoint: front.endpoint,
      ensureTable: true,
    });
    try {
      expect(await store.write("lease", "a", 0)).toBe(1);
      expect(await store.write("lease", "b", 1)).toBe(2);
      expect(await store.appendLog("log", 1, "one")).toBe(true);
      expect(await store.appendLog("log", 2, "two")).toBe(true);
      expect(await store.read("lease")).toEqual({ value: "b", version: 2 });
      expect((await store.readLog("log"))?.lines).toEqual(["one", "two"]);
      expect(front.counts.get("PutItem")).toBeGreaterThanOrEqual(8);
    } finally {
      await store.close();
      await front.close();
    }
  });

  it("waits and tries again when it is throttled", async () => {
    const front = await inFront((operation, count) =>
      operation === "GetItem" && count <= 2 ? { status: 400, type: "ProvisionedThroughputExceededException" } : "pass",
    );
    await open("throttled").write("lease", "a", 0);
    const store = createDynamoStateStore({
      table: "switchyard",
      region: "us-east-1",
      environment: "throttled",
      endpoint: front.endpoint,
    });
    try {
      expect((await store.read("lease"))?.value).toBe("a");
      expect(front.counts.get("GetItem")).toBe(3);
    } finally {
      await store.close();
      await front.close();
    }
  });

  it("that is not there is unreachable, and reached again when it is", async () => {
    let there = false;
    const front = await inFront(() => (there ? "pass" : { status: 500, type: "InternalServerError" }));
    const store = createDynamoStateStore({
      table: "switchyard",
      region: "us-east-1",
      environment: "comes-back",
      endpoint: front.endpoint,
      ensureTable: true,
      attempts: 1,
    });
    try {
      await expect(store.write("a", "x", 0)).rejects.toMatchObject({ code: "state-unreachable" });
      there = true;
      expect(await store.write("a", "x", 0)).toBe(1);
    } finally {
      await store.close();
      await front.close();
    }
  });

  it("is not asked over plain HTTP on another machine, nor at what is no address", async () => {
    const at = (endpoint: string) =>
      createDynamoStateStore({ table: "kept", region: "us-east-1", environment: "e", endpoint: async () => endpoint });
    await expect(at("http://10.0.0.1:8000").read("a")).rejects.toMatchObject({ code: "credentials-over-http" });
    await expect(at("nonsense").read("a")).rejects.toMatchObject({ code: "invalid-config" });
  });
});

describe("the local cloud's DynamoDB", () => {
  it("keeps its data in its folder when it has one", async () => {
    const folder = await mkdtemp(join(tmpdir(), "switchyard-dynamodb-"));
    try {
      for (const round of [1, 2]) {
        const kept = await serveDynamoDb({ folder, tableChangeMs: 0 });
        const store = createDynamoStateStore({
          table: "kept",
          region: "us-east-1",
          environment: "e",
          endpoint: async () => kept.endpoint,
          ensureTable: true,
        });
        expect((await store.read("a"))?.version).toBe(round === 1 ? undefined : 1);
        await store.write("a", "x", round - 1);
        await store.close();
        await kept.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("lets no web page in", async () => {
    const { port } = new URL(database.endpoint);
    const ask = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${port}`, {
        method: "OPTIONS",
        headers: { "access-control-request-method": "POST", ...headers },
      });
    const reply = await ask({ origin: "https://evil.example" });
    expect(reply.status).toBe(403);
    expect(reply.headers.get("access-control-allow-origin")).toBeNull();
  });
});
