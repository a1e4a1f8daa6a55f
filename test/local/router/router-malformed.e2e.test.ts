import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { RawClient } from "./raw-client.ts";
import { backendAt, eventually, selectionOf, startOrigin, startRawOrigin, startRouter } from "./router-fixture.ts";

const get = (...headers: string[]): string =>
  `GET / HTTP/1.1\r\nHost: agent.local\r\n${headers.map((h) => `${h}\r\n`).join("")}\r\n`;
const post = (headers: string[], body: string): string =>
  `POST / HTTP/1.1\r\nHost: agent.local\r\n${headers.map((h) => `${h}\r\n`).join("")}\r\n${body}`;
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: agent.local\r\n\r\n";

const malformed: readonly (readonly [what: string, status: number, bytes: string])[] = [
  [
    "both Content-Length and Transfer-Encoding",
    400,
    post(["Content-Length: 6", "Transfer-Encoding: chunked"], `0\r\n\r\n${smuggled}`),
  ],
  [
    "the same, the other way about",
    400,
    post(["Transfer-Encoding: chunked", "Content-Length: 6"], `0\r\n\r\n${smuggled}`),
  ],
  ["two equal Content-Length headers", 400, post(["Content-Length: 3", "Content-Length: 3"], "abc")],
  ["two different Content-Length headers", 400, post(["Content-Length: 3", "Content-Length: 50"], `abc${smuggled}`)],
  ["a list as Content-Length", 400, post(["Content-Length: 3, 3"], "abc")],
  ["a signed Content-Length", 400, post(["Content-Length: +3"], "abc")],
  ["a negative Content-Length", 400, post(["Content-Length: -1"], "")],
  ["a hexadecimal Content-Length", 400, post(["Content-Length: 0x3"], "abc")],
  ["an empty Content-Length", 400, post(["Content-Length:"], "")],
  ["a Content-Length past all numbers", 400, post(["Content-Length: 99999999999999999999"], "abc")],
  ["Transfer-Encoding gzip", 400, post(["Transfer-Encoding: gzip"], "abc")],
  ["Transfer-Encoding gzip, chunked", 400, post(["Transfer-Encoding: gzip, chunked"], "0\r\n\r\n")],
  ["Transfer-Encoding chunked, identity", 400, post(["Transfer-Encoding: chunked, identity"], "0\r\n\r\n")],
  [
    "Transfer-Encoding chunked twice",
    400,
    post(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
  ],
  ["Transfer-Encoding xchunked", 400, post(["Transfer-Encoding: xchunked"], "0\r\n\r\n")],
  ["Transfer-Encoding with a vertical tab", 400, post(["Transfer-Encoding: \x0bchunked"], "0\r\n\r\n")],
  ["Transfer-Encoding with a space before the colon", 400, post(["Transfer-Encoding : chunked"], "0\r\n\r\n")],
  [
    "Transfer-Encoding in HTTP/1.0",
    400,
    "POST / HTTP/1.0\r\nHost: agent.local\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["a chunk size that is no number", 400, post(["Transfer-Encoding: chunked"], "zz\r\nabc\r\n0\r\n\r\n")],
  ["a chunk size with a sign", 400, post(["Transfer-Encoding: chunked"], "+3\r\nabc\r\n0\r\n\r\n")],
  ["a chunk size with 0x", 400, post(["Transfer-Encoding: chunked"], "0x3\r\nabc\r\n0\r\n\r\n")],
  ["a chunk size past all numbers", 400, post(["Transfer-Encoding: chunked"], "fffffffffffffffff\r\nabc\r\n")],
  ["an empty chunk size", 400, post(["Transfer-Encoding: chunked"], "\r\nabc\r\n0\r\n\r\n")],
  ["chunk size lines that end in LF alone", 400, post(["Transfer-Encoding: chunked"], "3\nabc\r\n0\r\n\r\n")],
  ["header lines that end in LF alone", 400, "GET / HTTP/1.1\nHost: agent.local\n\n"],
  ["a bare CR in a header", 400, get("X-A: one\rtwo")],
  ["a NUL in a header", 400, get("X-A: one\0two")],
  ["a DEL in a header", 400, get("X-A: one\x7ftwo")],
  ["a control character in a header", 400, get("X-A: one\x01two")],
  ["a space in a header name", 400, get("X A: one")],
  ["a header without a name", 400, get(": one")],
  ["a header without a colon", 400, get("nonsense")],
  ["a folded header", 400, get("X-A: one", " Transfer-Encoding: chunked")],
  ["no Host", 400, "GET / HTTP/1.1\r\nX-A: one\r\n\r\n"],
  ["an empty Host", 400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"],
  ["two Hosts", 400, get("Host: other.local")],
  ["two equal Hosts", 400, get("Host: agent.local")],
  ["a Host with a path", 400, "GET / HTTP/1.1\r\nHost: agent.local/x\r\n\r\n"],
  ["a Host with user information", 400, "GET / HTTP/1.1\r\nHost: me@agent.local\r\n\r\n"],
  ["a target on another host", 400, "GET http://other.local/ HTTP/1.1\r\nHost: agent.local\r\n\r\n"],
  ["a target that is no path", 400, "GET nonsense HTTP/1.1\r\nHost: agent.local\r\n\r\n"],
  ["a target with a space", 400, "GET /a b HTTP/1.1\r\nHost: agent.local\r\n\r\n"],
  ["an unknown HTTP version", 400, "GET / HTTP/3.7\r\nHost: agent.local\r\n\r\n"],
  ["HTTP/2 in the clear", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["TLS on a cleartext port", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ["an unknown method", 400, "FROB / HTTP/1.1\r\nHost: agent.local\r\n\r\n"],
  ["TRACE", 405, "TRACE / HTTP/1.1\r\nHost: agent.local\r\n\r\n"],
  ["CONNECT", 405, "CONNECT agent.local:443 HTTP/1.1\r\nHost: agent.local\r\n\r\n"],
  ["an unknown expectation", 417, get("Expect: a-miracle")],
  [
    "a second Host behind 2,000 other headers",
    400,
    get(...Array.from({ length: 2100 }, (_, i) => `X-${i}: a`), "Host: other.local"),
  ],
  ["one header that is too large", 431, get(`X-A: ${"a".repeat(70_000)}`)],
  [
    "many headers that are too large together",
    431,
    get(...Array.from({ length: 800 }, (_, i) => `X-${i}: ${"a".repeat(90)}`)),
  ],
  ["a target that is too large", 431, `GET /${"a".repeat(70_000)} HTTP/1.1\r\nHost: agent.local\r\n\r\n`],
];

test.for(malformed)("given %s, answers %i, closes, and nothing reaches the backend", async ([, status, bytes]) => {
  const origin = await startRawOrigin((_text, socket) => {
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });
  const backend = backendAt(origin.url);
  const { port } = await startRouter(selectionOf(backend));

  const client = new RawClient(port).send(bytes);
  const answer = await client.untilClosed();

  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(answer.toLowerCase()).toContain("connection: close");
  expect(origin.seen).toBe(0);
  expect(backend.released).toBe(backend.reserved);
});

test("given a bad chunk after a good one, the backend never sees a complete request", async () => {
  const received: string[] = [];
  const origin = await startRawOrigin((text) => received.push(text));
  const backend = backendAt(origin.url);
  const { port, records } = await startRouter(selectionOf(backend));
  const client = new RawClient(port).send(post(["Transfer-Encoding: chunked"], "3\r\nabc\r\n"));
  await expect.poll(() => received.join("")).toContain("abc");

  client.send(`zz\r\n${smuggled}`);

  expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 400 [\s\S]*x-switchyard-side: gke/);
  await expect.poll(() => origin.sockets.size).toBe(0);
  expect(received.join("")).not.toContain("0\r\n\r\n");
  expect(received.join("")).not.toContain("smuggled");
  expect(await records(1)).toMatchObject([{ outcome: "client", status: 400 }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
});

test("given a good request and a malformed one behind it, the first is served and the connection ends", async () => {
  const origin = await startOrigin((request, response) => response.end(`served ${request.url}`));
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  const answer = await new RawClient(port)
    .send(`${get()}GET / HTTP/1.1\r\nX-A: no host\r\n\r\n${smuggled}`)
    .untilClosed();

  expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*served \/HTTP\/1\.1 400 /);
  expect(answer).not.toContain("smuggled");
  expect(origin.seen).toBe(1);
});

test("given valid requests in a row on one connection, each is served in order", async () => {
  const origin = await startOrigin((request, response) => response.end(`served ${request.url}`));
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  const answer = await new RawClient(port)
    .send(`${get()}${post(["Content-Length: 3"], "abc")}${smuggled}`)
    .until(/served \/smuggled$/);

  expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
});

test("given h2c as an upgrade, serves the request as it is", async () => {
  const origin = await startOrigin((request, response) => response.end(JSON.stringify(request.headers)));
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  const answer = await new RawClient(port)
    .send(get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"))
    .until(/\}$/);

  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).not.toMatch(/"upgrade"|"http2-settings"/);
});

test("given pipelined requests, the second reaches a backend only after the first is answered", async () => {
  const held: ServerResponse[] = [];
  const origin = await startOrigin((_request, response) => held.push(response));
  const { port, records, router } = await startRouter(selectionOf(backendAt(origin.url)));
  const client = new RawClient(port).send(get() + smuggled);
  await eventually(() => held.length === 1, "the first is under way");
  expect(router.inFlight("gke")).toBe(1);

  held[0]?.end("first");
  await client.until(/first/);
  await eventually(() => held.length === 2, "the second is under way");
  held[1]?.end("second");

  await client.until(/second/);
  expect(await records(2)).toHaveLength(2);
});

test("given many pipelined requests, no more than 64 are kept for their turn", async () => {
  const origin = await startOrigin(() => undefined);
  const { port, records } = await startRouter(selectionOf(backendAt(origin.url)));

  await new RawClient(port).send(get().repeat(70)).untilClosed();

  expect(await records(1)).toMatchObject([{ outcome: "client", status: 0 }]);
  expect(origin.seen).toBeLessThanOrEqual(1);
});
