import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ImageNotFoundError } from "../../../local/registry/image-error.ts";
import { openRegistry } from "../../../local/registry/registry.ts";
import { processStartTime } from "../../../local/runtime/process-identity.ts";
import { createProcessRuntime } from "../../../local/runtime/process-runtime.ts";
import type { Instance, InstanceSpec } from "../../../local/runtime/runtime.ts";
import { systemClock } from "../../../local/runtime/system-clock.ts";
import { type LocalProcesses, startLocalProcesses } from "../../support/local-processes.ts";

let local: LocalProcesses;
beforeEach(async () => {
  local = await startLocalProcesses();
});
afterEach(() => local.close());

const soon = { timeout: 10_000, interval: 20 };

function start(options: Partial<InstanceSpec> = {}): Promise<Instance> {
  return local.runtime.start({ name: "echo-1", platform: "gke", image: local.image, env: {}, ...options });
}

const replySchema = z.object({ pid: z.number(), env: z.record(z.string(), z.string()) });

async function ask(instance: Instance): Promise<z.infer<typeof replySchema>> {
  return replySchema.parse(await (await fetch(`${instance.origin}/`)).json());
}

const untilItAnswers = (instance: Instance) => vi.waitFor(() => ask(instance), soon);

/** Runs a shell in place of the image's own command; each line of its output is a process id. */
async function startShell(
  script: string,
): Promise<{ readonly instance: Instance; readonly children: readonly number[] }> {
  const instance = await start({ command: ["sh", "-c", script] });
  const log = path.join(local.logsDirectory, "echo-1.log");
  const children = await vi.waitFor(async () => {
    const lines = (await readFile(log, "utf8")).trim().split("\n");
    expect(lines.at(-1)).toBe("ready");
    return lines.slice(0, -1).map(Number);
  }, soon);
  return { instance, children };
}

describe("an instance", () => {
  it("answers on its port on loopback with an environment that has nothing of the daemon's but PATH", async () => {
    process.env["DAEMON_SECRET"] = "hidden";
    const instance = await start({ env: { COLOUR: "blue", PORT: "1" } }).finally(
      () => delete process.env["DAEMON_SECRET"],
    );
    const { pid, env } = await untilItAnswers(instance);
    expect(pid).toBe(instance.pid);
    expect(Object.keys(env).sort()).toEqual(
      ["COLOUR", "HOME", "HOST", "HOSTNAME", "LANG", "PATH", "PORT", "SWITCHYARD_RUNTIME", "TMPDIR", "TZ"].sort(),
    );
    expect(env).toMatchObject({
      COLOUR: "blue",
      PORT: String(instance.port),
      HOST: "127.0.0.1",
      HOSTNAME: instance.name,
      TZ: "UTC",
    });
    expect(env["HOME"]).toContain(local.stateDirectory);
  });

  it("ends at SIGTERM within its grace, as asked, and leaves only its log", async () => {
    const instance = await start();
    await untilItAnswers(instance);
    const exit = await instance.stop(5000);
    expect(exit).toMatchObject({
      name: "echo-1",
      platform: "gke",
      code: 0,
      signal: null,
      expected: true,
      lastOutput: "echo: listening",
    });
    expect(await instance.stop(0)).toBe(exit);
    expect(instance.hasExited).toBe(true);
    expect(local.runtime.instances()).toEqual([]);
    expect(local.runtime.exits()).toEqual([exit]);
    expect(await readFile(path.join(local.logsDirectory, "echo-1.log"), "utf8")).toBe("echo: listening\n");
    const [owner = ""] = await readdir(path.join(local.stateDirectory, "homes"));
    expect(await readdir(path.join(local.stateDirectory, "homes", owner))).toEqual([]);
  });

  it("is killed when its grace has passed, and a second stop may only shorten the grace", async () => {
    const instance = await start({ env: { IGNORE_SIGTERM: "1" } });
    await untilItAnswers(instance);
    const began = performance.now();
    const stopped = instance.stop(300);
    void instance.stop(60_000);
    expect(await stopped).toMatchObject({ signal: "SIGKILL", expected: true });
    expect(performance.now() - began).toBeGreaterThan(290);
    const second = await start({ env: { IGNORE_SIGTERM: "1" } });
    await untilItAnswers(second);
    void second.stop(60_000);
    expect(await second.stop(0)).toMatchObject({ signal: "SIGKILL" });
  });

  it("is killed when its grace has passed, also when the timer rings before the wall clock says so", async () => {
    const runtime = createProcessRuntime({
      registry: openRegistry(path.join(local.root, "images")),
      logsDirectory: path.join(local.root, "early/logs"),
      clock: { now: systemClock.now, setTimeout: (callback, ms) => systemClock.setTimeout(callback, ms - 50) },
    });
    const env = { IGNORE_SIGTERM: "1" };
    const instance = await runtime.start({ name: "early", platform: "gke", image: local.image, env });
    await untilItAnswers(instance);
    expect(await instance.stop(300)).toMatchObject({ signal: "SIGKILL", expected: true });
    await runtime.close(0);
  });

  it("that ends by itself has crashed, and its last output is told", async () => {
    const heard: string[] = [];
    local.runtime.onExit(({ name }) => heard.push(name));
    const instance = await start({ env: { FAIL_START: "1" } });
    expect(await instance.exited).toMatchObject({
      code: 3,
      expected: false,
      lastOutput: "echo: cannot reach its configuration",
    });
    expect(heard).toEqual(["echo-1"]);
  });

  it("that the platform kills for a fault of its own was not expected to end", async () => {
    const instance = await start();
    expect(await instance.stop(0, "Memory limit exceeded.")).toMatchObject({
      signal: "SIGKILL",
      expected: false,
      reason: "Memory limit exceeded.",
    });
  });

  it("takes its children with it, when it is stopped and when it ends by itself", async () => {
    const asked = await startShell("sleep 600 & echo $!; echo ready; wait");
    await asked.instance.stop(0);
    const alone = await startShell("sleep 600 & echo $!; echo ready; exit 5");
    expect(await alone.instance.exited).toMatchObject({ code: 5 });
    const children = [...asked.children, ...alone.children];
    expect(children.length).toBeGreaterThanOrEqual(2);
    await vi.waitFor(() => expect(children.filter((pid) => processStartTime(pid) !== undefined)).toEqual([]), soon);
  });

  it("has its CPU and memory measured", async () => {
    const instance = await start();
    await untilItAnswers(instance);
    const [usage] = await local.runtime.usage();
    expect(usage).toMatchObject({ name: "echo-1", platform: "gke", pid: instance.pid });
    expect(usage?.memoryBytes).toBeGreaterThan(10_000_000);
    await instance.stop(0);
    await vi.waitFor(async () => expect(await local.runtime.usage()).toEqual([]), soon);
  });
});

