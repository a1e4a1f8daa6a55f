import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterBudgetDecision,
  type BudgetSeen,
  type BudgetState,
  decideBudget,
  nothingProposed,
} from "../../../automation/cost/budget-decide.ts";
import { budgetConfig, toBudgetSettings } from "../../../automation/cost/budget-settings.ts";

const hour = 3_600_000;
const now = Date.parse("2026-11-30T12:00:00Z");

const settingsOf = (config: Readonly<Record<string, unknown>> = {}) =>
  toBudgetSettings(budgetConfig.parse({ policy: "automatic", ...config }));

/** gke serves for 200 USD, its threshold is 150, and cloud-run would cost 50. */
function seenOf(more: Partial<BudgetSeen> = {}): BudgetSeen {
  return {
    weights: { gke: 100, "cloud-run": 0 },
    thresholds: { gke: 150 },
    projected: { gke: 200, "cloud-run": 50 },
    loadKnown: true,
    possible: ["cloud-run", "gke"],
    swapOpen: false,
    moves: [],
    veto: undefined,
    wall: now,
    ...more,
  };
}

const decide = (more: Partial<BudgetSeen> = {}, config = {}, state: BudgetState = nothingProposed) =>
  decideBudget(settingsOf(config), state, seenOf(more));

describe("a budget that is passed", () => {
  it("moves the environment to the cheaper platform, with the numbers", () => {
    expect(decide()).toEqual({
      kind: "switch",
      reason: "over-budget",
      from: "gke",
      to: "cloud-run",
      evidence: { projectedUsd: 200, thresholdUsd: 150, candidateUsd: 50 },
    });
  });

  it("is proposed instead where the policy says so, once until costs were well below the threshold", () => {
    const propose = { policy: "propose" };
    const first = decide({}, propose);
    expect(first).toMatchObject({ kind: "propose", to: "cloud-run" });
    const told = afterBudgetDecision(nothingProposed, first);
    expect(decide({}, propose, told)).toMatchObject({ kind: "none", reason: "proposed", to: "cloud-run" });
    const near = decide({ projected: { gke: 140, "cloud-run": 50 } }, propose, told);
    expect(near.reason).toBe("near-budget");
    expect(afterBudgetDecision(told, near)).toBe(told);
    const well = decide({ projected: { gke: 135, "cloud-run": 50 } }, propose, told);
    expect(well.reason).toBe("within-budget");
    expect(decide({}, propose, afterBudgetDecision(told, well))).toMatchObject({ kind: "propose" });
  });
});

describe("what holds a move", () => {
  it.each<[string, Partial<BudgetSeen>, Readonly<Record<string, unknown>>]>([
    ["policy-off", {}, { policy: "off" }],
    ["weights-unreadable", { weights: undefined }, {}],
    ["traffic-split", { weights: { gke: 50, "cloud-run": 50 } }, {}],
    ["no-threshold", { thresholds: { "cloud-run": 1 } }, {}],
    ["state-unreadable", { swapOpen: undefined }, {}],
    ["load-unknown", { loadKnown: false }, {}],
    ["price-unknown", { projected: { "cloud-run": 50 } }, {}],
    ["within-budget", { projected: { gke: 100, "cloud-run": 50 } }, {}],
    ["swap-open", { swapOpen: true }, {}],
    ["nothing-cheaper", { projected: { gke: 200 } }, {}],
    ["nothing-cheaper", { projected: { gke: 200, "cloud-run": 180 } }, {}],
    ["nothing-cheaper", { possible: ["gke"] }, {}],
    ["nothing-cheaper", { thresholds: { gke: 150, "cloud-run": 55 } }, {}],
    ["dwell", { moves: [now - 5 * hour, now - 23 * hour] }, {}],
    ["dwell", { moves: [now + hour] }, {}],
  ])("%s", (reason, seen, config) => {
    expect(decide(seen, config)).toMatchObject({ kind: "none", reason });
  });

  it("is a veto, of a person or of a window, that has not ended", () => {
    const veto = (until: number | undefined) => decide({ veto: { by: "ann", until } });
    expect(veto(undefined)).toMatchObject({ kind: "vetoed", reason: "veto-person", evidence: { by: "ann" } });
    expect(veto(now + 1).kind).toBe("vetoed");
    expect(veto(now).kind).toBe("switch");
    const window = { name: "audit", from: "2026-11-30T00:00:00Z", to: "2026-12-01T00:00:00Z" };
    expect(decide({}, { veto: [window] })).toMatchObject({
      kind: "vetoed",
      reason: "veto-window",
      evidence: { window: "audit", until: Date.parse("2026-12-01T00:00:00Z") },
    });
    expect(decide({ wall: Date.parse("2026-12-01T00:00:00Z") }, { veto: [window] }).kind).toBe("switch");
  });

  it("ends with the dwell time", () => {
    expect(decide({ moves: [now - 24 * hour] }).kind).toBe("switch");
    expect(decide({ moves: [now - 24 * hour + 1] }).reason).toBe("dwell");
  });
});

