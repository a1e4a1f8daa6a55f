import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Service } from "@pulumi/gcp/cloudrunv2/service.js";
import { BackendService } from "@pulumi/gcp/compute/backendService.js";
import { GlobalForwardingRule } from "@pulumi/gcp/compute/globalForwardingRule.js";
import { RegionNetworkEndpointGroup } from "@pulumi/gcp/compute/regionNetworkEndpointGroup.js";
import { TargetHttpProxy } from "@pulumi/gcp/compute/targetHttpProxy.js";
import { URLMap } from "@pulumi/gcp/compute/urlmap.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { buildImage } from "../../../local/registry/image.ts";
import { processStartTime } from "../../../local/runtime/process-identity.ts";
import { attachedStack } from "./attached-engine.ts";
import { type DaemonProcess, StartFailedError, startDaemonProcess, until } from "./daemon-process.ts";

const echo = join(import.meta.dirname, "../../fixtures/images/echo");
let folder: string;
let root: string;
let daemon: DaemonProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "daemon-"));
  root = join(folder, "root");
  await mkdir(root);
});
afterEach(async () => {
  if (daemon?.exitCode === null) await daemon.kill("SIGKILL");
  daemon = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function start(...flags: string[]): Promise<DaemonProcess> {
  daemon = await startDaemonProcess(root, flags);
  return daemon;
}

/** A service of one warm instance behind a listener of port 80. */
async function declareService(target: DaemonProcess): Promise<void> {
  const { image } = await buildImage({ folder: echo, imagesDirectory: join(root, ".switchyard", "images") });
  const states = join(folder, "states");
  await mkdir(states);
  const location = "us-central1";
  const stack = await attachedStack(states, target.info.providers, "app", async () => {
    const service = new Service("echo", {
      name: "echo",
      location,
      deletionProtection: false,
      scaling: { minInstanceCount: 1 },
      template: { containers: [{ image }] },
    });
    const group = new RegionNetworkEndpointGroup("echo", {
      name: "echo",
      region: location,
      cloudRun: { service: service.name },
    });
    const backend = new BackendService("echo", {
      name: "echo",
      loadBalancingScheme: "EXTERNAL_MANAGED",
      backends: [{ group: group.selfLink }],
    });
    const map = new URLMap("echo", { name: "echo", defaultService: backend.selfLink });
    const proxy = new TargetHttpProxy("echo", { name: "echo", urlMap: map.selfLink });
    new GlobalForwardingRule("echo", {
      name: "echo-http",
      loadBalancingScheme: "EXTERNAL_MANAGED",
      portRange: "80",
      target: proxy.selfLink,
    });
  });
  await stack.up();
}

const instancesSchema = z.object({ instances: z.array(z.object({ name: z.string(), pid: z.number() })) });

async function instances(target: DaemonProcess): Promise<z.infer<typeof instancesSchema>["instances"]> {
  return instancesSchema.parse((await target.control("GET", "/usage")).body).instances;
}

async function listenerUrl(target: DaemonProcess): Promise<string> {
  const url = (await target.status()).listeners.find(({ name }) => name === "echo-http")?.url;
  if (url === undefined) throw new Error("There is no listener.");
  return url;
}

async function failureOf(operation: Promise<unknown>): Promise<StartFailedError> {
  const error: unknown = await operation.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof StartFailedError) return error;
  throw new Error(`It did not fail as it should: ${String(error)}`);
}

describe("the daemon's life", () => {
  it("announces itself in files that only the owner can read, and removes them at its end", async () => {
    const { info, letGo } = await start();
    const state = join(root, ".switchyard", "local");
    const { ready: _ready, ...announced } = info;
    expect(JSON.parse(await readFile(join(state, "daemon.json"), "utf8"))).toEqual(announced);
    for (const file of ["daemon.json", "token", "daemon.lock"]) {
      expect((await stat(join(state, file))).mode & 0o777).toBe(0o600);
    }
    await letGo();
    expect(daemon?.exitCode).toBe(0);
    expect(await readdir(state)).not.toContain("daemon.json");
    expect(await readdir(state)).not.toContain("daemon.lock");
  });

  it("is one per root: a second start is told who runs", async () => {
    const first = await start();
    const error = await failureOf(startDaemonProcess(root));
    expect(error.kind).toBe("DaemonRunningError");
    expect(error.message).toContain(`process ${first.info.pid} at ${first.info.controlUrl}`);
    expect((await first.control("GET", "/status")).status).toBe(200);
  });

  it("lets exactly one of many simultaneous starts win, after a crash too", async () => {
    await (await start()).kill("SIGKILL");
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => startDaemonProcess(root)));
    const running = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
    for (const one of running) await one.kill("SIGKILL");
    expect(running).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ kind: "DaemonRunningError" });
    }
  });

  it.each(["SIGTERM", "SIGINT"] as const)("stops on %s with exit code 0", async (signal) => {
    const running = await start();
    await running.kill(signal);
    expect(running.exitCode).toBe(0);
  });

  it("stops when its control API is asked to", async () => {
    const running = await start();
    expect(await running.control("POST", "/stop")).toEqual({ status: 202, body: { stopping: true } });
    await until("the daemon's end", async () => running.exitCode !== null);
    expect(running.exitCode).toBe(0);
  });

  it("refuses a damaged store, names it and keeps a copy", async () => {
    const state = join(root, ".switchyard", "local");
    await mkdir(state, { recursive: true });
    await writeFile(join(state, "resources.json"), "{");
    const error = await failureOf(startDaemonProcess(root));
    expect(error.kind).toBe("CorruptFileError");
    expect(error.message).toContain(join(state, "resources.json"));
    expect((await readdir(state)).filter((name) => name.startsWith("resources.json.corrupt-"))).toHaveLength(1);
    expect(await readdir(state)).not.toContain("daemon.lock");
  });
});

