import { beforeEach, describe, expect, it, vi } from "vitest";
import { playFault } from "../../../automation/drill/fault-campaign.ts";
import { failoverFaults } from "../../../automation/drill/faults/failover.ts";
import type * as Decide from "../../../automation/failover/decide.ts";
import type * as Evidence from "../../../automation/failover/evidence.ts";
import type * as History from "../../../automation/failover/history.ts";
import type * as SwapDecide from "../../../automation/swap/decide.ts";

/** What is broken about the watcher, or about the engine that moves for it. */
const broken = vi.hoisted(() => ({
  by: undefined as
    | "judges the window as a whole"
    | "forgets the window that has to be covered"
    | "takes silence for a failure"
    | "forgets dwell"
    | "forgets max_moves"
    | "moves where it should propose"
    | "proposes at every look"
    | "takes any standby"
    | "does not see an open swap"
    | "leaves what another one began"
    | "sends traffic back to the dead side"
    | undefined,
}));

vi.mock(import("../../../automation/failover/evidence.ts"), async (original) => {
  const real: typeof Evidence = await original();
  return {
    ...real,
    countParts(evidence, side, parts, now) {
      if (broken.by !== "judges the window as a whole") return real.countParts(evidence, side, parts, now);
      const whole = real.countParts(evidence, side, 1, now);
      return Array.from({ length: parts }, () => whole).flat();
    },
    coversWindow: (evidence, now) =>
      broken.by === "forgets the window that has to be covered" || real.coversWindow(evidence, now),
  };
});

vi.mock(import("../../../automation/failover/decide.ts"), async (original) => {
  const real: typeof Decide = await original();
  return {
    ...real,
    judgeServing: (settings, seen, now) =>
      real.judgeServing(
        broken.by === "takes silence for a failure" ? { ...settings, minRequests: 3 } : settings,
        seen,
        now,
      ),
    decideFailover(settings, state, seen, now) {
      const standbys = seen.standbys.map((standby) => ({ ...standby, healthySince: 0 }));
      switch (broken.by) {
        case "takes silence for a failure":
          return real.decideFailover({ ...settings, minRequests: 3 }, state, seen, now);
        case "forgets dwell":
          return real.decideFailover({ ...settings, dwellMs: 0 }, state, seen, now);
        case "forgets max_moves":
          return real.decideFailover({ ...settings, maxMoves: 100 }, state, seen, now);
        case "moves where it should propose":
          return real.decideFailover({ ...settings, policy: "automatic" }, state, seen, now);
        case "proposes at every look":
          return real.decideFailover(settings, real.nothingProposed, seen, now);
        case "takes any standby":
          return real.decideFailover(settings, state, { ...seen, standbys }, now);
        case "does not see an open swap":
          return real.decideFailover(settings, state, { ...seen, swapOpen: false }, now);
        default:
          return real.decideFailover(settings, state, seen, now);
      }
    },
  };
});

vi.mock(import("../../../automation/failover/history.ts"), async (original) => {
  const real: typeof History = await original();
  return {
    ...real,
    interruptedFailover: async (...of) =>
      broken.by === "leaves what another one began" ? undefined : real.interruptedFailover(...of),
  };
});

vi.mock(import("../../../automation/swap/decide.ts"), async (original) => {
  const real: typeof SwapDecide = await original();
  return {
    ...real,
    decide(state, seen, now) {
      const givesUp = broken.by === "sends traffic back to the dead side" && state.phase === "shifting" && state.done;
      return givesUp
        ? { kind: "enter", phase: "returning", step: state.step, reason: "routing-failed", evidence: {} }
        : real.decide(state, seen, now);
    },
  };
});

beforeEach(() => {
  broken.by = undefined;
});

const rows: Readonly<Record<NonNullable<typeof broken.by>, readonly string[]>> = {
  "judges the window as a whole": ["failover-flapping", "failover-flapping-mostly-bad"],
  "forgets the window that has to be covered": ["failover-blind"],
  "takes silence for a failure": ["failover-silence"],
  "forgets dwell": ["failover-again", "failover-used-up", "failover-standby-errs"],
  "forgets max_moves": ["failover-used-up", "failover-standby-errs"],
  "moves where it should propose": ["failover-proposed"],
  "proposes at every look": ["failover-proposed"],
  "takes any standby": ["failover-both-dead", "failover-standby-late"],
  "does not see an open swap": ["failover-swap-open"],
  "leaves what another one began": ["failover-watcher-dies-here", "failover-watcher-dies-elsewhere"],
  "sends traffic back to the dead side": ["failover-serving-dead", "failover-balancer-refuses"],
};

async function play(name: string): Promise<readonly string[]> {
  const fault = failoverFaults.find((one) => one.name === name);
  if (fault === undefined) throw new Error(`the table has lost ${name}`);
  return (await playFault(fault, 1)).problems;
}

describe("the drill finds a watcher that", () => {
  const cases = Object.entries(rows).flatMap(([by, names]) => names.map((name) => ({ by, name })));

  it.each(cases)(
    "$by, by $name",
    async ({ by, name }) => {
      expect(await play(name)).toEqual([]);
      broken.by = Object.keys(rows).find((one): one is keyof typeof rows => one === by);
      expect(await play(name)).not.toEqual([]);
    },
    60_000,
  );
});
