import { describe, expect, it } from "vitest";
import {
  addToCeiling,
  ceilingValue,
  createCeilingEvidence,
} from "../../../../automation/swap/gates/ceiling-evidence.ts";
import { draws } from "./traffic.ts";

describe("the ceiling", () => {
  const alpha = 0.006;

  /** Requests until the ceiling speaks; undefined when it does not within `most`. */
  function found(share: number, most: number, random: () => number, goodBefore = 0): number | undefined {
    const evidence = createCeilingEvidence();
    for (let request = 0; request < goodBefore; request += 1) addToCeiling(evidence, false, 0.05);
    for (let request = 1; request <= most; request += 1) {
      addToCeiling(evidence, random() < share, 0.05);
      if (ceilingValue(evidence) >= 1 / alpha) return request;
    }
    return undefined;
  }

  it("leaves a candidate at or below it alone", () => {
    const random = draws(2);
    let blamed = 0;
    const runs = 300;
    for (let run = 0; run < runs; run += 1)
      if (found(run % 2 === 0 ? 0.03 : 0.05, 3_000, random) !== undefined) blamed += 1;
    expect(blamed / runs).toBeLessThanOrEqual(alpha * 2);
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
    const evidence = createCeilingEvidence();
    for (let request = 0; request < 100; request += 1) addToCeiling(evidence, true, 1);
    expect(ceilingValue(evidence)).toBe(0);
  });

  it("considers a bounded number of beginnings, also at the ceiling itself", () => {
    const random = draws(6);
    const evidence = createCeilingEvidence();
    let most = 0;
    for (let request = 0; request < 100_000; request += 1) {
      addToCeiling(evidence, random() < 0.001, 0.001);
      most = Math.max(most, evidence.beginnings.length);
    }
    expect(most).toBeLessThanOrEqual(32);
    expect(most).toBeGreaterThan(1);
  });
});
