import { describe, expect, it } from "vitest";
import { SwapWorld } from "../../support/swap-world.ts";

describe("a swap that goes well", () => {
  it("walks the ramp, bakes, drains and decommissions, each effect once", async () => {
    const world = new SwapWorld();

    const state = await world.swap();

    expect(state.end?.as).toBe("completed");
    expect(world.balancer.writes).toEqual([
      { "cloud-run": 100, gke: 0 },
      { "cloud-run": 99, gke: 1 },
      { "cloud-run": 95, gke: 5 },
      { "cloud-run": 75, gke: 25 },
      { "cloud-run": 50, gke: 50 },
      { "cloud-run": 0, gke: 100 },
      { gke: 100 },
    ]);
    expect(world.operations).toEqual([
      "up gke",
      "up traffic",
      // Held at what a rollback would need; at the end the new side is given back to its autoscaler.
      "up cloud-run",
      "up traffic",
      "destroy cloud-run",
      "up gke",
    ]);
    expect(world.up).toEqual(["gke"]);
  });

  it("verifies every weight on the data plane before the next one is written", async () => {
    const world = new SwapWorld({ propagationDelayMs: 45_000 });
    const appliedAtWrites: number[] = [];
    world.onEffect = (when, name) => {
      if (name === "write" && when === "before") appliedAtWrites.push(world.balancer.applied()["gke"] ?? 0);
    };

    const state = await world.swap();

    expect(state.end?.as).toBe("completed");
    expect(appliedAtWrites).toEqual([0, 0, 1, 5, 25, 50, 100]);
  });

  it("takes no longer floor than traffic_shift_duration asks for, and no shorter", async () => {
    const world = new SwapWorld({ swap: { traffic_shift_duration: 100 } });

    const state = await world.swap();

    const steps = state.marks.filter((mark) => mark.phase === "shifting").map((mark) => mark.at);
    const gaps = steps.slice(1).map((at, index) => at - (steps[index] ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(20_000);
  });

  it("looks at the advance gate every monitoring_interval", async () => {
    const world = new SwapWorld({ swap: { monitoring_interval: 30 } });
    const state = await world.swap();
    expect(state.end?.as).toBe("completed");
  });
});

describe("a candidate that is bad", () => {
  it("is rolled back by itself when it fails one request in five, and removed", async () => {
    const world = new SwapWorld();
    world.balancer.setSide("gke", { applicationErrors: 0.2 });

    const state = await world.swap();

    expect(state.end).toMatchObject({ as: "rolled-back", reason: "candidate-errors" });
    expect(world.balancer.applied()).toEqual({ "cloud-run": 100 });
    expect(world.up).toEqual(["cloud-run"]);
    expect(world.cloud.attached).toEqual(["cloud-run"]);
  });

  it("moves traffic back and sees it back before anything is removed", async () => {
    const world = new SwapWorld({ propagationDelayMs: 20_000 });
    world.balancer.setSide("gke", { applicationErrors: 0.5 });
    let appliedAtRemoval: number | undefined;
    world.onEffect = (when, name) => {
      if (when === "before" && name === "destroy gke") appliedAtRemoval = world.balancer.applied()["gke"] ?? 0;
    };

    const state = await world.swap();

    expect(state.end?.as).toBe("rolled-back");
    expect(appliedAtRemoval).toBe(0);
    expect(state.rollback?.verifiedAt).toBeDefined();
    expect((state.rollback?.verifiedAt ?? 0) - (state.rollback?.acceptedAt ?? 0)).toBeGreaterThanOrEqual(20_000);
  });

  it("is stopped by consecutive gateway errors", async () => {
    const world = new SwapWorld();
    world.balancer.setSide("gke", { gatewayErrors: 1 });
    const state = await world.swap();
    expect(state.end?.as).toBe("rolled-back");
    expect(state.step).toBe(0);
  });

  it("is rolled back at 100 % too, where the old side gives nothing to compare with", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "baking")
          world.balancer.setSide("gke", { applicationErrors: 0.3 });
      },
    });
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "candidate-error-ceiling" });
  });

  it("stays deployed after the rollback when after_rollback is keep", async () => {
    const world = new SwapWorld({ swap: { after_rollback: "keep" } });
    world.balancer.setSide("gke", { applicationErrors: 0.5 });
    const state = await world.swap();
    expect(state.end?.as).toBe("rolled-back");
    expect(world.up).toEqual(["cloud-run", "gke"]);
  });

  it("never gets a user's request when the acceptance suite fails, after three attempts with growing pauses", async () => {
    const world = new SwapWorld();
    world.agentStatus = 500;
    const state = await world.swap();
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "acceptance-failed" });
    expect(world.balancer.writes.every((weights) => (weights["gke"] ?? 0) === 0)).toBe(true);
    const failed = world.events().filter((event) => event.kind === "outcome" && !event.ok);
    expect(failed).toHaveLength(3);
    const [first, second, third] = failed.map((event) => event.at);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThan((second ?? 0) - (first ?? 0));
  });

  it("is given health_check_timeout to become ready, and no longer", async () => {
    const world = new SwapWorld({ swap: { health_check_timeout: 5 } });
    world.agentReady = false;
    const state = await world.swap();
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "candidate-not-ready" });
  });
});