const usd = fc.integer({ min: 0, max: 400 });
const costs = fc.record({ gke: usd, "cloud-run": usd });

/** Months that waver around both thresholds, looked at every hour. */
const looks = fc.array(costs, { minLength: 50, maxLength: 200 });

describe("whatever costs do", () => {
  it("there is never more than one move within the dwell time, and never one that the numbers do not carry", () => {
    let moved = 0;
    fc.assert(
      fc.property(looks, fc.integer({ min: 2, max: 48 }), (months, dwell) => {
        const settings = settingsOf({ dwell });
        const thresholds = { gke: 150, "cloud-run": 150 };
        let serving = "gke";
        let state = nothingProposed;
        const moves: number[] = [];
        for (const [index, projected] of months.entries()) {
          const wall = now + index * hour;
          const weights = { gke: serving === "gke" ? 100 : 0, "cloud-run": serving === "gke" ? 0 : 100 };
          const decision = decideBudget(settings, state, seenOf({ weights, thresholds, projected, moves, wall }));
          state = afterBudgetDecision(state, decision);
          if (decision.kind !== "switch") continue;
          const last = moves.at(-1);
          if (last !== undefined) expect(wall - last).toBeGreaterThanOrEqual(dwell * hour);
          const [from, to] = serving === "gke" ? (["gke", "cloud-run"] as const) : (["cloud-run", "gke"] as const);
          expect(projected[from]).toBeGreaterThan(150);
          expect(projected[to]).toBeLessThan(projected[from] * 0.9);
          expect(decision.to).toBe(to);
          serving = to;
          moves.push(wall);
          moved += 1;
        }
      }),
    );
    // The property says nothing about worlds in which nothing ever moves.
    expect(moved).toBeGreaterThan(50);
  });

  it("a projection that flaps around the threshold is proposed at most once until it was well below", () => {
    const nearThreshold = fc.array(fc.double({ min: 136, max: 165, noNaN: true }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(nearThreshold, (months) => {
        const settings = settingsOf({ policy: "propose" });
        let state = nothingProposed;
        let proposals = 0;
        for (const gke of months) {
          const decision = decideBudget(settings, state, seenOf({ projected: { gke, "cloud-run": 50 } }));
          state = afterBudgetDecision(state, decision);
          if (decision.kind === "propose") proposals += 1;
        }
        expect(proposals).toBe(months.some((gke) => gke > 150) ? 1 : 0);
      }),
    );
  });

  const anything = fc.record({
    projected: costs,
    loadKnown: fc.boolean(),
    swapOpen: fc.constantFrom(true, false, undefined),
    moves: fc.array(fc.integer({ min: now - 100 * hour, max: now }), { maxLength: 3 }),
    policy: fc.constantFrom("propose", "automatic"),
  });

  it("a veto always wins, of a person and of a window", () => {
    let held = 0;
    fc.assert(
      fc.property(anything, fc.boolean(), ({ policy, ...seen }, byPerson) => {
        const window = { from: "2026-11-30T11:00:00Z", to: "2026-11-30T13:00:00Z" };
        const veto = byPerson ? { by: "ann", until: now + hour } : undefined;
        const decision = decide({ ...seen, veto }, { policy, veto: byPerson ? [] : [window] });
        expect(["none", "vetoed"]).toContain(decision.kind);
        if (decision.kind === "vetoed") held += 1;
      }),
    );
    expect(held).toBeGreaterThan(5);
  });

  it("nothing moves, and nothing is proposed, while the load is not known, a cost is missing or the state cannot be read", () => {
    fc.assert(
      fc.property(
        anything,
        fc.constantFrom("load", "serving", "candidate", "state"),
        ({ policy, ...seen }, missing) => {
          const { gke, "cloud-run": cloudRun } = seen.projected;
          const blind = {
            load: { loadKnown: false },
            serving: { projected: { "cloud-run": cloudRun } },
            candidate: { projected: { gke } },
            state: { swapOpen: undefined },
          }[missing];
          expect(decide({ ...seen, ...blind }, { policy }).kind).toBe("none");
        },
      ),
    );
  });
});
