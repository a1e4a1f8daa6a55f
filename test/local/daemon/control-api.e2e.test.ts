import { mkdir, mkdtemp } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { removeFolder } from "../../support/remove-folder.ts";
import { type DaemonProcess, startDaemonProcess, until } from "./daemon-process.ts";
import { declareService, instances, listenerUrl } from "./declared-service.ts";

let folder: string;
let running: DaemonProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "control-"));
  const root = join(folder, "root");
  await mkdir(root);
  running = await startDaemonProcess(root);
  await declareService(running, folder, root);
});
afterAll(async () => {
  await running?.letGo();
  await removeFolder(folder);
});

const feedSchema = z.object({ records: z.array(z.unknown()), cursor: z.number(), lost: z.number() });

describe("the control API", () => {
  it("shows status, traffic, usage, exits, resources and logs", async () => {
    await (await fetch(await listenerUrl(running))).text();
    const { status } = running;
    expect(await status()).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      pid: running.info.pid,
      project: "switchyard-local",
      region: "us-central1",
      providers: running.info.providers,
      googleEndpoint: running.info.googleEndpoint,
      settings: { propagationDelayMs: 0 },
    });
    expect((await running.control("GET", "/traffic")).body).toMatchObject({
      sides: { "": { requests: 1, errors: 0 } },
      weights: {},
    });
    expect((await running.control("GET", "/traffic?listener=echo-http")).body).toMatchObject({
      sides: { "": { requests: 1 } },
    });
    expect((await running.control("GET", "/traffic?listener=other-https")).body).toEqual({
      sides: {},
      dark: {},
      weights: {},
      since: expect.any(Number),
      bucketBoundsMs: expect.arrayContaining([1, 60_000]),
    });
    expect((await running.control("GET", "/exits")).body).toEqual({ exits: [] });
    const resources = await running.control("GET", "/resources");
    expect(resources.body).toMatchObject({
      resources: expect.arrayContaining([
        { provider: "gcp", type: "gcp:compute/uRLMap:URLMap", id: "projects/switchyard-local/global/urlMaps/echo" },
      ]),
    });
    const [instance] = await instances(running);
    const log = await until("the instance's log", async () => {
      const reply = await running.control("GET", `/logs?instance=${instance?.name}`);
      return String(reply.body).includes("echo: listening") && reply.body;
    });
    expect(log).toContain("echo: listening");
    expect((await running.control("GET", "/logs?instance=none")).status).toBe(404);
    expect((await running.control("GET", "/logs?instance=..%2Ftoken")).status).toBe(400);
  });

  it("gives finished requests as they come", async () => {
    const url = await listenerUrl(running);
    const now = feedSchema.parse((await running.control("GET", "/feed")).body);
    expect(now).toMatchObject({ records: [], lost: 0 });
    await (await fetch(`${url}/one`)).text();
    const read = await running.control("GET", `/feed?after=${now.cursor}&wait_ms=5000`);
    expect(read.body).toMatchObject({
      records: [{ sequence: now.cursor + 1, status: 200, outcome: "ok" }],
      cursor: now.cursor + 1,
      lost: 0,
    });
  });

  it("gives the requests of one listener, under numbers of its own", async () => {
    const url = await listenerUrl(running);
    const now = feedSchema.parse((await running.control("GET", "/feed?listener=echo-http")).body);
    await (await fetch(`${url}/two`)).text();
    const own = await running.control("GET", `/feed?listener=echo-http&after=${now.cursor}&wait_ms=5000`);
    expect(own.body).toMatchObject({ records: [{ sequence: now.cursor + 1, listener: "echo-http" }], lost: 0 });
    const other = await running.control("GET", "/feed?listener=other-https&after=0");
    expect(other.body).toEqual({ records: [], cursor: 0, lost: 0 });
  });

  it("changes settings within their ranges, all or nothing", async () => {
    const changed = await running.control("PATCH", "/settings", { propagationDelayMs: 250 });
    expect(changed).toMatchObject({ status: 200, body: { settings: { propagationDelayMs: 250 } } });
    for (const bad of [
      { propagationDelayMs: -1, negDelayMs: 1 },
      { propagationDelay: 1 },
      { coldStartDelayMs: "1" },
      { propagationSpreadMs: 600_001 },
      { routerWorkers: 0 },
      { routerWorkers: 17 },
      { propagationInOrder: 1 },
      { logDelayMs: -1 },
      [],
    ]) {
      expect(await running.control("PATCH", "/settings", bad)).toMatchObject({
        status: 400,
        body: { error: { code: "invalid-request" } },
      });
    }
    expect((await running.status()).settings).toMatchObject({
      propagationDelayMs: 250,
      propagationSpreadMs: 0,
      propagationInOrder: true,
      routerWorkers: 1,
      negDelayMs: 500,
    });
  });

  it("refuses who has no token, another Host, unknown paths and queries", async () => {
    const { controlUrl } = running.info;
    for (const headers of [{}, { authorization: "Bearer x" }]) {
      expect((await fetch(`${controlUrl}/status`, { headers })).status).toBe(401);
    }
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${running.token}`, host: "rebound.example" };
      httpRequest(`${controlUrl}/status`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(400);
    expect((await running.control("GET", "/none")).status).toBe(404);
    expect((await running.control("POST", "/status")).status).toBe(404);
    expect((await running.control("GET", "/feed?wait_ms=60000")).status).toBe(400);
    expect((await running.control("GET", "/feed?after=x")).status).toBe(400);
    for (const path of ["feed", "traffic"]) {
      expect((await running.control("GET", `/${path}?listener=A_b`)).status).toBe(400);
    }
  });
});
