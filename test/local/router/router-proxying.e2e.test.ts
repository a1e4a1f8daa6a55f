import { request as httpRequest, type RequestListener } from "node:http";
import { expect, test } from "vitest";
import { weightedChoice } from "../../../local/router/weighted-choice.ts";
import { RawClient } from "./raw-client.ts";
import { backendAt, eventually, selectionOf, startOrigin, startRawOrigin, startRouter } from "./router-fixture.ts";

const echo: RequestListener = (request, response) => {
  const { method, url, rawHeaders: raw, headers } = request;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ method, url, raw, headers }));
};

const bodyOf = (answer: string): { url: string; method: string; raw: string[]; headers: Record<string, string> } =>
  JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)) as ReturnType<typeof bodyOf>;
const head = (lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;

test("given any request, the backend sees whence it came and a trace", async () => {
  const origin = await startOrigin(echo);
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  const answer = await new RawClient(port)
    .send(head(["GET /a?b=c HTTP/1.1", "Host: Agent.local:8443", "X-Own: kept"]))
    .until(/\}$/);

  const { url, headers } = bodyOf(answer);
  expect(url).toBe("/a?b=c");
  expect(headers).toMatchObject({
    host: "agent.local:8443",
    "x-own": "kept",
    "x-forwarded-for": "127.0.0.1,127.0.0.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "agent.local:8443",
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/),
    "x-cloud-trace-context": expect.stringMatching(/^[0-9a-f]{32}\/\d+;o=0$/),
  });
  expect(headers["traceparent"]?.slice(3, 35)).toBe(headers["x-cloud-trace-context"]?.slice(0, 32));
});

test("given forwarded headers from the client, addresses are appended and claims replaced", async () => {
  const origin = await startOrigin(echo);
  const { port } = await startRouter(selectionOf(backendAt(origin.url)), { scheme: "http" });
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  const answer = await new RawClient(port)
    .send(
      head([
        "GET / HTTP/1.1",
        "Host: agent.local",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-For: 10.0.0.2",
        "X-Forwarded-Proto: gopher",
        "X-Forwarded-Host: evil.local",
        `Traceparent: ${trace}`,
      ]),
    )
    .until(/\}$/);

  expect(bodyOf(answer).headers).toMatchObject({
    "x-forwarded-for": "10.0.0.1,10.0.0.2,127.0.0.1,127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "agent.local",
    traceparent: trace,
    "x-cloud-trace-context": "0af7651916cd43dd8448eb211c80319c/13235353014750950193;o=1",
  });
});

test("given hop-by-hop headers, none of them goes past the router in either direction", async () => {
  let seen = "";
  const origin = await startRawOrigin((text, socket) => {
    seen += text;
    socket.write(
      `${head([
        "HTTP/1.1 200 Very Good",
        "Connection: keep-alive, X-Secret",
        "Keep-Alive: timeout=60",
        "X-Secret: hop",
        "Proxy-Authenticate: Basic",
        "X-End: kept",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
        "x-switchyard-side: forged",
        "x-switchyard-instance: forged",
        "Content-Length: 2",
      ])}ok`,
    );
  });
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  const answer = await new RawClient(port)
    .send(
      head([
        "GET / HTTP/1.1",
        "Host: agent.local",
        "Connection: keep-alive, X-Hop, Host, Content-Length",
        "Keep-Alive: timeout=5",
        "X-Hop: hop",
        "Proxy-Authorization: Basic AA==",
        "Proxy-Connection: keep-alive",
        "TE: trailers",
        "Trailer: X-T",
        "Upgrade: h2c",
        "X-End: kept",
      ]),
    )
    .until(/ok$/);

  expect(answer).toMatch(/^HTTP\/1\.1 200 Very Good\r\n/);
  expect(answer).toContain("x-end: kept");
  expect(answer).toContain("set-cookie: a=1\r\nset-cookie: b=2");
  expect(answer).toContain("x-switchyard-side: gke");
  expect(answer).not.toMatch(/forged|x-secret|proxy-authenticate|timeout=60/i);
  expect(seen.toLowerCase()).toContain("x-end: kept");
  expect(seen.toLowerCase()).toContain("host: agent.local");
  expect(seen).not.toMatch(/x-hop|proxy-|^te:|trailer|upgrade|timeout=5/im);
});

test("given headers of the route and of the platform, they replace the client's", async () => {
  const origin = await startOrigin(echo);
  const backend = backendAt(origin.url, {
    place: () => ({
      requestHeaders: [
        ["host", "kiro-abc.a.run.app"],
        ["forwarded", 'for="127.0.0.1"'],
        ["x-both", "platform"],
      ],
    }),
  });
  const { port } = await startRouter(
    selectionOf(backend, {
      requestHeaders: [
        ["x-route", "route"],
        ["x-both", "route"],
      ],
    }),
  );

  const answer = await new RawClient(port)
    .send(
      head(["GET / HTTP/1.1", "Host: agent.local", "Forwarded: for=evil", "Forwarded: for=evil2", "X-Route: client"]),
    )
    .until(/\}$/);

  const { headers, raw } = bodyOf(answer);
  expect(headers).toMatchObject({
    host: "kiro-abc.a.run.app",
    "x-route": "route",
    "x-both": "platform",
    "x-forwarded-host": "agent.local",
  });
  expect(raw.filter((text) => text === "forwarded")).toHaveLength(1);
  expect(headers["forwarded"]).toBe('for="127.0.0.1"');
});

