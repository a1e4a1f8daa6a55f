import { describe, expect, it } from "vitest";
import type { ClusterRecord } from "../../../../automation/guard/record.ts";
import { startMoves } from "../../../../automation/guard/run/start.ts";
import { epoch, planOf, recordOf, settings } from "./batch.ts";

const plan = planOf(["eu-1", "us-1"]);
const resting = (
  cluster: string,
  change: Partial<ClusterRecord> = {},
  region = "eu-central-1",
  version = "1.30.5",
): ClusterRecord => {
  const { run: _run, ...record } = recordOf(plan, cluster);
  return { ...record, state: "healthy", entry: { ...record.entry, region, currentIstioVersion: version }, ...change };
};
const view = (clusters: readonly ClusterRecord[], execution = {}) => ({
  now: epoch,
  plan,
  settings: settings({ execution }),
  clusters,
});

describe("who begins a hop", () => {
  it("everyone at rest who has a hop left; one that is there already has nothing to do", () => {
    const { moves } = startMoves(view([resting("eu-1"), resting("us-1", {}, "us-east-1", "1.31.1")]));
    expect(moves.map(({ cluster, event }) => `${cluster} ${event}`)).toEqual(["eu-1 started"]);
    expect(moves[0]?.run).toMatchObject({
      plan: plan.hash,
      from: "1.30.5",
      to: "1.31.1",
      step: { index: 0, attempt: 1 },
    });
  });

  it("one that is under way in this plan is left alone, one of another plan stops the start", () => {
    const under = recordOf(plan, "us-1");
    expect(startMoves(view([resting("eu-1"), under])).moves).toHaveLength(1);
    const other = { ...under, run: under.run === undefined ? undefined : { ...under.run, plan: "feedfeedfeed" } };
    const { moves, refusals } = startMoves(view([resting("eu-1"), other as ClusterRecord]));
    expect(moves).toEqual([]);
    expect(refusals[0]?.why).toContain("feedfeedfeed");
  });

  it("one that the plan does not have stops the start", () => {
    const { refusals } = startMoves(
      view([resting("eu-1"), { ...resting("us-1"), entry: { ...resting("us-1").entry, clusterId: "new-1" } }]),
    );
    expect(refusals.map(({ cluster }) => cluster)).toEqual(["new-1"]);
  });

  it("one that went back begins the next attempt, so that no merge request is found by its old name", () => {
    const before = recordOf(plan, "eu-1");
    const { moves } = startMoves(view([{ ...before, state: "rollback_completed" }]));
    expect(moves[0]?.run?.step).toEqual({ index: 0, attempt: 2 });
  });

  it("one that went back does not begin again while another of the batch still goes back", () => {
    const [one, other] = [recordOf(plan, "eu-1"), recordOf(plan, "us-1")];
    for (const state of ["rollback_needed", "rollback_mr_created", "rollback_mr_merged"] as const)
      expect(
        startMoves(
          view([
            { ...one, state: "rollback_completed" },
            { ...other, state },
          ]),
        ).moves,
      ).toEqual([]);
  });

  it("regions follow each other, with a pause", () => {
    const execution = { regions: ["eu-central-1", "us-east-1"], region_pause_minutes: 30 };
    const first = startMoves(view([resting("eu-1"), resting("us-1", {}, "us-east-1")], execution));
    expect(first.moves.map(({ cluster }) => cluster)).toEqual(["eu-1"]);
    expect(first.waits).toEqual([{ cluster: "us-1", why: "waits for region eu-central-1" }]);
    const done = resting("eu-1", { state: "upgraded", since: epoch }, "eu-central-1", "1.31.1");
    expect(startMoves(view([done, resting("us-1", {}, "us-east-1")], execution)).waits).toEqual([
      { cluster: "us-1", why: "pauses between regions", until: epoch + 30 * 60_000 },
    ]);
    const later = { ...done, since: epoch - 31 * 60_000 };
    expect(startMoves(view([later, resting("us-1", {}, "us-east-1")], execution)).moves).toHaveLength(1);
  });
});
