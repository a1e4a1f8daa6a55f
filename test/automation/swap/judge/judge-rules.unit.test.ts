import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classifyMetric, type MetricRule } from "../../../../automation/swap/judge/classify.ts";
import { commonLanguageEffect, meanRatio } from "../../../../automation/swap/judge/effect.ts";
import { quantileOfSorted, withoutOutliers } from "../../../../automation/swap/judge/outliers.ts";
import { canShowShift, estimateShift, standardRankSum } from "../../../../automation/swap/judge/rank-sum.ts";
import { findRoot } from "../../../../automation/swap/judge/root.ts";

const rule: MetricRule = {
  direction: "either",
  critical: false,
  mustHaveData: false,
  nanStrategy: "remove",
  outliers: "keep",
  outlierFactor: 3,
  effectMeasure: "mean-ratio",
};
const noRandom = (): number => {
  throw new Error("no noise is needed here");
};
/** Eighths, so that shifting them loses nothing to rounding. */
const value = fc.integer({ min: -800, max: 800 }).map((eighths) => eighths / 8);
const series = fc.array(value, { minLength: 1, maxLength: 40 });
const label = (experiment: readonly number[], control: readonly number[], more: Partial<MetricRule> = {}): string =>
  classifyMetric(experiment, control, { ...rule, ...more }, () => 0.25).classification;

describe("classification", () => {
  const low = Array.from({ length: 20 }, (_, index) => 100 + (index % 5));
  const high = low.map((one) => one * 2);

  test("the sides swapped: High becomes Low", () => {
    expect(label(high, low)).toBe("High");
    expect(label(low, high)).toBe("Low");
  });

  test("only the direction that is bad counts", () => {
    expect(label(high, low, { direction: "decrease" })).toBe("Pass");
    expect(label(low, high, { direction: "increase" })).toBe("Pass");
  });

  test("an effect at the allowed one counts, one below it does not", () => {
    expect(label(high, low, { allowedIncrease: 2 })).toBe("High");
    expect(label(high, low, { allowedIncrease: 2.01 })).toBe("Pass");
    expect(label(low, high, { allowedDecrease: 0.5 })).toBe("Low");
    expect(label(low, high, { allowedDecrease: 0.49 })).toBe("Pass");
  });

  test("a critical metric is fatal from its critical effect on, and only then", () => {
    const judge = (experiment: readonly number[], control: readonly number[], more: Partial<MetricRule>): unknown =>
      classifyMetric(experiment, control, { ...rule, critical: true, ...more }, noRandom);
    expect(judge(high, low, {})).toMatchObject({ classification: "High", critical: true });
    expect(judge(high, low, { criticalIncrease: 2 })).toMatchObject({ classification: "High", critical: true });
    expect(judge(high, low, { criticalIncrease: 5 })).toMatchObject({ classification: "High", critical: false });
    expect(judge(low, high, { criticalDecrease: 0.5 })).toMatchObject({ classification: "Low", critical: true });
    expect(judge(low, high, { criticalDecrease: 0.4 })).toMatchObject({ classification: "Low", critical: false });
    expect(judge([], low, {})).toMatchObject({ classification: "Nodata", critical: true });
    expect(judge([], low, { mustHaveData: true })).toMatchObject({ classification: "Nodata", critical: true });
  });

  test("infinite values are missing ones", () => {
    const judged = classifyMetric([1, Number.POSITIVE_INFINITY, Number.NaN], [1, 1], rule, noRandom);
    expect(judged.points).toEqual({ experiment: 1, control: 2 });
  });

  test("one point against another cannot be compared by rank, and that is no Pass", () => {
    expect(classifyMetric([5], [3], rule, () => 0.4)).toMatchObject({ classification: "Error", critical: false });
  });

  test("the same numbers in another order give the same judgement", () => {
    fc.assert(
      fc.property(series, series, fc.integer(), (experiment, control, seed) => {
        const shuffled = (values: readonly number[]): readonly number[] =>
          values.toSorted((a, b) => Math.sin(a + seed) - Math.sin(b + seed));
        expect(classifyMetric(shuffled(experiment), shuffled(control), rule, () => 0.25)).toMatchObject({
          classification: label(experiment, control),
        });
      }),
    );
  });

  test("A/A: the same series on both sides always passes", () => {
    fc.assert(fc.property(series, (values) => label(values, values) === "Pass"));
  });
});

