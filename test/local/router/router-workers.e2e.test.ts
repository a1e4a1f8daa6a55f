import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { createSideCounters } from "../../../local/router/counters.ts";
import { createRequestFeedLog } from "../../../local/router/feed.ts";
import { createRouter } from "../../../local/router/router.ts";
import type { RoutingTable } from "../../../local/router/routing-table.ts";
import { RawClient } from "./raw-client.ts";
import {
  backendAt,
  eventually,
  type Origin,
  selectionOf,
  startOrigin,
  startRouter,
  tableOf,
} from "./router-fixture.ts";

const get = "GET / HTTP/1.1\r\nHost: agent.local\r\n\r\n";

function sideTable(origin: Origin, side: string): RoutingTable {
  const selection = selectionOf(backendAt(origin.url), { side, responseHeaders: [["x-switchyard-side", side]] });
  return tableOf(() => selection);
}

/** Four workers before two services, all of them on the old one. */
async function fourWorkers() {
  const held: ServerResponse[] = [];
  const old = await startOrigin((request, response) => {
    if (request.url === "/hold") held.push(response);
    else response.end("old");
  });
  const young = await startOrigin((_request, response) => response.end("new"));
  const before = sideTable(old, "cloud-run");
  const after = sideTable(young, "gke");
  const tables: RoutingTable[] = [before, before, before, before];
  const started = await startRouter(() => ({ kind: "answer", status: 500, body: "" }), {
    workers: 4,
    table: (worker) => tables[worker] ?? before,
  });
  return { ...started, old, young, after, tables, held };
}

/** The side that answers one request on each of the connections. */
async function sidesOf(clients: readonly RawClient[]): Promise<string[]> {
  return Promise.all(
    clients.map(async (client) => {
      client.received = "";
      const answer = await client.send(get).until(/\r\n\r\n(?:old|new)$/);
      return /x-switchyard-side: (\S+)/.exec(answer)?.[1] ?? "";
    }),
  );
}

/** Clients connected one after another, so that each is the next worker's. */
async function connected(port: number, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i += 1) {
    const client = new RawClient(port);
    await client.send(get).until(/old|new/);
    clients.push(client);
  }
  return clients;
}

test("given new routes at half of the workers, connections see both, and all see the new ones once the spread is over", async () => {
  const { port, tables, after } = await fourWorkers();
  const kept = await connected(port, 8);
  expect(await sidesOf(kept)).toEqual(Array.from({ length: 8 }, () => "cloud-run"));

  tables[0] = after;
  tables[1] = after;
  const half = ["gke", "gke", "cloud-run", "cloud-run"];
  expect(await sidesOf(kept)).toEqual([...half, ...half]);
  expect(await sidesOf(await connected(port, 4))).toEqual(half);

  tables[2] = after;
  tables[3] = after;
  expect(await sidesOf(kept)).toEqual(Array.from({ length: 8 }, () => "gke"));
  expect(await sidesOf(await connected(port, 4))).toEqual(["gke", "gke", "gke", "gke"]);
});

test("given a worker that gets new routes, a request that it has under way keeps its side", async () => {
  const { port, tables, after, held, router, records } = await fourWorkers();
  const client = new RawClient(port).send(get.replace("/", "/hold"));
  await eventually(() => held.length === 1, "the request is under way");

  tables[0] = after;
  expect([router.inFlight("cloud-run"), router.inFlight("gke")]).toEqual([1, 0]);
  held[0]?.end("held");

  expect(await client.until(/held/)).toContain("x-switchyard-side: cloud-run");
  expect(await records(1)).toMatchObject([{ side: "cloud-run", outcome: "ok" }]);
  expect(await sidesOf([client])).toEqual(["gke"]);
});

test("given workers, each has its own connections to a service, and closing ends all of them", async () => {
  const { port, old, router } = await fourWorkers();
  const clients = await connected(port, 8);
  await sidesOf(clients.slice(0, 4));
  expect(old.connections).toBe(4);

  await router.close(1000);

  await eventually(() => old.sockets.size === 0, "no connection is left");
});

test.for([0, -1, 1.5, Number.NaN])("given %d workers, a router is refused", (workers) => {
  const options = { name: "test", table: () => tableOf(() => ({ kind: "answer" as const, status: 404, body: "" })) };
  expect(() =>
    createRouter({ ...options, workers, feed: createRequestFeedLog(), counters: createSideCounters() }),
  ).toThrow(RangeError);
});
