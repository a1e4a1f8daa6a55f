import { beforeEach, describe, expect, it } from "vitest";
import { coldStartDelayMs, name, ServiceFixture, settings } from "./service-fixture.ts";

let fixture: ServiceFixture;
beforeEach(() => {
  fixture = new ServiceFixture();
});

describe("a request", () => {
  it("goes to the least loaded instance at once", async () => {
    await fixture.deploy(settings({ scaling: { minInstanceCount: 2 } }));
    const [first, second, third] = [fixture.take(), fixture.take(), fixture.take()];
    expect(second.instance).not.toBe(first.instance);
    second.release();
    second.release();
    expect(fixture.metrics).toMatchObject({ inFlight: 2 });
    expect(fixture.take().instance).toBe(second.instance);
    expect(third.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it("wakes a service that has scaled to zero and waits for the cold start", async () => {
    await fixture.deploy(settings());
    await fixture.idleToZero();
    expect(fixture.metrics).toMatchObject({ instanceCount: 0 });
    const waiting = fixture.reserve();
    await fixture.clock.advance(coldStartDelayMs - 1);
    expect(await fixture.settled(waiting)).toBe("waiting");
    await fixture.clock.advance(1);
    expect(await fixture.settled(waiting)).toMatchObject({ kind: "reservation" });
  });

  it("waits when all slots are taken, and gets the first that comes free", async () => {
    await fixture.deploy(settings({ scaling: { maxInstanceCount: 1 } }));
    const held = [fixture.take(), fixture.take()];
    const first = fixture.reserve();
    const second = fixture.reserve();
    held[0]?.release();
    expect(await fixture.settled(first)).toMatchObject({ kind: "reservation" });
    expect(await fixture.settled(second)).toBe("waiting");
  });

  it("starts another instance when all slots are taken and there may be more", async () => {
    await fixture.deploy(settings());
    fixture.take();
    fixture.take();
    const third = fixture.reserve();
    await fixture.clock.advance(coldStartDelayMs);
    expect(await fixture.settled(third)).toMatchObject({
      kind: "reservation",
      instance: fixture.runtime.started[1]?.name,
    });
  });

  it("is refused with 429 after 10 s at the maximum (statement 41)", async () => {
    await fixture.deploy(settings({ scaling: { maxInstanceCount: 1 } }));
    fixture.take();
    fixture.take();
    const refused = fixture.reserve();
    await fixture.clock.advance(9999);
    expect(await fixture.settled(refused)).toBe("waiting");
    await fixture.clock.advance(1);
    const answer = await fixture.settled(refused);
    expect(answer).toMatchObject({ kind: "refusal", status: 429 });
    expect(answer).toMatchObject({
      body: expect.stringMatching(/^The request was aborted because there was no available instance\..*maximum/),
    });
  });

  it("is refused with 500 below the maximum, after 3.5 average starts where that is longer (statements 40, 42)", async () => {
    fixture.cloudRun = fixture.createCloudRun(4000, 0);
    const deployed = fixture.cloudRun.deploy(
      name,
      settings({ scaling: { maxInstanceCount: 3 } }),
      new AbortController().signal,
    );
    await fixture.clock.advance(4000);
    await deployed;
    fixture.runtime.startError = new Error("no more processes");
    fixture.take();
    fixture.take();
    const refused = fixture.reserve();
    await fixture.clock.advance(13_999);
    expect(await fixture.settled(refused)).toBe("waiting");
    await fixture.clock.advance(1);
    expect(await fixture.settled(refused)).toMatchObject({ kind: "refusal", status: 500 });
  });

  it("is answered with 500 when the instance that it waits for cannot start (statement 4)", async () => {
    await fixture.deploy(settings({ scaling: { maxInstanceCount: 1 } }));
    await fixture.idleToZero();
    fixture.probeAnswer = "no";
    const before = fixture.runtime.started.length;
    const waiting = [fixture.reserve(), fixture.reserve(), fixture.reserve()];
    await fixture.clock.advance(coldStartDelayMs);
    for (const answer of waiting) {
      expect(await fixture.settled(answer)).toMatchObject({
        status: 500,
        body: "The request failed because the instance could not start successfully.",
      });
    }
    // None more for those that were refused.
    await fixture.clock.advance(5000);
    expect(fixture.runtime.started.length - before).toBe(1);
  });

  it("does not start instances without pause when they keep failing", async () => {
    await fixture.deploy(settings());
    await fixture.idleToZero();
    fixture.probeAnswer = "no";
    const before = fixture.runtime.started.length;
    for (let second = 0; second < 60; second += 1) {
      void fixture.reserve();
      await fixture.clock.advance(1000);
    }
    expect(fixture.runtime.started.length - before).toBeLessThan(18);
    fixture.probeAnswer = undefined;
    const waiting = fixture.reserve();
    await fixture.clock.advance(10_000 + coldStartDelayMs);
    expect(await fixture.settled(waiting)).toMatchObject({ kind: "reservation" });
  });

  it("leaves the queue when its client goes away", async () => {
    await fixture.deploy(settings({ scaling: { maxInstanceCount: 1 } }));
    fixture.take();
    fixture.take();
    const controller = new AbortController();
    const gone = fixture.reserve({ signal: controller.signal });
    controller.abort();
    expect(await fixture.settled(gone)).toMatchObject({ kind: "refusal" });
    expect(fixture.metrics).toMatchObject({ pending: 0 });
  });

  it.each(["/healthz", "/healthz?x=1", "/_ah/start", "/eventlog"])(
    "to %s is answered by the front end (statement 28)",
    async (path) => {
      await fixture.deploy(settings());
      expect(fixture.reserve({ path })).toMatchObject({ kind: "refusal", status: 404 });
    },
  );

  it("that is a probe takes a slot, wakes a sleeping service, and counts for nothing else", async () => {
    await fixture.deploy(settings());
    const probes = [fixture.take({ probe: true }), fixture.take({ probe: true })];
    const third = fixture.reserve({ probe: true });
    await fixture.clock.advance(60_000);
    expect(fixture.metrics).toMatchObject({ inFlight: 0, pending: 0, recommendedInstances: 0 });
    expect(fixture.runtime.started).toHaveLength(1);
    expect(await fixture.settled(third)).toMatchObject({ kind: "refusal" });
    for (const probe of probes) probe.release();
    await fixture.idleToZero();
    expect(fixture.metrics).toMatchObject({ instanceCount: 0 });
    const waking = fixture.reserve({ probe: true });
    await fixture.clock.advance(coldStartDelayMs);
    expect(await fixture.settled(waking)).toMatchObject({ kind: "reservation" });
  });
});

describe("scaling", () => {
  it("adds instances for a steady load and takes them away 15 minutes after it has ended", async () => {
    await fixture.deploy(settings({ maxInstanceRequestConcurrency: 10 }));
    const held = Array.from({ length: 10 }, () => fixture.take());
    await fixture.clock.advance(65_000);
    expect(fixture.metrics).toMatchObject({ instanceCount: 2, recommendedInstances: 2 });
    for (const one of held) one.release();
    await fixture.clock.advance(14 * 60_000);
    expect(fixture.metrics?.instanceCount).toBeGreaterThan(0);
    await fixture.clock.advance(70_000);
    expect(fixture.metrics).toMatchObject({ instanceCount: 0 });
  });

  it("keeps idle instances for 15 minutes, those of a deployment and those of a burst (statement 37)", async () => {
    await fixture.deploy(settings());
    const held = [fixture.take(), fixture.take()];
    const third = fixture.reserve();
    await fixture.clock.advance(coldStartDelayMs);
    for (const one of [...held, await third]) if (one.kind === "reservation") one.release();
    await fixture.clock.advance(14 * 60_000);
    expect(fixture.metrics).toMatchObject({ instanceCount: 2 });
    await fixture.clock.advance(66_000);
    expect(fixture.metrics).toMatchObject({ instanceCount: 0 });
  });

  it("keeps the minimum although nobody asks", async () => {
    await fixture.deploy(settings({ scaling: { minInstanceCount: 2 } }));
    await fixture.clock.advance(60 * 60_000);
    expect(fixture.metrics).toMatchObject({ instanceCount: 2 });
  });

  it("replaces a crashed instance to keep the minimum", async () => {
    await fixture.deploy(settings({ scaling: { minInstanceCount: 1 } }));
    await fixture.clock.advance(20_000);
    fixture.runtime.started[0]?.crash(1);
    await fixture.clock.advance(coldStartDelayMs);
    expect(fixture.metrics).toMatchObject({ instanceCount: 1, coldStarts: 2 });
  });

  it("kills an instance above its memory limit and replaces it (statement 14)", async () => {
    await fixture.deploy(settings({ scaling: { minInstanceCount: 1 } }));
    const [first] = fixture.runtime.started;
    fixture.runtime.usageOf.set(first?.name ?? "", { cpuPercent: 1, memoryBytes: 513 * 1024 * 1024 });
    await fixture.clock.advance(1000 + coldStartDelayMs);
    expect(fixture.runtime.exits()).toMatchObject([
      { name: first?.name, expected: false, reason: "Memory limit of 512 MiB exceeded with 513 MiB used." },
    ]);
    expect(fixture.metrics).toMatchObject({ instanceCount: 1 });
  });

  it("adds instances for CPU (statement 32)", async () => {
    await fixture.deploy(settings());
    fixture.runtime.usageOf.set(fixture.runtime.started[0]?.name ?? "", { cpuPercent: 100, memoryBytes: 1 });
    await fixture.clock.advance(70_000);
    expect(fixture.metrics).toMatchObject({ recommendedInstances: 2 });
  });

  it("restarts an instance whose liveness probe fails three times", async () => {
    await fixture.deploy(
      settings({ scaling: { minInstanceCount: 1 } }, {}, { livenessProbe: { httpGet: { path: "/live" } } }),
    );
    await fixture.clock.advance(15_000);
    fixture.probeAnswer = "GET /live answered 500";
    await fixture.clock.advance(25_000);
    expect(fixture.runtime.started[0]?.signals).toEqual(["SIGKILL"]);
    expect(fixture.runtime.exits()[0]?.reason).toContain("The liveness probe failed: GET /live answered 500");
  });
});

describe("the end", () => {
  it("of a service lets requests finish, refuses new ones, and sends SIGTERM then SIGKILL after 10 s", async () => {
    await fixture.deploy(settings());
    fixture.runtime.endsOnSigterm = false;
    const held = fixture.take();
    const deleted = fixture.cloudRun.delete(name);
    await fixture.clock.advance(1000);
    expect(fixture.reserve()).toMatchObject({ kind: "refusal", status: 503 });
    expect(fixture.runtime.started[0]?.signals).toEqual([]);
    held.release();
    await fixture.clock.advance(9999);
    expect(fixture.runtime.started[0]?.signals).toEqual(["SIGTERM"]);
    await fixture.clock.advance(1);
    expect(fixture.runtime.started[0]?.signals).toEqual(["SIGTERM", "SIGKILL"]);
    await deleted;
    expect(fixture.cloudRun.backend(name)).toBeUndefined();
  });

  it("of an instance that drains does not wait longer than the request timeout", async () => {
    await fixture.deploy(settings({ timeout: "5s" }));
    fixture.take();
    void fixture.cloudRun.delete(name);
    await fixture.clock.advance(5000);
    expect(fixture.runtime.started[0]?.signals).toEqual(["SIGTERM"]);
  });

  it("of the local cloud leaves no instance, no waiting request and no timer", async () => {
    await fixture.deploy(settings({ scaling: { maxInstanceCount: 1 } }));
    fixture.take();
    fixture.take();
    const waiting = fixture.reserve();
    await fixture.cloudRun.close();
    expect(await fixture.settled(waiting)).toMatchObject({ kind: "refusal", status: 503 });
    expect(fixture.runtime.instances()).toEqual([]);
    expect(fixture.clock.pending()).toEqual([]);
    await expect(fixture.cloudRun.deploy(`${name}-2`, settings(), new AbortController().signal)).rejects.toThrow(
      /is stopping/,
    );
  });
});

it("takes a service up again under its former names after a restart", async () => {
  const before = await fixture.deploy(settings());
  const again = fixture.createCloudRun(coldStartDelayMs, 0.5);
  expect(again.restore(name, settings(), before)).toEqual(before);
  fixture.cloudRun = again;
  const waiting = fixture.reserve();
  await fixture.clock.advance(coldStartDelayMs);
  expect(await fixture.settled(waiting)).toMatchObject({ kind: "reservation" });
  expect(await fixture.deploy(settings())).toEqual(before);
});
