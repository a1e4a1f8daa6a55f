import { expect, it } from "vitest";
import { TimeWeightedAverage } from "../../../local/cloud-run/time-weighted-average.ts";

it("weighs each value by the time that it lasted", () => {
  const average = new TimeWeightedAverage(0);
  average.set(10, 15_000);
  average.set(0, 45_000);
  expect(average.over(60_000, 60_000)).toBeCloseTo(5);
});

it("averages over the time since the beginning where the window is longer", () => {
  const average = new TimeWeightedAverage(0);
  average.set(6, 0);
  expect(average.over(60_000, 2000)).toBe(6);
});

it("forgets what is older than the window", () => {
  const average = new TimeWeightedAverage(0);
  average.set(100, 0);
  average.set(0, 30_000);
  for (let now = 31_000; now <= 95_000; now += 1000) average.set(0, now);
  expect(average.over(60_000, 95_000)).toBe(0);
  expect(average.over(600_000, 95_000)).toBeCloseTo((100 * 30) / 95);
});

it("remembers ten minutes and no more", () => {
  const average = new TimeWeightedAverage(0);
  average.set(60, 0);
  average.set(0, 1000);
  for (let now = 2000; now <= 3_600_000; now += 1000) average.set(0, now);
  expect(average.over(600_000, 3_600_000)).toBe(0);
});
