import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGoogleClient } from "../../../automation/adapters/google-client.ts";
import {
  createGoogleRequestFeed,
  googleSideLoad,
  loggingApi,
  outcomeOf,
  recordOf,
} from "../../../automation/adapters/google-request-feed.ts";
import type { Clock } from "../../../automation/ports/clock.ts";
import type { RequestBatch, RequestFeed } from "../../../automation/ports/request-feed.ts";
import { systemClock } from "../../../local/runtime/system-clock.ts";
import { type LocalCompute, startLocalCompute } from "../../support/local-compute.ts";

/** Against the local cloud's entries:list, with time that moves when somebody waits. */

const start = 1_800_000_000_000;
let folder: string;
let now: number;
let logDelayMs: number;
let compute: LocalCompute;

const clock: Clock = {
  now: () => now,
  wall: () => now,
  async sleep(ms, signal) {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    now += ms;
  },
};

beforeEach(async () => {
  now = start;
  logDelayMs = 20_000;
  folder = await mkdtemp(join(tmpdir(), "switchyard-log-"));
  compute = await startLocalCompute({
    folder,
    weights: { "cloud-run": 1_000, gke: 0 },
    logDelayMs: () => logDelayMs,
    clock: { ...systemClock, now: () => now },
  });
});
afterEach(async () => {
  await compute.close();
  await rm(folder, { recursive: true });
});

const scope = { backendPrefix: "kiro", platforms: ["gke", "cloud-run"], unweightedHosts: ["dark.agent.local"] };

function openFeed(endpoint = compute.loggingEndpoint): RequestFeed {
  const env = { CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: endpoint, GOOGLE_OAUTH_ACCESS_TOKEN: compute.token };
  return createGoogleRequestFeed({
    client: createGoogleClient({ api: loggingApi, env }),
    project: compute.project,
    urlMap: compute.urlMap,
    ...scope,
    clock,
    settleMs: 20_000,
    pollMs: 1_000,
  });
}

/** Requests that end at this moment, one a millisecond. */
function traffic(count: number, change: { readonly status?: number; readonly durationMs?: number } = {}): void {
  const { status = 200, durationMs = 12.5 } = change;
  for (let index = 0; index < count; index += 1) {
    compute.log.push({
      arrivedAt: now - durationMs,
      durationMs,
      listener: "kiro-https",
      backend: index % 4 === 0 ? "kiro-gke" : "kiro-cloud-run",
      method: "POST",
      host: "agent.local",
      path: `/process?n=${index}`,
      userAgent: "curl/8",
      status,
      outcome: status >= 500 ? "application" : "ok",
    });
    now += 1;
  }
}

/** Reads until there is nothing for a minute. */
async function readAll(feed: RequestFeed, from: number): Promise<RequestBatch[]> {
  const batches: RequestBatch[] = [];
  for (let cursor = from; ; ) {
    const batch = await feed.read(cursor, 60_000);
    if (batch.records.length === 0 && batch.lost === 0) return batches;
    batches.push(batch);
    cursor = batch.cursor;
  }
}

