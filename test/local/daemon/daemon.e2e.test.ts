import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { processStartTime } from "../../../local/runtime/process-identity.ts";
import { removeFolder } from "../../support/remove-folder.ts";
import { type DaemonProcess, StartFailedError, startDaemonProcess, until } from "./daemon-process.ts";
import { declareService, instances, listenerUrl } from "./declared-service.ts";

let folder: string;
let root: string;
let daemon: DaemonProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "daemon-"));
  root = join(folder, "root");
  await mkdir(root);
});
afterEach(async () => {
  // Not SIGKILL: its watchdog would need the records that are removed next.
  if (daemon?.exitCode === null) await daemon.letGo();
  daemon = undefined;
  await removeFolder(folder);
});

async function start(...flags: string[]): Promise<DaemonProcess> {
  daemon = await startDaemonProcess(root, flags);
  return daemon;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("There is no free port.");
  return address.port;
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
  it("begins with the settings that it is given, and refuses those that are none", async () => {
    const { status } = await start("--settings", '{"routerWorkers":3,"propagationInOrder":false}');
    expect((await status()).settings).toMatchObject({ routerWorkers: 3, propagationInOrder: false, negDelayMs: 500 });
    for (const bad of ['{"routerWorkers":17}', '{"workers":1}', "{"]) {
      const failure = await failureOf(startDaemonProcess(join(folder, "other"), ["--settings", bad]));
      expect(failure.message).toMatch(/settings|routerWorkers/);
    }
  });

  it("announces itself in files that only the owner can read, and removes them at its end", async () => {
    const { info, letGo } = await start();
    const state = join(root, ".switchyard", "local");
    const { ready: _ready, ...announced } = info;
    expect(JSON.parse(await readFile(join(state, "daemon.json"), "utf8"))).toEqual(announced);
    for (const file of ["daemon.json", "token", "daemon.lock.1"]) {
      expect((await stat(join(state, file))).mode & 0o777).toBe(0o600);
    }
    await letGo();
    expect(daemon?.exitCode).toBe(0);
    expect(await readdir(state)).not.toContain("daemon.json");
    // Free again.
    await start();
    expect((await readdir(state)).filter((name) => name.startsWith("daemon."))).toEqual([
      "daemon.json",
      "daemon.lock.2",
    ]);
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
    await rm(join(state, "resources.json"));
    await start();
  });
});

describe("what is declared", () => {
  it("serves, ends with its owner within 5 s, and is back at the same port after a restart", async () => {
    const first = await start();
    await declareService(first, folder, root);
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
    await declareService(first, folder, root);
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
    await declareService(first, folder, root);
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
    await declareService(first, folder, root);
    const { port } = new URL(await listenerUrl(first));
    await first.letGo();
    const other = createServer().listen(Number(port), "127.0.0.1");
    try {
      const error = await failureOf(startDaemonProcess(root));
      expect(error.kind).toBe("PortInUseError");
      expect(error.message).toContain(`port in use: ${port}`);
      expect(error.message).toContain("echo-http");
      const free = await freePort();
      await start("--listener", `echo-http=${free}`);
      expect((await daemon?.status())?.listeners).toEqual([
        { name: "echo-http", url: `http://127.0.0.1:${free}`, port: free },
      ]);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });
});
