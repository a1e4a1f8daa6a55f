import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addError,
  createErrorEvidence,
  type ErrorEvidence,
  eValue,
  riskRatios,
} from "../../../../automation/swap/gates/error-evidence.ts";
import { shareForDraws } from "../../../../automation/swap/gates/share.ts";
import { DrawnSwap, draws, settingsOf } from "./traffic.ts";

const limit = 1 / settingsOf().gates.errorAlpha;

function evidenceOf(...errors: readonly (readonly [onCandidate: boolean, share: number])[]): ErrorEvidence {
  const evidence = createErrorEvidence();
  for (const [onCandidate, share] of errors) addError(evidence, onCandidate, share);
  return evidence;
}

describe("the error test", () => {
  it("averages over 12 log-spaced risk ratios from 1.5 to 1000", () => {
    expect(riskRatios).toHaveLength(12);
    expect(riskRatios[0]).toBeCloseTo(1.5);
    expect(riskRatios[11]).toBeCloseTo(1_000);
  });

  it("is the mean likelihood ratio of the draws", () => {
    const share = 0.2;
    const likelihood = (ratio: number): number => {
      const onCandidate = (share * ratio) / (share * ratio + 1 - share);
      return (onCandidate / share) ** 2 * ((1 - onCandidate) / (1 - share));
    };
    const mean = riskRatios.map(likelihood).reduce((sum, one) => sum + one, 0) / riskRatios.length;
    expect(eValue(evidenceOf([true, share], [false, share], [true, share]))).toBeCloseTo(mean, 9);
  });

  it("finds two errors on a share of 1 % or 5 % enough, and one not", () => {
    for (const share of [0.01, 0.05]) {
      expect(eValue(evidenceOf([true, share]))).toBeLessThan(limit);
      expect(eValue(evidenceOf([true, share], [true, share]))).toBeGreaterThan(limit);
    }
  });

  it("learns nothing from errors where there is no other side", () => {
    const evidence = evidenceOf([true, 1], [true, 1], [true, 0]);
    expect(eValue(evidence)).toBe(1);
    expect(evidence.candidateErrors).toBe(3);
  });

  it("is never impressed by errors of the old side", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { maxLength: 100 }), (shares) => {
        expect(eValue(evidenceOf(...shares.map((share) => [false, share] as const)))).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it("says the same whatever the order of errors at one share", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 50 }), (errors) => {
        const draws = errors.map((onCandidate) => [onCandidate, 0.05] as const);
        expect(eValue(evidenceOf(...draws))).toBeCloseTo(eValue(evidenceOf(...draws.toReversed())), 6);
      }),
    );
  });

  it("blames a candidate that is as bad as the old side in at most alpha of the swaps, however often it looks", () => {
    const random = draws(1);
    const swaps = 3_000;
    let blamed = 0;
    for (let swap = 0; swap < swaps; swap += 1) {
      const evidence = createErrorEvidence();
      for (let error = 0; error < 200; error += 1) {
        addError(evidence, random() < 0.05, 0.05);
        if (eValue(evidence) < limit) continue;
        blamed += 1;
        break;
      }
    }
    expect(blamed / swaps).toBeLessThanOrEqual(1 / limit);
  });
});

describe("the share of the draws", () => {
  it("is the one asked for, unless the data plane plainly gives the candidate more", () => {
    expect(shareForDraws(0.05, 49, 49)).toBe(0.05);
    expect(shareForDraws(0.05, 60, 1_000)).toBe(0.05);
    expect(shareForDraws(0.05, 80, 1_000)).toBe(0.08);
    expect(shareForDraws(0.05, 1, 1_000)).toBe(0.05);
  });

  it("keeps a healthy candidate safe that gets 7 % where 5 % were asked for", () => {
    const settings = settingsOf();
    const random = draws(2);
    const runs = 400;
    let blamed = 0;
    for (let run = 0; run < runs; run += 1) {
      const swap = new DrawnSwap(settings, random);
      const traffic = { errorRate: 0.01, latencyMs: () => 5 };
      if (swap.step({ percent: 5, really: 7, requests: 15_000, perSecond: 100, candidate: traffic, old: traffic }))
        blamed += 1;
    }
    // 6 of 400 is what 0.6 % gives in one of a hundred campaigns.
    expect(blamed).toBeLessThanOrEqual(6);
  });
});
