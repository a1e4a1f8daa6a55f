import { describe, expect, it } from "vitest";
import type { ClusterRecord, RunRecord } from "../../../../automation/guard/registry/record.ts";
import { guardStates } from "../../../../automation/guard/registry/state-names.ts";
import type { BatchView } from "../../../../automation/guard/run/decide.ts";
import { resumeMoves, rollbackMoves } from "../../../../automation/guard/run/person.ts";
import { epoch, moved, planOf, recordOf, settings } from "./batch.ts";

const plan = planOf(["eu-1"]);
const now = epoch + 3_600_000;

function at(
  state: ClusterRecord["state"],
  run: Partial<RunRecord> = {},
  pausedFrom?: ClusterRecord["state"],
): ClusterRecord {
  const record = recordOf(plan, "eu-1");
  if (record.run === undefined) throw new Error("no run");
  return { ...record, state, run: { ...record.run, ...run }, ...(pausedFrom === undefined ? {} : { pausedFrom }) };
}
const view = (record: ClusterRecord): BatchView => ({ now, plan, settings: settings(), clusters: [record] });
const become = (record: ClusterRecord, moves: ReturnType<typeof resumeMoves>["moves"]): ClusterRecord =>
  moves.reduce((one, move) => moved(one, move, now), record);
const mark = {
  repository: "mesh/fleet",
  branch: "b",
  iid: 7,
  url: "u",
  base: "b",
  commit: "c",
  landed: "l",
  mergedAt: epoch,
};

describe("guard rollback", () => {
  it.each([
    "mr_merged",
    "upgrading",
    "soaking_control_plane",
    "restarting_data_plane",
    "soaking_data_plane",
    "validating",
    "upgraded",
  ] as const)("from %s everything that is in the cluster goes back, with the reason and who asked", (state) => {
    const record = at(state, { restartMark: "2026-12-01T10:30:00Z" });
    const { moves, refusals } = rollbackMoves(view(record), { reason: "checkout is slow", by: "ada" });
    expect(refusals).toEqual([]);
    const back = become(record, moves);
    expect(back.state).toBe("rollback_needed");
    expect(back.run?.rollback).toMatchObject({ reason: "checkout is slow", askedBy: "ada", dataPlaneMoved: true });
  });

  it.each(["pending", "healthy", "pre_check_running", "pre_check_passed", "mr_created", "abandoned"] as const)(
    "from %s it is refused: there is nothing to take back",
    (state) => {
      const { moves, refusals } = rollbackMoves(view(at(state)), { reason: "no", by: "ada" });
      expect(moves).toEqual([]);
      expect(refusals).toHaveLength(1);
    },
  );
});

