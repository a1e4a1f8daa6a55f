import { describe, expect, it } from "vitest";
import { crashAtRandom, crashedSwaps, stopEverywhere } from "../../../automation/drill/crashes.ts";

/** Crashes at every point are the drill's, which CI plays. */
describe.each(crashedSwaps.map((swap) => ({ name: swap.name, swap })))("a swap that $name", ({ swap }) => {
  it("ends the same when the engine stands still and is replaced, and what wakes changes nothing", async () => {
    const row = await stopEverywhere(swap, 1, 5);
    expect(row.problems).toEqual([]);
    expect(row.crashes).toBeGreaterThan(5);
  }, 120_000);

  it("ends the same after crashes at random, several in one swap", async () => {
    const row = await crashAtRandom(swap, 1, 20);
    expect(row.problems).toEqual([]);
    expect(row.crashes).toBe(20);
    expect(row.runs).toBeLessThan(20);
  }, 120_000);
});
