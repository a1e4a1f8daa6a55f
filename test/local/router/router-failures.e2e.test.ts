import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { RequestOutcome } from "../../../local/router/feed.ts";
import { RawClient } from "./raw-client.ts";
import { backendAt, eventually, scene, selectionOf, startOrigin, startRouter } from "./router-fixture.ts";

const request = (method = "GET", version = "1.1"): string => `${method} / HTTP/${version}\r\nHost: agent.local\r\n\r\n`;
const upload = "POST / HTTP/1.1\r\nHost: agent.local\r\nContent-Length: 10\r\n\r\nhello";

interface Failure {
  readonly what: string;
  readonly origin: (text: string, socket: Socket) => void;
  readonly client?: (client: RawClient) => Promise<void>;
  readonly send?: string;
  readonly timeoutMs?: number;
  readonly outcome: RequestOutcome;
  readonly status: number;
}

const silent = (): void => undefined;
const leaveAfter = (pattern: RegExp) => async (client: RawClient) => {
  await client.until(pattern);
  client.socket.destroy();
};
const seesCut = (how: "end" | "reset") => async (client: RawClient) => {
  expect(await client.closed).toBe(how);
  expect(client.received).not.toMatch(/0\r\n\r\n$/);
};
const seesAnswer = (status: number) => async (client: RawClient) => {
  const answer = await client.until(/\r\n\r\n[\s\S]+$/);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toContain("Error: Server Error");
  expect(answer).toContain("x-switchyard-side: gke");
  expect(answer).toContain("x-switchyard-instance: instance-1");
  expect(answer).not.toContain("x-kiro-instance");
};

