import { describe, expect, it } from "vitest";
import type { ClusterRecord } from "../../../../automation/guard/registry/record.ts";
import { decide } from "../../../../automation/guard/run/decide.ts";
import { epoch, planOf, recordOf, settings } from "./batch.ts";

const plan = planOf(["eu-1", "us-1"]);
const day = 86_400_000;
const view = (clusters: readonly ClusterRecord[], now = epoch) => ({ now, plan, settings: settings(), clusters });

function at(cluster: string, state: ClusterRecord["state"], rollback?: number, startedAt = epoch): ClusterRecord {
  const record = recordOf(plan, cluster);
  if (record.run === undefined) throw new Error("no run");
  const back =
    rollback === undefined
      ? {}
      : { rollback: { reason: "p99", askedBy: "gate B", askedAt: rollback, dataPlaneMoved: true, attempt: 1 } };
  return { ...record, state, run: { ...record.run, startedAt, ...back } };
}

describe("what a batch does next", () => {
  it("one that goes back takes those along that began before", () => {
    const { moves } = decide(
      view([at("eu-1", "soaking_data_plane"), at("us-1", "rollback_needed", epoch + 1)], epoch + 2),
    );
    expect(moves.map(({ cluster, event }) => `${cluster} ${event}`)).toEqual(["eu-1 batch_failed"]);
  });

  it("one that went back before the next attempt began holds nobody", () => {
    const again = at("eu-1", "pre_check_running", undefined, epoch + 10);
    const { moves, effects } = decide(view([again, at("us-1", "rollback_completed", epoch + 1)], epoch + 11));
    expect(moves).toEqual([]);
    expect(effects).toEqual([{ kind: "check", cluster: "eu-1" }]);
  });

  it.each(["upgraded", "rollback_completed"] as const)("%s settles when the hold is over, and not before", (state) => {
    const record = at("eu-1", state, state === "upgraded" ? undefined : epoch);
    expect(decide(view([record], epoch + 3 * day - 1)).moves).toEqual([]);
    expect(decide(view([record], epoch + 3 * day)).moves).toEqual([{ cluster: "eu-1", event: "settled" }]);
  });
});
