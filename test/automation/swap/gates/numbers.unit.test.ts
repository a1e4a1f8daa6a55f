/** The numbers that the gates are sold with (issue 4), by simulation through the very gates, from one request to the next. */
import { describe, expect, it } from "vitest";
import { addError, createErrorEvidence, eValue } from "../../../../automation/swap/gates/error-evidence.ts";
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

/**
 * The chance that the error test finds a candidate within so many requests, computed, not drawn: a chain over the errors seen on
 * either side, through the very e-value of the gate. (2,000,000 swaps drawn through all gates gave 0.9504 for 20 % errors.)
 */
function chanceToFind(errorRate: number, within: number, share = 0.05, baseRate = 0.001): number {
  const [candidateErrors, oldErrors] = [40, 90];
  const limit = 1 / settings.gates.errorAlpha;
  const decides = Array.from({ length: candidateErrors + 1 }, (_, candidate) =>
    Array.from({ length: oldErrors + 1 }, (_, old) => {
      const evidence = createErrorEvidence();
      for (let error = 0; error < candidate; error += 1) addError(evidence, true, share);
      for (let error = 0; error < old; error += 1) addError(evidence, false, share);
      return eValue(evidence) >= limit;
    }),
  );
  const onCandidate = share * errorRate;
  const onOld = (1 - share) * baseRate;
  const at = Array.from({ length: candidateErrors + 1 }, () => new Float64Array(oldErrors + 1));
  const chance = (candidate: number, old: number): number => at[candidate]?.[old] ?? 0;
  at[0]?.fill(1, 0, 1);
  let found = 0;
  for (let request = 0; request < within; request += 1) {
    // From many errors to few, so that each cell still has the chance of one request before.
    for (let candidate = candidateErrors; candidate >= 0; candidate -= 1) {
      for (let old = oldErrors; old >= 0; old -= 1) {
        const arrives = candidate === 0 ? 0 : chance(candidate - 1, old) * onCandidate;
        const decided = decides[candidate]?.[old] === true;
        if (decided) found += arrives;
        const next =
          chance(candidate, old) * (1 - onCandidate - onOld) +
          (decided ? 0 : arrives) +
          (old === 0 ? 0 : chance(candidate, old - 1) * onOld);
        at[candidate]?.fill(next, old, old + 1);
      }
    }
  }
  return found;
}

describe("the error test alone, at 5 % share against a base of 0.1 % errors", () => {
  it.each([
    { errorRate: 1, within: 100 },
    { errorRate: 0.2, within: 550 },
    { errorRate: 0.05, within: 3_000 },
  ])("finds $errorRate errors within $within requests with a chance of 95 %, exactly", ({ errorRate, within }) => {
    expect(chanceToFind(errorRate, within)).toBeGreaterThanOrEqual(0.95);
    // The figure is the limit's, not far from it: a weaker test would miss it.
    expect(chanceToFind(errorRate, Math.floor(within * 0.6))).toBeLessThan(0.95);
  });
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
