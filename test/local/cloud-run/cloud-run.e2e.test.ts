import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { type CloudRun, createCloudRun } from "../../../local/cloud-run/cloud-run.ts";
import type { Properties } from "../../../local/compute/resources.ts";
import type { Refusal } from "../../../local/router/backend.ts";
import { systemClock } from "../../../local/runtime/system-clock.ts";
import { type LocalProcesses, startLocalProcesses } from "../../support/local-processes.ts";

const name = "projects/switchyard-local/locations/us-central1/services/echo";
const soon = { timeout: 10_000, interval: 20 };

let local: LocalProcesses;
let cloudRun: CloudRun;
let coldStartDelayMs: number;

beforeEach(async () => {
  local = await startLocalProcesses();
  coldStartDelayMs = 0;
  cloudRun = createCloudRun({
    runtime: local.runtime,
    clock: systemClock,
    coldStartDelayMs: () => coldStartDelayMs,
    random: Math.random,
  });
});
afterEach(async () => {
  await Promise.all([cloudRun.close(), local.close()]);
});

function settings(env: Record<string, string> = {}, template: Properties = {}, container: Properties = {}): Properties {
  const envs = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  return { template: { containers: [{ image: local.image, envs, ...container }], ...template } };
}

const deploy = (inputs: Properties) => cloudRun.deploy(name, inputs, new AbortController().signal);

const replySchema = z.object({ pid: z.number(), most: z.number(), env: z.record(z.string(), z.string()) });
type Reply = z.infer<typeof replySchema> & { readonly instance: string };

/** One request the way the router makes it. */
async function ask(path: string): Promise<Reply | Refusal> {
  const backend = cloudRun.backend(name);
  if (backend === undefined) throw new Error("There is no such service.");
  const place = await backend.reserve({ method: "GET", path, host: "agent.local", probe: false, signal: undefined });
  if (place.kind === "refusal") return place;
  try {
    const response = await fetch(place.origin + path);
    return { ...replySchema.parse(await response.json()), instance: place.instance };
  } finally {
    place.release();
  }
}

async function answered(path: string): Promise<Reply> {
  const answer = await ask(path);
  if ("kind" in answer) throw new Error(`Refused with ${answer.status}: ${answer.body}`);
  return answer;
}

const metrics = () => cloudRun.metrics()[0];

it("a service answers with the contract's environment, its instance starting after the cold start", async () => {
  coldStartDelayMs = 300;
  const began = performance.now();
  const status = await deploy(settings({ COLOUR: "blue" }));
  expect(performance.now() - began).toBeGreaterThan(300);
  const { env, instance } = await answered("/");
  expect(env).toMatchObject({
    COLOUR: "blue",
    K_SERVICE: "echo",
    K_REVISION: status.latestReadyRevision,
    K_CONFIGURATION: "echo",
  });
  expect(env["PORT"]).toMatch(/^\d+$/);
  expect(instance).toContain(status.latestReadyRevision);
});

it("starts from zero for the first request", async () => {
  const status = await deploy(settings());
  await cloudRun.close();
  cloudRun = createCloudRun({
    runtime: local.runtime,
    clock: systemClock,
    coldStartDelayMs: () => 0,
    random: Math.random,
  });
  cloudRun.restore(name, settings(), status);
  expect(metrics()).toMatchObject({ instanceCount: 0, startingInstances: 0 });
  expect((await answered("/")).env["K_REVISION"]).toBe(status.latestReadyRevision);
  expect(metrics()).toMatchObject({ instanceCount: 1, coldStarts: 1 });
});

it("never gives an instance more requests at once than its concurrency", async () => {
  await deploy(settings({}, { maxInstanceRequestConcurrency: 3, scaling: { maxInstanceCount: 2 } }));
  // Long enough for the second instance to start, on a busy machine too.
  const replies = await Promise.all(Array.from({ length: 40 }, () => answered("/?wait=200")));
  expect(Math.max(...replies.map(({ most }) => most))).toBe(3);
  expect(new Set(replies.map(({ pid }) => pid)).size).toBe(2);
});

