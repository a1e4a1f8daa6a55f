import { describe, expect, it } from "vitest";
import { SwitchyardError } from "../../../automation/errors.ts";
import { SwapWorld } from "../../support/swap-world.ts";

describe("weights that are not as the swap found them", () => {
  it("are not overwritten by its first write", async () => {
    const world = new SwapWorld();
    const stop = new AbortController();
    await world.writeStart();
    world.onEffect = (when, name) => {
      if (when === "after" && name === "up gke") world.balancer.interfere({ "cloud-run": 60, gke: 40 });
    };
    const running = world.run(
      { onEvent: (event) => (event.kind === "paused" ? stop.abort() : undefined) },
      stop.signal,
    );
    await expect(running).rejects.toThrow();
    expect(world.state().paused?.reason).toBe("weights-moved-elsewhere");
    expect(world.balancer.writes).toEqual([]);
  });

  it("can be sent back to the old side as long as that has its entry", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "removing-entry")
          world.balancer.interfere({ "cloud-run": 100, gke: 0 });
        if (event.kind === "paused") world.ask("rollback");
      },
    });
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "requested-rollback" });
    expect(world.up).toEqual(["cloud-run"]);
  });

  it("are no reason to probe for ever: a plane that does not follow pauses the step", async () => {
    const world = new SwapWorld();
    const stop = new AbortController();
    await world.writeStart();
    const running = world.run(
      {
        onEvent(event) {
          if (event.kind === "entered" && event.phase === "shifting") world.balancer.setPropagationDelay(3_600_000);
          if (event.kind === "paused") stop.abort();
        },
      },
      stop.signal,
    );
    await expect(running).rejects.toThrow();
    expect(world.state().paused?.reason).toBe("step-inconclusive");
  });
});

describe("an entry of weight 0 that an earlier swap left", () => {
  it("is withdrawn when a new swap is rolled back before its first write", async () => {
    const world = new SwapWorld();
    world.balancer.interfere({ "cloud-run": 100, gke: 0 });
    world.cloud.platforms.set("gke", { image: "kiro@older", wanted: 2, available: 2, held: 0, loaded: 0 });
    world.cloud.attached = ["cloud-run", "gke"];
    await world.writeStart();
    world.ask("rollback");
    const state = await world.run();
    expect(state.end?.as).toBe("rolled-back");
    expect(world.balancer.applied()).toEqual({ "cloud-run": 100 });
    expect(world.cloud.attached).toEqual(["cloud-run"]);
  });
});

describe("a world that does not do as it is told", () => {
  it("a fingerprint conflict is a re-read, not an attempt", async () => {
    const world = new SwapWorld();
    let conflicts = 0;
    world.onEffect = (when, name) => {
      if (when === "before" && name === "write" && conflicts < 3) {
        conflicts += 1;
        world.balancer.interfere();
      }
    };
    const state = await world.swap();
    expect(state.end?.as).toBe("completed");
    expect(conflicts).toBe(3);
  });

  it("a lost reply of a write is found done, not written twice", async () => {
    const world = new SwapWorld();
    await world.writeStart();
    let lost = 0;
    const state = await world.run({
      onEvent(event) {
        if (event.kind !== "intent" || event.effect.kind !== "write-weights" || event.effect.weights["gke"] !== 5)
          return;
        if (lost === 0) world.balancer.failNext("write", "lost-reply");
        lost += 1;
      },
    });
    expect(state.end?.as).toBe("completed");
    expect(world.balancer.writes.filter((weights) => weights["gke"] === 5)).toHaveLength(1);
  });

  it("a balancer that refuses twice ends in the old side's hands", async () => {
    const world = new SwapWorld();
    const state = await world.swap({
      onEvent(event, after) {
        if (
          event.kind === "intent" &&
          event.effect.kind === "write-weights" &&
          after.phase === "shifting" &&
          after.step === 3
        )
          world.balancer.failNext("write");
      },
    });
    expect(state.end).toMatchObject({ as: "rolled-back", reason: "routing-failed" });
    expect(world.balancer.applied()).toEqual({ "cloud-run": 100 });
  });

  it("weights that somebody else moved pause the swap instead of being overwritten", async () => {
    const world = new SwapWorld();
    const stop = new AbortController();
    await world.writeStart();
    const running = world.run(
      {
        onEvent(event) {
          if (event.kind === "entered" && event.phase === "shifting" && event.step === 2)
            world.balancer.interfere({ "cloud-run": 80, gke: 20 });
          if (event.kind === "paused") stop.abort();
        },
      },
      stop.signal,
    );
    await expect(running).rejects.toThrow();
    expect(world.state().paused?.reason).toBe("weights-moved-elsewhere");
    expect(world.balancer.applied()).toEqual({ "cloud-run": 80, gke: 20 });
  });

  it("a deployment that fails is tried once and then left to a person, with no traffic moved", async () => {
    const world = new SwapWorld();
    world.engineFailure = {
      stack: "gke.local",
      error: new SwitchyardError("internal-error", { message: "quota exceeded" }),
    };
    const state = await world.swap();
    expect(state.end).toBeUndefined();
    expect(state.paused?.reason).toBe("deployment-failed");
    expect(world.balancer.writes).toEqual([]);

    world.engineFailure = undefined;
    world.ask("resume");
    const resumed = await world.run();
    expect(resumed.end?.as).toBe("completed");
  });

  it("a feed that cannot be read pauses the swap: blindness is an error, not a failure of the candidate", async () => {
    const world = new SwapWorld();
    const stop = new AbortController();
    await world.writeStart();
    let blind = false;
    const running = world.run(
      {
        onEvent(event) {
          if (event.kind === "entered" && event.phase === "shifting" && event.step === 1) blind = true;
          if (event.kind === "paused") stop.abort();
        },
        onTick() {
          if (blind) world.balancer.failNext("feed");
        },
      },
      stop.signal,
    );
    await expect(running).rejects.toThrow();
    expect(world.state().paused?.reason).toBe("feed-unreadable");
  });

  it("a full disk stops the engine with weights as they are, and a resumed swap ends as it would have", async () => {
    const world = new SwapWorld();
    await world.writeStart();
    const running = world.run({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "shifting" && event.step === 2) world.files.fail("disk-full");
      },
    });
    await expect(running).rejects.toMatchObject({ code: "disk-full" });
    expect(world.balancer.applied()).toEqual({ "cloud-run": 95, gke: 5 });

    world.files.fail(undefined);
    const state = await world.run();
    expect(state.end?.as).toBe("completed");
  });
});
