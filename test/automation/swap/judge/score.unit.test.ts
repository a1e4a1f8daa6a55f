import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Classification } from "../../../../automation/swap/judge/classify.ts";
import { type ScoredMetric, scoreMetrics } from "../../../../automation/swap/judge/score.ts";

let count = 0;
const metric = (classification: Classification, more: Partial<ScoredMetric> = {}): ScoredMetric => {
  count += 1;
  return { name: `m${count}`, classification, critical: false, groups: ["all"], muted: false, ...more };
};
const score = (metrics: readonly ScoredMetric[], weights: Readonly<Record<string, number>> = {}): number =>
  scoreMetrics(metrics, weights).score;

describe("the score", () => {
  test("of one group is the share that passed; missing data count only where they are required", () => {
    expect(score([metric("Pass"), metric("Pass"), metric("High")])).toBe(66.67);
    expect(score([metric("Pass"), metric("Low"), metric("NodataFailMetric"), metric("Nodata")])).toBe(33.33);
    expect(score([metric("Pass"), metric("Error")])).toBe(100);
  });

  test("groups without a weight share the rest of 100", () => {
    const metrics = [
      metric("Pass", { groups: ["latency"] }),
      metric("High", { groups: ["errors"] }),
      metric("Pass", { groups: ["saturation"] }),
    ];
    expect(score(metrics)).toBe(66.67);
    expect(score(metrics, { latency: 60 })).toBe(80);
    expect(score(metrics, { errors: 90 })).toBe(10);
  });

  test("a metric may be in several groups, or in none and without a say", () => {
    expect(score([metric("High", { groups: ["a", "b"] }), metric("Pass", { groups: ["b"] })])).toBe(25);
    expect(score([metric("High", { groups: [] }), metric("Pass")])).toBe(100);
  });

  test("a group without any data scores 100", () => {
    const metrics = [metric("High"), metric("Pass"), metric("Pass"), metric("Nodata", { groups: ["other"] })];
    expect(score(metrics)).toBe(83.33);
  });

  test("a critical metric that does not pass makes it 0, whatever the others say", () => {
    const found = scoreMetrics(
      [...Array.from({ length: 9 }, () => metric("Pass")), metric("High", { name: "x", critical: true })],
      {},
    );
    expect(found).toMatchObject({ score: 0, forcedBy: "critical", criticalFailures: ["x"] });
    expect(score([metric("Pass", { critical: true })])).toBe(100);
  });

  test("half of the metrics without data make it 0, fewer do not", () => {
    expect(scoreMetrics([metric("Pass"), metric("Nodata")], {})).toMatchObject({ score: 0, forcedBy: "no-data" });
    expect(score([metric("Pass"), metric("Pass"), metric("Nodata")])).toBe(100);
    expect(scoreMetrics([metric("Nodata")], {}).forcedBy).toBe("no-data");
  });

  test("muted metrics have no say", () => {
    expect(score([metric("High", { muted: true, critical: true }), metric("Pass")])).toBe(100);
    expect(score([metric("Nodata", { muted: true }), metric("Pass")])).toBe(100);
  });

  test("a group may be called like a method of an object", () => {
    expect(score([metric("High", { groups: ["constructor"] }), metric("Pass")])).toBe(50);
  });

  test("is rounded half up on its decimal digits", () => {
    // 1.005 % of weight: binary 1.00499999999999989, which toFixed rounds down.
    expect(score([metric("Pass", { groups: ["a"] }), metric("High", { groups: ["b"] })], { a: 1.005 })).toBe(1.01);
  });

  test("lies between 0 and 100, and one more pass never lowers it", () => {
    const label = fc.constantFrom<Classification>("Pass", "High", "Low", "Nodata", "NodataFailMetric", "Error");
    fc.assert(
      fc.property(fc.array(fc.tuple(label, fc.constantFrom("a", "b")), { minLength: 1, maxLength: 12 }), (labels) => {
        const metrics = labels.map(([classification, group]) => metric(classification, { groups: [group] }));
        const before = score(metrics);
        expect(before).toBeGreaterThanOrEqual(0);
        expect(before).toBeLessThanOrEqual(100);
        const changed = metrics.findIndex(({ classification }) => classification === "High");
        if (changed >= 0)
          expect(
            score(metrics.with(changed, metric("Pass", { groups: metrics[changed]?.groups ?? [] }))),
          ).toBeGreaterThanOrEqual(before);
      }),
    );
  });
});
