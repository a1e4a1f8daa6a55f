import { describe, expect, test } from "vitest";
import { type GateQuestion, gate } from "../../../../automation/guard/merge-request/gate.ts";
import { branchName, markText, type StepMark } from "../../../../automation/guard/merge-request/mark.ts";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";

const now = Date.UTC(2026, 11, 1, 14);
const mark: StepMark = {
  kind: "upgrade",
  plan: "0123456789ab",
  step: 0,
  attempt: 1,
  checkedAt: now - 59 * 60_000,
  validMinutes: 60,
  batch: "wave-1",
  version: "1.30.5",
};
const repository = "fleet/prod";
const asked = (more: Partial<GateQuestion> = {}, of: StepMark = mark): GateQuestion => ({
  repository,
  request: { source: branchName(repository, of, planDigest), description: `x\n${markText(of)}`, state: "opened" },
  now,
  digest: planDigest,
  ...more,
});

describe("a merge request of guard", () => {
  test("is fresh while its checks hold, to the last millisecond", () => {
    const until = mark.checkedAt + 60 * 60_000;
    expect(gate(asked())).toEqual({ kind: "fresh", text: "Its checks hold until 2026-12-01T14:01:00Z.", until });
    expect(gate(asked({ now: until })).kind).toBe("fresh");
    expect(gate(asked({ now: until + 1 }))).toEqual({
      kind: "stale",
      reasons: ["Its checks are of 2026-12-01T13:01:00Z and held until 2026-12-01T14:01:00Z, 1 min ago."],
    });
  });

  test("is stale when the plan has changed", () => {
    expect(gate(asked({ plan: mark.plan })).kind).toBe("fresh");
    expect(gate(asked({ plan: "ffffffffffff" }))).toEqual({
      kind: "stale",
      reasons: ["The plan has changed from 0123456789ab to ffffffffffff."],
    });
  });

  test("is stale without its mark, or with that of another step, repository or plan", () => {
    const { request } = asked();
    expect(gate(asked({ request: { ...request, description: "cleaned up" } })).kind).toBe("stale");
    const forged = markText({ ...mark, plan: "ffffffffffff" });
    expect(gate(asked({ request: { ...request, description: forged } })).kind).toBe("stale");
    expect(gate(asked({ repository: "fleet/stage" })).kind).toBe("stale");
  });

  test("is stale when its checks are of the future: a clock is wrong", () => {
    expect(gate(asked({ now: mark.checkedAt - 4 * 60_000 })).kind).toBe("fresh");
    expect(gate(asked({ now: mark.checkedAt - 6 * 60_000 }))).toMatchObject({
      kind: "stale",
      reasons: [expect.stringContaining("later than this machine's time")],
    });
  });

  test("says all reasons at once", () => {
    expect(gate(asked({ now: now + 3_600_000, plan: "ffffffffffff" }))).toMatchObject({
      reasons: [expect.stringContaining("plan"), expect.stringContaining("59 min ago")],
    });
  });
});

describe("others", () => {
  test.each(["feature/x", "guardian/x"])("%s is not guard's, and passes", (source) => {
    expect(gate(asked({ request: { ...asked().request, source, description: "" } })).kind).toBe("other");
  });

  test.each(["merged", "closed", "locked"] as const)("one that is %s passes: nobody merges it any more", (state) => {
    expect(gate(asked({ request: { ...asked().request, state, description: "" } })).kind).toBe("other");
  });
});
