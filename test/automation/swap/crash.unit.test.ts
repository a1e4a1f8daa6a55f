import { describe, expect, it } from "vitest";
import type { SwapEvent, SwapState } from "../../../automation/swap/state.ts";
import { Crash, journalPath, SwapWorld } from "../../support/swap-world.ts";

/** What must be the same however often the engine died. */
function outcome(world: SwapWorld) {
  const state = world.state();
  return {
    end: state.end?.as,
    reason: state.end?.reason,
    applied: world.balancer.applied(),
    up: [...world.up.entries()],
    attached: world.attached,
  };
}

interface Campaign {
  readonly name: string;
  prepare(world: SwapWorld): void;
}

const campaigns: readonly Campaign[] = [
  { name: "a swap that completes", prepare: () => undefined },
  { name: "a swap that is rolled back", prepare: (world) => world.balancer.setSide("gke", { applicationErrors: 0.4 }) },
];

/** Runs the swap and dies at the k-th point; returns the number of points passed. */
async function runWithCrashAt(world: SwapWorld, crashAt: number): Promise<number> {
  let points = 0;
  const point = (): void => {
    points += 1;
    if (points === crashAt) throw new Crash(`point ${points}`);
  };
  world.onEffect = point;
  const append = world.files.append.bind(world.files);
  world.files.append = async (path, text) => {
    point();
    await append(path, text);
    point();
  };
  try {
    await world.run();
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  } finally {
    world.onEffect = () => undefined;
    world.files.append = append;
  }
  return points;
}

/** Runs the swap until the journal has a line like that, and stops there as Ctrl-C does. */
async function stopAt(world: SwapWorld, when: (event: SwapEvent, state: SwapState) => boolean): Promise<void> {
  const stop = new AbortController();
  const running = world.run(
    { onEvent: (event, state) => (when(event, state) ? stop.abort() : undefined) },
    stop.signal,
  );
  await expect(running).rejects.toThrow();
}

describe.each(campaigns)("$name", ({ prepare }) => {
  it("ends the same wherever the engine dies, before and after every effect and every line of the journal", async () => {
    const whole = new SwapWorld();
    prepare(whole);
    await whole.writeStart();
    const points = await runWithCrashAt(whole, Number.POSITIVE_INFINITY);
    const expected = outcome(whole);
    expect(points).toBeGreaterThan(60);

    for (let crashAt = 1; crashAt <= points; crashAt += 1) {
      const world = new SwapWorld();
      prepare(world);
      await world.writeStart();
      await runWithCrashAt(world, crashAt);
      await world.run();

      expect(outcome(world), `after a crash at point ${crashAt}`).toEqual(expected);
      // No effect twice: neither a weight nor a stack operation that had been done.
      expect(world.balancer.writes, `writes after a crash at point ${crashAt}`).toEqual(whole.balancer.writes);
      expect(world.operations, `operations after a crash at point ${crashAt}`).toEqual(whole.operations);
    }
  }, 120_000);
});

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
    expect(events.filter((event) => event.kind === "verified" && event.weight === 100)).toHaveLength(2);
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

describe("a journal line that a crash cut short", () => {
  it("is dropped, with a copy kept, and the swap ends as it would have", async () => {
    const world = new SwapWorld();
    await world.writeStart();
    await runWithCrashAt(world, 30);
    const text = world.files.content.get(journalPath) ?? "";
    world.files.content.set(journalPath, `${text}{"n":99,"prev":"abc`);

    const state = await world.run();

    expect(state.end?.as).toBe("completed");
    expect([...world.files.content.keys()].some((path) => path.includes(".torn-"))).toBe(true);
  });
});
