import { describe, expect, it } from "vitest";
import { guardAlerts } from "../../../automation/alerts/from-guard.ts";
import type { ClusterRecord } from "../../../automation/guard/registry/record.ts";
import { guardStates } from "../../../automation/guard/registry/state-names.ts";
import { epoch, planOf, recordOf } from "../guard/run/batch.ts";

const plan = planOf(["eu-1"]);
const first = recordOf(plan, "eu-1");
const at = (state: ClusterRecord["state"], change: Partial<NonNullable<ClusterRecord["run"]>> = {}): ClusterRecord => ({
  ...first,
  state,
  since: epoch + 1,
  ...(first.run === undefined ? {} : { run: { ...first.run, ...change } }),
});
const rollback = { reason: "p99 +20 %", askedBy: "gate B", askedAt: epoch, dataPlaneMoved: true, attempt: 1 };

describe("what people are told of an upgrade", () => {
  it("given a gate failed, it is critical at once and says why, from what and to what", () => {
    const [left, told] = guardAlerts(at("soaking_data_plane"), at("rollback_needed", { rollback, note: "p99 +20 %" }));
    expect(left).toMatchObject({ kind: "resolve" });
    expect(told).toMatchObject({
      kind: "raise",
      until: "cleared",
      alert: { severity: "critical", code: "rollback_needed", detail: "p99 +20 %" },
    });
    if (told?.kind !== "raise") throw new Error("not told");
    expect(told.alert.title).toBe("eu-1 (wave-1): it goes back to Istio 1.30.5: p99 +20 %");
  });

  it("what one state raised, leaving it ends, whoever tells", () => {
    const [, raised] = guardAlerts(at("mr_created"), at("paused", { note: "closed" }));
    const [ended] = guardAlerts(at("paused", { note: "closed" }), at("pre_check_running"));
    if (raised?.kind !== "raise" || ended?.kind !== "resolve") throw new Error("not both");
    expect(ended.key).toBe(raised.alert.dedupKey);
  });

  it("every attempt is a matter of its own", () => {
    const key = (attempt: number): string | undefined => {
      const told = guardAlerts(at("mr_created"), at("paused", { step: { index: 0, attempt } })).at(-1);
      return told?.kind === "raise" ? told.alert.dedupKey : undefined;
    };
    expect(key(1)).not.toBe(key(2));
  });

  it("a state in which guard works by itself tells nobody", () => {
    const quiet = guardStates.filter((state) =>
      guardAlerts(at("pending"), at(state)).every(({ kind }) => kind !== "raise"),
    );
    expect(quiet).toEqual([
      "pending",
      "healthy",
      "pre_check_running",
      "pre_check_passed",
      "mr_merged",
      "upgrading",
      "flux_synced",
      "soaking_control_plane",
      "restarting_data_plane",
      "soaking_data_plane",
      "validating",
      "rollback_mr_merged",
      "abandoned",
    ]);
  });
});
