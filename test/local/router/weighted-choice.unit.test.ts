import fc from "fast-check";
import { expect, test } from "vitest";
import { weightedChoice } from "../../../local/router/weighted-choice.ts";

const weights = fc
  .array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 12 })
  .filter((list) => list.some((weight) => weight > 0));

test("given weights, each whole point of the interval chooses its entry, so that shares are exact", () => {
  fc.assert(
    fc.property(weights, (list) => {
      const choose = weightedChoice(list);
      const total = list.reduce((sum, weight) => sum + weight, 0);
      const counts = list.map(() => 0);
      for (let point = 0; point < total; point++) {
        const index = choose((point + 0.5) / total);
        counts[index] = (counts[index] ?? 0) + 1;
      }
      expect(counts).toEqual(list);
    }),
    { numRuns: 200 },
  );
});

test("given any number in [0, 1), an entry with a weight above 0 is chosen", () => {
  fc.assert(
    fc.property(weights, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (list, random) => {
      expect(list[weightedChoice(list)(random)]).toBeGreaterThan(0);
    }),
  );
});

test("given a larger number, never an earlier entry is chosen", () => {
  const point = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(weights, point, point, (list, a, b) => {
      const choose = weightedChoice(list);
      expect(choose(Math.min(a, b))).toBeLessThanOrEqual(choose(Math.max(a, b)));
    }),
  );
});

test.for([[[]], [[0]], [[0, 0]], [[1, -1]], [[1.5]], [[Number.NaN]], [[2 ** 53]]])("given %j, refuses", ([list]) => {
  expect(() => weightedChoice(list ?? [])).toThrow(RangeError);
});
