import { describe, expect, it } from "vitest";
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
