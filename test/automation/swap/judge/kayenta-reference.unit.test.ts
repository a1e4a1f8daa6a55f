import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { classifyMetric } from "../../../../automation/swap/judge/classify.ts";

/** JSON has no NaN. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const numbers = z.array(number);

const recorded = z
  .object({
    cases: z.array(
      z.object({
        name: z.string(),
        rule: z.strictObject({
          direction: z.enum(["increase", "decrease", "either"]),
          critical: z.boolean(),
          mustHaveData: z.boolean(),
          nanStrategy: z.enum(["remove", "replace"]),
          outliers: z.enum(["keep", "remove"]),
          outlierFactor: z.number(),
          effectMeasure: z.enum(["mean-ratio", "cles"]),
          allowedIncrease: z.number().optional(),
          allowedDecrease: z.number().optional(),
        }),
        experiment: numbers,
        control: numbers,
        uniforms: numbers,
        classification: z.string(),
        points: z.tuple([z.number(), z.number()]),
        lower: z.number().optional(),
        upper: z.number().optional(),
        estimate: z.number().optional(),
        effect: number.optional(),
      }),
    ),
  })
  .parse(
    JSON.parse(readFileSync(new URL("../../../fixtures/judge/kayenta-reference.json", import.meta.url), "utf8")),
  ).cases;

/** To 1e-6 of the value, so that tiny values are held to it too; to 1e-9 of those near zero. */
function near(actual: number | undefined, expected: number | undefined, what: string): void {
  if (expected === undefined || Number.isNaN(expected)) {
    expect(actual, what).toEqual(expected);
    return;
  }
  const scale = Math.max(1e-3, Math.abs(expected));
  expect(Math.abs((actual ?? Number.NaN) - expected) / scale, `${what}: ${actual} against ${expected}`).toBeLessThan(
    1e-6,
  );
}

describe("the judge and R agree to 1e-6", () => {
  test("the recording has every classification and more than thirty pairs", () => {
    expect(recorded.length).toBeGreaterThan(30);
    expect(new Set(recorded.map(({ classification }) => classification))).toEqual(
      new Set(["Pass", "High", "Low", "Nodata", "NodataFailMetric"]),
    );
  });

  test.each(recorded)("$name", ({ rule, experiment, control, uniforms, points, ...expected }) => {
    const left = [...uniforms];
    const judged = classifyMetric(experiment, control, rule, () => {
      const next = left.shift();
      if (next === undefined) throw new Error("asked for more random numbers than R");
      return next;
    });
    expect(judged.classification).toBe(expected.classification);
    expect([judged.points.experiment, judged.points.control]).toEqual(points);
    near(judged.shift?.lower, expected.lower, "lower");
    near(judged.shift?.upper, expected.upper, "upper");
    near(judged.shift?.estimate, expected.estimate, "estimate");
    near(judged.effect, expected.effect, "effect");
    expect(left).toEqual([]);
  });
});
