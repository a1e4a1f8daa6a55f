import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blastRadius, requestsToDetect } from "../../../automation/swap/blast-radius.ts";

/** As the runs of research 2.5 were made; a ceiling of 1 takes the other test out of it. */
const asMeasured = {
  rollbackThreshold: 1,
  ramp: [1, 5, 25, 50, 100],
  gates: { errorAlpha: 0.01, floorAlpha: 0.001, baseErrorRate: 0.001 },
};

describe("requests until the stop gate decides", () => {
  // Share, the candidate's errors, median and 95th percentile of the simulated runs (shared research, hot swap 2.5).
  it.each([
    [1, 0.005, 126_000, 348_000],
    [1, 0.01, 44_000, 125_000],
    [1, 0.05, 4_200, 12_800],
    [1, 0.2, 730, 2_200],
    [1, 1, 158, 517],
    [5, 0.005, 30_000, 78_000],
    [5, 0.01, 7_700, 23_000],
    [5, 0.05, 910, 3_000],
    [5, 0.2, 181, 541],
    [5, 1, 31, 96],
    [25, 0.005, 8_900, 21_000],
    [25, 0.01, 2_300, 7_200],
    [25, 0.05, 327, 791],
    [25, 0.2, 70, 158],
    [25, 1, 15, 30],
  ])(
    "at %d %% of the traffic and an error rate of %d are between the measured median and p95",
    (sharePercent, errorRate, median, p95) => {
      const requests = requestsToDetect({ sharePercent, errorRate }, asMeasured);
      expect(requests).toBeGreaterThanOrEqual(median);
      expect(requests).toBeLessThanOrEqual(p95);
    },
  );

  it("at 100 % come from the ceiling alone, since there is no old side to compare with", () => {
    const settings = { ...asMeasured, rollbackThreshold: 0.05 };
    expect(requestsToDetect({ sharePercent: 100, errorRate: 1 }, asMeasured)).toBeUndefined();
    expect(requestsToDetect({ sharePercent: 100, errorRate: 1 }, settings)).toBeLessThanOrEqual(10);
    expect(requestsToDetect({ sharePercent: 100, errorRate: 0.05 }, settings)).toBeUndefined();
    expect(requestsToDetect({ sharePercent: 100, errorRate: 0.06 }, settings)).toBeGreaterThan(1_000);
  });

  it("are none where the candidate is no worse than usual", () => {
    expect(requestsToDetect({ sharePercent: 5, errorRate: 0.001 }, asMeasured)).toBeUndefined();
  });

  it("are never more for a worse candidate", () => {
    const settings = { ...asMeasured, rollbackThreshold: 0.05 };
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 99.9, noNaN: true }),
        fc.double({ min: 0.002, max: 0.98, noNaN: true }),
        fc.double({ min: 1.01, max: 2, noNaN: true }),
        (sharePercent, errorRate, factor) => {
          const bad = requestsToDetect({ sharePercent, errorRate }, settings) ?? Number.POSITIVE_INFINITY;
          const worse =
            requestsToDetect({ sharePercent, errorRate: Math.min(1, errorRate * factor) }, settings) ??
            Number.POSITIVE_INFINITY;
          expect(worse).toBeLessThanOrEqual(bad);
        },
      ),
    );
  });
});

describe("the blast radius", () => {
  it("is the research's example: 100 requests a second, 5 %, dead, 100 s of propagation: some 500, of which detection costs 5", () => {
    const step = { requestsPerSecond: 100, sharePercent: 5, errorRate: 1, propagationMs: 100_000 };
    expect(blastRadius({ ...step, detectMs: 1_000 })).toBeCloseTo(505);
    expect(blastRadius({ ...step, detectMs: 1_000 }) - blastRadius({ ...step, detectMs: 0 })).toBeCloseTo(5);
  });
});
