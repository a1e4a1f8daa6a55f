import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { RawClient } from "./raw-client.ts";
import { backendAt, eventually, selectionOf, startOrigin, startRawOrigin, startRouter } from "./router-fixture.ts";

const get = "GET / HTTP/1.1\r\nHost: agent.local\r\n\r\n";
const mebibyte = 1024 * 1024;

/** Waits until a number has not changed for 300 ms. */
async function settled(read: () => number): Promise<number> {
  let last = read();
  let since = performance.now();
  await eventually(() => {
    if (read() !== last) {
      last = read();
      since = performance.now();
    }
    return performance.now() - since > 300;
  }, "the flow stands still");
  return last;
}

test("given a slow response, the client has the head and each part before the next is sent", async () => {
  const responses: ServerResponse[] = [];
  const origin = await startOrigin((_request, response) => {
    responses.push(response);
    response.flushHeaders();
  });
  const { port, records } = await startRouter(selectionOf(backendAt(origin.url)));

  const client = new RawClient(port).send(get);
  await client.until(/x-switchyard-side: gke[\s\S]*\r\n\r\n/);
  responses[0]?.write("first");
  await client.until(/first/);
  responses[0]?.write("second");
  await client.until(/second/);
  responses[0]?.end("third");
  await client.until(/third[\s\S]*0\r\n\r\n$/);

  const [record] = await records(1);
  expect(record).toMatchObject({ status: 200, outcome: "ok" });
  expect(record?.firstByteMs).toBeLessThan(record?.durationMs ?? 0);
});

test("given a slow upload, the backend has each part before the next is sent", async () => {
  let received = "";
  const origin = await startOrigin((request, response) => {
    request.on("data", (chunk: Buffer) => {
      received += chunk.toString();
    });
    request.on("end", () => response.end("done"));
  });
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  const client = new RawClient(port).send(
    "POST / HTTP/1.1\r\nHost: agent.local\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
  );
  await eventually(() => received === "first", "the first part is there");
  client.send("6\r\nsecond\r\n");
  await eventually(() => received === "firstsecond", "the second part is there");
  await client.send("0\r\n\r\n").until(/done/);
});

test("given an event stream, every event arrives by itself, and the service hears when the client leaves", async () => {
  const streams: ServerResponse[] = [];
  let left = false;
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.flushHeaders();
    streams.push(response);
    response.on("close", () => {
      left = true;
    });
  });
  const backend = backendAt(origin.url);
  const { port, records, router } = await startRouter(selectionOf(backend));
  const client = new RawClient(port).send(get);
  await client.until(/text\/event-stream/);

  for (let i = 1; i <= 5; i++) {
    streams[0]?.write(`id: ${i}\ndata: event ${i}\n\n`);
    await client.until(new RegExp(`event ${i}\n\n`));
  }
  expect(router.inFlight("gke")).toBe(1);
  client.socket.destroy();

  await eventually(() => left, "the service hears of it");
  expect(await records(1)).toMatchObject([{ status: 200, outcome: "client" }]);
  expect([backend.reserved, backend.released, router.inFlight("gke")]).toEqual([1, 1, 0]);
});

test("given bodies of 10,000 chunks both ways, every byte arrives in order", async () => {
  const origin = await startOrigin((request, response) => {
    response.writeHead(200);
    request.pipe(response);
  });
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));
  const sent = createHash("sha256");
  const got = createHash("sha256");

  const request = httpRequest({ port, method: "POST", headers: { host: "agent.local" } });
  const responded = once(request, "response") as Promise<[IncomingMessage]>;
  let size = 0;
  const writing = (async () => {
    for (let i = 0; i < 10_000; i++) {
      const chunk = randomBytes(1 + (i % 97));
      size += chunk.length;
      sent.update(chunk);
      if (!request.write(chunk)) await once(request, "drain");
    }
    request.end();
  })();
  const [response] = await responded;
  let arrived = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    arrived += chunk.length;
    got.update(chunk);
  }
  await writing;

  expect(arrived).toBe(size);
  expect(got.digest("hex")).toBe(sent.digest("hex"));
});

