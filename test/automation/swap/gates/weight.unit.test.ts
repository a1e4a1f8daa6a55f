import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addProbes,
  createProbeWindow,
  lookAtWeight,
  type ProbeWindow,
  samplesForAll,
  samplesForShare,
  samplesNeeded,
} from "../../../../automation/swap/gates/weight.ts";
import { draws } from "./traffic.ts";

function seen(sides: readonly string[]): ProbeWindow {
  const window = createProbeWindow();
  addProbes(window, sides);
  return window;
}

/** Spread evenly, as a router does. */
const evenly = (candidate: number, old: number): string[] =>
  Array.from({ length: candidate + old }, (_, index) =>
    Math.floor(((index + 1) * candidate) / (candidate + old)) > Math.floor((index * candidate) / (candidate + old))
      ? "gke"
      : "cloud-run",
  );

const look = (sides: readonly string[], asked: number, previous = 0) =>
  lookAtWeight(seen(sides), "gke", "cloud-run", asked, previous);

describe("the weight look", () => {
  it("is inconclusive with too few samples, however well they look", () => {
    expect(look(evenly(9, 890), 1).verdict).toBe("inconclusive");
    expect(look([], 1)).toMatchObject({ verdict: "inconclusive", samples: 0, seenPercent: 0 });
    expect(look([], 0).verdict).toBe("inconclusive");
  });

  it("takes 1 % within its tolerance and not what is still 0 %", () => {
    expect(look(evenly(10, 990), 1).verdict).toBe("successful");
    expect(look(evenly(0, 1_000), 1).verdict).toBe("inconclusive");
    expect(look(evenly(25, 975), 1).verdict).toBe("inconclusive");
  });

  it("wants every one of the last 2,995 probes on one side for 100 % and 0 %", () => {
    const all = Array.from({ length: samplesForAll }, () => "gke");
    expect(look(all, 100).verdict).toBe("successful");
    expect(look(all.with(100, "cloud-run"), 100).verdict).toBe("inconclusive");
    expect(look(all.with(100, ""), 100).verdict).toBe("inconclusive");
    expect(look(all.slice(1), 100).verdict).toBe("inconclusive");
    const none = all.map(() => "cloud-run");
    expect(look(none, 0).verdict).toBe("successful");
    expect(look(none.with(100, "gke"), 0).verdict).toBe("inconclusive");
  });

  it("wants more samples for a small step, so that the weight before does not pass for the one asked for", () => {
    for (const [before, asked] of [
      [1, 2],
      [50, 54],
      [10, 11],
    ] as const) {
      const needed = samplesNeeded(asked, before);
      const at = (percent: number): string[] => evenly((needed * percent) / 100, (needed * (100 - percent)) / 100);
      expect(look(at(before), asked, before).verdict).toBe("inconclusive");
      expect(look(at(asked), asked, before).verdict).toBe("successful");
    }
    expect(samplesNeeded(25, 5)).toBe(samplesForShare);
  });

  it("judges the last probes only", () => {
    const late = seen(Array.from({ length: samplesForAll }, () => "cloud-run"));
    addProbes(late, evenly(500, 500));
    expect(lookAtWeight(late, "gke", "cloud-run", 50, 0)).toMatchObject({ verdict: "successful", samples: 1_000 });
  });

  it("does not read a share from probes of which more than one in a hundred names no side", () => {
    const sides = evenly(500, 500);
    expect(look(sides.fill("", 0, 10), 50).verdict).toBe("successful");
    expect(look(sides.fill("", 0, 20), 50).verdict).toBe("inconclusive");
  });

  it("accepts a plane that follows almost always, at the first look", () => {
    const random = draws(6);
    for (const percent of [1, 5, 25, 50]) {
      let accepted = 0;
      for (let run = 0; run < 300; run += 1) {
        const sides = Array.from({ length: samplesForShare }, () => (random() < percent / 100 ? "gke" : "cloud-run"));
        if (look(sides, percent).verdict === "successful") accepted += 1;
      }
      expect(accepted).toBeGreaterThan(290);
    }
  });

  it("counts as a plain count of the last probes would, whatever was asked before", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: 0, max: 4_000 }),
            fc.constantFrom("gke", "cloud-run", ""),
            fc.constantFrom(0, 1, 50, 99.9, 100),
          ),
          { maxLength: 12 },
        ),
        (rounds) => {
          const window = createProbeWindow();
          const all: string[] = [];
          for (const [count, side, asked] of rounds) {
            const sides = Array.from({ length: count }, (_, index) => (index % 7 === 0 ? "gke" : side));
            addProbes(window, sides);
            all.push(...sides);
            const found = lookAtWeight(window, "gke", "cloud-run", asked, 0);
            const last = all.slice(-found.needed);
            expect(found.samples).toBe(last.length);
            const share = last.filter((one) => one === "gke").length / Math.max(1, last.length);
            expect(found.seenPercent).toBeCloseTo(share * 100, 9);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("keeps no more than 100,000 probes, and judges those", () => {
    const window = createProbeWindow();
    for (let batch = 0; batch < 130; batch += 1)
      addProbes(window, evenly(batch < 20 ? 0 : 500, batch < 20 ? 1_000 : 500));
    const needed = samplesNeeded(50, 50.1);
    expect(needed).toBe(100_000);
    expect(window.ring).toHaveLength(100_000);
    expect(lookAtWeight(window, "gke", "cloud-run", 50, 50.1)).toMatchObject({
      verdict: "successful",
      seenPercent: 50,
    });
  });
});
