import { describe, expect, it } from "vitest";
import { nearest, nearestName } from "../../automation/nearest.ts";

describe("the nearest name", () => {
  it.each([
    ["gkee", ["cloud-run", "gke"], "gke"],
    ["cloudrun", ["cloud-run", "gke"], "cloud-run"],
    ["GKE", ["cloud-run", "gke"], "gke"],
    ["porduction", ["staging", "production"], "production"],
    ["lcoal", ["local", "locale"], "local"],
    ["eks", ["cloud-run", "traffic"], undefined],
    ["", ["gke"], undefined],
    ["x", [], undefined],
    ["europe/zurch", ["Europe/Zurich", "Europe/Paris"], "Europe/Zurich"],
  ])("of %j in %j is %j", (given, known, near) => {
    expect(nearestName(given, known)).toBe(near);
  });

  it("is asked for in a message, or not mentioned", () => {
    expect(nearest("gkee", ["gke"])).toBe("; did you mean gke?");
    expect(nearest("quite different", ["gke"])).toBe("");
  });
});
