/** Shares of a new revision: the same for everybody, growing only, as close as whole members allow. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assignShare, returnAll, type ShareMember } from "../../../../automation/guard/data-plane/shares.ts";

const named = (count: number): readonly ShareMember[] =>
  Array.from({ length: count }, (_, index) => ({ name: `Deployment team-${index % 37}/service-${index}` }));
const steps = [10, 50, 90, 100] as const;

const members = fc.uniqueArray(
  fc.record({ name: fc.string({ minLength: 1, maxLength: 20 }), weight: fc.integer({ min: 1, max: 50 }) }),
  {
    selector: ({ name }) => name,
    maxLength: 60,
  },
);

describe("a share", () => {
  test.each([1_000, 997, 40])("of %i workloads is within a point of what was asked for", (count) => {
    for (const share of [...steps, 1, 33, 99])
      expect(
        Math.abs(assignShare({ members: named(count), share, seed: "plan", moved: [] }).percent - share),
      ).toBeLessThanOrEqual(count >= 997 ? 1 : 100 / count);
  });

  test("grows by its delta only, ends at all, and is the same whatever the order of the members", () => {
    fc.assert(
      fc.property(members, fc.string(), (all, seed) => {
        let moved: readonly string[] = [];
        for (const share of steps) {
          const next = assignShare({ members: all, share, seed, moved });
          expect(next.members).toEqual(expect.arrayContaining([...moved]));
          expect(next.delta.every((name) => !moved.includes(name))).toBe(true);
          expect(next.members.length).toBe(moved.length + next.delta.length);
          const again = assignShare({ members: all.toReversed(), share, seed, moved: [] });
          expect(again.members).toEqual(next.members);
          moved = next.members;
        }
        expect(moved.length).toBe(all.length);
      }),
    );
  });

  test("is as close as whole members allow", () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 100 }), (all, share) => {
        const total = all.reduce((sum, { weight }) => sum + weight, 0);
        const { percent } = assignShare({ members: all, share, seed: "s", moved: [] });
        const heaviest = Math.max(0, ...all.map(({ weight }) => weight));
        if (total > 0) expect(Math.abs(percent - share)).toBeLessThanOrEqual((heaviest / total) * 100);
      }),
    );
  });

  test("leaves whoever moved where it is when members come and go", () => {
    fc.assert(
      fc.property(members, members, (all, others) => {
        const first = assignShare({ members: all, share: 50, seed: "s", moved: [] });
        const names = new Set(all.map(({ name }) => name));
        const grown = [...all, ...others.filter(({ name }) => !names.has(name))];
        const second = assignShare({ members: grown, share: 50, seed: "s", moved: first.members });
        expect(second.members).toEqual(expect.arrayContaining([...first.members]));
      }),
    );
  });

  test("that is given up gives all back, and only what had moved", () => {
    fc.assert(
      fc.property(members, fc.constantFrom(...steps), (all, share) => {
        const { members: moved } = assignShare({ members: all, share, seed: "s", moved: [] });
        expect(returnAll({ members: all, seed: "s", moved }).toSorted()).toEqual([...moved].toSorted());
      }),
    );
  });

  test("of another plan holds others", () => {
    const one = assignShare({ members: named(200), share: 50, seed: "a", moved: [] });
    const other = assignShare({ members: named(200), share: 50, seed: "b", moved: [] });
    const shared = one.members.filter((name) => other.members.includes(name)).length;
    expect(shared).toBeGreaterThan(25);
    expect(shared).toBeLessThan(75);
  });

  test("takes names alike apart: neighbours do not all fall on one side", () => {
    const { members: moved } = assignShare({ members: named(1_000), share: 50, seed: "plan", moved: [] });
    const low = moved.filter((name) => Number(name.split("-").at(-1)) < 500).length;
    expect(low).toBeGreaterThan(200);
    expect(low).toBeLessThan(300);
  });
});
