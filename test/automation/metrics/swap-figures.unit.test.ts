import { expect, test } from "vitest";
import { type SwapRun, swapFigures, swapRun } from "../../../automation/metrics/swap-figures.ts";
import { SwapWorld } from "../../support/swap-world.ts";

function runOf(world: SwapWorld): SwapRun {
  const run = swapRun(world.events());
  if (run === undefined) throw new Error("the journal has no start");
  return run;
}

test("a swap that completed has its duration, and hurt nobody", async () => {
  const world = new SwapWorld();
  const state = await world.swap();
  const run = runOf(world);
  expect(run).toMatchObject({ detectMs: undefined, rollBackMs: undefined, hurt: 0 });
  expect(swapFigures([run])).toMatchObject({
    number: 1,
    completed: 1,
    successRate: { value: 1 },
    durationMs: { value: { p50: (state.end?.at ?? 0) - state.startedAt, count: 1 } },
    detectMs: { kind: "absent" },
    requestsHurt: { value: { sum: 0, swaps: 1 } },
  });
});

test("a swap that went back says how long the candidate could hurt, and how many it hurt", async () => {
  const world = new SwapWorld({ propagationDelayMs: 20_000 });
  world.balancer.setSide("gke", { applicationErrors: 0.5 });
  const state = await world.swap();
  const run = runOf(world);
  const { rollback } = state;
  // By the journal itself: the last weights before the decision, the decision, and the moment the data plane was seen back.
  const events = world.events();
  const decision = events.findIndex((event) => event.kind === "entered" && event.phase === "returning");
  const moved = events.slice(0, decision).findLast((event) => event.kind === "outcome" && event.ok);
  expect(run.end?.as).toBe("rolled-back");
  expect(run.detectMs).toBe((rollback?.decidedAt ?? 0) - (moved?.at ?? 0));
  expect(run.rollBackMs).toBe((rollback?.verifiedAt ?? 0) - (rollback?.decidedAt ?? 0));
  expect(run.rollBackMs).toBeGreaterThanOrEqual(20_000);
  expect(run.hurt).toBe(state.observed?.gates.candidateTotals.errors);
  expect(run.hurt).toBeGreaterThan(0);
});

test("an abort counts as no failure, an open swap as neither, and quantiles are real values", () => {
  const ended = (as: "completed" | "aborted" | "rolled-back", tookMs: number): SwapRun => ({
    startedAt: 1_000,
    end: { as, reason: "start-requested", at: 1_000 + tookMs },
    detectMs: as === "rolled-back" ? 700 : undefined,
    rollBackMs: as === "rolled-back" ? 300 : undefined,
    hurt: undefined,
  });
  const open: SwapRun = { ...ended("completed", 0), end: undefined };
  const figures = swapFigures([
    ended("completed", 10),
    ended("completed", 20),
    ended("completed", 90),
    ended("rolled-back", 5),
    ended("aborted", 1),
    open,
  ]);
  expect(figures).toMatchObject({ number: 6, open: 1, completed: 3, rolledBack: 1, aborted: 1, failed: 0 });
  expect(figures.successRate).toEqual({ kind: "value", value: 0.75 });
  expect(figures.durationMs).toEqual({ kind: "value", value: { p50: 20, p95: 90, most: 90, count: 3 } });
  expect(figures.detectMs).toMatchObject({ value: { p50: 700 } });
  expect(figures.requestsHurt.kind).toBe("absent");
});

test("without a swap there is no rate, and not a rate of zero", () => {
  expect(swapFigures([])).toMatchObject({ number: 0, successRate: { kind: "absent" }, durationMs: { kind: "absent" } });
});
