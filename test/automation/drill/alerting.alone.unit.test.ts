import { beforeEach, describe, expect, it, vi } from "vitest";
import type * as FromSwap from "../../../automation/alerts/from-swap.ts";
import { alertFindings, alertRates, expectedAlerts } from "../../../automation/drill/alerting.ts";
import { faultCampaign, playFault } from "../../../automation/drill/fault-campaign.ts";
import { faults } from "../../../automation/drill/faults.ts";
import type { Notice } from "../../../automation/ports/notifier.ts";

/** What is broken about the alerts. */
const broken = vi.hoisted(() => ({ silentFor: "" }));

vi.mock(import("../../../automation/alerts/from-swap.ts"), async (original) => {
  const real: typeof FromSwap = await original();
  return {
    ...real,
    swapAlerts: (before, event, after) =>
      real
        .swapAlerts(before, event, after)
        .filter((input) => input.kind !== "raise" || input.alert.code !== broken.silentFor),
  };
});

beforeEach(() => {
  broken.silentFor = "";
});

function fault(name: string) {
  const found = faults.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no fault ${name}`);
  return found;
}

describe("what people are told in the drill", () => {
  it("is expected of every fault that ends badly, stops the swap or fails the side that serves", () => {
    const silent = faults.filter((one) => expectedAlerts(one).length === 0);
    for (const one of silent) {
      if ("failover" in one) expect(one.expected.moves, one.name).toEqual([]);
      else expect(one.expected, one.name).toMatchObject({ ends: "completed" });
    }
    expect(faults.length - silent.length).toBeGreaterThan(40);
    expect(expectedAlerts(fault("disk-full"))).toEqual([["disk-full"]]);
    expect(expectedAlerts(fault("failover-proposed"))).toEqual([["serving-fails"]]);
    expect(expectedAlerts(fault("dead-for-an-hour-hold"))).toEqual([["engine-was-dead"]]);
  });

  it("is all of it, of a full disk, of a dead process and of a proposal, too", async () => {
    const names = ["disk-full", "dead-for-an-hour-hold", "zero-traffic-told", "failover-proposed", "metric-worse"];
    const campaign = await faultCampaign(names.map(fault), 1);
    expect(campaign.rows.map(({ name, missedAlerts }) => [name, missedAlerts])).toEqual(
      names.map((name) => [name, []]),
    );
    expect(alertRates(campaign, undefined)).toEqual({
      expected: names.length,
      missed: 0,
      falseNegativeRate: 0,
      swaps: 0,
      falseAlerts: 0,
      falsePositiveRate: undefined,
    });
  }, 60_000);

  it("fails the drill where one is missing", async () => {
    broken.silentFor = "metric-failed";
    const row = await playFault(fault("metric-worse"), 1);
    expect(row.ok).toBe(false);
    expect(row.missedAlerts).toEqual(["metric-failed"]);
    expect(row.problems).toContain("no alert told people of metric-failed");
  }, 60_000);

  it("fails the drill where one is told as new twice", () => {
    const notice: Notice = {
      id: "1",
      kind: "raise",
      why: "it is new",
      momentary: false,
      alert: {
        code: "disk-full",
        severity: "critical",
        environment: "drill",
        title: "",
        detail: "",
        next: [],
        at: 0,
        dedupKey: "drill/swap/1/disk-full/1",
      },
    };
    expect(alertFindings(fault("disk-full"), [notice]).problems).toEqual([]);
    expect(alertFindings(fault("disk-full"), [notice, { ...notice, id: "2" }]).problems).toEqual([
      "the alert drill/swap/1/disk-full/1 was new more than once",
    ]);
  });
});
