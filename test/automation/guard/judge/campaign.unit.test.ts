import { describe, expect, test } from "vitest";
import { measureSoaks, powerCampaign } from "../../../../automation/guard/judge/campaign.ts";
import { documentedNoise, latencyAt, noInjection } from "../../../../automation/guard/judge/noise.ts";

describe("power of gate B on the noise model", () => {
  test("short form: what has to be found is found, and noise is let pass", () => {
    const found = powerCampaign(3, 16);
    // 16 runs: 95 % and 1 % are measured by test/bench/guard-judge.bench.ts.
    expect(found.slower.failed).toBeGreaterThanOrEqual(0.9);
    expect(found.failing.failed).toBeGreaterThanOrEqual(0.9);
    expect(found.quiet.failed).toBe(0);
    expect(found.quiet.passed).toBeGreaterThanOrEqual(0.85);
    expect(powerCampaign(4, 2)).toEqual(powerCampaign(4, 2));
  });

  test("half of the traffic lost, or everything twice as slow, ends a soak within minutes", () => {
    const soak = (injection: Partial<typeof noInjection>) =>
      measureSoaks(5, 4, { injection: { ...noInjection, ...injection }, peers: 2, soakMinutes: 60 });
    expect(soak({ latencyFactor: 2 })).toMatchObject({ failed: 1, medianMinutes: 5 });
    expect(soak({ errors: 0.05 })).toMatchObject({ failed: 1, medianMinutes: 5 });
    expect(soak({ requestsFactor: 0.3 })).toMatchObject({ failed: 1, medianMinutes: 5 });
  });

  test("without clusters in which nothing changes a week ago takes their place", () => {
    const injection = { ...noInjection, latencyFactor: 1.5 };
    expect(measureSoaks(5, 4, { injection, peers: 0, soakMinutes: 60 }).failed).toBe(1);
  });
});

describe("the noise model", () => {
  test("has a tail that is heavier than its body", () => {
    const at = (quantile: number) => latencyAt(documentedNoise, quantile);
    expect(at(0.5)).toBeCloseTo(20, 6);
    expect(at(0.95)).toBeCloseTo(20 * Math.exp(0.6 * 1.644853627), 4);
    expect(at(0.99) / at(0.95)).toBeCloseTo(5 ** 0.4, 6);
  });
});
