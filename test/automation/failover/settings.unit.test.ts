import { describe, expect, test } from "vitest";
import { failoverConfig, toFailoverSettings } from "../../../automation/failover/settings.ts";

describe("the failover section", () => {
  test("is off by default, and says everything else all the same", () => {
    expect(toFailoverSettings(failoverConfig.parse({}))).toEqual({
      policy: "off",
      errorShare: 0.5,
      windowMs: 30_000,
      minRequests: 20,
      standbyHealthyMs: 10_000,
      dwellMs: 600_000,
      maxMoves: 3,
    });
  });

  test.each([
    [{ policy: "always" }, "policy"],
    [{ error_share: 0 }, "error_share"],
    [{ error_share: 1.1 }, "error_share"],
    [{ window: 1 }, "window"],
    [{ min_requests: 2 }, "min_requests"],
    [{ max_moves: 0 }, "max_moves"],
    [{ recover: "automatic" }, "recover"],
    [{ window: 60, dwell: 59 }, "dwell"],
  ])("refuses %j at %s", (given, path) => {
    const { error } = failoverConfig.safeParse(given);
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
  });

  test("every setting says what it is", () => {
    for (const [name, field] of Object.entries(failoverConfig.shape)) expect(field.description, name).toBeTruthy();
  });
});