test.for([1, 255, 256, 8192, 8193, 65_536, 200_000])(
  "given a body of %i bytes of every value, it arrives byte for byte",
  async (size) => {
    const body = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7) & 0xff));
    const origin = await startOrigin((_request, response) => {
      response.writeHead(200, { "content-length": size });
      response.end(body);
    });
    const { port } = await startRouter(selectionOf(backendAt(origin.url)));
    const request = httpRequest({ port, headers: { host: "agent.local" } }).end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const parts: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) parts.push(chunk);

    expect(Buffer.concat(parts).equals(body)).toBe(true);
  },
);

test("given a client that does not read, the service is held back, and then gets everything through", async () => {
  const total = 96 * mebibyte;
  const block = Buffer.alloc(256 * 1024, "x");
  let taken = 0;
  const origin = await startOrigin(async (_request, response) => {
    response.writeHead(200, { "content-length": total });
    while (taken < total) {
      taken += block.length;
      if (!response.write(block)) await once(response, "drain");
    }
    response.end();
  });
  const backend = backendAt(origin.url);
  const { port, records } = await startRouter(selectionOf(backend));
  const request = httpRequest({ port, headers: { host: "agent.local" } }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];

  const stalled = await settled(() => taken);
  expect(stalled).toBeLessThan(48 * mebibyte);

  let arrived = 0;
  response.on("data", (chunk: Buffer) => {
    arrived += chunk.length;
  });
  await once(response, "end");
  expect(arrived).toBe(total);
  expect(await records(1)).toMatchObject([{ outcome: "ok" }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
});

test("given a service that does not read, the client is held back, and then gets everything through", async () => {
  const total = 96 * mebibyte;
  const block = Buffer.alloc(256 * 1024, "x");
  const requests: IncomingMessage[] = [];
  let arrived = 0;
  const origin = await startOrigin((request, response) => {
    requests.push(request);
    request.on("end", () => response.end(String(arrived)));
  });
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));
  const request = httpRequest({ port, method: "POST", headers: { host: "agent.local", "content-length": total } });
  const responded = once(request, "response") as Promise<[IncomingMessage]>;
  let taken = 0;
  const writing = (async () => {
    while (taken < total) {
      taken += block.length;
      if (!request.write(block)) await once(request, "drain");
    }
    request.end();
  })();

  const stalled = await settled(() => taken);
  expect(stalled).toBeGreaterThan(0);
  expect(stalled).toBeLessThan(48 * mebibyte);
  requests[0]?.on("data", (chunk: Buffer) => {
    arrived += chunk.length;
  });

  await writing;
  const [response] = await responded;
  response.setEncoding("utf8");
  expect(await once(response, "data")).toEqual([String(total)]);
});

test("given a response before the upload is over, the client gets it and the loan ends once", async () => {
  const origin = await startOrigin((_request, response) => {
    response.writeHead(413);
    response.end("too much");
  });
  const backend = backendAt(origin.url);
  const { port, records } = await startRouter(selectionOf(backend));

  const client = new RawClient(port).send(
    "POST / HTTP/1.1\r\nHost: agent.local\r\nContent-Length: 100000\r\n\r\nbeginning",
  );
  await client.until(/too much/);

  expect(await records(1)).toMatchObject([{ status: 413, outcome: "ok" }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
  // The rest of the upload is read and dropped, and the connection then serves on.
  client.received = "";
  await client
    .send(Buffer.alloc(100_000 - "beginning".length))
    .send(get)
    .until(/413[\s\S]*too much/);
});

test("given a response while the upload is held back, the rest is dropped and the connection serves on", async () => {
  const total = 48 * mebibyte;
  const block = Buffer.alloc(256 * 1024, "x");
  const services: Socket[] = [];
  const origin = await startRawOrigin((_text, socket) => {
    if (services.includes(socket)) return;
    socket.pause();
    services.push(socket);
  });
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));
  const client = new RawClient(port).send(`POST / HTTP/1.1\r\nHost: agent.local\r\nContent-Length: ${total}\r\n\r\n`);
  let taken = 0;
  const writing = (async () => {
    while (taken < total) {
      taken += block.length;
      if (!client.socket.write(block)) await once(client.socket, "drain");
    }
  })();
  expect(await settled(() => taken)).toBeLessThan(total);

  services[0]?.write("HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\n\r\ntoo much");
  services[0]?.resume();
  await client.until(/too much/);
  await writing;
  client.received = "";
  client.send(get);
  await eventually(() => services.length > 1, "the next request reaches the service");
  services[1]?.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

  await client.until(/200 OK[\s\S]*ok$/);
});
