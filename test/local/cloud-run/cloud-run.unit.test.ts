import { beforeEach, describe, expect, it } from "vitest";
import { type CloudRun, createCloudRun } from "../../../local/cloud-run/cloud-run.ts";
import type { CloudRunError } from "../../../local/cloud-run/cloud-run-error.ts";
import type { Properties } from "../../../local/compute/resources.ts";
import { ImageNotFoundError } from "../../../local/registry/image-error.ts";
import type { Refusal, Reservation } from "../../../local/router/backend.ts";
import { createFakeClock, type FakeClock } from "../../support/fake-clock.ts";
import { createSignalledRuntime, type SignalledRuntime } from "./signalled-runtime.ts";

const name = "projects/p/locations/us-central1/services/agent";
const image = `agent@sha256:${"0".repeat(64)}`;
const coldStartDelayMs = 400;

let clock: FakeClock;
let runtime: SignalledRuntime;
let cloudRun: CloudRun;
/** What the startup probe says; undefined is success. */
let probeAnswer: string | undefined;

beforeEach(() => {
  clock = createFakeClock();
  runtime = createSignalledRuntime(clock);
  probeAnswer = undefined;
  cloudRun = createCloudRun({
    runtime,
    clock,
    coldStartDelayMs: () => coldStartDelayMs,
    random: () => 0,
    attempt: async () => probeAnswer,
  });
});

function settings(template: Properties = {}, env: Record<string, string> = {}, container: Properties = {}): Properties {
  const envs = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  return { template: { containers: [{ image, envs, ...container }], maxInstanceRequestConcurrency: 2, ...template } };
}

async function deploy(inputs: Properties, signal = new AbortController().signal) {
  const deployed = cloudRun.deploy(name, inputs, signal);
  // Failures are looked at by the caller, after time has passed.
  deployed.catch(() => undefined);
  await clock.advance(coldStartDelayMs);
  return deployed;
}

function reserve(options: { probe?: boolean; path?: string; signal?: AbortSignal } = {}) {
  const backend = cloudRun.backend(name);
  if (backend === undefined) throw new Error("There is no such service.");
  const { probe = false, path = "/process", signal } = options;
  return backend.reserve({ method: "GET", path, host: "agent.local", probe, signal });
}

function place(answer: Reservation | Refusal | Promise<Reservation | Refusal>): Reservation {
  if (answer instanceof Promise || answer.kind !== "reservation") throw new Error("There was no free place.");
  return answer;
}

async function settled<Value>(promise: Value | Promise<Value>): Promise<Value | "waiting"> {
  await clock.advance(0);
  return Promise.race([promise, Promise.resolve("waiting" as const)]);
}

const metrics = () => cloudRun.metrics()[0];
const idleToZero = () => clock.advance(15 * 60_000 + 6000);

