import { describe, expect, test } from "vitest";
import { SwitchyardError } from "../../../automation/errors.ts";
import type { FailoverDecision } from "../../../automation/failover/decide.ts";
import { failoverConfig, toFailoverSettings } from "../../../automation/failover/settings.ts";
import { type WatchPorts, type WatchResult, watchFailover } from "../../../automation/failover/watch.ts";
import type { Platform } from "../../../automation/ports/platform.ts";
import { createFakeBalancer } from "../../support/fake-balancer.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

/** cloud-run serves and gke stands by, on a virtual clock. */
function createWorld(config: Readonly<Record<string, unknown>> = {}) {
  const clock = createVirtualClock();
  const begun = clock.now();
  const balancer = createFakeBalancer({
    clock,
    weights: { "cloud-run": 100, gke: 0 },
    platforms: ["cloud-run", "gke"],
    requestsPerSecond: 20,
  });
  const settings = toFailoverSettings(failoverConfig.parse({ policy: "automatic", ...config }));
  const ready: Record<string, boolean | "hangs"> = { "cloud-run": true, gke: true };
  const moves: number[] = [];
  const moved: { to: string; at: number }[] = [];
  const proposals: FailoverDecision[] = [];
  const failures: string[] = [];
  const blind: string[] = [];
  const reasons: string[] = [];
  const controller = new AbortController();
  const world = { swapOpen: false, moveFails: false, storeFails: false };

  const platform = (name: string): Pick<Platform, "agent"> => ({
    agent: () => {
      const absent = (): never => {
        throw new Error("a watch asks for health only");
      };
      return {
        platform: name,
        processRequest: absent,
        getMetrics: absent,
        getPlatformInfo: absent,
        async healthCheck(signal) {
          await clock.sleep(ready[name] === "hangs" ? 600_000 : 5, signal);
          if (ready[name] !== true) throw new SwitchyardError("agent-unreachable", { message: `${name} is gone` });
          const timestamp = new Date(0).toISOString();
          const facts = { platform: name, instanceId: "i", timestamp, uptimeSeconds: 1, checks: {} };
          return { status: "healthy", ready: true, ...facts };
        },
      };
    },
  });

  const ports: WatchPorts = {
    feed: balancer.feed,
    router: balancer.router,
    platforms: { "cloud-run": platform("cloud-run"), gke: platform("gke") },
    clock,
    swapOpen: async () => {
      if (world.storeFails) throw new SwitchyardError("disk-error", { message: "the store was made to fail" });
      return world.swapOpen;
    },
    moves: async () => moves,
    async move(from, to) {
      moves.push(clock.wall());
      if (world.moveFails) throw new SwitchyardError("swap-failed", { message: "the standby failed its suite" });
      balancer.interfere({ [from]: 0, [to]: 100 });
      moved.push({ to, at: clock.now() - begun });
    },
  };

  /** Watches until the given time after the start, ms; `at` happens meanwhile. */
  function watch(untilMs: number, at: Readonly<Record<number, () => void>> = {}, once = false): Promise<WatchResult> {
    return clock.run(async () => {
      for (const [ms, happen] of Object.entries(at)) void clock.sleep(Number(ms)).then(happen);
      void clock.sleep(untilMs).then(() => controller.abort(new Error("Ctrl-C")));
      return watchFailover(
        {
          settings,
          once,
          listener: {
            onLook: (decision) => reasons.push(decision.reason),
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

  const fails = (name: string) => () => balancer.setSide(name, { applicationErrors: 1 });
  return { balancer, clock, world, ready, moves, moved, proposals, failures, blind, reasons, watch, fails };
}

describe("an automatic failover", () => {
  test("moves traffic within a window and seconds of the failure, once, and stays", async () => {
    const { watch, moved, fails } = createWorld();
    const result = await watch(200_000, { 60000: fails("cloud-run") });
    expect(moved).toHaveLength(1);
    expect(moved[0]).toMatchObject({ to: "gke" });
    expect((moved[0]?.at ?? 0) - 60_000).toBeGreaterThan(27_000);
    expect((moved[0]?.at ?? 0) - 60_000).toBeLessThan(35_000);
    expect(result).toMatchObject({ moves: 1, proposals: 0, last: { kind: "nothing", from: "gke" } });
  });

  test("does not happen to a side that is well, for half an hour", async () => {
    const { watch, moved, reasons } = createWorld();
    await watch(1_800_000);
    expect(moved).toEqual([]);
    expect(new Set(reasons)).toEqual(new Set(["window-not-covered", "serving-well"]));
  });

  test("does not come of silence, though the serving side answers nothing", async () => {
    const { watch, moved, ready, balancer, reasons } = createWorld();
    await watch(300_000, {
      40000: () => {
        balancer.setRequestsPerSecond(0);
        ready["cloud-run"] = false;
      },
    });
    expect(moved).toEqual([]);
    expect(reasons.at(-1)).toBe("too-few-requests");
  });

  test("does not go to a standby that fails its health checks or hangs, and does when it recovers", async () => {
    for (const state of [false, "hangs"] as const) {
      const { watch, moved, ready, fails, reasons } = createWorld();
      ready["gke"] = state;
      await watch(300_000, {
        10000: fails("cloud-run"),
        100000: () => {
          expect(reasons.at(-1)).toBe("standby-not-ready");
          ready["gke"] = true;
        },
      });
      if (state === "hangs") expect(moved).toEqual([]);
      else expect(moved[0]?.at ?? 0).toBeGreaterThan(110_000);
    }
  });

  test("waits while a swap is open, or while nobody can say", async () => {
    const { watch, moved, world, fails, reasons } = createWorld();
    world.swapOpen = true;
    await watch(200_000, {
      10000: fails("cloud-run"),
      60000: () => {
        expect(reasons.at(-1)).toBe("swap-open");
        world.storeFails = true;
      },
      100000: () => {
        expect(reasons.at(-1)).toBe("state-unreadable");
        world.swapOpen = false;
      },
      150000: () => {
        expect(moved).toEqual([]);
        world.storeFails = false;
      },
    });
    expect(moved).toHaveLength(1);
  });

  test("does not flap: two sides that both fail are changed at most max_moves times a day, dwell apart", async () => {
    const { watch, moved, fails } = createWorld({ max_moves: 3, dwell: 60, window: 12 });
    const both = () => {
      fails("cloud-run")();
      fails("gke")();
    };
    await watch(600_000, { 10000: both });
    expect(moved.map(({ to }) => to)).toEqual(["gke", "cloud-run", "gke"]);
    for (const [index, { at }] of moved.entries()) {
      if (index > 0) expect(at - (moved[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(60_000);
    }
  });

  test("that fails is told, and tried again no sooner than dwell", async () => {
    const { watch, world, moves, failures, fails } = createWorld({ dwell: 120 });
    world.moveFails = true;
    await watch(300_000, { 10000: fails("cloud-run") });
    expect(failures).toEqual(["swap-failed", "swap-failed", "swap-failed"].slice(0, moves.length));
    expect(moves.length).toBeGreaterThan(1);
    for (const [index, at] of moves.entries()) {
      if (index > 0) expect(at - (moves[index - 1] ?? 0)).toBeGreaterThanOrEqual(120_000);
    }
  });
});

describe("what the watch cannot see", () => {
  test("a gap in the feed begins the window anew", async () => {
    const { watch, moved, fails, balancer, blind } = createWorld();
    await watch(120_000, { 5000: fails("cloud-run"), 30000: () => balancer.failNext("feed") });
    expect(blind).toEqual(["feed-unreachable"]);
    expect(moved[0]?.at ?? 0).toBeGreaterThan(60_000);
  });

  test("weights that cannot be read hold everything back", async () => {
    const { watch, moved, fails, balancer, reasons } = createWorld();
    const unreadable = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [30_500 + index * 1_000, () => balancer.failNext("read")]),
    );
    await watch(89_000, { 5000: fails("cloud-run"), ...unreadable });
    expect(moved).toEqual([]);
    expect(reasons.at(-1)).toBe("weights-unreadable");
  });
});

describe("a failover that is proposed", () => {
  test("is told once per failure and moves nothing", async () => {
    const { watch, moved, proposals, fails, balancer } = createWorld({ policy: "propose" });
    const heals = () => balancer.setSide("cloud-run", { applicationErrors: 0 });
    const result = await watch(600_000, {
      10000: fails("cloud-run"),
      200000: heals,
      300000: fails("cloud-run"),
    });
    expect(proposals.map(({ to }) => to)).toEqual(["gke", "gke"]);
    expect(proposals[0]?.evidence).toMatchObject({ errors: expect.any(Number), servingReady: true });
    expect(moved).toEqual([]);
    expect(result).toMatchObject({ proposals: 2, moves: 0 });
  });
});

describe("one look, for a scheduled job", () => {
  test("of a side that is well ends after its window with nothing", async () => {
    const { watch, clock } = createWorld();
    const begun = clock.now();
    const result = await watch(600_000, {}, true);
    expect(result.last).toMatchObject({ kind: "nothing", reason: "serving-well" });
    expect(clock.now() - begun).toBeLessThan(40_000);
  });

  test("of a side that fails moves its traffic", async () => {
    const { watch, moved, fails } = createWorld();
    fails("cloud-run")();
    expect(await watch(600_000, {}, true)).toMatchObject({ moves: 1, last: { kind: "move", to: "gke" } });
    expect(moved).toHaveLength(1);
  });

  test("gives up waiting for a standby after two windows", async () => {
    const { watch, ready, fails, clock } = createWorld();
    const begun = clock.now();
    ready["gke"] = false;
    fails("cloud-run")();
    const result = await watch(600_000, {}, true);
    expect(result.last).toMatchObject({ kind: "hold", reason: "standby-not-ready" });
    expect(clock.now() - begun).toBeLessThan(65_000);
  });
});
