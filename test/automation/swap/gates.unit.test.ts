import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestRecord } from "../../../automation/ports/request-feed.ts";
import { lookAtStep } from "../../../automation/swap/gates/advance.ts";
import { addToCeiling, ceilingValue, noCeilingEvidence } from "../../../automation/swap/gates/ceiling-evidence.ts";
import { addError, eValue, noErrorEvidence, riskRatios } from "../../../automation/swap/gates/error-evidence.ts";
import { emptyGates, foldRecord, type GateState, newStep, stopNow } from "../../../automation/swap/gates/stop.ts";
import { verdicts, worst } from "../../../automation/swap/gates/verdict.ts";
import {
  addProbes,
  lookAtWeight,
  samplesForAll,
  samplesForShare,
  samplesNeeded,
} from "../../../automation/swap/gates/weight.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";

/** A linear congruential generator: the same draws on every run. */
function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const settings = toSwapSettings(hotSwapConfig.parse({ profile: "demo" }), platformConfig.parse({}));

describe("the error test", () => {
  it("averages over 12 log-spaced risk ratios from 1.5 to 1000", () => {
    expect(riskRatios).toHaveLength(12);
    expect(riskRatios[0]).toBeCloseTo(1.5);
    expect(riskRatios[11]).toBeCloseTo(1_000);
  });

  it("finds two errors on a share of 1 % enough, and one not", () => {
    const one = addError(noErrorEvidence, true, 0.01);
    const two = addError(one, true, 0.01);
    expect(eValue(one)).toBeLessThan(1 / settings.errorAlpha);
    expect(eValue(two)).toBeGreaterThan(1 / settings.errorAlpha);
  });

  it("learns nothing from errors where there is no other side", () => {
    const after = addError(addError(noErrorEvidence, true, 1), true, 1);
    expect(eValue(after)).toBe(1);
    expect(after.candidateErrors).toBe(2);
  });

  it("is never impressed by errors of the old side", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { maxLength: 100 }), (shares) => {
        const evidence = shares.reduce((state, share) => addError(state, false, share), noErrorEvidence);
        expect(eValue(evidence)).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it("blames a candidate that is as bad as the old side in at most alpha of the swaps, however often it looks", () => {
    const random = draws(1);
    let blamed = 0;
    const swaps = 3_000;
    for (let swap = 0; swap < swaps; swap += 1) {
      let evidence = noErrorEvidence;
      for (let error = 0; error < 200; error += 1) {
        evidence = addError(evidence, random() < 0.05, 0.05);
        if (eValue(evidence) >= 1 / settings.errorAlpha) {
          blamed += 1;
          break;
        }
      }
    }
    expect(blamed / swaps).toBeLessThanOrEqual(settings.errorAlpha);
  });
});

describe("the ceiling", () => {
  const limit = 1 / settings.errorAlpha;

  /** Requests until the ceiling speaks; undefined when it does not within `most`. */
  function found(share: number, most: number, random: () => number, goodBefore = 0): number | undefined {
    let evidence = noCeilingEvidence;
    for (let request = 0; request < goodBefore; request += 1) evidence = addToCeiling(evidence, false, 0.05);
    for (let request = 1; request <= most; request += 1) {
      evidence = addToCeiling(evidence, random() < share, 0.05);
      if (ceilingValue(evidence) >= limit) return request;
    }
    return undefined;
  }

  it("leaves a candidate at or below it alone", () => {
    const random = draws(2);
    let blamed = 0;
    const runs = 300;
    for (let run = 0; run < runs; run += 1)
      if (found(run % 2 === 0 ? 0.03 : 0.05, 3_000, random) !== undefined) blamed += 1;
    expect(blamed / runs).toBeLessThanOrEqual(settings.errorAlpha * 2);
  });

  it("finds a candidate that fails one in five within 200 requests, also after 20,000 good ones", () => {
    const random = draws(3);
    for (let run = 0; run < 20; run += 1) expect(found(0.2, 200, random)).toBeDefined();
    for (let run = 0; run < 5; run += 1) expect(found(0.2, 300, random, 20_000)).toBeDefined();
  });

  it("finds a dead candidate within ten requests, also after 20,000 good ones", () => {
    expect(found(1, 5, draws(4))).toBeDefined();
    expect(found(1, 10, draws(5), 20_000)).toBeDefined();
  });

  it("of 1 can never be passed", () => {
    let evidence = noCeilingEvidence;
    for (let request = 0; request < 100; request += 1) evidence = addToCeiling(evidence, true, 1);
    expect(ceilingValue(evidence)).toBe(0);
  });
});

describe("the weight look", () => {
  const window = (candidate: number, old: number): string[] =>
    // Spread evenly, as a router does.
    Array.from({ length: candidate + old }, (_, index) =>
      Math.floor(((index + 1) * candidate) / (candidate + old)) > Math.floor((index * candidate) / (candidate + old))
        ? "gke"
        : "cloud-run",
    );

  it("is inconclusive with too few samples, however well they look", () => {
    expect(lookAtWeight(window(9, 890), "gke", "cloud-run", 1, 0).verdict).toBe("inconclusive");
  });

  it("takes 1 % within its tolerance and not what is still 0 %", () => {
    expect(lookAtWeight(window(10, 990), "gke", "cloud-run", 1, 0).verdict).toBe("successful");
    expect(lookAtWeight(window(0, 1_000), "gke", "cloud-run", 1, 0).verdict).toBe("inconclusive");
    expect(lookAtWeight(window(25, 975), "gke", "cloud-run", 1, 0).verdict).toBe("inconclusive");
  });

  it("wants every one of the last 2,995 probes on one side for 100 % and 0 %", () => {
    const all = Array.from({ length: samplesForAll }, () => "gke");
    expect(lookAtWeight(all, "gke", "cloud-run", 100, 0).verdict).toBe("successful");
    expect(lookAtWeight(all.with(100, "cloud-run"), "gke", "cloud-run", 100, 0).verdict).toBe("inconclusive");
    expect(lookAtWeight(all.with(100, ""), "gke", "cloud-run", 100, 0).verdict).toBe("inconclusive");
    expect(lookAtWeight(all.slice(1), "gke", "cloud-run", 100, 0).verdict).toBe("inconclusive");
  });

  it("wants more samples for a small step, so that the weight before does not pass for the one asked for", () => {
    const evenly = (percent: number, count: number): string[] =>
      window((count * percent) / 100, (count * (100 - percent)) / 100);
    for (const [before, asked] of [
      [1, 2],
      [50, 54],
      [10, 11],
    ] as const) {
      const needed = samplesNeeded(asked, before);
      expect(lookAtWeight(evenly(before, needed), "gke", "cloud-run", asked, before).verdict).toBe("inconclusive");
      expect(lookAtWeight(evenly(asked, needed), "gke", "cloud-run", asked, before).verdict).toBe("successful");
    }
    expect(samplesNeeded(25, 5)).toBe(samplesForShare);
  });

  it("judges the last probes only", () => {
    const late = addProbes(
      Array.from({ length: samplesForAll }, () => "cloud-run"),
      window(500, 500),
    );
    expect(late).toHaveLength(samplesForAll + 1_000);
    expect(lookAtWeight(late, "gke", "cloud-run", 50, 0).verdict).toBe("successful");
  });

  it("accepts a plane that follows almost always, at the first look", () => {
    const random = draws(6);
    for (const percent of [1, 5, 25, 50]) {
      let accepted = 0;
      for (let run = 0; run < 300; run += 1) {
        const sides = Array.from({ length: samplesForShare }, () => (random() < percent / 100 ? "gke" : "cloud-run"));
        if (lookAtWeight(sides, "gke", "cloud-run", percent, 0).verdict === "successful") accepted += 1;
      }
      expect(accepted).toBeGreaterThan(290);
    }
  });
});

describe("verdicts", () => {
  it("are ordered, and the worst wins", () => {
    expect(worst(["successful", "inconclusive"])).toBe("inconclusive");
    expect(worst(["failed", ...verdicts])).toBe("failed");
    expect(worst([])).toBe("inconclusive");
  });
});

describe("the gates", () => {
  const sides = { candidate: "gke", old: "cloud-run" };
  let sequence = 0;
  const record = (side: string, outcome: RequestRecord["outcome"], firstByteMs = 5): RequestRecord => {
    sequence += 1;
    return {
      sequence,
      at: sequence,
      side,
      status: outcome === "ok" ? 200 : 500,
      firstByteMs,
      durationMs: firstByteMs,
      outcome,
    };
  };
  const fold = (records: readonly RequestRecord[], share = 0.05): GateState =>
    records.reduce((gates, one) => foldRecord(gates, one, sides, share, settings.rollbackThreshold), emptyGates);
  const many = (count: number, one: () => RequestRecord): RequestRecord[] => Array.from({ length: count }, one);

  it("do not count clients that went away, nor sides that are neither", () => {
    const gates = fold([...many(50, () => record("gke", "client")), ...many(50, () => record("eks", "gateway"))]);
    expect(gates).toMatchObject({ candidate: { requests: 0 }, old: { requests: 0 } });
    expect(stopNow(gates, settings)).toBeUndefined();
  });

  it("stop after five gateway errors in a row on the candidate, unless the old side is bad too", () => {
    const bad = many(5, () => record("gke", "gateway"));
    expect(stopNow(fold(bad, 1), settings)?.reason).toBe("candidate-gateway-errors");
    const oldBad = many(20, () => record("cloud-run", "application"));
    expect(stopNow(fold([...oldBad, ...bad], 0.5), settings)?.reason).not.toBe("candidate-gateway-errors");
  });

  it("stop a candidate that dies at 100 %, also when the old side was bad before", () => {
    const before = fold([
      ...many(93, () => record("cloud-run", "ok")),
      ...many(7, () => record("cloud-run", "application")),
    ]);
    const dead = many(5, () => record("gke", "gateway")).reduce(
      (gates, one) => foldRecord(gates, one, sides, 1, settings.rollbackThreshold),
      newStep(before),
    );
    expect(stopNow(dead, settings)?.reason).toBe("candidate-gateway-errors");
  });

  it("advance only with the minimum sample, a good error share and a latency like the old side's", () => {
    const old = many(100, () => record("cloud-run", "ok", 10));
    const look = (records: readonly RequestRecord[]) => lookAtStep(fold(records), settings);
    expect(look([...old, ...many(9, () => record("gke", "ok"))]).verdict).toBe("inconclusive");
    expect(look([...old, ...many(10, () => record("gke", "ok"))]).verdict).toBe("successful");
    expect(look([...old, ...many(10, () => record("gke", "ok", 500))]).verdict).toBe("inconclusive");
    const withErrors = [...many(9, () => record("gke", "ok")), record("gke", "application")];
    expect(look([...old, ...withErrors]).verdict).toBe("inconclusive");
  });

  it("hold a candidate to performance_threshold", () => {
    const strict = { ...settings, performanceThresholdMs: 50 };
    const gates = fold(many(20, () => record("gke", "ok", 60)));
    const ceiling = lookAtStep(gates, strict).looks.find((look) => look.name === "latency-ceiling");
    expect(ceiling?.verdict).toBe("inconclusive");
  });
});
