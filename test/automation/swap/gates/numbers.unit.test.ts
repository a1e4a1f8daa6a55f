/** The numbers that the gates are sold with (issue 4), by simulation through the very gates, from one request to the next. */
import { describe, expect, it } from "vitest";
import { stopNow } from "../../../../automation/swap/gates/stop.ts";
import { DrawnSwap, draws, lognormal, settingsOf } from "./traffic.ts";

const settings = settingsOf();

describe("a bad candidate at 5 % share, against a base of 0.1 % errors", () => {
  it.each([
    { errorRate: 1, within: 100, runs: 2_000 },
    { errorRate: 0.2, within: 550, runs: 2_000 },
    { errorRate: 0.05, within: 3_000, runs: 1_000 },
    { errorRate: 0.01, within: 27_000, runs: 400 },
  ])(
    "that fails $errorRate of its requests is found within $within requests of both sides in 95 % of the swaps",
    ({ errorRate, within, runs }) => {
      const random = draws(2);
      const latencyMs = () => 5;
      let found = 0;
      for (let run = 0; run < runs; run += 1) {
        const swap = new DrawnSwap(settings, random);
        const candidate = { errorRate, latencyMs };
        const old = { errorRate: 0.001, latencyMs };
        if (swap.step({ percent: 5, requests: within, perSecond: 100, candidate, old }) !== undefined) found += 1;
      }
      // 95 %, less three deviations of so many runs.
      expect(found / runs).toBeGreaterThan(0.95 - 3 * Math.sqrt((0.95 * 0.05) / runs));
    },
  );
});

describe("two sides that are alike", () => {
  it("are rolled back in at most 1 % of the swaps of five steps and 20,000 requests", () => {
    const random = draws(2);
    const runs = 200;
    let blamed = 0;
    for (let run = 0; run < runs; run += 1) {
      const swap = new DrawnSwap(settings, random);
      const side = { errorRate: 0.001, latencyMs: lognormal(random, 80) };
      for (const percent of settings.ramp) {
        swap.step({ percent, requests: 4_000, perSecond: 100, candidate: side, old: side });
        if (stopNow(swap.gates, settings) !== undefined) break;
      }
      if (stopNow(swap.gates, settings) !== undefined) blamed += 1;
    }
    // At exactly 1 %, seven or more of 200 come in 5 of 1,000 campaigns.
    expect(blamed).toBeLessThanOrEqual(6);
  });
});