describe("a deployment", () => {
  it("starts one instance after the cold start and gives it the contract's environment", async () => {
    const status = await deploy(settings({}, { COLOUR: "blue" }));
    expect(status).toMatchObject({
      latestCreatedRevision: "agent-00001-aaa",
      latestReadyRevision: "agent-00001-aaa",
      generation: 1,
    });
    expect(status.uri).toMatch(/^https:\/\/agent-\d{12}\.us-central1\.run\.app$/);
    expect(runtime.started.map(({ spec }) => spec)).toMatchObject([
      {
        platform: "cloud-run",
        image,
        env: { COLOUR: "blue", K_SERVICE: "agent", K_REVISION: "agent-00001-aaa", K_CONFIGURATION: "agent" },
        memoryLimitBytes: 512 * 1024 * 1024,
      },
    ]);
  });

  it("starts the minimum", async () => {
    await deploy(settings({ scaling: { minInstanceCount: 3 } }));
    expect(metrics()).toMatchObject({ instanceCount: 3 });
  });

  it("makes no revision when only service settings change, and acts on them", async () => {
    await deploy(settings());
    const status = await deploy({ ...settings(), scaling: { minInstanceCount: 2 } });
    expect(status).toMatchObject({ latestReadyRevision: "agent-00001-aaa", generation: 2 });
    await clock.advance(coldStartDelayMs);
    expect(metrics()).toMatchObject({ instanceCount: 2 });
  });

  it("is the same when nothing changes", async () => {
    const first = await deploy(settings());
    expect(await deploy(settings())).toEqual(first);
    expect(runtime.started).toHaveLength(1);
  });

  it("rolls to a new revision: requests in flight finish on the old one, new ones go to the new one", async () => {
    await deploy(settings());
    const held = place(reserve());
    await deploy(settings({}, { COLOUR: "green" }));
    const [old, fresh] = runtime.started;
    expect(place(reserve()).instance).toBe(fresh?.name);
    expect(old?.signals).toEqual([]);
    held.release();
    expect(old?.signals).toEqual(["SIGTERM"]);
    expect(metrics()).toMatchObject({ revision: "agent-00002-aaa", instanceCount: 1 });
  });

  it("starts as many instances of the new revision as the load needs before it rolls", async () => {
    await deploy(settings({ scaling: { minInstanceCount: 3 } }));
    for (let count = 0; count < 6; count += 1) place(reserve());
    await deploy(settings({}, { COLOUR: "green" }));
    expect(metrics()).toMatchObject({ revision: "agent-00002-aaa", instanceCount: 5 });
  });

  it("that fails says so in Google's words with the last output, and leaves the traffic where it was", async () => {
    await deploy(settings());
    probeAnswer = "port 1 did not accept connections within 240 s";
    const failure: CloudRunError = await deploy(settings({}, { BAD: "1" })).then(
      () => Promise.reject(new Error("It was deployed.")),
      (error) => error,
    );
    expect(failure.message).toContain(
      "Container failed to start. Failed to start and then listen on the port defined by the PORT environment variable.",
    );
    expect(failure.message).toContain(probeAnswer);
    expect(cloudRun.get(name)?.status).toMatchObject({
      latestCreatedRevision: "agent-00002-aaa",
      latestReadyRevision: "agent-00001-aaa",
    });
    expect(place(reserve()).instance).toBe(runtime.started[0]?.name);
    expect(runtime.instances()).toHaveLength(1);
  });

  it("of an image that is not there names the command that builds it", async () => {
    runtime.startError = new ImageNotFoundError(image, "the local registry does not have it");
    await expect(deploy(settings())).rejects.toThrow(/switchyard image build/);
  });

  it("that is refused for its settings leaves no service behind", async () => {
    await expect(deploy(settings({ timeout: "1h" }))).rejects.toThrow(/template\.timeout: must be a duration/);
    expect(cloudRun.get(name)).toBeUndefined();
    await expect(cloudRun.deploy("agent", settings(), new AbortController().signal)).rejects.toThrow(
      /projects\/P\/locations/,
    );
  });

  it("that is cancelled leaves nothing of the new revision", async () => {
    await deploy(settings());
    const controller = new AbortController();
    const deployed = cloudRun.deploy(name, settings({}, { COLOUR: "green" }), controller.signal);
    deployed.catch(() => undefined);
    await clock.advance(coldStartDelayMs / 2);
    controller.abort();
    await expect(deployed).rejects.toThrow(/was cancelled; traffic is unchanged/);
    await clock.advance(1000);
    expect(runtime.started).toHaveLength(1);
  });

  it("pinned to a former revision goes back to it", async () => {
    await deploy(settings());
    await deploy(settings({}, { COLOUR: "green" }));
    const pin = { type: "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", revision: "agent-00001-aaa", percent: 100 };
    const status = await deploy({ ...settings({}, { COLOUR: "green" }), traffics: [pin] });
    expect(status.latestReadyRevision).toBe("agent-00002-aaa");
    expect(metrics()).toMatchObject({ revision: "agent-00001-aaa", instanceCount: 1 });
    await expect(deploy({ ...settings(), traffics: [{ ...pin, revision: "agent-nine" }] })).rejects.toThrow(
      "Revision 'agent-nine' not found.",
    );
  });

  it("refuses a revision name that is taken", async () => {
    await deploy(settings({ revision: "agent-blue" }));
    await expect(deploy(settings({ revision: "agent-blue" }, { A: "1" }))).rejects.toThrow(
      "Revision named 'agent-blue' with different configuration already exists.",
    );
  });
});