describe("the feed over the balancer's log", () => {
  test("gives every request of many once, whatever the order in which their entries came", async () => {
    const feed = openFeed();
    const { cursor } = await feed.read(undefined, 0);
    traffic(2_500);
    const batches = await readAll(feed, cursor);
    const records = batches.flatMap((batch) => batch.records);
    expect(records.map((record) => record.sequence)).toEqual(Array.from({ length: 2_500 }, (_, index) => index + 1));
    expect(records.filter((record) => record.side === "gke")).toHaveLength(625);
    expect(records.map((record) => record.at).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 2_500 }, (_, index) => start + index),
    );
    expect(batches.every((batch) => batch.lost === 0)).toBe(true);
  });

  test("tells side, status, time and outcome", async () => {
    const feed = openFeed();
    const { cursor } = await feed.read(undefined, 0);
    traffic(1, { status: 503 });
    const [batch] = await readAll(feed, cursor);
    expect(batch?.records).toEqual([
      { sequence: 1, at: start, side: "gke", status: 503, firstByteMs: 12.5, durationMs: 12.5, outcome: "application" },
    ]);
    expect(feed.description).toMatchObject({ complete: true, delayMs: 21_000 });
    expect(feed.description.fields).not.toContain("firstByteMs");
  });

  test("finds a request of an hour although its entry is dated from its start", async () => {
    const feed = openFeed();
    const { cursor } = await feed.read(undefined, 0);
    traffic(1, { durationMs: 3_599_000 });
    expect((await readAll(feed, cursor)).flatMap((batch) => batch.records)).toHaveLength(1);
  });

  test("another process goes on exactly where the cursor is, also hours later", async () => {
    const first = openFeed();
    const { cursor } = await first.read(undefined, 0);
    traffic(100);
    const read = await first.read(cursor, 60_000);
    traffic(50);
    now += 3 * 3_600_000;
    const others = (await readAll(openFeed(), read.cursor)).flatMap((batch) => batch.records);
    expect(read.records.length + others.length).toBe(150);
    const times = [...read.records, ...others].map((record) => record.at);
    expect(new Set(times).size).toBe(150);
  });

  test("counts entries as lost that could be read only after their time had been passed", async () => {
    const feed = openFeed();
    const { cursor } = await feed.read(undefined, 0);
    traffic(50);
    logDelayMs = 38_000;
    traffic(50);
    let lost = 0;
    let found = 0;
    for (let at = cursor; now < start + 300_000; ) {
      const batch = await feed.read(at, 5_000);
      at = batch.cursor;
      lost += batch.lost;
      found += batch.records.length;
    }
    expect(found).toBeLessThan(100);
    expect(found).toBeGreaterThanOrEqual(50);
    expect(found + lost).toBe(100);
  });

  test("without a permission says what the API said", async () => {
    const env = { CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: compute.loggingEndpoint, GOOGLE_OAUTH_ACCESS_TOKEN: "x" };
    const client = createGoogleClient({ api: loggingApi, env });
    const feed = createGoogleRequestFeed({ client, project: "p", urlMap: "kiro", ...scope, clock });
    await expect(feed.read(undefined, 0)).rejects.toMatchObject({ code: "credentials-missing" });
  });
});

describe("with a server that answers otherwise", () => {
  let server: Server | undefined;
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    server = undefined;
  });

  async function serve(listener: RequestListener): Promise<string> {
    const made = createServer(listener);
    server = made;
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    const { port } = made.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  test.each([
    [403, { error: { code: 403, message: "Permission denied.", status: "PERMISSION_DENIED" } }, "Permission denied."],
    [429, { error: { code: 429, message: "Quota exceeded.", status: "RESOURCE_EXHAUSTED" } }, "Quota exceeded."],
    [503, { error: { code: 503, message: "Try again.", status: "UNAVAILABLE" } }, "Try again."],
    [200, { entries: [{ insertId: "a", timestamp: "t" }] }, "entries.0.receiveTimestamp"],
  ])("a %i is an unreachable feed, with the reason", async (status, body, text) => {
    const endpoint = await serve((_request, reply) =>
      reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
    );
    await expect(openFeed(endpoint).read(undefined, 0)).rejects.toMatchObject({
      code: "feed-unreachable",
      message: expect.stringContaining(text),
    });
  });

  test("is asked once in a while only, so that the project's quota lasts, however often the feed is read", async () => {
    let asked = 0;
    const endpoint = await serve((_request, reply) => {
      asked += 1;
      reply.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
    const feed = openFeed(endpoint);
    const { cursor } = await feed.read(undefined, 0);
    now += 60_000;
    for (let reads = 0; reads < 50; reads += 1) {
      expect(await feed.read(cursor, 100)).toEqual({ records: [], cursor, lost: 0 });
    }
    expect(asked).toBeGreaterThanOrEqual(5);
    expect(asked).toBeLessThanOrEqual(10);
  });

  test("an entry that comes on two pages counts once", async () => {
    const entry = (id: string) => ({
      insertId: id,
      timestamp: new Date(start).toISOString(),
      receiveTimestamp: new Date(start + 1_000).toISOString().replace("Z", "123456Z"),
      resource: { labels: { backend_service_name: "kiro-gke" } },
      httpRequest: { requestUrl: "https://agent.local/", status: 200, latency: "0.001s" },
      jsonPayload: { statusDetails: "response_sent_by_backend" },
    });
    const pages = [
      {},
      { entries: [entry("a"), entry("b")], nextPageToken: "2" },
      { entries: [entry("b"), entry("c")] },
    ];
    const bodies: string[] = [];
    const endpoint = await serve(async (request, reply) => {
      let text = "";
      for await (const chunk of request) text += String(chunk);
      bodies.push(text);
      reply.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(pages.shift() ?? {}));
    });
    const feed = openFeed(endpoint);
    const { cursor } = await feed.read(undefined, 0);
    const batch = await feed.read(cursor, 60_000);
    expect(batch.records.map((record) => record.sequence)).toEqual([1, 2, 3]);
    expect(batch.cursor).toBe(start * 1_000 + 1_000_123);
    expect(bodies[2]).toContain('"pageToken":"2"');
  });
});

