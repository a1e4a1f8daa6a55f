import { describe, expect, test } from "vitest";
import type { BudgetDecision } from "../../../automation/cost/budget-decide.ts";
import { budgetConfig, toBudgetSettings } from "../../../automation/cost/budget-settings.ts";
import { BudgetStore } from "../../../automation/cost/budget-state.ts";
import { type BudgetPorts, type BudgetResult, watchBudget } from "../../../automation/cost/budget-watch.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import { createFakeBalancer } from "../../support/fake-balancer.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const minute = 60_000;
const hour = 60 * minute;

/** gke serves 20 requests a second; a month costs a dollar for each million of them on gke, a tenth of that on cloud-run. */
function createWorld(config: Readonly<Record<string, unknown>> = {}) {
  const clock = createVirtualClock();
  const balancer = createFakeBalancer({
    clock,
    weights: { gke: 100, "cloud-run": 0 },
    platforms: ["cloud-run", "gke"],
    requestsPerSecond: 20,
  });
  const settings = toBudgetSettings(
    budgetConfig.parse({ policy: "automatic", min_observation: 600, dwell: 24, ...config }),
  );
  const store = createMemoryStateStore();
  const memory = new BudgetStore(store);
  const moves: number[] = [];
  const moved: string[] = [];
  const reasons: string[] = [];
  const proposals: BudgetDecision[] = [];
  const failures: string[] = [];
  const blind: string[] = [];
  const world = { moveFails: false, feedFails: false };
  const unreachable = new SwitchyardError("feed-unreachable", { message: "the feed was made to fail" });

  const ports: BudgetPorts = {
    feed: {
      description: balancer.feed.description,
      async read(...args) {
        if (world.feedFails) throw unreachable;
        return balancer.feed.read(...args);
      },
    },
    router: balancer.router,
    clock,
    memory,
    project: (load) =>
      load === undefined ? {} : { gke: load.requests.expected / 1e6, "cloud-run": load.requests.expected / 1e7 },
    swapOpen: async () => false,
    moves: async (since) => moves.filter((at) => at >= since),
    async move(from, to) {
      moves.push(clock.wall());
      if (world.moveFails) throw new SwitchyardError("swap-failed", { message: "the candidate failed its suite" });
      moved.push(to);
      balancer.interfere({ [from]: 0, [to]: 100 });
    },
  };

  function watch(
    untilMs: number,
    {
      once = false,
      threshold = 40,
      at = {},
    }: { once?: boolean; threshold?: number; at?: Record<number, () => unknown> } = {},
  ): Promise<BudgetResult> {
    const controller = new AbortController();
    return clock.run(async () => {
      for (const [ms, happen] of Object.entries(at)) void clock.sleep(Number(ms)).then(happen);
      void clock.sleep(untilMs).then(() => controller.abort(new Error("Ctrl-C")));
      return watchBudget(
        {
          settings,
          thresholds: { gke: threshold },
          possible: ["cloud-run", "gke"],
          loadStated: false,
          everyMs: minute,
          once,
          listener: {
            onLook: ({ reason }) => reasons.push(reason),
            onPropose: (decision) => proposals.push(decision),
            onMoveFailed: (_, error) => failures.push(error.code),
            onBlind: (error) => blind.push(error.code),
          },
        },
        ports,
        controller.signal,
      );
    });
  }
  return { clock, store, memory, world, moves, moved, reasons, proposals, failures, blind, watch };
}

describe("the budget's watch", () => {
  test("projects nothing before it has watched for min_observation, then moves once, and stays", async () => {
    const { watch, moved, reasons } = createWorld();
    // 20 requests a second are 52.6 million a month: 52.6 USD, above 40.
    const result = await watch(3 * hour);
    expect(moved).toEqual(["cloud-run"]);
    expect(result).toMatchObject({ moves: 1, proposals: 0, last: { from: "cloud-run", reason: "no-threshold" } });
    expect(reasons.slice(0, 9)).toEqual(Array(9).fill("load-unknown"));
    expect(reasons[9]).toBe("over-budget");
  });

  test("leaves an environment that keeps its budget", async () => {
    const { watch, moved, reasons } = createWorld();
    await watch(2 * hour, { threshold: 60 });
    expect(moved).toEqual([]);
    expect(new Set(reasons)).toEqual(new Set(["load-unknown", "within-budget"]));
  });

  test("proposes once, also to the next of many scheduled runs, which add up what they watched", async () => {
    const { watch, proposals, reasons } = createWorld({ policy: "propose" });
    for (let run = 0; run < 15; run += 1) await watch(hour, { once: true });
    expect(proposals).toHaveLength(1);
    expect(proposals[0]).toMatchObject({ from: "gke", to: "cloud-run" });
    expect(reasons).toEqual([...Array(9).fill("load-unknown"), "over-budget", ...Array(5).fill("proposed")]);
  });

  test("does not try again within the dwell time when the swap failed, and says so", async () => {
    const { watch, world, moves, moved, failures } = createWorld({ dwell: 5 });
    world.moveFails = true;
    await watch(12 * hour);
    expect(moved).toEqual([]);
    // After ten minutes, and each time that five hours have passed.
    expect(moves).toHaveLength(3);
    expect(failures).toEqual(Array(3).fill("swap-failed"));
  });

  test("is stopped by a person's veto, and goes on when it is lifted", async () => {
    const { watch, memory, moved, reasons } = createWorld();
    await memory.setVeto({ by: "ann", at: 0, until: undefined });
    await watch(2 * hour, { at: { [hour + minute / 2]: () => memory.setVeto(undefined) } });
    expect(reasons.filter((reason) => reason === "veto-person").length).toBeGreaterThan(40);
    expect(moved).toEqual(["cloud-run"]);
  });

  test("counts no time in which it could not see requests, and never takes that for silence", async () => {
    const { watch, world, moved, blind, reasons } = createWorld();
    world.feedFails = true;
    await watch(2 * hour, { at: { [hour]: () => (world.feedFails = false) } });
    expect(blind.length).toBeGreaterThan(20);
    expect(reasons.indexOf("over-budget")).toBeGreaterThan(blind.length + 7);
    expect(moved).toEqual(["cloud-run"]);
  });

  test("moves nothing while the state store cannot be read", async () => {
    const { watch, store, moved, reasons } = createWorld();
    store.fail("disk-error");
    await watch(hour, { at: { [hour / 2]: () => store.fail(undefined) } });
    expect(reasons.slice(0, 20)).toEqual(Array(20).fill("state-unreadable"));
    expect(moved).toEqual(["cloud-run"]);
  });

  test("forgets what is older than a week", async () => {
    const { memory } = createWorld();
    const seen = { watchedMs: 10, requests: 5, timed: 5, durationMs: 50, durationSquares: 500 };
    await memory.remember(seen, 0);
    expect((await memory.remember(seen, 167 * hour)).seen).toMatchObject({ watchedMs: 20, requests: 10 });
    expect((await memory.remember(seen, 168 * hour)).seen).toMatchObject({ watchedMs: 20 });
  });

  test("refuses state that is damaged", async () => {
    const { store, memory } = createWorld();
    await store.write("cost/budget", '{"format":1}', 0);
    await expect(memory.keep({ proposed: undefined })).rejects.toMatchObject({ code: "state-damaged" });
  });
});
