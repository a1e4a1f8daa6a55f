import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { Selection } from "../../../local/router/routing-table.ts";
import { RawClient } from "./raw-client.ts";
import { backendAt, eventually, scene, selectionOf, startOrigin, startRouter } from "./router-fixture.ts";
import {
  connectRaw,
  handshake,
  openWebSocket,
  startEcho,
  switching,
  upgrade,
  watch,
  webSocketLines,
} from "./websocket-fixture.ts";

/** A service that consents, and its end of the connection. */
async function consentingScene(options: { timeoutMs?: number } = {}) {
  const sockets: Socket[] = [];
  const built = await scene((text, socket) => {
    if (!text.startsWith("GET /chat")) return;
    sockets.push(socket);
    socket.write(switching);
  }, options);
  // Each direction is to end by itself.
  Object.assign(built.origin.server, { allowHalfOpen: true });
  const client = connectRaw(built.port);
  client.write(upgrade);
  const near = watch(client);
  await eventually(() => near.received().includes("\r\n\r\n"), "the client has its 101");
  const [service] = sockets;
  if (service === undefined) throw new Error("The service has no connection.");
  return { ...built, client, near, service, far: watch(service) };
}

test("given a WebSocket, messages go both ways, the 101 names the side, and its place is held until it closes", async () => {
  const echo = await startEcho("echo");
  const backend = backendAt(echo.url);
  const { url, router, counters, records } = await startRouter(selectionOf(backend));

  const open = await openWebSocket(`${url}/chat?room=1`, { "x-user": "me" });
  expect(await open.ask("hello")).toBe("echo: hello");
  expect(await open.ask("again")).toBe("echo: again");
  const big = randomBytes(3_000_000);
  const answer = once(open.socket, "message");
  open.socket.send(big);
  expect((await answer)[0]).toEqual(big);

  expect(open.headers).toMatchObject({ "x-switchyard-side": "gke", "sec-websocket-protocol": "chat" });
  expect(open.socket.extensions).toBe("permessage-deflate");
  const [head] = echo.heads;
  expect(head?.url).toBe("/chat?room=1");
  expect(head?.headers).toMatchObject({
    connection: "upgrade",
    upgrade: "websocket",
    "x-user": "me",
    host: expect.stringContaining("127.0.0.1"),
  });
  expect(head?.headers["x-forwarded-for"]).toBe("127.0.0.1,127.0.0.1");
  expect([router.inFlight("gke"), counters.snapshot()["gke"]?.inFlight, backend.reserved, backend.released]).toEqual([
    1, 1, 1, 0,
  ]);

  await open.close();
  expect(await records(1)).toMatchObject([{ status: 101, outcome: "ok", side: "gke" }]);
  expect([router.inFlight("gke"), backend.released]).toEqual([0, 1]);
  expect(counters.snapshot()["gke"]).toMatchObject({ requests: 1, errors: 0, inFlight: 0, latencyMs: { p50: 0 } });
});

test("given bytes in the same write as the handshake and as the 101, none is lost", async () => {
  const received: string[] = [];
  const { port } = await scene((text, socket) => {
    received.push(text);
    if (text.includes("GET /chat")) socket.write(`${switching}first of the service`);
  });

  const client = connectRaw(port);
  const near = watch(client);
  client.write(`${upgrade}first of the client`);

  await eventually(() => near.received().endsWith("first of the service"), "the client has the service's bytes");
  await eventually(
    () => received.join("").endsWith("\r\n\r\nfirst of the client"),
    "the service has the client's bytes",
  );
});

