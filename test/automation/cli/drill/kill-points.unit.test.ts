import { beforeAll, describe, expect, it } from "vitest";
import { atEveryPoint, atRandom, pointOf, pointsOf } from "../../../../automation/cli/drill/kill-points.ts";
import type { SwapEvent } from "../../../../automation/swap/state.ts";
import { swapOf } from "../../../support/swap-screen.ts";

let journal: readonly SwapEvent[];
beforeAll(async () => {
  ({ events: journal } = await swapOf({}));
});

/** The journal up to the first line of that kind. */
function upTo(point: string): readonly SwapEvent[] {
  const at = journal.findIndex((_, index) => pointOf(journal.slice(0, index + 1)) === point);
  if (at < 0) throw new Error(`a swap has no line ${point}`);
  return journal.slice(0, at + 1);
}

const moment = (events: readonly SwapEvent[], sinceLineMs = 0, sinceFirstLineMs = 0) => ({
  events,
  sinceLineMs,
  sinceFirstLineMs,
});

describe("the places of a whole swap", () => {
  it("are its kinds of lines: every effect's intent and outcome, every phase's entry, and the rest", () => {
    const effects = ["deploy", "attach", "write-weights", "accept", "detach", "remove"];
    const phases = ["attaching", "adding-entry", "accepting", "shifting", "baking", "draining", "removing-entry"];
    const places = pointsOf(journal);
    for (const place of [
      ...effects.flatMap((effect) => [`intent ${effect}`, `outcome ${effect}`]),
      ...[...phases, "detaching", "removing"].map((phase) => `entered ${phase}`),
      ...["started", "engine", "observed", "verified", "ended"],
    ])
      expect(places, place).toContain(place);
    expect(new Set(places).size).toBe(places.length);
  });

  it("have no name without a line", () => {
    expect(pointOf([])).toBeUndefined();
    expect(pointsOf([])).toEqual([]);
  });
});

describe("a plan of every place", () => {
  it("kills once behind each kind of line, and has nothing left then", () => {
    const plan = atEveryPoint();
    const killed: string[] = [];
    for (let lines = 1; lines <= journal.length; lines += 1) {
      const now = moment(journal.slice(0, lines));
      if (plan.wants(now)) killed.push(plan.killed(now));
    }
    expect(killed).toEqual(pointsOf(journal));
    expect(plan.missing([journal])).toEqual([]);
  });

  it("counts the place where the process died, not the one where it was to die", () => {
    const plan = atEveryPoint();
    expect(plan.wants(moment(upTo("outcome deploy")))).toBe(true);
    expect(plan.killed(moment(upTo("entered attaching")))).toBe("entered attaching");
    expect(plan.wants(moment(upTo("outcome deploy")))).toBe(true);
    expect(plan.wants(moment(upTo("entered attaching")))).toBe(false);
    expect(plan.missing([journal])).toContain("outcome deploy");
    expect(plan.missing([journal])).not.toContain("entered attaching");
  });

  it("kills in the middle of an operation on a stack, by whichever process that is carried out", () => {
    const plan = atEveryPoint();
    const begun = upTo("intent deploy");
    for (const lines of [begun, upTo("engine")]) plan.killed(moment(lines));
    expect(plan.wants(moment(begun, 600))).toBe(false);
    const takenOver = [...begun, ...upTo("engine").slice(-1)];
    expect(plan.wants(moment(takenOver, 600))).toBe(false);
    expect(plan.wants(moment(takenOver, 700))).toBe(true);
    expect(plan.killed(moment(takenOver, 700))).toBe("the middle of deploy");
    expect(plan.wants(moment(takenOver, 5_000))).toBe(false);
  });

  it("knows no middle of an effect that is over, nor of one that is no stack's", () => {
    const plan = atEveryPoint();
    for (const place of ["outcome deploy", "intent write-weights"]) {
      expect(plan.killed(moment(upTo(place), 5_000))).toBe(place);
      expect(plan.wants(moment(upTo(place), 5_000))).toBe(false);
    }
  });
});

describe("a plan of random moments", () => {
  it("kills so often, between 0.1 and 4.1 s after a process's first line, at the same moments for the same seed", () => {
    const moments = (seed: number): readonly number[] => {
      const plan = atRandom(20, seed);
      const found: number[] = [];
      while (plan.missing([]).length > 0) {
        let at = 0;
        while (!plan.wants(moment(journal, 0, at))) at += 1;
        plan.killed(moment(journal, 0, at));
        found.push(at);
      }
      return found;
    };
    const first = moments(1);
    expect(first).toHaveLength(20);
    expect(Math.min(...first)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...first)).toBeLessThanOrEqual(4_101);
    expect(new Set(first).size).toBeGreaterThan(15);
    expect(moments(1)).toEqual(first);
    expect(moments(2)).not.toEqual(first);
  });

  it("says how many are left, and kills no more than asked for", () => {
    const plan = atRandom(2, 1);
    plan.killed(moment(journal, 0, 5_000));
    expect(plan.missing([journal])).toEqual(["1 of 2 kills"]);
    expect(plan.killed(moment(upTo("intent deploy"), 0, 1_234.4))).toBe("intent deploy, 1234 ms after its first line");
    expect(plan.missing([journal])).toEqual([]);
    expect(plan.wants(moment(journal, 0, 1e9))).toBe(false);
  });
});
