import { describe, expect, it } from "vitest";
import { planSwap, stepsOverBudget } from "../../../automation/swap/plan.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";

function settings(swap: Readonly<Record<string, unknown>> = {}) {
  return toSwapSettings(hotSwapConfig.parse(swap), platformConfig.parse({}));
}

const quiet = {
  probesPerSecond: 1_000,
  requestsPerSecond: undefined,
  propagationMs: 0,
  feedDelayMs: 0,
  errorBudget: 1_000,
};
const busy = { ...quiet, requestsPerSecond: 100 };

describe("a plan", () => {
  it("has each step's sample need, which at the standard gates is the research's: 343 early, 8,556 late", () => {
    const { steps } = planSwap(settings(), busy);
    expect(steps.map(({ percent, requestsNeeded }) => [percent, requestsNeeded])).toEqual([
      [1, 343],
      [5, 343],
      [25, 8_556],
      [50, 8_556],
      [100, 8_556],
    ]);
  });

  it("expects a step to take as long as the slowest of sample, verification and floor", () => {
    const { steps, expectedMs, minimumMs } = planSwap(settings(), { ...busy, propagationMs: 100_000 });
    // 343 requests at 1 of 100 a second; 8,556 at 25; the 100 s of propagation and 2.995 s of probes where requests are many.
    expect(steps.map((step) => Math.round((step.expectedMs ?? 0) / 1_000))).toEqual([343, 104, 342, 171, 103]);
    // Where propagation is nothing the floor of the standard profile is longer than the probes.
    expect(planSwap(settings(), busy).steps.map((step) => step.minimumMs)).toEqual([
      60_000, 60_000, 60_000, 60_000, 60_000,
    ]);
    expect(expectedMs).toBeCloseTo(steps.reduce((sum, step) => sum + (step.expectedMs ?? 0), 0) + 900_000);
    expect(minimumMs).toBeLessThan(expectedMs ?? 0);
  });

  it("counts the bake and the rollback window, and traffic_shift_duration as a floor", () => {
    const plan = planSwap(settings({ bake: 30, rollback_window: 600, traffic_shift_duration: 5_000 }), quiet);
    expect(plan.bakeMs).toBe(30_000);
    expect(plan.rollbackWindowMs).toBe(600_000);
    expect(plan.steps[0]?.floorMs).toBe(1_000_000);
    expect(plan.minimumMs).toBe(5_000_000 + 630_000);
  });

  it("says unknown, never zero, without traffic", () => {
    for (const inputs of [quiet, { ...quiet, requestsPerSecond: 0 }]) {
      const plan = planSwap(settings(), inputs);
      expect(plan.expectedMs).toBeUndefined();
      for (const step of plan.steps) {
        expect(step.expectedMs).toBeUndefined();
        expect(step.atTotalFailure.failedRequests).toBeUndefined();
        expect(step.atTotalFailure.detectMs).toBeUndefined();
        expect(step.overBudget).toBe(false);
      }
      expect(plan.steps[1]?.atTotalFailure.requestsToDetect).toBeGreaterThan(10);
    }
  });

  it("needs no user's requests where probes count for them", () => {
    const { steps } = planSwap(settings({ profile: "demo", gates: { count_probes: true } }), {
      ...quiet,
      requestsPerSecond: 1,
    });
    // 1,000 probes at 25 % are more than the demo gates ask for.
    expect(steps[2]?.expectedMs).toBe(steps[2]?.minimumMs);
  });

  it("marks the steps that wait for a person", () => {
    const { steps } = planSwap(settings({ approvals: [25, 100] }), quiet);
    expect(steps.filter(({ approval }) => approval).map(({ percent }) => percent)).toEqual([25, 100]);
  });
});

describe("the blast radius of a plan", () => {
  it("is the research's example: 100 requests a second, 5 %, dead, 100 s of propagation: some 500", () => {
    const { steps } = planSwap(settings(), { ...busy, propagationMs: 100_000 });
    const five = steps[1];
    expect(five?.atTotalFailure.failedRequests).toBeGreaterThan(500);
    expect(five?.atTotalFailure.failedRequests).toBeLessThan(505);
    expect(five?.atTotalFailure.detectMs).toBeLessThan(1_000);
    expect(five?.atSmallFailure).toMatchObject({ errorRate: 0.05 });
    // A twentieth of the errors, found later.
    expect(five?.atSmallFailure.failedRequests).toBeGreaterThan(25);
    expect(five?.atSmallFailure.failedRequests).toBeLessThan(35);
  });

  it("marks the steps above the budget, and none at it or below", () => {
    const wanted = { ...busy, requestsPerSecond: 400, propagationMs: 100_000 };
    const plan = planSwap(settings(), wanted);
    // 5 % of 400 for 100 s at a total failure; 50 % and more at one in 20.
    expect(stepsOverBudget(plan).map(({ percent }) => percent)).toEqual([5, 50, 100]);
    const exactly = plan.steps[1]?.atTotalFailure.failedRequests ?? 0;
    const raised = planSwap(settings(), { ...wanted, errorBudget: exactly });
    expect(stepsOverBudget(raised).map(({ percent }) => percent)).toEqual([100]);
  });

  it("counts what the feed of requests is late", () => {
    const lost = (feedDelayMs: number) =>
      planSwap(settings(), { ...busy, propagationMs: 100_000, feedDelayMs }).steps[1]?.atTotalFailure.failedRequests ??
      0;
    // 5 % of 100 requests a second, a minute longer.
    expect(lost(60_000) - lost(0)).toBeCloseTo(300, 6);
  });

  it("judges a late step by a small failure only where others came before it", () => {
    const failures = (ramp: number[]) =>
      planSwap(settings({ ramp }), busy).steps.map(({ budgeted }) => budgeted.errorRate);
    expect(failures([1, 5, 25, 100])).toEqual([1, 1, 0.05, expect.closeTo(0.075)]);
    expect(failures([100])).toEqual([1]);
  });
});

describe("the cost of a plan", () => {
  const doubleRunning = { currency: "USD", perHour: 0.36 };

  it("is both platforms for the whole expected duration", () => {
    const plan = planSwap(settings(), { ...busy, doubleRunning });
    expect(plan.cost).toEqual({
      currency: "USD",
      perHour: 0.36,
      total: expect.closeTo((0.36 * (plan.expectedMs ?? 0)) / 3_600_000, 10),
      of: "expected",
    });
  });

  it("is that of the least duration where the expected one is not known, and says so", () => {
    const plan = planSwap(settings(), { ...quiet, doubleRunning });
    // 5 minutes of steps and 15 of bake.
    expect(plan.cost).toMatchObject({ total: expect.closeTo(0.12, 10), of: "minimum" });
    expect(planSwap(settings(), quiet).cost).toBeUndefined();
  });
});