describe("guard resume", () => {
  it("goes on where it was paused; a soak without a verdict gets its time once more", () => {
    const record = at(
      "paused",
      { soak: { startedAt: epoch - 900_000, endsAt: epoch, extended: true } },
      "soaking_control_plane",
    );
    const on = become(record, resumeMoves(view(record), { kind: "on" }, "ada").moves);
    expect(on).toMatchObject({
      state: "soaking_control_plane",
      run: { soak: { startedAt: now, endsAt: now + 900_000 } },
    });
  });

  it("--retry begins the next attempt of a merge request that was closed", () => {
    const record = at(
      "paused",
      { step: { index: 0, attempt: 1, checkedAt: epoch, mergeRequest: mark, edits: "e" } },
      "mr_created",
    );
    const again = become(record, resumeMoves(view(record), { kind: "retry" }, "ada").moves);
    expect(again).toMatchObject({ state: "pre_check_running", run: { step: { index: 0, attempt: 2 } } });
    expect(again.run?.step.mergeRequest).toBeUndefined();
  });

  it("--retry of a rollback opens its next merge request, never the upgrade's", () => {
    const rollback = {
      reason: "p99",
      askedBy: "gate B",
      askedAt: epoch,
      dataPlaneMoved: true,
      attempt: 1,
      mergeRequest: mark,
    };
    const record = at("paused", { rollback }, "rollback_mr_created");
    const again = become(record, resumeMoves(view(record), { kind: "retry" }, "ada").moves);
    expect(again).toMatchObject({ state: "rollback_needed", run: { rollback: { attempt: 2, reason: "p99" } } });
    expect(again.run?.rollback?.mergeRequest).toBeUndefined();
  });

  it("--retry is refused where the merge request has landed", () => {
    const record = at("paused", {}, "restarting_data_plane");
    expect(resumeMoves(view(record), { kind: "retry" }, "ada").refusals).toHaveLength(1);
  });

  it.each([
    ["soaking_control_plane", "restarting_data_plane"],
    ["soaking_data_plane", "upgraded"],
    ["validating", "upgraded"],
  ] as const)("--accept takes an undecided %s for passed, with the name of who did", (from, to) => {
    const record = at("paused", { soak: { startedAt: epoch, endsAt: epoch, extended: true } }, from);
    const on = become(
      record,
      resumeMoves(view(record), { kind: "accept", reason: "looked at the dashboards" }, "ada").moves,
    );
    expect(on.state).toBe(to);
    expect(on.history.at(-1)?.note).toContain("ada took the soak for passed: looked at the dashboards");
  });

  it("--give-up is only possible where the cluster is not between two versions, or a person has it already", () => {
    const possible = guardStates.filter(
      (state) => resumeMoves(view(at(state)), { kind: "give-up", reason: "not now" }, "ada").moves.length > 0,
    );
    expect(possible).toEqual(["pre_check_failed", "pre_check_passed", "mr_created", "paused"]);
  });
});

describe("the next attempt of what went back", () => {
  const rollback = { reason: "p99 rose", askedBy: "gate B", askedAt: epoch, dataPlaneMoved: true, attempt: 1 };

  it.each(["rollback_completed", "healthy"] as const)(
    "from %s the whole hop begins again, under new names",
    (state) => {
      const landed = [{ index: 0, attempt: 1 }];
      const before = at(state, { rollback, landed, step: { index: 1, attempt: 2 }, baseline: "b", note: "n" });
      const { moves, refusals } = resumeMoves(view(before), { kind: "retry" }, "ada");
      expect(refusals).toEqual([]);
      const again = become(before, moves);
      expect(again.state).toBe("pre_check_running");
      expect(again.run).toEqual({
        plan: plan.hash,
        hop: 0,
        from: "1.30.5",
        to: "1.31.1",
        strategy: "in-place",
        startedAt: now,
        step: { index: 0, attempt: 3 },
        landed: [],
        restarted: [],
      });
    },
  );

  it("waits for the rest of the batch, and needs a hop from where the cluster is", () => {
    const one = at("rollback_completed", { rollback });
    const other = { ...at("rollback_mr_created", { rollback }), entry: { ...one.entry, clusterId: "eu-2" } };
    const both = resumeMoves({ ...view(one), clusters: [one, other] }, { kind: "retry" }, "ada");
    expect(both.moves).toEqual([]);
    expect(both.refusals).toMatchObject([{ cluster: "eu-1", why: expect.stringContaining("eu-2 still goes back") }]);
    const elsewhere = { ...one, entry: { ...one.entry, currentIstioVersion: "1.29.8" } };
    expect(resumeMoves(view(elsewhere), { kind: "retry" }, "ada").refusals).toMatchObject([
      { why: expect.stringContaining("no hop from Istio 1.29.8") },
    ]);
  });

  it("one that was never taken back is left alone", () => {
    expect(resumeMoves(view(at("healthy")), { kind: "retry" }, "ada")).toEqual({ moves: [], refusals: [] });
    expect(resumeMoves(view(at("rollback_completed", { rollback })), { kind: "on" }, "ada").moves).toEqual([]);
  });
});
