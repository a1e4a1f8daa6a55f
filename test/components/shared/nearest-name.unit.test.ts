import { expect, test } from "vitest";
import { nearestName } from "../../../components/shared/nearest-name.ts";

const known = ["cloud-run", "gke", "traffic"];

test("typos find their name", () => {
  expect(nearestName("gek", known)).toBe("gke");
  expect(nearestName("cloudrun", known)).toBe("cloud-run");
  expect(nearestName("Trafic", known)).toBe("traffic");
});

test("what is far from every name finds none", () => {
  expect(nearestName("kubernetes", known)).toBeUndefined();
  expect(nearestName("x", [])).toBeUndefined();
});