test("given a handshake after a response on the same connection, it is served", async () => {
  const { port } = await scene((text, socket) => {
    if (text.startsWith("GET /chat")) socket.write(switching);
    else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const client = connectRaw(port);
  const near = watch(client);
  client.write("GET / HTTP/1.1\r\nHost: agent.local\r\n\r\n");
  await eventually(() => near.received().endsWith("ok"), "the first response is there");

  client.write(upgrade);

  await eventually(() => near.received().includes("HTTP/1.1 101 "), "the 101 is there");
});

test("given a refusal of the service, it is relayed with its body, and the connection ends", async () => {
  const { port, records, backend, origin } = await scene((_text, socket) => {
    socket.write("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 5\r\n\r\nolder");
  });

  const answer = await new RawClient(port).send(upgrade).untilClosed();

  expect(answer).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n[\s\S]*\r\n\r\nolder$/);
  expect(answer.toLowerCase()).toContain("x-switchyard-side: gke");
  expect(answer.toLowerCase()).toContain("connection: close");
  expect(answer).toContain("sec-websocket-version: 13");
  expect(await records(1)).toMatchObject([{ status: 426, outcome: "ok" }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
  await eventually(() => origin.sockets.size === 0, "the router has left the service");
});

test("given a refusal that is larger than all buffers and a slow client, it arrives whole", async () => {
  const size = 16 * 1024 * 1024;
  const origin = await startOrigin(() => undefined);
  origin.server.on("upgrade", (_request, socket) => {
    socket.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size, "x"));
  });
  const { port, records } = await startRouter(selectionOf(backendAt(origin.url)));
  const client = connectRaw(port);
  client.pause();
  client.write(upgrade);
  await eventually(() => origin.sockets.size === 1, "the service has been asked");

  let arrived = 0;
  client.on("data", (chunk) => {
    arrived += chunk.length;
  });
  client.resume();
  await once(client, "end");

  expect(arrived).toBeGreaterThan(size);
  expect(await records(1)).toMatchObject([{ status: 403, outcome: "ok" }]);
});

test.for(["client", "service"] as const)(
  "given a %s that does not read, the other side is held back, and then gets everything through",
  async (slow) => {
    const { client, service } = await consentingScene();
    const [reader, writer] = slow === "client" ? [client, service] : [service, client];
    const size = 24 * 1024 * 1024;
    reader.removeAllListeners("data");
    reader.pause();
    writer.write(Buffer.alloc(size, "x"));
    // What the two kernels and the router hold between them is far less than that.
    let buffered = -1;
    let since = performance.now();
    await eventually(() => {
      if (writer.writableLength !== buffered) {
        buffered = writer.writableLength;
        since = performance.now();
      }
      return performance.now() - since > 300;
    }, "the flow stands still");
    expect(writer.writableLength).toBeGreaterThan(0);

    let arrived = 0;
    reader.on("data", (chunk: Buffer) => {
      arrived += chunk.length;
    });
    reader.resume();
    await eventually(() => arrived >= size, "everything has arrived");
    expect(arrived).toBe(size);
  },
);

test.for(["client", "service"] as const)(
  "given the end of the %s's direction, the other direction goes on until it ends too",
  async (first) => {
    const { client, near, service, far, records, router } = await consentingScene();
    const [ending, lasting, seen] = first === "client" ? [client, service, far] : [service, client, near];
    const other = first === "client" ? near : far;
    const before = other.received();

    ending.end("last words");
    await eventually(() => seen.ended(), "the end has arrived");
    expect(seen.received()).toMatch(/last words$/);
    lasting.write("still here");
    await eventually(() => other.received() === `${before}still here`, "the other direction is open");
    expect(router.inFlight("gke")).toBe(1);

    lasting.end();
    expect(await records(1)).toMatchObject([{ status: 101, outcome: "ok" }]);
    expect(router.inFlight("gke")).toBe(0);
  },
);

test("given a client that resets, the service sees a reset, and the record says client", async () => {
  const { client, far, records, backend } = await consentingScene();
  client.resetAndDestroy();
  await eventually(() => far.wasReset(), "the service sees it");
  expect(await records(1)).toMatchObject([{ status: 101, outcome: "client" }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
});

test("given a service that resets, the client sees a reset, and the record says gateway", async () => {
  const { near, service, records, counters } = await consentingScene();
  service.resetAndDestroy();
  await eventually(() => near.wasReset(), "the client sees it");
  expect(await records(1)).toMatchObject([{ status: 101, outcome: "gateway" }]);
  expect(counters.snapshot()["gke"]).toMatchObject({ requests: 1, errors: 1 });
});

test("given a WebSocket that lives as long as the backend's timeout, it is closed although bytes flow, as a limit that was kept", async () => {
  const { near, service, far, records, backend } = await consentingScene({ timeoutMs: 400 });
  const talk = setInterval(() => service.write("."), 10);
  await eventually(() => near.ended(), "the client hears of it");
  clearInterval(talk);
  expect(near.received()).toContain("...");
  await eventually(() => far.ended() || far.wasReset(), "the service hears of it");
  const [record] = await records(1);
  expect(record).toMatchObject({ status: 101, outcome: "ok" });
  expect(record?.durationMs).toBeGreaterThanOrEqual(390);
  expect(backend.released).toBe(1);
});

test.for<[string, (socket: Socket) => void, string]>([
  ["closes before it answers", (socket) => socket.end(), "HTTP/1.1 502 "],
  ["resets before it answers", (socket) => socket.resetAndDestroy(), "HTTP/1.1 502 "],
  ["switches to another protocol", (socket) => socket.write(switching.replace("websocket", "h2c")), "HTTP/1.1 502 "],
  ["says 101 without an upgrade", (socket) => socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n"), "HTTP/1.1 502 "],
  ["answers nonsense", (socket) => socket.end("nonsense\r\n\r\n"), "HTTP/1.1 502 "],
  ["does not answer in time", () => undefined, "HTTP/1.1 504 "],
])("given a service that %s, the client gets an error, and the record says gateway", async ([, answer, expected]) => {
  const { port, records, backend, origin } = await scene((_text, socket) => answer(socket), { timeoutMs: 500 });

  const received = await new RawClient(port).send(upgrade).untilClosed();

  expect(received).toMatch(new RegExp(`^${expected}`));
  expect(received.toLowerCase()).toContain("x-switchyard-side: gke");
  expect(await records(1)).toMatchObject([{ outcome: "gateway" }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
  await eventually(() => origin.sockets.size === 0, "the router has left the service");
});

test("given a platform that refuses, its answer is the client's", async () => {
  const { port, records } = await scene(() => undefined, {
    place: () => ({ kind: "refusal", status: 429, headers: [], body: "no available instance" }),
  });
  expect(await new RawClient(port).send(upgrade).untilClosed()).toMatch(
    /^HTTP\/1\.1 429 [\s\S]*no available instance$/,
  );
  expect(await records(1)).toMatchObject([{ status: 429, outcome: "gateway" }]);
});

test.for<[string, (socket: Socket) => unknown]>([
  ["ends its connection", (socket) => socket.end()],
  ["resets its connection", (socket) => socket.resetAndDestroy()],
])(
  "given a client that %s before the answer, the service's connection and its place are given up",
  async ([, leave]) => {
    let asked = 0;
    const { port, records, backend, origin } = await scene(() => {
      asked += 1;
    });
    const client = connectRaw(port);
    client.on("error", () => undefined);
    client.write(upgrade);
    await eventually(() => asked === 1, "the service has been asked");

    leave(client);

    expect(await records(1)).toMatchObject([{ status: 0, outcome: "client" }]);
    expect([backend.reserved, backend.released]).toEqual([1, 1]);
    await eventually(() => origin.sockets.size === 0, "the router has left the service");
  },
);

test("given a closing router, a WebSocket may end within the grace", async () => {
  const { client, near, service, router, records } = await consentingScene();
  const closed = router.close(10_000);
  service.write("goodbye");
  await eventually(() => near.received().endsWith("goodbye"), "bytes still flow");
  service.end();
  client.end();
  await closed;
  expect(await records(1)).toMatchObject([{ status: 101, outcome: "ok" }]);
});

test("given a closing router, a WebSocket that outlasts the grace is cut on both sides", async () => {
  const { near, far, router, records, backend } = await consentingScene();
  await router.close(20);
  await eventually(() => near.ended(), "the client hears of it");
  await eventually(() => far.ended() || far.wasReset(), "the service hears of it");
  expect(await records(1)).toMatchObject([{ status: 101, outcome: "gateway" }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
});

test("given a change of weights, an open WebSocket stays on its side and a new one goes to the other", async () => {
  const [old, young] = [await startEcho("old"), await startEcho("young")];
  const sideOf = (side: string, url: string): Selection =>
    selectionOf(backendAt(url), { side, responseHeaders: [["x-switchyard-side", side]] });
  let selection = sideOf("cloud-run", old.url);
  const { url, router, records } = await startRouter(() => selection);
  const before = await openWebSocket(url);

  selection = sideOf("gke", young.url);
  const after = await openWebSocket(url);

  expect(await before.ask("who")).toBe("old: who");
  expect(await after.ask("who")).toBe("young: who");
  expect(after.headers["x-switchyard-side"]).toBe("gke");
  expect([router.inFlight("cloud-run"), router.inFlight("gke")]).toEqual([1, 1]);
  await before.close();
  expect(await records(1)).toMatchObject([{ side: "cloud-run", outcome: "ok" }]);
  expect([router.inFlight("cloud-run"), router.inFlight("gke")]).toEqual([0, 1]);
});

test.for<[string, string, string[]]>([
  ["a handshake that is a POST", "POST", []],
  ["a handshake with a body", "GET", ["Content-Length: 3"]],
  ["a handshake with chunks", "GET", ["Transfer-Encoding: chunked"]],
  ["a handshake with two Hosts", "GET", ["Host: other.local"]],
])("given %s, answers 400, and nothing reaches the backend", async ([, method, lines]) => {
  const { port, origin, backend } = await scene((_text, socket) => socket.end(switching));
  const bytes = handshake(...webSocketLines, ...lines).replace(/^GET/, method);

  const answer = await new RawClient(port).send(`${bytes}abc`).untilClosed();

  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect([origin.seen, backend.reserved]).toEqual([0, 0]);
});

test("given a handshake pipelined behind a request under way, the request is served and the handshake refused", async () => {
  const { port, origin } = await scene((text, socket) => {
    if (text.startsWith("GET /slow"))
      setImmediate(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow"));
    else socket.write(switching);
  });

  const answer = await new RawClient(port)
    .send(`GET /slow HTTP/1.1\r\nHost: agent.local\r\n\r\n${upgrade}`)
    .untilClosed();

  expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*slowHTTP\/1\.1 400 /);
  expect(origin.connections).toBe(1);
});

test.for<[string, string]>([
  ["without its Connection option", handshake(...webSocketLines.slice(1))],
  ["from HTTP/1.0", upgrade.replace("HTTP/1.1", "HTTP/1.0")],
  ["to another protocol", upgrade.replace("Upgrade: websocket", "Upgrade: websocket2")],
])("given an upgrade %s, it is ignored and the request served as it is", async ([, bytes]) => {
  const heads: string[] = [];
  const { port } = await scene((text, socket) => {
    heads.push(text);
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
  });

  await new RawClient(port).send(bytes).until(/plain/);

  expect(heads.join("")).not.toMatch(/^(?:connection: upgrade|upgrade:)/im);
});
