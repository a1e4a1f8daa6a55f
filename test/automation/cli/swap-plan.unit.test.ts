import { describe, expect, it } from "vitest";
import { configFile } from "../../../automation/cli/config-file.ts";
import {
  assertNotFrozen,
  assertWithinBudget,
  expectedPropagation,
  feedDelayOf,
  loadBetween,
  type PlannedSwap,
  probesPerSecondOf,
} from "../../../automation/cli/swap-plan.ts";
import { describePlan } from "../../../automation/cli/swap-plan-view.ts";
import { doubleRunningCost } from "../../../automation/cost/double-running.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import { planSwap } from "../../../automation/swap/plan.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import type { SwapEvent } from "../../../automation/swap/state.ts";

function thrown(work: () => unknown): SwitchyardError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof SwitchyardError) return error;
    throw error;
  }
}

function settings(swap: Readonly<Record<string, unknown>> = {}) {
  return toSwapSettings(hotSwapConfig.parse(swap), platformConfig.parse({}));
}

function planned(requestsPerSecond: number | undefined, changes: Partial<PlannedSwap> = {}, swap = {}): PlannedSwap {
  const doubleRunning = doubleRunningCost("us-central1", { "cloud-run": {}, gke: {} });
  return {
    environment: "prod",
    from: "cloud-run",
    to: "gke",
    ...planSwap(settings(swap), {
      probesPerSecond: 1_000,
      requestsPerSecond,
      propagationMs: 100_000,
      feedDelayMs: 0,
      errorBudget: 1_000,
      doubleRunning,
    }),
    loadFrom: requestsPerSecond === undefined ? "unknown" : "measured",
    propagationFrom: "assumed",
    probesPerSecond: 1_000,
    capacity: undefined,
    doubleRunning,
    frozen: undefined,
    unreadable: [],
    ...changes,
  };
}

describe("the load between two looks at the counters", () => {
  it("is what both sides finished meanwhile, a second", () => {
    const before = { sides: { gke: { requests: 100 }, "cloud-run": { requests: 1_000 } } };
    const after = { sides: { gke: { requests: 110 }, "cloud-run": { requests: 1_190 } } };
    expect(loadBetween(before, after, 2_000)).toBe(100);
    expect(loadBetween(before, before, 2_000)).toBe(0);
  });

  it("counts a side that is new, and one whose counter began anew", () => {
    const before = { sides: { "cloud-run": { requests: 1_000 } } };
    expect(loadBetween(before, { sides: { "cloud-run": { requests: 40 }, gke: { requests: 20 } } }, 2_000)).toBe(30);
  });
});

describe("the expected propagation", () => {
  const journal: readonly SwapEvent[] = [
    { kind: "intent", at: 0, effect: { kind: "write-weights", weights: { gke: 5 } } },
    { kind: "outcome", at: 0, ok: true, found: false, durationMs: 1, facts: {} },
    { kind: "verified", at: 31_000, since: 0, weight: 5, evidence: { samples: 1_000 } },
  ];
  const swap = (given: Readonly<Record<string, unknown>>) => hotSwapConfig.parse(given);

  it("is the configured one, else the measured one, else the local cloud's own or 100 s", () => {
    const google = { cloud: "google" } as const;
    const local = { cloud: "local" } as const;
    expect(expectedPropagation({ ...google, swap: swap({ propagation: 7 }) }, {}, [journal], 1_000)).toEqual({
      ms: 7_000,
      from: "configured",
    });
    expect(expectedPropagation({ ...google, swap: swap({}) }, {}, [journal], 1_000)).toEqual({
      ms: 30_000,
      from: "earlier swaps",
    });
    expect(expectedPropagation(google, {}, [], 1_000)).toEqual({ ms: 100_000, from: "assumed" });
    expect(expectedPropagation(local, {}, [], 1_000)).toEqual({ ms: 0, from: "local cloud" });
  });

  it("has as many probes a second as the prober sends", () => {
    expect(probesPerSecondOf({ cloud: "local" })).toBe(1_000);
    expect(probesPerSecondOf({ cloud: "google" })).toBe(20);
    expect(probesPerSecondOf({ cloud: "google", probes_per_second: 50 })).toBe(50);
  });
});