describe("an old side that is bad", () => {
  it("never condemns the candidate", async () => {
    const world = new SwapWorld();
    world.balancer.setSide("cloud-run", { applicationErrors: 0.2 });
    const state = await world.swap();
    expect(state.end?.as).toBe("completed");
  });

  it("does not condemn a candidate that fails as often", async () => {
    const world = new SwapWorld({ swap: { ramp: [50, 100], rollback_threshold: 0.3 } });
    world.balancer.setSide("cloud-run", { applicationErrors: 0.2 });
    world.balancer.setSide("gke", { applicationErrors: 0.2 });
    const state = await world.swap();
    expect(state.end?.as).toBe("completed");
  });
});

describe("too little evidence", () => {
  it("is inconclusive, not a pass: silence pauses the swap and names the reason", async () => {
    const world = new SwapWorld({ requestsPerSecond: 0 });
    const stop = new AbortController();
    await world.writeStart();
    const running = world.run(
      {
        onEvent(event) {
          if (event.kind === "paused") stop.abort();
        },
      },
      stop.signal,
    );
    await expect(running).rejects.toThrow();
    expect(world.state().paused?.reason).toBe("silence");
    expect(world.balancer.applied()).toEqual({ "cloud-run": 99, gke: 1 });
  });
});

describe("a person's wishes", () => {
  it("abort moves traffic back and keeps the candidate", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "shifting" && event.step === 2) world.ask("abort");
      },
    });
    expect(state.end).toMatchObject({ as: "aborted", reason: "requested-abort" });
    expect(world.balancer.applied()).toEqual({ "cloud-run": 100, gke: 0 });
    expect(world.up).toEqual(["cloud-run", "gke"]);
  });

  it("rollback moves traffic back and removes the candidate", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "baking") world.ask("rollback");
      },
    });
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "requested-rollback" });
    expect(world.up).toEqual(["cloud-run"]);
  });

  it("promote lets a step pass that lacks evidence, but not one whose weight is not seen", async () => {
    const world = new SwapWorld({ requestsPerSecond: 0, propagationDelayMs: 30_000 });
    const verifiedBeforeNext: boolean[] = [];
    const state = await world.swap({
      onEvent(event, after) {
        if (event.kind === "entered" && event.phase === "shifting") {
          verifiedBeforeNext.push(after.accepted?.["gke"] === (world.balancer.applied()["gke"] ?? 0));
          world.ask("promote");
        }
        if (event.kind === "entered" && event.phase === "baking") world.ask("promote");
      },
    });
    expect(state.end?.as).toBe("completed");
    expect(verifiedBeforeNext).toEqual([true, true, true, true, true]);
  });

  it("pause holds the step, and the stop gate still stops", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "shifting" && event.step === 1) world.ask("pause");
        if (event.kind === "requested" && event.verb === "pause")
          world.balancer.setSide("gke", { applicationErrors: 0.5 });
      },
    });
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "candidate-errors" });
  });
});
