import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { createSideCounters } from "../../../local/router/counters.ts";
import { createRequestFeedLog } from "../../../local/router/feed.ts";
import { createRouter } from "../../../local/router/router.ts";
import type { Selection } from "../../../local/router/routing-table.ts";
import { RawClient } from "./raw-client.ts";
import { backendAt, eventually, selectionOf, startOrigin, startRouter, tableOf } from "./router-fixture.ts";

const get = "GET / HTTP/1.1\r\nHost: agent.local\r\n\r\n";

test("given requests under way, closing lets them end, ends idle connections and takes no new ones", async () => {
  const responses: ServerResponse[] = [];
  const origin = await startOrigin((request, response) => {
    if (request.url === "/quick") response.end("quick");
    else responses.push(response);
  });
  const { port, router, records } = await startRouter(selectionOf(backendAt(origin.url)));
  const idle = new RawClient(port).send(get.replace("/", "/quick"));
  await idle.until(/quick/);
  const busy = new RawClient(port).send(get);
  await eventually(() => responses.length === 1, "the request is under way");

  const closed = router.close(10_000);
  expect(await idle.closed).toBe("end");
  const late = connect({ host: "127.0.0.1", port });
  await expect(once(late, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  responses[0]?.end("done");

  expect(await busy.untilClosed()).toMatch(/connection: close[\s\S]*done/i);
  await closed;
  expect((await records(2)).map((record) => record.outcome)).toEqual(["ok", "ok"]);
  expect(origin.sockets.size).toBe(0);
});

test("given a response on its way to a slow client, closing does not cut it", async () => {
  const size = 32 * 1024 * 1024;
  const origin = await startOrigin((_request, response) => response.end(Buffer.alloc(size, "x")));
  const { port, router, counters } = await startRouter(selectionOf(backendAt(origin.url)));
  const request = httpRequest({ port, headers: { host: "agent.local" } }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const closed = router.close(10_000);

  let arrived = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) arrived += chunk.length;

  expect(arrived).toBe(size);
  await closed;
  expect(counters.snapshot()["gke"]).toMatchObject({ requests: 1, errors: 0, inFlight: 0 });
});

test("given a request that outlasts the grace, closing cuts it and records it as the router's fault", async () => {
  const origin = await startOrigin((_request, response) => void response.write("beginning"));
  const backend = backendAt(origin.url);
  const { port, router, records } = await startRouter(selectionOf(backend));
  const client = new RawClient(port).send(get);
  await client.until(/beginning/);

  await router.close(20);

  await client.closed;
  expect(await records(1)).toMatchObject([{ outcome: "gateway", status: 200 }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
});

test("given a change of the table, requests under way stay where they are and new ones follow it", async () => {
  const responses: ServerResponse[] = [];
  const old = await startOrigin((_request, response) => {
    response.write("old ");
    responses.push(response);
  });
  const young = await startOrigin((_request, response) => response.end("new"));
  let selection: Selection = selectionOf(backendAt(old.url), {
    side: "cloud-run",
    responseHeaders: [["x-switchyard-side", "cloud-run"]],
  });
  const feed = createRequestFeedLog();
  const router = createRouter({
    name: "test",
    table: () => tableOf(() => selection),
    feed,
    counters: createSideCounters(),
  });
  const { port } = await router.listen(0);
  const before = new RawClient(port).send(get);
  await before.until(/old /);

  selection = selectionOf(backendAt(young.url));
  const after = await new RawClient(port).send(get).until(/new/);
  expect(after).toContain("x-switchyard-side: gke");
  expect([router.inFlight("cloud-run"), router.inFlight("gke")]).toEqual([1, 0]);
  responses[0]?.end("finished");

  expect(await before.until(/finished/)).toContain("x-switchyard-side: cloud-run");
  await router.close(1000);
});

test("given a port in use, listening fails with the system's error", async () => {
  const { port } = await startRouter({ kind: "answer", status: 404, body: "" });
  const router = createRouter({
    name: "second",
    table: () => tableOf(() => ({ kind: "answer", status: 404, body: "" })),
    feed: createRequestFeedLog(),
    counters: createSideCounters(),
  });

  await expect(router.listen(port)).rejects.toMatchObject({ code: "EADDRINUSE" });
  await router.close(0);
});
