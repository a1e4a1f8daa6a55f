import { describe, expect, it } from "vitest";
import { crashAtRandom, crashEverywhere, crashedSwaps, stopEverywhere } from "../../../automation/drill/crashes.ts";

describe.each(crashedSwaps.map((swap) => ({ name: swap.name, swap })))("a swap that $name", ({ swap }) => {
  it("ends the same wherever the engine dies: around every effect and journal line, in the middle of calls and lines", async () => {
    const row = await crashEverywhere(swap, 1);
    expect(row.problems).toEqual([]);
    expect(row.crashes).toBe(row.points);
    // A lease and a bit; a dead process of the same machine is seen to be dead.
    expect(row.slowestElsewhereMs).toBeLessThanOrEqual(20_000);
    expect(row.slowestHereMs).toBeLessThanOrEqual(1_000);
  }, 120_000);

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
