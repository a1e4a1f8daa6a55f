import { describe, expect, it } from "vitest";
import { drillFailed, problemsOf } from "../../../../automation/cli/drill/drill.ts";
import { toEnvelope } from "../../../../automation/cli/error-output.ts";
import { everyCampaign } from "../../../support/drill-results.ts";

describe("the problems of a drill", () => {
  it("are none when no campaign found any, or none was played", () => {
    expect(problemsOf({})).toEqual([]);
    expect(problemsOf(everyCampaign([]))).toEqual([]);
  });

  it("are those of all campaigns, each with where it was found", () => {
    expect(problemsOf(everyCampaign(["a < b", "c"]))).toEqual([
      "fault candidate-dead: a < b",
      "fault candidate-dead: c",
      "crashes, completes, every point: a < b",
      "crashes, completes, every point: c",
      "equal sides, 100 requests a second: a < b",
      "equal sides, 100 requests a second: c",
      "kills: a < b",
      "kills: c",
      "round trips: a < b",
      "round trips: c",
    ]);
  });
});

describe("a drill that found something", () => {
  const result = (problems: readonly string[]) => ({
    startedAt: "2026-11-20T19:00:00.000Z",
    seed: 1,
    ...everyCampaign(problems),
    problems,
    report: ".switchyard/reports/drill.html",
  });

  it("fails with its problems, the report and all numbers, as one document", () => {
    const error = drillFailed(result(["first", "second"]));
    expect(error.message).toBe("2 problems:\n  first\n  second");
    expect(error.next).toEqual(["To see everything:   open .switchyard/reports/drill.html"]);
    const envelope = toEnvelope(error, []);
    expect(envelope.error.exitCode).toBe(1);
    expect(JSON.parse(JSON.stringify(envelope))).toMatchObject({
      status: "error",
      error: { code: "drill-failed", data: JSON.parse(JSON.stringify(result(["first", "second"]))) },
    });
  });

  it("tells the first twenty", () => {
    const many = Array.from({ length: 23 }, (_, index) => `problem ${index}`);
    const lines = drillFailed(result(many)).message.split("\n");
    expect(lines).toHaveLength(22);
    expect(lines.at(-1)).toBe("  and 3 more");
    expect(drillFailed(result(many.slice(0, 20))).message.split("\n")).toHaveLength(21);
    expect(drillFailed(result(["one"])).message).toBe("1 problem:\n  one");
  });
});