describe("the shift between two series", () => {
  test("is the shift itself where one is the other moved, within its bounds", () => {
    fc.assert(
      fc.property(fc.uniqueArray(value, { minLength: 6, maxLength: 40 }), value, (values, by) => {
        const found = estimateShift(
          values.map((one) => one + by),
          values,
        );
        expect(found?.lower).toBeLessThanOrEqual(by + 1e-3);
        expect(found?.upper).toBeGreaterThanOrEqual(by - 1e-3);
        expect(found?.estimate).toBeGreaterThanOrEqual(found?.lower ?? Number.NaN);
        expect(found?.estimate).toBeLessThanOrEqual(found?.upper ?? Number.NaN);
      }),
    );
  });

  test("the standard rank sum is its plain definition: pairs won, ties half, against the mean and spread of chance", () => {
    fc.assert(
      fc.property(series, series, value, (left, right, shift) => {
        const [x, y] = [left.toSorted((a, b) => a - b), right.toSorted((a, b) => a - b)];
        const shifted = x.map((one) => one - shift);
        const [n, m, all] = [x.length, y.length, x.length + y.length];
        const won = shifted.flatMap((a) => y.map((b) => Math.sign(a - b) / 2)).reduce((sum, one) => sum + one, 0);
        const groups = [...Map.groupBy([...shifted, ...y], (one) => one).values()].map(({ length }) => length);
        const ties = groups.reduce((sum, size) => sum + size ** 3 - size, 0);
        const spread = Math.sqrt(((n * m) / 12) * (all + 1 - ties / (all * (all - 1))));
        const found = standardRankSum(x, y, shift);
        if (groups.length === 1) expect(found).toBeNaN();
        else expect(found).toBeCloseTo((won - Math.sign(won) / 2) / spread, 9);
      }),
    );
  });

  test.each([
    [4, 4, false],
    [5, 5, true],
    [2, 9, false],
    [2, 60, true],
    [1, 1_000, false],
    [0, 60, false],
  ])("%i against %i points can differ significantly: %s", (experiment, control, expected) => {
    expect(canShowShift(experiment, control)).toBe(expected);
  });
});

describe("the parts", () => {
  test("a root is found to the tolerance, from either side", () => {
    fc.assert(
      fc.property(fc.double({ min: -50, max: 50, noNaN: true }), fc.boolean(), (root, falls) => {
        const cubic = (x: number): number => (falls ? -1 : 1) * ((x - root) ** 3 + (x - root));
        const found = findRoot(cubic, { lower: -60, upper: 70, atLower: cubic(-60), atUpper: cubic(70) }, 1e-9);
        expect(Math.abs(found - root)).toBeLessThan(1e-8);
      }),
    );
  });

  test("quantiles interpolate between ranks", () => {
    expect(quantileOfSorted([1, 2, 3, 4], 0.25)).toBe(1.75);
    expect(quantileOfSorted([1, 2, 3, 4], 1)).toBe(4);
    expect(quantileOfSorted([7], 0.99)).toBe(7);
    expect(quantileOfSorted([], 0.5)).toBeNaN();
  });

  test("a value beyond the fences goes, the others stay in their order", () => {
    const steady = Array.from({ length: 30 }, (_, index) => 100 + (index % 3));
    expect(withoutOutliers([...steady, 5_000], 3)).toEqual(steady);
    expect(withoutOutliers(steady, 3)).toEqual(steady);
  });

  test("without spread, a value stays that one in a hundred has, on either side", () => {
    const flat = [...new Array<number>(150).fill(5), 6, 6, 6, 4, 4, 4];
    expect(withoutOutliers(flat, 3)).toEqual(flat);
    expect(withoutOutliers([...flat, 40, -40], 3)).toEqual(flat);
  });

  test("the effect by pairs is the share of pairs that the experiment wins, ties half", () => {
    fc.assert(
      fc.property(series, series, (experiment, control) => {
        const pairs = experiment.flatMap((a) => control.map((b) => Math.sign(a - b) / 2 + 0.5));
        const share = pairs.reduce((sum, one) => sum + one, 0) / pairs.length;
        expect(commonLanguageEffect(experiment, control)).toBeCloseTo(share, 12);
      }),
    );
  });

  test("a mean of zero has no ratio", () => {
    expect(meanRatio([1, 2], [0, 0])).toBeNaN();
    expect(meanRatio([0, 0], [1, 2])).toBeNaN();
    expect(meanRatio([4, 8], [1, 2])).toBe(4);
  });
});
