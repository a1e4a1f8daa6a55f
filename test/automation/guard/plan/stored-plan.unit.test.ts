import { describe, expect, it } from "vitest";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import { readPlan } from "../../../../automation/guard/plan/stored-plan.ts";
import { planOf } from "../run/batch.ts";

describe("a stored plan", () => {
  const plan = planOf(["eu-1", "eu-2"], { strategy: "revision" });
  const text = JSON.stringify(plan);

  it("comes back as it was", () => {
    expect(readPlan(text, plan.hash, planDigest)).toEqual(plan);
  });

  it.each([
    ["another target", text.replaceAll("1.31.1", "1.31.2")],
    ["another cluster", text.replaceAll("eu-2", "eu-3")],
    ["a share of the namespaces", text.replaceAll('"share":10', '"share":60')],
    ["no JSON", text.slice(1)],
    ["another form", text.replace('"format":1', '"format":2')],
    ["another hash in it", text.replace(plan.hash, `${plan.hash.slice(1)}0`)],
  ])("that was changed (%s) is refused", (_, changed) => {
    expect(changed).not.toBe(text);
    expect(() => readPlan(changed, plan.hash, planDigest)).toThrow(
      expect.objectContaining({ code: "guard-plan-changed" }),
    );
  });

  it("under another hash is refused", () => {
    expect(() => readPlan(text, "0".repeat(64), planDigest)).toThrow(/was changed/);
  });
});