describe("a request", () => {
  it("goes to the least loaded instance at once", async () => {
    await deploy(settings({ scaling: { minInstanceCount: 2 } }));
    const [first, second, third] = [place(reserve()), place(reserve()), place(reserve())];
    expect(second.instance).not.toBe(first.instance);
    second.release();
    second.release();
    expect(metrics()).toMatchObject({ inFlight: 2 });
    expect(place(reserve()).instance).toBe(second.instance);
    expect(third.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it("wakes a service that has scaled to zero and waits for the cold start", async () => {
    await deploy(settings());
    await idleToZero();
    expect(metrics()).toMatchObject({ instanceCount: 0 });
    const waiting = reserve();
    await clock.advance(coldStartDelayMs - 1);
    expect(await settled(waiting)).toBe("waiting");
    await clock.advance(1);
    expect(await settled(waiting)).toMatchObject({ kind: "reservation" });
  });

  it("waits when all slots are taken, and gets the first that comes free", async () => {
    await deploy(settings({ scaling: { maxInstanceCount: 1 } }));
    const held = [place(reserve()), place(reserve())];
    const first = reserve();
    const second = reserve();
    held[0]?.release();
    expect(await settled(first)).toMatchObject({ kind: "reservation" });
    expect(await settled(second)).toBe("waiting");
  });

  it("starts another instance when all slots are taken and there may be more", async () => {
    await deploy(settings());
    place(reserve());
    place(reserve());
    const third = reserve();
    await clock.advance(coldStartDelayMs);
    expect(await settled(third)).toMatchObject({ kind: "reservation", instance: runtime.started[1]?.name });
  });

  it("is refused with 429 after 10 s at the maximum (statement 41)", async () => {
    await deploy(settings({ scaling: { maxInstanceCount: 1 } }));
    place(reserve());
    place(reserve());
    const refused = reserve();
    await clock.advance(9999);
    expect(await settled(refused)).toBe("waiting");
    await clock.advance(1);
    const answer = await settled(refused);
    expect(answer).toMatchObject({ kind: "refusal", status: 429 });
    expect(answer).toMatchObject({
      body: expect.stringMatching(/^The request was aborted because there was no available instance\..*maximum/),
    });
  });

  it("is refused with 500 below the maximum, after 3.5 average starts where that is longer (statements 40, 42)", async () => {
    cloudRun = createCloudRun({
      runtime,
      clock,
      coldStartDelayMs: () => 4000,
      random: () => 0,
      attempt: async () => undefined,
    });
    const deployed = cloudRun.deploy(
      name,
      settings({ scaling: { maxInstanceCount: 3 } }),
      new AbortController().signal,
    );
    await clock.advance(4000);
    await deployed;
    runtime.startError = new Error("no more processes");
    place(reserve());
    place(reserve());
    const refused = reserve();
    await clock.advance(13_999);
    expect(await settled(refused)).toBe("waiting");
    await clock.advance(1);
    expect(await settled(refused)).toMatchObject({ kind: "refusal", status: 500 });
  });

  it("is answered with 500 when the instance that it waits for cannot start (statement 4)", async () => {
    await deploy(settings());
    await idleToZero();
    runtime.startError = new Error("no more processes");
    const waiting = [reserve(), reserve(), reserve()];
    await clock.advance(coldStartDelayMs);
    for (const answer of waiting) {
      expect(await settled(answer)).toMatchObject({
        status: 500,
        body: "The request failed because the instance could not start successfully.",
      });
    }
  });

  it("does not start instances without pause when they keep failing", async () => {
    await deploy(settings());
    await idleToZero();
    probeAnswer = "no";
    const before = runtime.started.length;
    for (let second = 0; second < 60; second += 1) {
      void reserve();
      await clock.advance(1000);
    }
    expect(runtime.started.length - before).toBeLessThan(18);
    probeAnswer = undefined;
    const waiting = reserve();
    await clock.advance(10_000 + coldStartDelayMs);
    expect(await settled(waiting)).toMatchObject({ kind: "reservation" });
  });

  it("leaves the queue when its client goes away", async () => {
    await deploy(settings({ scaling: { maxInstanceCount: 1 } }));
    place(reserve());
    place(reserve());
    const controller = new AbortController();
    const gone = reserve({ signal: controller.signal });
    controller.abort();
    expect(await settled(gone)).toMatchObject({ kind: "refusal" });
    expect(metrics()).toMatchObject({ pending: 0 });
  });

  it.each(["/healthz", "/healthz?x=1", "/_ah/start", "/eventlog"])(
    "to %s is answered by the front end (statement 28)",
    async (path) => {
      await deploy(settings());
      expect(reserve({ path })).toMatchObject({ kind: "refusal", status: 404 });
    },
  );

  it("that is a probe takes a slot, wakes a sleeping service, and counts for nothing else", async () => {
    await deploy(settings());
    const probes = [place(reserve({ probe: true })), place(reserve({ probe: true }))];
    const third = reserve({ probe: true });
    await clock.advance(60_000);
    expect(metrics()).toMatchObject({ inFlight: 0, pending: 0, recommendedInstances: 0 });
    expect(runtime.started).toHaveLength(1);
    expect(await settled(third)).toMatchObject({ kind: "refusal" });
    for (const probe of probes) probe.release();
    await idleToZero();
    expect(metrics()).toMatchObject({ instanceCount: 0 });
    const waking = reserve({ probe: true });
    await clock.advance(coldStartDelayMs);
    expect(await settled(waking)).toMatchObject({ kind: "reservation" });
  });
});

describe("scaling", () => {
  it("adds instances for a steady load and takes them away 15 minutes after it has ended", async () => {
    await deploy(settings({ maxInstanceRequestConcurrency: 10 }));
    const held = Array.from({ length: 10 }, () => place(reserve()));
    await clock.advance(65_000);
    expect(metrics()).toMatchObject({ instanceCount: 2, recommendedInstances: 2 });
    for (const one of held) one.release();
    await clock.advance(14 * 60_000);
    expect(metrics()?.instanceCount).toBeGreaterThan(0);
    await clock.advance(70_000);
    expect(metrics()).toMatchObject({ instanceCount: 0 });
  });

  it("keeps idle instances for 15 minutes, those of a deployment and those of a burst (statement 37)", async () => {
    await deploy(settings());
    const held = [place(reserve()), place(reserve())];
    const third = reserve();
    await clock.advance(coldStartDelayMs);
    for (const one of [...held, await third]) if (one.kind === "reservation") one.release();
    await clock.advance(14 * 60_000);
    expect(metrics()).toMatchObject({ instanceCount: 2 });
    await clock.advance(66_000);
    expect(metrics()).toMatchObject({ instanceCount: 0 });
  });

  it("keeps the minimum although nobody asks", async () => {
    await deploy(settings({ scaling: { minInstanceCount: 2 } }));
    await clock.advance(60 * 60_000);
    expect(metrics()).toMatchObject({ instanceCount: 2 });
  });

  it("replaces a crashed instance to keep the minimum", async () => {
    await deploy(settings({ scaling: { minInstanceCount: 1 } }));
    await clock.advance(20_000);
    runtime.started[0]?.crash(1);
    await clock.advance(coldStartDelayMs);
    expect(metrics()).toMatchObject({ instanceCount: 1, coldStarts: 2 });
  });

  it("kills an instance above its memory limit and replaces it (statement 14)", async () => {
    await deploy(settings({ scaling: { minInstanceCount: 1 } }));
    const [first] = runtime.started;
    runtime.usageOf.set(first?.name ?? "", { cpuPercent: 1, memoryBytes: 513 * 1024 * 1024 });
    await clock.advance(1000 + coldStartDelayMs);
    expect(runtime.exits()).toMatchObject([
      { name: first?.name, expected: false, reason: "Memory limit of 512 MiB exceeded with 513 MiB used." },
    ]);
    expect(metrics()).toMatchObject({ instanceCount: 1 });
  });

  it("adds instances for CPU (statement 32)", async () => {
    await deploy(settings());
    runtime.usageOf.set(runtime.started[0]?.name ?? "", { cpuPercent: 100, memoryBytes: 1 });
    await clock.advance(70_000);
    expect(metrics()).toMatchObject({ recommendedInstances: 2 });
  });

  it("restarts an instance whose liveness probe fails three times", async () => {
    await deploy(settings({ scaling: { minInstanceCount: 1 } }, {}, { livenessProbe: { httpGet: { path: "/live" } } }));
    await clock.advance(15_000);
    probeAnswer = "GET /live answered 500";
    await clock.advance(25_000);
    expect(runtime.started[0]?.signals).toEqual(["SIGKILL"]);
    expect(runtime.exits()[0]?.reason).toContain("The liveness probe failed: GET /live answered 500");
  });
});

describe("the end", () => {
  it("of a service lets requests finish, refuses new ones, and sends SIGTERM then SIGKILL after 10 s", async () => {
    await deploy(settings());
    runtime.endsOnSigterm = false;
    const held = place(reserve());
    const deleted = cloudRun.delete(name);
    await clock.advance(1000);
    expect(reserve()).toMatchObject({ kind: "refusal", status: 503 });
    expect(runtime.started[0]?.signals).toEqual([]);
    held.release();
    await clock.advance(9999);
    expect(runtime.started[0]?.signals).toEqual(["SIGTERM"]);
    await clock.advance(1);
    expect(runtime.started[0]?.signals).toEqual(["SIGTERM", "SIGKILL"]);
    await deleted;
    expect(cloudRun.backend(name)).toBeUndefined();
  });

  it("of an instance that drains does not wait longer than the request timeout", async () => {
    await deploy(settings({ timeout: "5s" }));
    place(reserve());
    void cloudRun.delete(name);
    await clock.advance(5000);
    expect(runtime.started[0]?.signals).toEqual(["SIGTERM"]);
  });

  it("of the local cloud leaves no instance, no waiting request and no timer", async () => {
    await deploy(settings({ scaling: { maxInstanceCount: 1 } }));
    place(reserve());
    place(reserve());
    const waiting = reserve();
    await cloudRun.close();
    expect(await settled(waiting)).toMatchObject({ kind: "refusal", status: 503 });
    expect(runtime.instances()).toEqual([]);
    expect(clock.pending()).toEqual([]);
    await expect(cloudRun.deploy(`${name}-2`, settings(), new AbortController().signal)).rejects.toThrow(/is stopping/);
  });
});

it("takes a service up again under its former names after a restart", async () => {
  const before = await deploy(settings());
  const again = createCloudRun({
    runtime,
    clock,
    coldStartDelayMs: () => coldStartDelayMs,
    random: () => 0.5,
    attempt: async () => undefined,
  });
  expect(again.restore(name, settings(), before)).toEqual(before);
  cloudRun = again;
  const waiting = reserve();
  await clock.advance(coldStartDelayMs);
  expect(await settled(waiting)).toMatchObject({ kind: "reservation" });
  expect(await deploy(settings())).toEqual(before);
});