describe("a start", () => {
  it("is refused with a clear error for an unknown image, a missing program, a bad or taken name", async () => {
    await expect(start({ image: `echo@sha256:${"0".repeat(64)}` })).rejects.toBeInstanceOf(ImageNotFoundError);
    await expect(start({ command: ["no-such-program"] })).rejects.toThrow(/'no-such-program' cannot be run \(.*ENOENT/);
    await expect(start({ name: "../escape" })).rejects.toThrow(/other characters/);
    await start();
    await expect(start()).rejects.toThrow(/one of that name runs already/);
    expect(local.runtime.instances()).toHaveLength(1);
  });

  it("is made again on another port when the port was taken after the look", async () => {
    // The first port is free when it is looked at; the program itself takes it, then complains as Node does.
    const script =
      'if [ ! -e "$TMPDIR/again" ]; then touch "$TMPDIR/again"; echo "Error: listen EADDRINUSE: address already in use 127.0.0.1:$PORT" >&2; exit 1; fi; exec node main.ts';
    const instance = await start({ command: ["sh", "-c", script] });
    const first = { pid: instance.pid, port: instance.port };
    await untilItAnswers(instance);
    expect(instance.port).not.toBe(first.port);
    expect(instance.pid).not.toBe(first.pid);
    expect(local.runtime.exits()).toEqual([]);
  });

  it("never promises a port that somebody listens on", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const numbers = [0.5, 0.5, 0.75];
    const runtime = createProcessRuntime({
      registry: openRegistry(path.join(local.root, "images")),
      logsDirectory: path.join(local.root, "second/logs"),
      clock: systemClock,
      random: () => numbers.shift() ?? 0.9,
    });
    const spec = { platform: "gke", image: local.image, env: {} };
    const first = await runtime.start({ ...spec, name: "a" });
    const second = await runtime.start({ ...spec, name: "b" });
    expect(second.port).not.toBe(first.port);
    await runtime.close(0);
    taken.close();
  });
});

it("closes with everything that it started, and starts nothing afterwards", async () => {
  const instances = await Promise.all(["a", "b", "c"].map((name) => start({ name })));
  await Promise.all(instances.map(untilItAnswers));
  await local.runtime.close(5000);
  expect(instances.map(({ pid }) => processStartTime(pid))).toEqual([undefined, undefined, undefined]);
  expect(local.runtime.exits().map(({ expected, code }) => [expected, code])).toEqual([
    [true, 0],
    [true, 0],
    [true, 0],
  ]);
  await expect(start()).rejects.toThrow(/the local cloud is stopping/);
});