test("given an absolute-form target on its own host, the backend gets the path", async () => {
  const origin = await startOrigin(echo);
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  const answer = await new RawClient(port)
    .send(head(["GET http://agent.local/a?b HTTP/1.1", "Host: agent.local"]))
    .until(/\}$/);

  expect(bodyOf(answer).url).toBe("/a?b");
});

test("given many requests in a row, one client connection and one backend connection carry them", async () => {
  const origin = await startOrigin(echo);
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));
  const client = new RawClient(port);

  for (let i = 1; i <= 20; i++) {
    client.received = "";
    await client.send(head([`GET /${i} HTTP/1.1`, "Host: agent.local"])).until(/\}$/);
    expect(bodyOf(client.received).url).toBe(`/${i}`);
  }

  expect(client.received).toContain("Keep-Alive: timeout=610");
  expect(origin.seen).toBe(20);
  expect(origin.connections).toBe(1);
});

test("given an idle time that the service names, the router closes the connection before it", async () => {
  const closedAt: number[] = [];
  const origin = await startRawOrigin((_text, socket) => {
    socket.on("end", () => closedAt.push(performance.now()));
    socket.write(`${head(["HTTP/1.1 200 OK", "Keep-Alive: timeout=3", "Content-Length: 2"])}ok`);
  });
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  await new RawClient(port).send(head(["GET / HTTP/1.1", "Host: agent.local"])).until(/ok$/);
  const answeredAt = performance.now();
  await eventually(() => closedAt.length > 0, "the router closes the idle connection");

  expect((closedAt[0] ?? 0) - answeredAt).toBeGreaterThan(500);
  expect((closedAt[0] ?? 0) - answeredAt).toBeLessThan(2900);
});

test.for([
  ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", /content-length: 1234/],
  ["HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", /200 OK/],
  ["GET", "HTTP/1.1 204 No Content\r\n\r\n", /204 No Content/],
  ["GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", /^(?![\s\S]*content-length)/i],
  ["GET", "HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 99\r\n\r\n", /content-length: 99/],
  ["GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", /content-length: 0/],
] as const)(
  "given %s and %j, the response has a head and no body, and the connection goes on",
  async ([method, bytes, expected]) => {
    const origin = await startRawOrigin((_text, socket) => socket.write(bytes));
    const { port, records } = await startRouter(selectionOf(backendAt(origin.url)));
    const client = new RawClient(port);

    const first = await client.send(head([`${method} / HTTP/1.1`, "Host: agent.local"])).until(/\r\n\r\n/);
    client.received = "";
    const second = await client.send(head([`${method} / HTTP/1.1`, "Host: agent.local"])).until(/\r\n\r\n/);

    for (const answer of [first, second]) {
      expect(answer).toMatch(expected);
      expect(answer).not.toMatch(/transfer-encoding/i);
      expect(answer.split("\r\n\r\n")[1]).toBe("");
    }
    expect((await records(2)).map((record) => record.outcome)).toEqual(["ok", "ok"]);
  },
);

test("given Expect: 100-continue, the client is told once a place is there, and the body goes through", async () => {
  const origin = await startOrigin((request, response) => {
    request.setEncoding("latin1");
    let body = "";
    request.on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => response.end(`got ${body} expect=${request.headers.expect}`));
  });
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));
  const client = new RawClient(port);

  client.send(head(["PUT / HTTP/1.1", "Host: agent.local", "Expect: 100-continue", "Content-Length: 5"]));
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  await client.send("hello").until(/got hello expect=undefined$/);
});

test("given Expect: 100-continue and a refusal, the client is not told to continue and the connection ends", async () => {
  const backend = backendAt("http://127.0.0.1:9", {
    place: () => ({ kind: "refusal", status: 429, headers: [["Retry-After", "1"]], body: "no available instance" }),
  });
  const { port } = await startRouter(selectionOf(backend));

  const answer = await new RawClient(port)
    .send(head(["PUT / HTTP/1.1", "Host: agent.local", "Expect: 100-continue", "Content-Length: 5"]))
    .untilClosed();

  expect(answer).toMatch(/^HTTP\/1\.1 429 /);
  expect(answer).toContain("retry-after: 1");
  expect(answer).toContain("x-switchyard-side: gke");
  expect(answer).toMatch(/connection: close/i);
});

test("given trailers, they follow the body", async () => {
  const origin = await startOrigin((_request, response) => {
    response.writeHead(200, { Trailer: "X-Sum, X-Count" });
    response.write("body");
    response.addTrailers({ "X-Sum": "42", "X-Count": "2" });
    response.end();
  });
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  const trailers = await new Promise((resolve, reject) => {
    httpRequest({ port, headers: { host: "agent.local" } }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.trailers));
    })
      .on("error", reject)
      .end();
  });

  expect(trailers).toEqual({ "x-sum": "42", "x-count": "2" });
});

