import { describe, expect, it } from "vitest";
import { metricTurn } from "../../../../automation/adapters/metric-turn.ts";
import type { GuardStore } from "../../../../automation/ports/guard-store.ts";
import { fleetOf, go, planOf } from "./simulated-run.ts";

/** Requests a minute of guard.rate_limits.datadog. */
const datadogLimit = 300;

describe("a large wave whose source of metrics allows few queries", () => {
  it.each([3, 15, 20])("of %i clusters: from a failed verdict to the open merge request in 60 s", async (clusters) => {
    const fleet = await fleetOf({ clusters: clusters * 2, waves: 2 });
    const plan = await planOf(fleet);
    await go(fleet, plan);
    await fleet.mergeAll("ada");
    const { metrics, store } = fleet.ports;
    if (metrics === undefined) throw new Error("no metrics");
    const turn = metricTurn("Datadog", datadogLimit, fleet.clock);
    const fresh: typeof metrics.fresh = {
      ...metrics.fresh,
      async query(question, signal) {
        const answered = await turn(signal ?? new AbortController().signal);
        const values = await metrics.fresh.query(question, signal);
        answered(undefined);
        return values;
      },
    };
    let failedAt: number | undefined;
    const watched: GuardStore = {
      ...store,
      keep(kind, id, text) {
        if (kind === "validation" && text.includes('"kind":"failed"')) failedAt ??= fleet.clock.wall();
        return store.keep(kind, id, text);
      },
    };
    fleet.metrics.worsen("c-001", "xds_rejects", fleet.clock.wall() + 180_000, 5);
    const stop = new AbortController();
    let openedAt: number | undefined;
    const end = go({ ...fleet, ports: { ...fleet.ports, store: watched, metrics: { ...metrics, fresh } } }, plan, {
      start: false,
      until: "end",
      signal: stop.signal,
      onMove: (_, __, { event }) => {
        if (event !== "rollback_mr_opened") return;
        openedAt ??= fleet.clock.wall();
        stop.abort(new Error("opened"));
      },
    });
    await expect(end).rejects.toThrow("opened");
    const seconds = ((openedAt ?? Number.NaN) - (failedAt ?? Number.NaN)) / 1_000;
    expect(seconds).toBeLessThanOrEqual(60);
  });
});
