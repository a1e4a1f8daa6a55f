/** Shares of a new revision: the same for everybody, growing only, as close as whole namespaces allow. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextOfShare } from "../../../../automation/guard/data-plane/shares.ts";

const named = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `team-${index}`);
const steps = [10, 50, 90, 100] as const;

const namespaces = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 60 });

describe("a share", () => {
  test.each([1, 2, 8, 40, 997])(
    "of %i namespaces is as close as whole ones allow, of two as close the fewer",
    (count) => {
      for (const share of [...steps, 1, 33, 99]) {
        const chosen = nextOfShare({ namespaces: named(count), share, seed: "plan", moved: [] }).length;
        const target = (count * share) / 100;
        expect(Math.abs(chosen - target)).toBeLessThanOrEqual(0.5);
        if (Math.abs(chosen - target) === 0.5) expect(chosen).toBeLessThan(target);
      }
    },
  );

  test("adds to what has moved, ends at all, and is the same whatever the order of the namespaces", () => {
    fc.assert(
      fc.property(namespaces, fc.string(), (all, seed) => {
        let moved: readonly string[] = [];
        for (const share of steps) {
          const next = nextOfShare({ namespaces: all, share, seed, moved });
          expect(next.filter((name) => moved.includes(name))).toEqual([]);
          moved = [...moved, ...next].toSorted();
          expect(nextOfShare({ namespaces: all.toReversed(), share, seed, moved: [] })).toEqual(moved);
        }
        expect(moved).toEqual(all.toSorted());
      }),
    );
  });

  test("moves none anew when namespaces went, and only as many as the share lacks when others came", () => {
    fc.assert(
      fc.property(namespaces, namespaces, (all, others) => {
        const moved = nextOfShare({ namespaces: all, share: 50, seed: "s", moved: [] });
        const left = all.filter((name) => moved.includes(name));
        expect(nextOfShare({ namespaces: left, share: 50, seed: "s", moved })).toEqual([]);
        const grown = [...new Set([...all, ...others])];
        const next = nextOfShare({ namespaces: grown, share: 50, seed: "s", moved });
        expect(next.length).toBe(Math.max(0, Math.ceil(grown.length / 2 - 0.5) - moved.length));
      }),
    );
  });

  test("of another plan holds others", () => {
    const one = nextOfShare({ namespaces: named(200), share: 50, seed: "a", moved: [] });
    const other = nextOfShare({ namespaces: named(200), share: 50, seed: "b", moved: [] });
    const shared = one.filter((name) => other.includes(name)).length;
    expect(shared).toBeGreaterThan(25);
    expect(shared).toBeLessThan(75);
  });

  test("takes names alike apart: neighbours do not all fall on one side", () => {
    const moved = nextOfShare({ namespaces: named(1_000), share: 50, seed: "plan", moved: [] });
    const low = moved.filter((name) => Number(name.split("-").at(-1)) < 500).length;
    expect(low).toBeGreaterThan(200);
    expect(low).toBeLessThan(300);
  });
});