describe("what is declared", () => {
  it("serves, ends with its owner within 5 s, and is back at the same port after a restart", async () => {
    const first = await start();
    await declareService(first);
    const url = await listenerUrl(first);
    expect((await fetch(url)).status).toBe(200);
    const pids = (await instances(first)).map(({ pid }) => pid);
    expect(pids).toHaveLength(1);

    const begun = performance.now();
    await first.letGo();
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(pids.map(processStartTime)).toEqual([undefined]);

    const second = await start();
    expect((await second.status()).notRestored).toEqual([]);
    expect(await listenerUrl(second)).toBe(url);
    expect((await fetch(url)).status).toBe(200);
  });

  it("is back after kill -9, without orphans", async () => {
    const first = await start();
    await declareService(first);
    const url = await listenerUrl(first);
    const before = await instances(first);
    await first.kill("SIGKILL");
    const second = await start();
    for (const { pid } of before) {
      await until(`the end of orphan ${pid}`, async () => processStartTime(pid) === undefined, 5000);
    }
    expect(await listenerUrl(second)).toBe(url);
    expect((await fetch(url)).status).toBe(200);
    const after = await instances(second);
    expect(after.map(({ pid }) => pid)).not.toContain(before[0]?.pid);
  });

  it("keeps live weights over a restart", async () => {
    const first = await start();
    await declareService(first);
    const { body: map } = await first.google("GET", "global/urlMaps/echo");
    const patch = { fingerprint: map["fingerprint"], description: "changed" };
    expect((await first.google("PATCH", "global/urlMaps/echo", patch)).status).toBe(200);
    const { body: changed } = await first.google("GET", "global/urlMaps/echo");
    await first.kill("SIGKILL");
    const second = await start();
    expect((await second.google("GET", "global/urlMaps/echo")).body).toEqual(changed);
  });

  it("does not start over a listener's port that is taken: it names the port and the rule", async () => {
    const first = await start();
    await declareService(first);
    const { port } = new URL(await listenerUrl(first));
    await first.letGo();
    const other = createServer().listen(Number(port), "127.0.0.1");
    try {
      const error = await failureOf(startDaemonProcess(root));
      expect(error.kind).toBe("PortInUseError");
      expect(error.message).toContain(`port in use: ${port}`);
      expect(error.message).toContain("echo-http");
      await start("--listener", "echo-http=18443");
      expect((await daemon?.status())?.listeners).toEqual([
        { name: "echo-http", url: "http://127.0.0.1:18443", port: 18443 },
      ]);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });
});

describe("the control API", () => {
  it("shows status, traffic, usage, exits, resources and logs", async () => {
    const running = await start();
    await declareService(running);
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
    const running = await start();
    await declareService(running);
    const url = await listenerUrl(running);
    const waiting = running.control("GET", "/feed?wait_ms=10000");
    // The read has to be waiting: it reads from now on.
    await running.control("GET", "/status");
    await (await fetch(`${url}/one`)).text();
    const first = z
      .object({ records: z.array(z.unknown()), cursor: z.number(), lost: z.number() })
      .parse((await waiting).body);
    expect(first).toMatchObject({ records: [{ sequence: 1, status: 200, outcome: "ok" }], lost: 0 });
    await (await fetch(`${url}/two`)).text();
    const next = await running.control("GET", `/feed?after=${first.cursor}&wait_ms=5000`);
    expect(next.body).toMatchObject({ records: [{ sequence: 2 }], cursor: 2 });
  });

  it("changes settings within their ranges, all or nothing", async () => {
    const running = await start();
    const changed = await running.control("PATCH", "/settings", { propagationDelayMs: 250 });
    expect(changed).toMatchObject({ status: 200, body: { settings: { propagationDelayMs: 250 } } });
    for (const bad of [
      { propagationDelayMs: -1, negDelayMs: 1 },
      { propagationDelay: 1 },
      { coldStartDelayMs: "1" },
      [],
    ]) {
      expect(await running.control("PATCH", "/settings", bad)).toMatchObject({
        status: 400,
        body: { error: { code: "invalid-request" } },
      });
    }
    expect((await running.status()).settings).toMatchObject({ propagationDelayMs: 250, negDelayMs: 500 });
  });

  it("refuses who has no token, another Host, unknown paths and queries", async () => {
    const running = await start();
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
  });
});
