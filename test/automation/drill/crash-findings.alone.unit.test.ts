import { beforeEach, describe, expect, it, vi } from "vitest";
import { crash, crashAtRandom, crashedSwaps } from "../../../automation/drill/crashes.ts";
import type * as Fold from "../../../automation/swap/fold.ts";
import type * as Perform from "../../../automation/swap/perform.ts";

/** What is broken about the engine. */
const broken = vi.hoisted(() => ({ forgetsItsWayBack: false, skipsAStep: false, ignoresTheFence: false }));

vi.mock(import("../../../automation/swap/fold.ts"), async (original) => {
  const real: typeof Fold = await original();
  return {
    ...real,
    // Only a process that takes over folds a journal.
    foldEvents(events) {
      const state = real.foldEvents(events);
      if (state === undefined) return undefined;
      if (broken.forgetsItsWayBack && state.phase === "returning")
        return { ...state, phase: "shifting", rollback: undefined, done: false, pending: undefined };
      if (broken.skipsAStep && state.phase === "shifting" && state.step === 0)
        return { ...state, step: 2, done: false, pending: undefined };
      return state;
    },
  };
});

vi.mock(import("../../../automation/swap/perform.ts"), async (original) => {
  const real: typeof Perform = await original();
  return {
    ...real,
    // A process that takes over does not make the map its own.
    claimMap: (ports, signal) => (broken.ignoresTheFence ? ports.router.read(signal) : real.claimMap(ports, signal)),
  };
});

beforeEach(() => {
  for (const name of ["forgetsItsWayBack", "skipsAStep", "ignoresTheFence"] as const) broken[name] = false;
});

const [completes, rolledBack] = crashedSwaps;
if (completes === undefined || rolledBack === undefined) throw new Error("there is no swap to crash");

describe("the crash campaign finds an engine that", () => {
  it("forgets on its way back that it was going back", async () => {
    broken.forgetsItsWayBack = true;
    const row = await crashAtRandom(rolledBack, 1, 12);
    expect(row.ok).toBe(false);
    expect(row.breaches + row.twice + row.divergences).toBeGreaterThan(0);
  }, 60_000);

  it("goes on at a later step than it was at", async () => {
    broken.skipsAStep = true;
    const row = await crashAtRandom(completes, 1, 12);
    expect(row.ok).toBe(false);
    expect(row.problems.join()).toContain("weight-rises-one-step-at-a-time");
  }, 120_000);

  it("leaves the map to whoever had it before, who wakes at the worst moment", async () => {
    const wakes = async () => {
      const { points } = await crash(completes, 1, [], () => "host-0");
      const point = 1 + points.indexOf('write {"cloud-run":50,"gke":50}: on its way');
      return crash(completes, 1, [{ point, stillUntil: "worst moment" }], (number) => `host-${number}`);
    };
    expect((await wakes()).breaches).toEqual([]);
    broken.ignoresTheFence = true;
    expect((await wakes()).breaches.join()).toContain("one-writer");
  }, 60_000);
});