describe("what an entry says", () => {
  test.each([
    ["response_sent_by_backend", 200, "ok"],
    ["response_sent_by_backend", 404, "ok"],
    ["response_sent_by_backend", 429, "ok"],
    ["response_sent_by_backend", 500, "application"],
    ["response_from_cache", 200, "ok"],
    ["response_from_cache_validated", 304, "ok"],
    ["websocket_closed", 101, "ok"],
    ["backend_connection_closed_before_data_sent_to_client", 502, "gateway"],
    ["backend_connection_closed_after_partial_response_sent", 200, "gateway"],
    ["cache_lookup_failed_after_partial_response", 200, "gateway"],
    ["backend_timeout", 504, "gateway"],
    ["failed_to_connect_to_backend", 503, "gateway"],
    ["failed_to_pick_backend", 502, "gateway"],
    ["internal_error", 500, "gateway"],
    ["something_new", 503, "gateway"],
    ["", 0, "gateway"],
    ["client_disconnected_before_any_response", 0, "client"],
    ["client_disconnected_after_partial_response", 200, "client"],
    ["client_timed_out", 408, "client"],
    ["denied_by_security_policy", 403, "client"],
    ["uri_too_long", 414, "ok"],
  ] as const)("%s with status %i is %s", (details, status, outcome) => {
    expect(outcomeOf(details, status)).toBe(outcome);
  });

  const entry = {
    insertId: "a",
    timestamp: "2026-11-20T12:00:00.250123456Z",
    receiveTimestamp: "2026-11-20T12:00:01Z",
    resource: { labels: { backend_service_name: "kiro-gke" } },
    httpRequest: { requestUrl: "https://agent.local/process", status: 200, userAgent: "curl/8", latency: "1.5s" },
    jsonPayload: { statusDetails: "response_sent_by_backend" },
  };

  test("is dated from its end", () => {
    expect(recordOf(entry, scope)?.at).toBeCloseTo(Date.parse("2026-11-20T12:00:01.750Z") + 0.123, 2);
  });

  test("is nothing for the gates when it is a probe's or a request past the weights", () => {
    const httpRequest = entry.httpRequest;
    expect(
      recordOf({ ...entry, httpRequest: { ...httpRequest, userAgent: "switchyard-probe" } }, scope),
    ).toBeUndefined();
    const dark = { ...httpRequest, requestUrl: "https://dark.agent.local:443/process" };
    expect(recordOf({ ...entry, httpRequest: dark }, scope)).toBeUndefined();
  });

  test("has no side when the balancer chose none, or one that is no platform's", () => {
    for (const name of ["", "other-gke", "kiro-gke-old"]) {
      expect(recordOf({ ...entry, resource: { labels: { backend_service_name: name } } }, scope)?.side).toBe("");
    }
  });
});

test("what is in flight on Google's balancer is not known", async () => {
  expect(await googleSideLoad.inFlight("gke")).toBe("unknown");
});