const failures: readonly Failure[] = [
  {
    what: "the service resets before a byte",
    origin: (_t, s) => s.resetAndDestroy(),
    client: seesAnswer(502),
    outcome: "gateway",
    status: 502,
  },
  {
    what: "the service closes before a byte",
    origin: (_t, s) => s.end(),
    client: seesAnswer(502),
    outcome: "gateway",
    status: 502,
  },
  {
    what: "the service closes within the head",
    origin: (_t, s) => s.end("HTTP/1.1 200 OK\r\nContent-Le"),
    client: seesAnswer(502),
    outcome: "gateway",
    status: 502,
  },
  {
    what: "the service speaks another language",
    origin: (_t, s) => s.end("SSH-2.0-x\r\n"),
    client: seesAnswer(502),
    outcome: "gateway",
    status: 502,
  },
  {
    what: "the service sends two lengths",
    origin: (_t, s) => s.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\nok"),
    client: seesAnswer(502),
    outcome: "gateway",
    status: 502,
  },
  {
    what: "the service upgrades unasked",
    origin: (_t, s) => s.end("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    client: seesAnswer(502),
    outcome: "gateway",
    status: 502,
  },
  {
    what: "the service resets under an upload",
    origin: (_t, s) => s.resetAndDestroy(),
    send: upload,
    client: seesAnswer(502),
    outcome: "gateway",
    status: 502,
  },
  {
    what: "the service breaks off in a body of known length",
    origin: (_t, s) => s.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"),
    client: seesCut("end"),
    outcome: "gateway",
    status: 200,
  },
  {
    what: "the service breaks off in a chunked body",
    origin: (_t, s) => s.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"),
    client: seesCut("end"),
    outcome: "gateway",
    status: 200,
  },
  {
    what: "the service sends a bad chunk",
    origin: (_t, s) => s.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n"),
    client: seesCut("end"),
    outcome: "gateway",
    status: 200,
  },
  {
    what: "the service resets in a chunked body",
    origin: (_t, s) =>
      s.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", () => s.resetAndDestroy()),
    client: seesCut("end"),
    outcome: "gateway",
    status: 200,
  },
  {
    what: "the service resets in a body that ends with its connection",
    origin: (_t, s) => s.write("HTTP/1.1 200 OK\r\n\r\npart", () => s.resetAndDestroy()),
    client: seesCut("end"),
    outcome: "gateway",
    status: 200,
  },
  {
    what: "the service sends both a length and chunks",
    origin: (_t, s) =>
      s.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n0\r\n\r\n"),
    client: seesAnswer(502),
    outcome: "gateway",
    status: 502,
  },
  {
    what: "the service breaks off and the client speaks HTTP/1.0",
    origin: (_t, s) => s.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"),
    send: request("GET", "1.0"),
    client: seesCut("reset"),
    outcome: "gateway",
    status: 200,
  },
  {
    what: "the service is silent past the timeout",
    origin: silent,
    timeoutMs: 60,
    client: seesAnswer(504),
    outcome: "gateway",
    status: 504,
  },
  {
    what: "the service is silent past the timeout under an upload",
    origin: silent,
    send: upload,
    timeoutMs: 60,
    client: seesAnswer(504),
    outcome: "gateway",
    status: 504,
  },
  {
    what: "the body is not over at the timeout",
    origin: (_t, s) => s.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"),
    timeoutMs: 60,
    client: seesCut("end"),
    outcome: "gateway",
    status: 200,
  },
  {
    what: "the client leaves before the head",
    origin: silent,
    client: async (client) => {
      client.socket.destroy();
    },
    outcome: "client",
    status: 0,
  },
  {
    what: "the client resets before the head",
    origin: silent,
    client: async (client) => {
      client.socket.resetAndDestroy();
    },
    outcome: "client",
    status: 0,
  },
  {
    what: "the client closes its half before the head",
    origin: silent,
    client: async (client) => {
      client.socket.end();
    },
    outcome: "client",
    status: 0,
  },
  {
    what: "the client leaves within the body",
    origin: (_t, s) => s.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"),
    client: leaveAfter(/part/),
    outcome: "client",
    status: 200,
  },
  {
    what: "the client leaves within its upload",
    origin: silent,
    send: upload,
    client: async (client) => {
      client.socket.destroy();
    },
    outcome: "client",
    status: 0,
  },
];

test.for(failures)("given that $what, the loan ends once and the record says $outcome $status", async (failure) => {
  const { port, backend, records, router, counters, origin } = await scene(
    failure.origin,
    failure.timeoutMs === undefined ? {} : { timeoutMs: failure.timeoutMs },
  );

  const client = new RawClient(port).send(failure.send ?? request());
  await eventually(() => origin.seen > 0, "the service sees the request");
  await failure.client?.(client);

  expect(await records(1)).toMatchObject([{ side: "gke", outcome: failure.outcome, status: failure.status }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
  expect(router.inFlight("gke")).toBe(0);
  expect(counters.snapshot()["gke"]).toMatchObject({
    requests: 1,
    errors: failure.outcome === "gateway" ? 1 : 0,
    inFlight: 0,
  });
  await eventually(() => origin.sockets.size === 0, "the connection to the service is gone");
  expect(origin.connections).toBe(1);
});

test("given no one at the origin, answers 502 with side and instance", async () => {
  const origin = await startOrigin(() => undefined);
  await origin.stop();
  const backend = backendAt(origin.url);
  const { port, records } = await startRouter(selectionOf(backend));

  await seesAnswer(502)(new RawClient(port).send(request()));

  expect(await records(1)).toMatchObject([{ outcome: "gateway", status: 502 }]);
  expect([backend.reserved, backend.released]).toEqual([1, 1]);
});

test("given a complete 500 of the service, it is the application's and bears no mark of the router", async () => {
  const origin = await startOrigin((_request, response) => {
    response.writeHead(500, { "x-kiro-instance": "gke/pod-1" });
    response.end("broken");
  });
  const { port, records } = await startRouter(selectionOf(backendAt(origin.url)));

  const answer = await new RawClient(port).send(request()).until(/broken/);

  expect(answer).toContain("x-kiro-instance: gke/pod-1");
  expect(answer).not.toContain("x-switchyard-instance");
  expect(await records(1)).toMatchObject([{ outcome: "application", status: 500 }]);
});

test("given that the timeout comes while a place is awaited, answers 504 and gives the late place back", async () => {
  const late = Promise.withResolvers<Record<string, never>>();
  const { port, backend, records } = await scene(silent, { timeoutMs: 60, place: () => late.promise });

  const answer = await new RawClient(port).send(request()).until(/\r\n\r\n/);
  expect(answer).toMatch(/^HTTP\/1\.1 504 /);
  expect(answer).toContain("x-switchyard-side: gke");
  expect(answer).not.toContain("x-switchyard-instance");
  expect(await records(1)).toMatchObject([{ outcome: "gateway", status: 504 }]);
  expect(backend.requests[0]?.signal?.aborted).toBe(true);
  late.resolve({});

  await eventually(() => backend.reserved === 1 && backend.released === 1, "the place is given back");
});

test("given that the client leaves while a place is awaited, the waiting one is told and a late place is given back", async () => {
  const late = Promise.withResolvers<Record<string, never>>();
  const { port, backend, records, origin } = await scene(silent, { place: () => late.promise });
  const client = new RawClient(port).send(request());
  await eventually(() => backend.requests.length === 1, "the place is asked for");
  const signal = backend.requests[0]?.signal;
  client.socket.destroy();
  if (signal?.aborted === false) await once(signal, "abort");
  late.resolve({});

  expect(await records(1)).toMatchObject([{ outcome: "client", status: 0 }]);
  await eventually(() => backend.reserved === 1 && backend.released === 1, "the place is given back");
  expect(origin.connections).toBe(0);
});

// 429 is "no instance free": failed, for the user. 404 is the request's own fault.
test.for([
  [503, "gateway"],
  [429, "gateway"],
  [404, "ok"],
] as const)(
  "given a refusal of the platform with %i, its words, the side and a record %s",
  async ([status, outcome]) => {
    const refusal = {
      kind: "refusal",
      status,
      headers: [["content-type", "text/html"]],
      body: "<h1>no</h1>",
    } as const;
    const { port, backend, records } = await scene(silent, { place: async () => refusal });

    const answer = await new RawClient(port).send(request()).until(/<h1>no<\/h1>$/);

    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain("content-type: text/html");
    expect(answer).toContain("x-switchyard-side: gke");
    expect(await records(1)).toMatchObject([{ outcome, status }]);
    expect(backend.reserved).toBe(0);
  },
);

test("given a side without a stamp of the route, errors of the router still name it", async () => {
  const backend = backendAt("http://127.0.0.1:9", {
    place: () => ({ kind: "refusal", status: 503, headers: [], body: "no" }),
  });
  const { port } = await startRouter(selectionOf(backend, { side: "cloud-run", responseHeaders: [] }));

  expect(await new RawClient(port).send(request()).until(/no$/)).toContain("x-switchyard-side: cloud-run");
});

test.for([
  [
    "throws",
    () => {
      throw new Error("a bug");
    },
  ],
  ["rejects", () => Promise.reject(new Error("a bug"))],
] as const)("given a backend that %s, answers 502 and reports the fault", async ([, place]) => {
  const { port, faults, records, router } = await scene(silent, { place });

  expect(await new RawClient(port).send(request()).until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 502 /);

  expect(faults).toMatchObject([{ message: "a bug" }]);
  expect(await records(1)).toMatchObject([{ outcome: "gateway", status: 502 }]);
  expect(router.inFlight("gke")).toBe(0);
});