describe("a change of revision", () => {
  it("loses no request: those in flight finish on the old one", async () => {
    const first = await deploy(settings());
    const inFlight = Array.from({ length: 5 }, () => answered("/?wait=1500"));
    const stop = new AbortController();
    const steady: Promise<Reply[]> = (async () => {
      const replies: Reply[] = [];
      while (!stop.signal.aborted) replies.push(await answered("/?wait=5"));
      return replies;
    })();
    const second = await deploy(settings({ COLOUR: "green" }));
    expect((await answered("/")).env["K_REVISION"]).toBe(second.latestReadyRevision);
    for (const { env } of await Promise.all(inFlight)) expect(env["K_REVISION"]).toBe(first.latestReadyRevision);
    stop.abort();
    expect(new Set((await steady).map(({ env }) => env["K_REVISION"])).size).toBe(2);
    await vi.waitFor(() => expect(metrics()).toMatchObject({ retiringInstances: 0 }), soon);
    expect(local.runtime.exits().map(({ code, expected }) => [code, expected])).toEqual([[0, true]]);
  });

  it("that fails to start says why with the last output, and the old revision goes on", async () => {
    const first = await deploy(settings());
    await expect(deploy(settings({ FAIL_START: "1" }))).rejects.toThrow(
      /Container failed to start\. Failed to start and then listen on the port defined by the PORT environment variable\. Container called exit\(3\)\.\nIts last output:\necho: cannot reach its configuration$/,
    );
    expect((await answered("/")).env["K_REVISION"]).toBe(first.latestReadyRevision);
    expect(local.runtime.instances()).toHaveLength(1);
  });

  it("whose startup probe fails ends with the probe's reason", async () => {
    const probe = { httpGet: { path: "/?wait=5000" }, periodSeconds: 1, failureThreshold: 1 };
    await expect(deploy(settings({}, {}, { startupProbe: probe }))).rejects.toThrow(
      /Container failed to start\..*The startup probe failed: no answer within the timeout/,
    );
    expect(local.runtime.instances()).toEqual([]);
  });
});

it("a crashed instance is replaced to keep the minimum", async () => {
  await deploy(settings({}, { scaling: { minInstanceCount: 1 } }));
  const { pid, instance } = await answered("/");
  await expect(ask("/exit")).rejects.toThrow("fetch failed");
  await vi.waitFor(() => expect(metrics()).toMatchObject({ instanceCount: 1, coldStarts: 2 }), soon);
  expect((await answered("/")).pid).not.toBe(pid);
  expect(local.runtime.exits()).toMatchObject([{ name: instance, code: 7, expected: false }]);
});

it("an instance above its memory limit is killed with Google's words", async () => {
  const limits = { cpu: "80m", memory: "20Mi" };
  await deploy(settings({}, {}, { resources: { limits } }));
  await vi.waitFor(
    () => expect(local.runtime.exits()[0]?.reason).toMatch(/^Memory limit of 20 MiB exceeded with \d+ MiB used\.$/),
    soon,
  );
  expect(local.runtime.exits()[0]).toMatchObject({ signal: "SIGKILL", expected: false });
});

it("deletion lets requests finish, then sends SIGTERM", async () => {
  await deploy(settings());
  const held = answered("/?wait=500");
  await vi.waitFor(() => expect(metrics()).toMatchObject({ inFlight: 1 }), soon);
  const deleted = cloudRun.delete(name);
  await expect(held).resolves.toMatchObject({ most: 1 });
  await deleted;
  expect(local.runtime.exits()).toMatchObject([{ code: 0, signal: null, expected: true }]);
  expect(cloudRun.get(name)).toBeUndefined();
});

it("an instance that ignores SIGTERM is killed 10 s later", async () => {
  await deploy(settings({ IGNORE_SIGTERM: "1" }));
  const began = performance.now();
  await cloudRun.delete(name);
  expect(local.runtime.exits()).toMatchObject([{ signal: "SIGKILL", expected: true }]);
  expect(performance.now() - began).toBeGreaterThan(9950);
  expect(performance.now() - began).toBeLessThan(12_000);
});
