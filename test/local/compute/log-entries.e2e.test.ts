import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type LocalCompute, startLocalCompute } from "../../support/local-compute.ts";
import { manualClock } from "./manual-clock.ts";

const start = Date.parse("2026-11-20T12:00:00Z");
let folder: string;
let clock: ReturnType<typeof manualClock>;
let delay = 0;
let compute: LocalCompute;

beforeEach(async () => {
  delay = 0;
  clock = manualClock(start);
  folder = await mkdtemp(join(tmpdir(), "log-entries-"));
  compute = await startLocalCompute({ folder, weights: { gke: 1 }, logDelayMs: () => delay, clock });
});
afterEach(async () => {
  await compute.close();
  await rm(folder, { recursive: true });
});

const replySchema = z.object({
  entries: z.array(z.looseObject({ insertId: z.string(), timestamp: z.string() })).default([]),
  nextPageToken: z.string().optional(),
  error: z.object({ code: z.number(), message: z.string(), status: z.string().optional() }).optional(),
});

async function list(body: object, token = compute.token) {
  const reply = await fetch(`${compute.loggingEndpoint}v2/entries:list`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: reply.status, body: replySchema.parse(await reply.json()) };
}

const all = { resourceNames: ["projects/switchyard-local"] };

function log(change: Partial<Parameters<LocalCompute["log"]["push"]>[0]> = {}): void {
  compute.log.push({
    arrivedAt: clock.now() - 12.5,
    durationMs: 12.5,
    listener: "kiro-https",
    backend: "kiro-gke",
    method: "POST",
    host: "agent.local",
    path: "/process?a=1",
    userAgent: "curl/8",
    status: 200,
    outcome: "ok",
    ...change,
  });
}

describe("entries:list", () => {
  it("gives a request in the form of the balancer's log", async () => {
    log();
    const { body } = await list(all);
    expect(body.entries).toEqual([
      {
        insertId: expect.stringMatching(/^\w+$/),
        logName: "projects/switchyard-local/logs/requests",
        timestamp: "2026-11-20T11:59:59.987500Z",
        receiveTimestamp: "2026-11-20T12:00:00.000000Z",
        severity: "INFO",
        resource: {
          type: "http_load_balancer",
          labels: {
            project_id: "switchyard-local",
            forwarding_rule_name: "kiro-https",
            target_proxy_name: "kiro-https",
            url_map_name: "kiro",
            backend_service_name: "kiro-gke",
            zone: "global",
          },
        },
        httpRequest: {
          requestMethod: "POST",
          requestUrl: "https://agent.local/process?a=1",
          status: 200,
          userAgent: "curl/8",
          remoteIp: "127.0.0.1",
          latency: "0.012500s",
        },
        jsonPayload: {
          "@type": "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry",
          statusDetails: "response_sent_by_backend",
        },
      },
    ]);
  });

  it.each([
    ["ok", 404, "response_sent_by_backend"],
    ["application", 500, "response_sent_by_backend"],
    ["gateway", 429, "response_sent_by_backend"],
    ["gateway", 502, "backend_connection_closed_before_data_sent_to_client"],
    ["gateway", 503, "failed_to_pick_backend"],
    ["gateway", 504, "backend_timeout"],
    ["gateway", 200, "backend_connection_closed_after_partial_response_sent"],
    ["client", 0, "client_disconnected_before_any_response"],
    ["client", 200, "client_disconnected_after_partial_response"],
  ] as const)("says of %s with status %i: %s", async (outcome, status, statusDetails) => {
    log({ outcome, status });
    expect((await list(all)).body.entries[0]).toMatchObject({ jsonPayload: { statusDetails } });
  });

  it("shows entries after a delay and not in the order of their ends", async () => {
    delay = 10_000;
    for (let index = 0; index < 200; index += 1) log({ path: `/${index}` });
    expect((await list({ ...all, pageSize: 1000 })).body.entries).toEqual([]);
    clock.advance(5_000);
    const early = (await list({ ...all, pageSize: 1000 })).body.entries.map(numberOf);
    expect(early.length).toBeGreaterThan(20);
    expect(early.length).toBeLessThan(180);
    // Some of the first are not there yet although some of the last are.
    expect(Math.max(...early)).toBeGreaterThan(150);
    expect(early.filter((index) => index < 50).length).toBeLessThan(50);
    clock.advance(5_000);
    expect((await list({ ...all, pageSize: 1000 })).body.entries).toHaveLength(200);
  });

  it("pages, oldest or newest first, and takes a token for its own query only", async () => {
    for (let index = 0; index < 5; index += 1) {
      log({ path: `/${index}` });
      clock.advance(1);
    }
    const seen: number[] = [];
    let pageToken: string | undefined;
    do {
      const { body } = await list({ ...all, pageSize: 2, ...(pageToken !== undefined && { pageToken }) });
      seen.push(...body.entries.map(numberOf));
      pageToken = body.nextPageToken;
    } while (pageToken !== undefined);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    const newest = await list({ ...all, pageSize: 2, orderBy: "timestamp desc" });
    expect(newest.body.entries.map(numberOf)).toEqual([4, 3]);
    for (const token of [newest.body.nextPageToken, "nonsense"]) {
      expect(await list({ ...all, pageToken: token })).toMatchObject({
        status: 400,
        body: { error: { code: 400, status: "INVALID_ARGUMENT", message: expect.stringContaining("page_token") } },
      });
    }
  });

  it("gives only what the filter and the project leave", async () => {
    log();
    log({ listener: "other-https" });
    log({ userAgent: "switchyard-probe" });
    const filter = 'resource.labels.url_map_name="kiro" NOT httpRequest.userAgent:"switchyard-probe"';
    expect((await list({ ...all, filter })).body.entries).toHaveLength(1);
    expect((await list({ resourceNames: ["projects/another"] })).body.entries).toEqual([]);
  });

  it("refuses who has no token, and requests that Google would refuse", async () => {
    expect((await list(all, "another")).status).toBe(401);
    for (const bad of [
      {},
      { resourceNames: [] },
      { ...all, orderBy: "insertId" },
      { ...all, filter: "(" },
      { ...all, pageSize: -1 },
      { ...all, pages: 1 },
    ]) {
      expect(await list(bad)).toMatchObject({
        status: 400,
        body: { error: { code: 400, status: "INVALID_ARGUMENT", message: expect.any(String) } },
      });
    }
  });
});

function numberOf(entry: object): number {
  const { requestUrl } = z.object({ httpRequest: z.object({ requestUrl: z.string() }) }).parse(entry).httpRequest;
  return Number(new URL(requestUrl).pathname.slice(1));
}