test("given a body that ends with its connection, the client gets it whole in chunks", async () => {
  const origin = await startRawOrigin((_text, socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nwhole"));
  const { port, records } = await startRouter(selectionOf(backendAt(origin.url)));

  const answer = await new RawClient(port).send(head(["GET / HTTP/1.1", "Host: agent.local"])).until(/0\r\n\r\n$/);

  expect(answer).toContain("5\r\nwhole\r\n");
  expect(await records(1)).toMatchObject([{ status: 200, outcome: "ok" }]);
});

test("given interim responses of the service, the client gets the final one", async () => {
  const origin = await startRawOrigin((_text, socket) =>
    socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  );
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  expect(await new RawClient(port).send(head(["GET / HTTP/1.1", "Host: agent.local"])).until(/ok$/)).toMatch(
    /^HTTP\/1\.1 200 OK/,
  );
});

test("given HTTP/1.0, the response has no chunks and the connection ends", async () => {
  const origin = await startOrigin((_request, response) => {
    response.write("one ");
    response.end("two");
  });
  const { port } = await startRouter(selectionOf(backendAt(origin.url)));

  const answer = await new RawClient(port).send(head(["GET / HTTP/1.0", "Host: agent.local"])).untilClosed();

  expect(answer).not.toMatch(/transfer-encoding/i);
  expect(answer.split("\r\n\r\n")[1]).toBe("one two");
});

test("given a redirect or an answer of the table, the router gives it itself", async () => {
  const { port, records, counters } = await startRouter((request) =>
    request.path === "/gone"
      ? { kind: "answer", status: 404, body: "nothing here" }
      : { kind: "redirect", status: 301, location: `https://${request.host}${request.path}` },
  );
  const client = new RawClient(port);

  const redirect = await client.send(head(["GET /a?b=c HTTP/1.1", "Host: agent.local"])).until(/\r\n\r\n/);
  expect(redirect).toMatch(/^HTTP\/1\.1 301 Moved Permanently[\s\S]*location: https:\/\/agent\.local\/a\?b=c\r\n/);
  client.received = "";
  expect(await client.send(head(["GET /gone HTTP/1.1", "Host: agent.local"])).until(/nothing here$/)).toMatch(
    /^HTTP\/1\.1 404 /,
  );
  expect(await records(2)).toMatchObject([
    { side: "", status: 301, outcome: "ok" },
    { side: "", status: 404, outcome: "ok" },
  ]);
  expect(counters.snapshot()).toEqual({});
});

test("given weights and a seeded random, the sides get their shares", async () => {
  const origin = await startOrigin((_request, response) => response.end("ok"));
  const sides = ["gke", "cloud-run"];
  const selections = sides.map((side) =>
    selectionOf(backendAt(origin.url), { side, responseHeaders: [["x-switchyard-side", side]] }),
  );
  const choose = weightedChoice([5, 95]);
  let seed = 42;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const { port, counters } = await startRouter(
    (_request, point) => selections[choose(point)] ?? selectionOf(backendAt(origin.url)),
    { random },
  );
  const client = new RawClient(port);
  const stamped: Record<string, number> = {};

  for (let i = 0; i < 400; i++) {
    client.received = "";
    const side =
      /x-switchyard-side: (\S+)/.exec(
        await client.send(head(["GET / HTTP/1.1", "Host: agent.local"])).until(/ok$/),
      )?.[1] ?? "";
    stamped[side] = (stamped[side] ?? 0) + 1;
  }

  expect(stamped["gke"]).toBeGreaterThanOrEqual(10);
  expect(stamped["gke"]).toBeLessThanOrEqual(32);
  await eventually(() => (counters.snapshot()["gke"]?.requests ?? 0) === stamped["gke"], "all are counted");
  expect(counters.snapshot()["cloud-run"]).toMatchObject({ requests: stamped["cloud-run"], errors: 0, inFlight: 0 });
});

test("given probes and dark requests, they are served and stamped, and left out of feed and counters", async () => {
  const origin = await startOrigin((_request, response) => response.end("ok"));
  const backend = backendAt(origin.url);
  const { port, records, counters, router } = await startRouter((request) =>
    selectionOf(backend, { weighted: request.path !== "/dark" }),
  );
  const client = new RawClient(port);

  expect(
    await client.send(head(["GET / HTTP/1.1", "Host: agent.local", "x-switchyard-probe: 1"])).until(/ok$/),
  ).toContain("x-switchyard-side: gke");
  client.received = "";
  await client.send(head(["GET /dark HTTP/1.1", "Host: agent.local"])).until(/ok$/);
  client.received = "";
  await client.send(head(["GET /user HTTP/1.1", "Host: agent.local"])).until(/ok$/);

  expect(await records(1)).toMatchObject([{ sequence: 1, side: "gke", status: 200, outcome: "ok" }]);
  expect(counters.snapshot()["gke"]).toMatchObject({ requests: 1, inFlight: 0 });
  expect(backend.requests.map((request) => request.probe)).toEqual([true, false, false]);
  expect(router.inFlight("gke")).toBe(0);
});
