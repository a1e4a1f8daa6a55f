import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { capacityFor, instancesFor } from "../../../automation/swap/capacity.ts";

describe("the instances that a swap needs", () => {
  test.each([
    { ready: 5, least: 1, sizes: { old: 1, candidate: 1 }, capacity: { old: 5, candidate: 5, holdOld: true } },
    { ready: 2, least: 2, sizes: { old: 1, candidate: 1 }, capacity: { old: 2, candidate: 2, holdOld: false } },
    // Two vCPUs there do the work of one here and one more.
    { ready: 5, least: 5, sizes: { old: 1, candidate: 2 }, capacity: { old: 5, candidate: 3, holdOld: false } },
    { ready: 3, least: 0, sizes: { old: 0.3, candidate: 0.1 }, capacity: { old: 3, candidate: 9, holdOld: true } },
    // Scaled to zero: the first request needs one.
    { ready: 0, least: 0, sizes: { old: 1, candidate: 1 }, capacity: { old: 0, candidate: 1, holdOld: false } },
  ])("$ready ready, $least kept, $sizes", ({ ready, least, sizes, capacity }) => {
    expect(capacityFor(ready, least, sizes)).toEqual(capacity);
  });

  test.each([
    [1, 1],
    [20, 1],
    [20.1, 2],
    [50, 3],
    [100, 5],
  ])("a share of %d %% of five needs %d", (share, needed) => {
    expect(instancesFor({ old: 5, candidate: 5, holdOld: true }, share)).toBe(needed);
  });

  test("a larger share never needs fewer, and all of the traffic needs all", () => {
    const capacities = fc.integer({ min: 1, max: 1_000 }).map((candidate) => ({ old: 1, candidate, holdOld: false }));
    const shares = fc.integer({ min: 1, max: 1_000 }).map((tenths) => tenths / 10);
    fc.assert(
      fc.property(capacities, shares, shares, (capacity, a, b) => {
        const [small, large] = [Math.min(a, b), Math.max(a, b)];
        expect(instancesFor(capacity, small)).toBeLessThanOrEqual(instancesFor(capacity, large));
        expect(instancesFor(capacity, 100)).toBe(capacity.candidate);
        expect(instancesFor(capacity, small)).toBeGreaterThanOrEqual((capacity.candidate * small) / 100 - 1e-6);
      }),
    );
  });
});
