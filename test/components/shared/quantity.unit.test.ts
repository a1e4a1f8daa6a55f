import { expect, test } from "vitest";
import { checkQuantities, parseCpu, parseMemory } from "../../../components/shared/quantity.ts";

test("vCPUs in thousandths", () => {
  expect([parseCpu("500m"), parseCpu("1"), parseCpu("0.25"), parseCpu("30")]).toEqual([500, 1000, 250, 30_000]);
  for (const wrong of ["", "m", "1.5m", "-1", "1 ", "one", "0.0001"]) expect(parseCpu(wrong), wrong).toBeUndefined();
});

test("memory in bytes", () => {
  expect([parseMemory("512Mi"), parseMemory("1Gi"), parseMemory("1.5G"), parseMemory("1024")]).toEqual([
    512 * 2 ** 20,
    2 ** 30,
    1.5e9,
    1024,
  ]);
  for (const wrong of ["", "Mi", "1GB", "-1Gi", "1 Gi"]) expect(parseMemory(wrong), wrong).toBeUndefined();
});

test("both texts are checked at once", () => {
  expect(checkQuantities("x", "y").map((problem) => problem.path)).toEqual(["cpu", "memory"]);
  expect(checkQuantities("1", "1Gi")).toEqual([]);
});
