import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RollingStrategy, RolloutSet } from "../../../local/autopilot/rollout/rollout.ts";
import {
  nextRecreateStep,
  nextRollingStep,
  rollingBounds,
  scaleInProportion,
} from "../../../local/autopilot/rollout/rollout.ts";

const QUARTER = { maxSurge: "25%", maxUnavailable: "25%" } as const;

function set(name: string, replicas: number, available = replicas): RolloutSet {
  return { name, replicas, available };
}

function sum(sets: readonly RolloutSet[], field: "replicas" | "available"): number {
  return sets.reduce((total, entry) => total + entry[field], 0);
}

describe("rollingBounds", () => {
  it.each([
    [
      { replicas: 4, ...QUARTER },
      { surge: 1, unavailable: 1 },
    ],
    [
      { replicas: 2, ...QUARTER },
      { surge: 1, unavailable: 0 },
    ],
    [
      { replicas: 1, ...QUARTER },
      { surge: 1, unavailable: 0 },
    ],
    [
      { replicas: 10, maxSurge: "25%", maxUnavailable: "25%" },
      { surge: 3, unavailable: 2 },
    ],
    [
      { replicas: 3, maxSurge: 0, maxUnavailable: "10%" },
      { surge: 0, unavailable: 1 },
    ],
    [
      { replicas: 2, maxSurge: 1, maxUnavailable: 5 },
      { surge: 1, unavailable: 2 },
    ],
  ])("%j is %j", (strategy, bounds) => {
    expect(rollingBounds(strategy)).toEqual(bounds);
  });
});

describe("nextRollingStep", () => {
  const two: RollingStrategy = { replicas: 2, ...QUARTER };
  const four: RollingStrategy = { replicas: 4, ...QUARTER };
  it.each([
    ["a new Deployment starts whole", two, set("n", 0), [], [{ name: "n", replicas: 2 }]],
    ["the surge comes first", two, set("n", 0), [set("o", 2)], [{ name: "n", replicas: 1 }]],
    ["nothing while the surge is not available", two, set("n", 1, 0), [set("o", 2)], []],
    ["one for one", two, set("n", 1, 1), [set("o", 2)], [{ name: "o", replicas: 1 }]],
    ["the surge again", two, set("n", 1, 1), [set("o", 1)], [{ name: "n", replicas: 2 }]],
    ["the last old one", two, set("n", 2, 2), [set("o", 1)], [{ name: "o", replicas: 0 }]],
    ["done", two, set("n", 2, 2), [set("o", 0)], []],
    ["what may be missing goes at once", four, set("n", 1, 0), [set("o", 4)], [{ name: "o", replicas: 3 }]],
    ["old pods that are not well go first", two, set("n", 1, 0), [set("a", 1), set("b", 1, 0)], []],
    [
      "unwell old pods are cleaned up",
      four,
      set("n", 1, 1),
      [set("a", 2), set("b", 2, 0)],
      [{ name: "b", replicas: 0 }],
    ],
    ["the oldest shrinks first", two, set("n", 1, 1), [set("a", 1), set("b", 1)], [{ name: "a", replicas: 0 }]],
    ["a new one that is too large shrinks", two, set("n", 4, 4), [], [{ name: "n", replicas: 2 }]],
  ] as const)("%s", (_name, strategy, next, old, steps) => {
    expect(nextRollingStep(strategy, next, old)).toEqual(steps);
  });

  it("never goes below replicas - maxUnavailable nor above replicas + maxSurge, and comes to an end", () => {
    const bound = fc.oneof(
      fc.nat({ max: 6 }),
      fc.nat({ max: 100 }).map((percent) => `${percent}%`),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        bound,
        bound,
        fc.infiniteStream(fc.nat({ max: 2 })),
        (replicas, maxSurge, maxUnavailable, becoming) => {
          const strategy = { replicas, maxSurge, maxUnavailable };
          const { surge, unavailable } = rollingBounds(strategy);
          let sets = [set("next", 0), set("old", replicas)];
          let fewest = replicas;
          let most = 0;
          for (let turn = 0; turn < 200; turn += 1) {
            const [next, ...old] = sets;
            const steps = next === undefined ? [] : nextRollingStep(strategy, next, old);
            sets = sets.map((entry) => {
              const size = steps.find((step) => step.name === entry.name)?.replicas ?? entry.replicas;
              return { ...entry, replicas: size, available: Math.min(entry.available, size) };
            });
            most = Math.max(most, sum(sets, "replicas"));
            fewest = Math.min(fewest, sum(sets, "available"));
            // Some of the new pods become ready; at most a few turns pass without any.
            const ready = turn % 5 === 4 ? 1 : becoming.next().value;
            sets = sets.map((entry) => ({ ...entry, available: Math.min(entry.replicas, entry.available + ready) }));
          }
          expect(most).toBeLessThanOrEqual(replicas + surge);
          expect(fewest).toBeGreaterThanOrEqual(replicas - unavailable);
          expect(sets).toEqual([set("next", replicas), set("old", 0)]);
        },
      ),
    );
  });
});

describe("nextRecreateStep", () => {
  it("empties the old sets, waits for their pods, then fills the new one", () => {
    expect(nextRecreateStep(2, set("n", 0), [set("o", 2)], 2)).toEqual([{ name: "o", replicas: 0 }]);
    expect(nextRecreateStep(2, set("n", 0), [set("o", 0)], 1)).toEqual([]);
    expect(nextRecreateStep(2, set("n", 0), [set("o", 0)], 0)).toEqual([{ name: "n", replicas: 2 }]);
    expect(nextRecreateStep(2, set("n", 2), [set("o", 0)], 0)).toEqual([]);
  });
});

describe("scaleInProportion", () => {
  it("spreads a change and keeps the sum", () => {
    expect(scaleInProportion([set("a", 5), set("b", 8)], 18)).toEqual([
      { name: "b", replicas: 11 },
      { name: "a", replicas: 7 },
    ]);
  });

  it("takes from several sets what rounding leaves over, when the first is too small to lose it", () => {
    const sets = ["s1", "s2", "s3", "s4", "s5"].map((name) => set(name, 1));
    expect(scaleInProportion(sets, 3)).toEqual([
      { name: "s1", replicas: 0 },
      { name: "s2", replicas: 0 },
    ]);
  });

  it("always ends with the wanted sum, no set below zero", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
        fc.nat({ max: 60 }),
        (sizes, size) => {
          const sets = sizes.map((replicas, index) => set(`s${index}`, replicas));
          const steps = scaleInProportion(sets, size);
          const after = sets.map((entry) => steps.find(({ name }) => name === entry.name)?.replicas ?? entry.replicas);
          expect(after.reduce((sum, replicas) => sum + replicas, 0)).toBe(size);
          expect(Math.min(...after)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});
