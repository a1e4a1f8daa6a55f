import { describe, expect, it } from "vitest";
import type { ClusterRecord } from "../../../../automation/guard/registry/record.ts";
import { keptLimits, type StartView, startMoves } from "../../../../automation/guard/run/start.ts";
import { isAlone } from "../../../../automation/guard/run/step.ts";
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

/** At rest after its upgrade was taken back. */
function back(cluster: string, state: ClusterRecord["state"]): ClusterRecord {
  const record = recordOf(plan, cluster);
  if (record.run === undefined) throw new Error("no run");
  const rollback = { reason: "p99 rose", askedBy: "gate B", askedAt: epoch, dataPlaneMoved: true, attempt: 1 };
  return { ...record, state, run: { ...record.run, rollback } };
}

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

  it("keeps what was said at its beginning: its own merge requests, and limits; a process that says others later is told", () => {
    const thresholds = { latency_p99_increase: 0.4 };
    const begun = startMoves({ ...view([resting("eu-1")], { mr_strategy: "per-cluster" }), thresholds });
    expect(begun.moves[0]?.run).toMatchObject({ alone: true, thresholds });
    expect(isAlone(begun.moves[0]?.run, settings({ execution: { mr_strategy: "batch" } }))).toBe(true);
    const record = { ...recordOf(plan, "eu-1"), run: begun.moves[0]?.run };
    const told = (said: StartView["thresholds"]) => keptLimits({ plan, thresholds: said }, record as ClusterRecord);
    expect([told(undefined), told(thresholds)]).toEqual([undefined, undefined]);
    expect(told({ min_requests: 5 })).toContain("eu-1 keeps the limits with which its run began");
  });

  it("one whose checks failed half-way takes the limits of the run that begins again, and no older ones", () => {
    const failed = { ...recordOf(plan, "eu-1"), state: "pre_check_failed" as const };
    const run = failed.run === undefined ? undefined : { ...failed.run, thresholds: { min_requests: 5 } };
    const again = (thresholds: StartView["thresholds"]) =>
      startMoves({ ...view([{ ...failed, run } as ClusterRecord]), thresholds }).moves[0]?.run?.thresholds;
    expect([again(undefined), again({ min_requests: 7 })]).toEqual([undefined, { min_requests: 7 }]);
  });

  it("one that the plan does not have stops the start", () => {
    const { refusals } = startMoves(
      view([resting("eu-1"), { ...resting("us-1"), entry: { ...resting("us-1").entry, clusterId: "new-1" } }]),
    );
    expect(refusals.map(({ cluster }) => cluster)).toEqual(["new-1"]);
  });

  it.each(["rollback_completed", "healthy"] as const)(
    "one that went back and is %s does not begin again by itself: a person opens the next attempt",
    (state) => {
      const { moves, refusals } = startMoves(view([back("eu-1", state), resting("us-1")]));
      expect(moves).toEqual([]);
      expect(refusals).toEqual([
        {
          cluster: "eu-1",
          why: `it is ${state}: attempt 1 of the plan ${plan.hash} went back, because p99 rose`,
          fix: "When that is put right, open the next attempt: npx switchyard guard resume --batch wave-1 --retry",
        },
      ]);
    },
  );

  it("one that went back in another plan begins this one", () => {
    const other = back("eu-1", "rollback_completed");
    const before = { ...other, run: other.run === undefined ? undefined : { ...other.run, plan: "feedfeedfeed" } };
    expect(startMoves(view([before as ClusterRecord])).moves[0]?.run?.step).toEqual({ index: 0, attempt: 1 });
  });

  it("one that was given up begins the next attempt, so that no merge request is found by its old name", () => {
    const before = recordOf(plan, "eu-1");
    const { moves } = startMoves(view([{ ...before, state: "abandoned" }]));
    expect(moves[0]?.run?.step).toEqual({ index: 0, attempt: 2 });
  });

  it.each([
    ["mr_created", "Open the next attempt: npx switchyard guard resume --batch wave-1 --retry"],
    ["rollback_mr_created", "Open the next attempt: npx switchyard guard resume --batch wave-1 --retry"],
    ["soaking_data_plane", "Let it go on: npx switchyard guard resume --batch wave-1"],
  ] as const)("one that is paused in %s stops the start and says what goes on", (pausedFrom, fix) => {
    const before = recordOf(plan, "eu-1");
    const run = before.run === undefined ? undefined : { ...before.run, note: "!7 was closed" };
    const { moves, refusals } = startMoves(
      view([{ ...before, state: "paused", pausedFrom, ...(run === undefined ? {} : { run }) }, resting("us-1")]),
    );
    expect(moves).toEqual([]);
    expect(refusals).toEqual([{ cluster: "eu-1", why: `it is paused (${pausedFrom}): !7 was closed`, fix }]);
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
