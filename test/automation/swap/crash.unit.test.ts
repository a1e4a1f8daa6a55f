import { describe, expect, it } from "vitest";
import type { SwapEvent, SwapState } from "../../../automation/swap/state.ts";
import { Crash, SwapWorld } from "../../support/swap-world.ts";

/** Runs the swap until the journal has a line like that, and stops there as Ctrl-C does. */
async function stopAt(world: SwapWorld, when: (event: SwapEvent, state: SwapState) => boolean): Promise<void> {
  const stop = new AbortController();
  const running = world.run(
    { onEvent: (event, state) => (when(event, state) ? stop.abort() : undefined) },
    stop.signal,
  );
  await expect(running).rejects.toThrow();
}

describe("a process that takes a swap over", () => {
  it("looks at the data plane again before it goes on, whatever the journal says of it", async () => {
    const world = new SwapWorld();
    await world.writeStart();
    await stopAt(world, (event) => event.kind === "verified" && event.weight === 5);
    await world.run();

    const verified = world.events().filter((event) => event.kind === "verified" && event.weight === 5);
    expect(verified).toHaveLength(2);
    expect(world.state().end?.as).toBe("completed");
  });

  it("pauses when somebody moved the weights meanwhile, and changes nothing", async () => {
    const world = new SwapWorld();
    await world.writeStart();
    await stopAt(world, (event) => event.kind === "verified" && event.weight === 25);
    world.balancer.interfere({ "cloud-run": 90, gke: 10 });

    await stopAt(world, (event) => event.kind === "paused");

    expect(world.state().paused?.reason).toBe("weights-moved-elsewhere");
    expect(world.balancer.applied()).toEqual({ "cloud-run": 90, gke: 10 });
  });

  it("sends traffic back again that somebody turned round while it was going back", async () => {
    const world = new SwapWorld({ propagationDelayMs: 5_000 });
    world.balancer.setSide("gke", { applicationErrors: 0.4 });
    await world.writeStart();
    await stopAt(world, (event, state) => event.kind === "outcome" && state.phase === "returning");
    world.balancer.interfere({ "cloud-run": 50, gke: 50 });

    await world.run();

    expect(world.state().end?.as).toBe("rolled-back");
    // The new entry at 0, then twice back to the old side.
    const back = world.balancer.writes.filter((weights) => weights["gke"] === 0);
    expect(back).toHaveLength(3);
    expect(world.balancer.applied()["gke"] ?? 0).toBe(0);
  });
});

describe("time in which nobody drove the swap", () => {
  it("is no bake: the side has to be seen, and to serve, for the whole of it", async () => {
    const world = new SwapWorld();
    await world.writeStart();
    await stopAt(world, (event) => event.kind === "entered" && event.phase === "baking");
    await world.clock.advance(3_600_000);

    await world.run();

    const events = world.events();
    const resumed = events.findLast((event) => event.kind === "engine");
    const drained = events.find((event) => event.kind === "entered" && event.phase === "draining");
    expect((drained?.at ?? 0) - (resumed?.at ?? 0)).toBeGreaterThanOrEqual(5_000);
    // By each of the two engines, and once more by the drain.
    const seen = events.filter((event) => event.kind === "verified" && event.weight === 100);
    expect(seen.filter(({ at }) => at <= (drained?.at ?? 0))).toHaveLength(2);
    expect(seen).toHaveLength(3);
  });

  it("is no drain, and no step", async () => {
    for (const phase of ["draining", "shifting"] as const) {
      const world = new SwapWorld();
      await world.writeStart();
      await stopAt(world, (event) => event.kind === "entered" && event.phase === phase);
      await world.clock.advance(3_600_000);

      await world.run();

      expect(world.state().end?.as, phase).toBe("completed");
      expect(
        world.events().some((event) => event.kind === "entered" && event.reason === "drain-timed-out"),
        phase,
      ).toBe(false);
    }
  });
});

describe("an abort after a crash", () => {
  it("comes before the step up that the dead process left open", async () => {
    const world = new SwapWorld();
    await world.writeStart();
    world.onEffect = (when, name) => {
      if (when === "before" && name === "write" && world.balancer.applied()["gke"] === 25)
        throw new Crash("in the write");
    };
    await expect(world.run()).rejects.toThrow(Crash);
    world.onEffect = () => undefined;
    world.ask("abort");

    await world.run();

    expect(world.state().end?.as).toBe("aborted");
    expect(world.balancer.writes.some((weights) => weights["gke"] === 50)).toBe(false);
    expect(world.balancer.applied()).toEqual({ "cloud-run": 100, gke: 0 });
  });
});
