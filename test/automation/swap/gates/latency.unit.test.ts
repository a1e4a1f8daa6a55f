import { describe, expect, it } from "vitest";
import { stopNow } from "../../../../automation/swap/gates/stop.ts";
import type { SwapSettings } from "../../../../automation/swap/settings.ts";
import { DrawnSwap, draws, lognormal, quantileOfRuns, type SideTraffic, settingsOf, slowTail } from "./traffic.ts";

const settings = settingsOf();
const perSecond = 100;

type Latency = (random: () => number, usual: () => number) => () => number;
const asOld: Latency = (_, usual) => usual;
const times =
  (factor: number): Latency =>
  (_, usual) =>
  () =>
    usual() * factor;
const tail =
  (share: number, factor: number): Latency =>
  (random, usual) =>
    slowTail(random, usual, share, factor);

/** Swaps at 1 %, then at `percent`; the seconds in which each was found in its second step. */
function seconds(
  percent: number,
  candidateLatency: Latency,
  { runs = 30, forSeconds = 300, oldLatency = asOld, rules = settings, spread = 0.5 } = {},
) {
  const random = draws(percent);
  const found: (number | undefined)[] = [];
  const tests = new Set<unknown>();
  for (let run = 0; run < runs; run += 1) {
    const swap = new DrawnSwap(rules, random);
    const usual = lognormal(random, 80, spread);
    const side = (latency: Latency): SideTraffic => ({ errorRate: 0, latencyMs: latency(random, usual) });
    swap.step({ percent: 1, requests: 4_000, perSecond, candidate: side(asOld), old: side(oldLatency) });
    const requests = forSeconds * perSecond;
    const at = swap.step({ percent, requests, perSecond, candidate: side(candidateLatency), old: side(oldLatency) });
    found.push(at === undefined ? undefined : at / perSecond);
    const stop = stopNow(swap.gates, rules);
    if (stop !== undefined) tests.add(`${stop.reason} ${stop.evidence["test"]}`);
  }
  return { p95: quantileOfRuns(found, 0.95), missed: found.filter((one) => one === undefined).length, runs, tests };
}

describe("latency against the old side, at 100 requests a second", () => {
  it("finds a candidate three times as slow at 5 % within half a minute, by ranks", () => {
    const { p95, tests } = seconds(5, times(3));
    expect(p95).toBeLessThan(30);
    expect([...tests]).toContain("candidate-latency rank");
  });

  it("finds one twice as slow at 25 % within a minute", () => {
    expect(seconds(25, times(2)).p95).toBeLessThan(60);
  });

  it("finds a tail of 5 %, 10 % and 20 % that is 20 times as slow, which ranks do not show", () => {
    for (const [percent, share, limit] of [
      [5, 0.2, 30],
      [5, 0.1, 60],
      [5, 0.05, 180],
      [25, 0.05, 60],
      [1, 0.2, 180],
    ] as const) {
      const { p95, tests } = seconds(percent, tail(share, 20));
      expect(p95, `${share} at ${percent} %`).toBeLessThan(limit);
      expect([...tests]).toEqual(["candidate-latency tail"]);
    }
  });

  it("leaves one alone that is slower by no more than is allowed", () => {
    expect(seconds(25, times(1.4)).missed).toBe(30);
    const ratioOnly = withGates({ latencySlackMs: 0 });
    expect(seconds(25, times(1.5), { rules: ratioOnly }).missed).toBeGreaterThanOrEqual(29);
  });

  it("blames alike sides in at most latencyAlpha of the swaps though nothing is allowed", () => {
    // The boundary: ratio 1, slack 0. 400 runs at 0.3 % give 1.2; 5 or more come once in a hundred such campaigns.
    const strict = withGates({ latencyRatio: 1, latencySlackMs: 0 });
    const { missed, runs } = seconds(25, asOld, { runs: 400, forSeconds: 60, rules: strict });
    expect(runs - missed).toBeLessThanOrEqual(4);
  });

  it("blames nobody for one pause that makes every request slow for four seconds", () => {
    const random = draws(3);
    for (let run = 0; run < 20; run += 1) {
      const swap = new DrawnSwap(settings, random);
      const usual = lognormal(random, 80);
      const healthy = { errorRate: 0, latencyMs: usual };
      const paused = { errorRate: 0, latencyMs: () => (swap.at > 100_000 && swap.at < 104_000 ? 3_000 : usual()) };
      swap.step({ percent: 1, requests: 6_000, perSecond, candidate: healthy, old: healthy });
      swap.step({ percent: 5, requests: 12_000, perSecond, candidate: paused, old: healthy });
      expect(stopNow(swap.gates, settings)).toBeUndefined();
    }
  });

  it("compares nothing before the candidate is warm", () => {
    const random = draws(4);
    const usual = lognormal(random, 80);
    const swap = new DrawnSwap(settings, random);
    const cold = () => (swap.at < settings.gates.warmUpMs ? 20_000 : usual());
    const old = { errorRate: 0, latencyMs: usual };
    const candidate = { errorRate: 0, latencyMs: cold };
    swap.step({ percent: 25, requests: 2_900, perSecond, candidate, old });
    expect(swap.gates.latency.candidate.total).toBe(0);
    swap.step({ percent: 25, requests: 12_000, perSecond, candidate, old });
    expect(swap.gates.latency.candidate.total).toBeGreaterThan(2_000);
    expect(stopNow(swap.gates, settings)).toBeUndefined();
  });

  it("blames nobody when both sides become slow at once", () => {
    for (const oldLatency of [times(40), tail(0.2, 500)])
      expect(seconds(25, oldLatency, { runs: 10, forSeconds: 120, oldLatency }).missed).toBe(10);
  });

  it("blames nobody while the old side fails: its answers are no measure", () => {
    const random = draws(5);
    const usual = lognormal(random, 80);
    const swap = new DrawnSwap(settings, random);
    const healthy = { errorRate: 0, latencyMs: usual };
    swap.step({ percent: 5, requests: 6_000, perSecond, candidate: healthy, old: healthy });
    swap.step({
      percent: 5,
      requests: 12_000,
      perSecond,
      candidate: { errorRate: 0, latencyMs: () => usual() * 10 },
      old: { errorRate: 0.5, latencyMs: usual },
    });
    expect(stopNow(swap.gates, settings)).toBeUndefined();
  });
});

describe("latency against performance_threshold, at 100 %", () => {
  const overTenSeconds = (share: number) => seconds(100, tail(share, 1_000));

  it("finds a candidate of which 10 % or 20 % are slower", () => {
    const { p95, tests } = overTenSeconds(0.1);
    expect(p95).toBeLessThan(30);
    expect([...tests]).toEqual(["candidate-latency-ceiling ceiling"]);
    expect(overTenSeconds(0.2).p95).toBeLessThan(5);
  });

  it("leaves one alone of which 4 % are", () => {
    expect(overTenSeconds(0.04).missed).toBe(30);
  });

  it("does not hold the old side's latencies of an earlier time against it", () => {
    expect(seconds(100, times(5)).missed).toBe(30);
  });
});

function withGates(gates: Partial<SwapSettings["gates"]>): SwapSettings {
  return { ...settings, gates: { ...settings.gates, ...gates } };
}
