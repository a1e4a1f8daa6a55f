import fc from "fast-check";
import { expect, test } from "vitest";
import { type RawRequest, readRequestHead } from "../../../local/router/request-head.ts";

const read = (rawHeaders: string[], changes: Partial<RawRequest> = {}): ReturnType<typeof readRequestHead> =>
  readRequestHead({
    method: "GET",
    url: "/",
    httpVersion: "1.1",
    rawHeaders: ["Host", "agent.local", ...rawHeaders],
    ...changes,
  });

test("given a sound head, sorts it", () => {
  expect(
    read(["X-A", "1", "Content-Length", "3", "X-Forwarded-For", "10.0.0.1", "X-Switchyard-Probe", "1"], {
      url: "/a?b",
    }),
  ).toEqual({
    kind: "head",
    host: "agent.local",
    path: "/a?b",
    headers: ["x-a", "1", "x-switchyard-probe", "1"],
    contentLength: "3",
    hasBody: true,
    forwardedFor: "10.0.0.1",
    traceparent: undefined,
    cloudTrace: undefined,
    probe: true,
    upgrade: false,
  });
});

const webSocket = ["Upgrade", "websocket", "Sec-WebSocket-Version", "13"];

test.for<[string, string[], boolean]>([
  ["both of its headers", ["Connection", "Upgrade", ...webSocket], true],
  ["other options and protocols beside it", ["Connection", "keep-alive, upgrade", "Upgrade", "h2c, WebSocket"], true],
  ["no Connection option", webSocket, false],
  ["another protocol alone", ["Connection", "Upgrade", "Upgrade", "websocket2"], false],
])("given a WebSocket handshake with %s, upgrades: %s", ([, headers, upgrade]) => {
  const head = read([...headers]);
  expect(head).toMatchObject({ kind: "head", upgrade });
  expect(head.kind === "head" && head.headers).not.toContain("upgrade");
});

test.for<[string, Partial<RawRequest>, string[], object]>([
  ["from HTTP/1.0", { httpVersion: "1.0" }, [], { kind: "head", upgrade: false }],
  ["that is a POST", { method: "POST" }, [], { kind: "problem", status: 400 }],
  ["with a length of 0", {}, ["Content-Length", "0"], { kind: "problem", status: 400 }],
  ["with chunks", {}, ["Transfer-Encoding", "chunked"], { kind: "problem", status: 400 }],
])("given a WebSocket handshake %s, does not upgrade", ([, changes, headers, expected]) => {
  expect(read(["Connection", "Upgrade", ...webSocket, ...headers], changes)).toMatchObject(expected);
});

test.for([
  ["no length", [], false],
  ["a length of 0", ["Content-Length", "0"], false],
  ["a length of 000", ["Content-Length", "000"], false],
  ["a length", ["Content-Length", "1"], true],
  ["chunks", ["Transfer-Encoding", "Chunked"], true],
] as const)("given %s, knows whether there is a body", ([, headers, hasBody]) => {
  expect(read([...headers])).toMatchObject({ kind: "head", hasBody });
});

test.for([
  ["agent.local", "/", "/"],
  ["agent.local:80", "http://agent.local:80", "/"],
  ["agent.local", "HTTP://AGENT.local/x", "/x"],
  ["agent.local", "https://agent.local?x=1", "/?x=1"],
  ["[::1]:80", "/", "/"],
] as const)("given the host %s and the target %s, the path is %s", ([host, url, path]) => {
  expect(readRequestHead({ method: "GET", url, httpVersion: "1.1", rawHeaders: ["Host", host] })).toMatchObject({
    kind: "head",
    path,
  });
});

test.for([
  "*",
  "",
  "agent.local:443",
  "http://other/",
  "http://agent.local@other/",
  "http://agent.local:81/",
  "ftp://agent.local/",
])("given the target %j, refuses", (url) => {
  expect(read([], { url })).toMatchObject({ kind: "problem", status: 400 });
});

test.for(["", "a b", "a,b/", "a/b", "me@a", "[::1", "a:b", "a:123456", "a\\b", "a?b", "ä"])(
  "given the host %j, refuses",
  (host) => {
    expect(readRequestHead({ method: "GET", url: "/", httpVersion: "1.1", rawHeaders: ["Host", host] })).toMatchObject({
      kind: "problem",
      status: 400,
    });
  },
);

test("given any list in Connection, exactly the listed headers go, and never what frames or routes the message", () => {
  const name = fc.constantFrom("x-a", "x-b", "x-c", "cookie", "host", "content-length", "close", "keep-alive");
  fc.assert(
    fc.property(fc.array(name, { maxLength: 6 }), fc.constantFrom(",", ", ", " , ,"), (listed, separator) => {
      const head = read([
        "X-A",
        "1",
        "X-B",
        "2",
        "Cookie",
        "3",
        "Content-Length",
        "0",
        "Connection",
        listed.join(separator).toUpperCase(),
      ]);
      if (head.kind !== "head") throw new Error(head.reason);
      const names = head.headers.filter((_, i) => i % 2 === 0);
      expect(names).toEqual(["x-a", "x-b", "cookie"].filter((kept) => !(listed as string[]).includes(kept)));
      expect(head).toMatchObject({ host: "agent.local", contentLength: "0" });
    }),
  );
});

test("given any framing headers, only one clear framing passes", () => {
  const framing = fc.oneof(
    fc.tuple(
      fc.constant("Content-Length"),
      fc.constantFrom("0", "5", "05", "+5", "-5", "5,5", "5 5", "0x5", "", "1e3", "٣"),
    ),
    fc.tuple(
      fc.constant("Transfer-Encoding"),
      fc.constantFrom("chunked", "CHUNKED", "gzip", "gzip, chunked", "chunked, chunked", "", " chunked ;x"),
    ),
  );
  fc.assert(
    fc.property(fc.array(framing, { maxLength: 3 }), fc.constantFrom("1.0", "1.1"), (list, httpVersion) => {
      const head = read(list.flat(), { httpVersion, method: "POST" });
      const [only] = list;
      const clear =
        only === undefined ||
        (list.length === 1 &&
          (only[0] === "Content-Length"
            ? /^[0-9]+$/.test(only[1])
            : /^chunked$/i.test(only[1]) && httpVersion === "1.1"));
      expect(head.kind).toBe(clear ? "head" : "problem");
    }),
    { numRuns: 500 },
  );
});
