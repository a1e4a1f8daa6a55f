import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Client, createClient } from "../../../tools/load-generator/client.ts";
import type { Observation } from "../../../tools/load-generator/outcome.ts";
import { type PlannedRequest, planRequest, type RequestKind } from "../../../tools/load-generator/plan.ts";

const now = (): number => performance.timeOrigin + performance.now();
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const planned = (kind: RequestKind, changes: Partial<PlannedRequest> = {}): PlannedRequest => ({
  ...planRequest(1, { rate: 200, seed: 1 }),
  kind,
  fresh: false,
  durationMs: 0,
  events: kind === "stream" ? 3 : 0,
  intervalMs: kind === "stream" ? 5 : 0,
  ...changes,
});

const bodySchema = z.object({
  data: z.object({ text: z.string(), events: z.number().optional() }),
  request_id: z.string(),
});
type Asked = z.infer<typeof bodySchema>;

const answerTo = (asked: Asked, changes: object = {}): string =>
  JSON.stringify({
    status_code: 200,
    platform: "gke",
    request_id: asked.request_id,
    data: { digest: createHash("sha256").update(asked.data.text).digest("hex") },
    ...changes,
  });

const marks = { "x-switchyard-side": "gke", "x-kiro-instance": "gke/pod-1" };

const clientTo = (port: number, patienceMs = 2_000): Client => {
  const client = createClient({ url: new URL(`http://127.0.0.1:${port}`), host: "agent.local", now, patienceMs });
  endings.push(() => client.close());
  return client;
};

/** A server that reads the request and then does what the test says. */
const serve = async (
  handle: (asked: Asked, response: ServerResponse, request: IncomingMessage) => void,
  patienceMs?: number,
): Promise<Client> => {
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    handle(bodySchema.parse(JSON.parse(text)), response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endings.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return clientTo((server.address() as AddressInfo).port, patienceMs);
};

/** A server that answers with these very bytes and then closes or resets. */
const serveBytes = async (bytes: string, end: "close" | "reset"): Promise<Client> => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(bytes, () => (end === "close" ? socket.end() : socket.resetAndDestroy())));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endings.push(() => new Promise((resolve) => server.close(resolve)));
  return clientTo((server.address() as AddressInfo).port);
};

const send = (client: Client, request = planned("short")): Promise<Observation> => client.send(request, now());

const events = (asked: Asked, count: number): string =>
  Array.from({ length: count }, (_, index) => `event: progress\ndata: {"index":${index + 1}}\n\n`).join("") +
  `event: done\ndata: ${answerTo(asked)}\n\n`;

describe("a request that is well", () => {
  test("short: side, marker and platform are read, the body is checked", async () => {
    const client = await serve((asked, response) => response.writeHead(200, marks).end(answerTo(asked)));
    expect(await send(client)).toMatchObject({
      status: 200,
      side: "gke",
      marker: "gke/pod-1",
      complete: true,
      body: { platform: "gke", requestId: "load-1" },
      problem: undefined,
    });
  });

  test("stream: all events and done", async () => {
    const client = await serve((asked, response) => response.writeHead(200, marks).end(events(asked, 3)));
    expect(await send(client, planned("stream"))).toMatchObject({ complete: true, problem: undefined });
  });

  test("kept connections are used again, fresh ones are not", async () => {
    const ports = new Set<number | undefined>();
    const headers: (string | undefined)[] = [];
    const client = await serve((asked, response, request) => {
      ports.add(request.socket.remotePort);
      headers.push(request.headers.connection);
      response.writeHead(200, marks).end(answerTo(asked));
    });
    for (let index = 0; index < 3; index += 1) await send(client);
    expect(ports.size).toBe(1);
    for (let index = 0; index < 3; index += 1) await send(client, planned("short", { fresh: true }));
    expect(ports.size).toBe(4);
    expect(headers).toEqual(["keep-alive", "keep-alive", "keep-alive", "close", "close", "close"]);
  });
});

describe("a request that is not", () => {
  test("another status", async () => {
    const client = await serve((asked, response) =>
      response.writeHead(500, marks).end(answerTo(asked, { status_code: 500 })),
    );
    expect(await send(client)).toMatchObject({ status: 500, complete: true, problem: { kind: "status" } });
  });

  test.each([
    ["another digest", (asked: Asked) => answerTo(asked, { data: { digest: "0" } }), { platform: "gke" }],
    [
      "the answer to another request",
      (asked: Asked) => answerTo(asked, { request_id: "load-2" }),
      { requestId: "load-2" },
    ],
    ["no JSON", () => "<html>", undefined],
    ["JSON of another form", () => "{}", undefined],
  ])("a wrong body: %s", async (_what, text, body) => {
    const client = await serve((asked, response) => response.writeHead(200, marks).end(text(asked)));
    const seen = await send(client);
    expect(seen.problem?.kind).toBe("body");
    if (body === undefined) expect(seen.body).toBeUndefined();
    else expect(seen.body).toMatchObject(body);
  });

  test("a stream without done is truncated although its chunks are complete", async () => {
    const client = await serve((_, response) => response.writeHead(200, marks).end("event: progress\ndata: {}\n\n"));
    expect(await send(client, planned("stream"))).toMatchObject({ complete: true, problem: { kind: "truncated" } });
  });

  test("a stream with an event too few is a wrong body", async () => {
    const client = await serve((asked, response) => response.writeHead(200, marks).end(events(asked, 2)));
    expect(await send(client, planned("stream"))).toMatchObject({ problem: { kind: "body" } });
  });

  test.each([
    [
      "a chunked body that ends early",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
      "close",
      "truncated",
    ],
    ["a body shorter than its length", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", "close", "truncated"],
    ["a reset within the body", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", "reset", "truncated"],
    ["a close within the head", "HTTP/1.1 200 OK\r\n", "close", "reset"],
    ["a close without a byte", "", "close", "reset"],
    ["something that is not HTTP", "SMTP ready\r\n\r\n", "close", "malformed"],
  ] as const)("%s", async (_what, bytes, end, kind) => {
    const client = await serveBytes(bytes, end);
    expect(await send(client)).toMatchObject({ complete: false, problem: { kind } });
  });

  test("nobody listens", async () => {
    expect(await send(clientTo(9))).toMatchObject({ status: 0, problem: { kind: "refused" } });
  });

  test("no answer in time", async () => {
    const client = await serve(() => {}, 50);
    expect(await send(client)).toMatchObject({ status: 0, problem: { kind: "timeout" } });
  });

  test("an answer that stops in the middle", async () => {
    const client = await serve((_, response) => void response.writeHead(200, marks).write("{"), 100);
    expect(await send(client)).toMatchObject({ status: 200, marker: "gke/pod-1", problem: { kind: "timeout" } });
  });

  test("the end of the run is the client's own fault", async () => {
    const client = await serve(() => {});
    const sending = send(client);
    setTimeout(() => client.close(), 20);
    expect(await sending).toMatchObject({ problem: { kind: "client" } });
  });
});