describe("a swap that would start", () => {
  const freeze = [{ name: "sale", from: "2026-11-20T00:00:00Z", to: "2026-11-21T00:00:00Z" }];

  it("is refused in a freeze window, with its name and end", () => {
    const error = thrown(() => assertNotFrozen("prod", settings({ freeze }), Date.parse("2026-11-20T12:00:00Z")));
    expect(error?.code).toBe("swap-frozen");
    expect(error?.message).toContain('"sale" until ');
    expect(error?.data["freeze"]).toEqual({ name: "sale", until: "2026-11-21T00:00:00.000Z" });
    expect(
      thrown(() => assertNotFrozen("prod", settings({ freeze }), Date.parse("2026-11-21T00:00:00Z"))),
    ).toBeUndefined();
  });

  it("is refused over the budget, with the worst step and the command that starts in spite of it", () => {
    const error = thrown(() => assertWithinBudget(planned(400), "npx switchyard swap start --to gke --env prod"));
    expect(error?.code).toBe("swap-over-budget");
    expect(error?.exitCode).toBe(5);
    expect(error?.message).toMatch(
      /^3 steps \(5 %, 50 %, 100 %\) would lose more than swap\.error_budget, 1,000 requests, if gke failed 7\.5 % of its requests: at 100 % about 3,\d\d\d requests$/,
    );
    expect(error?.next.at(-1)).toMatch(/npx switchyard swap start --to gke --env prod --allow-over-budget$/);
  });

  it("is not refused within it, nor where the load is not known", () => {
    expect(thrown(() => assertWithinBudget(planned(100), ""))).toBeUndefined();
    expect(thrown(() => assertWithinBudget(planned(undefined), ""))).toBeUndefined();
  });
});

describe("the plan as people read it", () => {
  it("has every step with its need, time and losses, the budget, the cost with its date, and the command to start", () => {
    const lines = describePlan(planned(100, {}, { approvals: [25], rollback_window: 600 }));
    const text = lines.join("\n");
    expect(text).toContain("Load:          100 requests/s, measured over 2 s.");
    expect(text).toContain(
      "Propagation:   1 min 40 s until requests follow a weight (assumed, nothing was measured here yet).",
    );
    expect(lines.find((line) => /^ *3 +25 %/.test(line))).toMatch(/8,556 +1,000 .*5 min 42 s +waits for swap promote$/);
    expect(lines.filter((line) => line.endsWith("over the budget"))).toHaveLength(0);
    const over = describePlan(planned(400));
    expect(over.filter((line) => line.endsWith("over the budget"))).toHaveLength(3);
    expect(over.join("\n")).toContain("5 %, 50 %, 100 % would lose more if the new side failed all");
    expect(text).toMatch(/5 % +53 requests, 530 ms +500 /);
    expect(text).toContain("rollback window 10 min 0 s");
    expect(text).toMatch(/Cost: +\$0\.\d\d for the expected duration/);
    expect(text).toContain("List prices of 2026-11-20, us-central1");
    expect(text).not.toContain("UNVERIFIED");
    expect(lines.at(-1)).toBe("To start:   npx switchyard swap start --to gke --env prod");
  });

  it("says what is unknown, and never a zero for it", () => {
    const text = describePlan(planned(undefined)).join("\n");
    expect(text).toContain("give it with --rps");
    expect(text).toContain("expected duration unknown");
    expect(text).toContain("unknown");
    expect(text).not.toMatch(/\b0 requests/);
    expect(text).toMatch(/for the minimum duration/);
  });

  it("says that a price is not verified, that a freeze holds, and which journals it could not learn from", () => {
    const doubleRunning = doubleRunningCost("europe-west6", { "cloud-run": {}, gke: {} });
    const frozen = { name: "sale", until: "2026-11-21T00:00:00.000Z" };
    const text = describePlan(planned(100, { doubleRunning, frozen, unreadable: ["3", "4"] })).join("\n");
    expect(text).toContain("UNVERIFIED: no price of europe-west6");
    expect(text).toContain('Frozen by "sale" until');
    expect(text).toContain("swaps 3, 4");
    expect(describePlan(planned(100, { doubleRunning: undefined, cost: undefined })).join("\n")).toContain(
      "no price is known for these platforms",
    );
  });
});

describe("the delay of the feed that the gates read", () => {
  it("is the router's, the local log's with its settling, or a cloud's", () => {
    expect(feedDelayOf({ cloud: "local", request_feed: undefined }, { local_cloud: undefined })).toBe(100);
    const late = {
      ...configFile.parse({ environments: { local: { cloud: "local" } }, local_cloud: { log_delay: 5 } }),
    };
    expect(feedDelayOf({ cloud: "local", request_feed: "logs" }, late)).toBe(6_000);
    expect(feedDelayOf({ cloud: "google", request_feed: undefined }, late)).toBe(65_000);
  });
});
