import { describe, expect, it } from "vitest";
import type { RequestRecord } from "../../../../automation/ports/request-feed.ts";
import {
  addLost,
  createGates,
  type FoldContext,
  foldProbe,
  foldRecord,
  type GateState,
  newStep,
  stopNow,
} from "../../../../automation/swap/gates/stop.ts";
import { draws, record, settingsOf, sides } from "./traffic.ts";

const settings = settingsOf({ profile: "demo" });

const contextOf = (askedShare: number, at = 0): FoldContext => ({ sides, askedShare, settings, at });

function fold(records: readonly RequestRecord[], askedShare = 0.05, gates: GateState = createGates()): GateState {
  for (const one of records) foldRecord(gates, one, contextOf(askedShare));
  return gates;
}

const many = (count: number, one: RequestRecord): RequestRecord[] => Array.from({ length: count }, () => one);
const good = record(sides.candidate, "ok");
const oldGood = record(sides.old, "ok");

describe("the stop gate", () => {
  it("does not count clients that went away, nor sides that are neither", () => {
    const gates = fold([...many(50, record(sides.candidate, "client")), ...many(50, record("eks", "gateway"))]);
    expect(gates).toMatchObject({ candidate: { requests: 0 }, old: { requests: 0 } });
    expect(stopNow(gates, settings)).toBeUndefined();
  });

  it("knows when it heard of a user last, and what the feed lost", () => {
    const gates = createGates();
    foldRecord(gates, record("eks", "ok"), contextOf(0.05, 5));
    expect(gates.lastRecordAt).toBeUndefined();
    foldRecord(gates, record(sides.old, "client"), contextOf(0.05, 7));
    expect(gates.lastRecordAt).toBe(7);
    addLost(gates, 3);
    addLost(gates, 2);
    expect(gates.lost).toBe(5);
  });

  it("stops after five gateway errors in a row on the candidate, with the numbers of that request", () => {
    const gates = fold(many(5, record(sides.candidate, "gateway")), 1);
    expect(stopNow(gates, settings)).toEqual({
      reason: "candidate-gateway-errors",
      evidence: expect.objectContaining({ inARow: 5, inARowAtMost: 5, candidateErrors: 5, candidateRequests: 5 }),
    });
    const interrupted = [...many(4, record(sides.candidate, "gateway")), good];
    expect(stopNow(fold([...interrupted, ...interrupted.slice(0, 4)], 1), settings)?.reason).not.toBe(
      "candidate-gateway-errors",
    );
  });

  it("stays with what it found, whatever comes after it in the same batch", () => {
    const later = [...many(1_000, good), record(sides.candidate, "application")];
    const gates = fold([...many(5, record(sides.candidate, "gateway")), ...later], 1);
    newStep(gates, 0);
    expect(stopNow(gates, settings)?.reason).toBe("candidate-gateway-errors");
  });

  it("stops a candidate that fails two of its first requests at 5 %, for its errors", () => {
    const gates = fold([...many(20, oldGood), record(sides.candidate, "application")]);
    expect(stopNow(gates, settings)).toBeUndefined();
    fold([...many(20, oldGood), record(sides.candidate, "application")], 0.05, gates);
    const found = stopNow(gates, settings);
    expect(found?.reason).toBe("candidate-errors");
    expect(found?.evidence).toMatchObject({ candidateErrorsInSwap: 2, oldErrorsInSwap: 0, limit: 166.7 });
    expect(found?.evidence["eValue"]).toBeGreaterThan(166.7);
  });

  it("keeps the evidence over the steps of a swap", () => {
    const gates = fold([...many(20, oldGood), record(sides.candidate, "application")]);
    newStep(gates, 0);
    fold([...many(20, oldGood), record(sides.candidate, "application")], 0.05, gates);
    expect(stopNow(gates, settings)?.reason).toBe("candidate-errors");
  });

  it("judges a candidate that passes rollback_threshold at 100 %, where there is nothing to compare with", () => {
    const random = draws(1);
    const gates = createGates();
    for (let request = 0; request < 2_000 && stopNow(gates, settings) === undefined; request += 1)
      fold([random() < 0.2 ? record(sides.candidate, "application") : good], 1, gates);
    expect(stopNow(gates, settings)?.reason).toBe("candidate-error-ceiling");
    expect(stopNow(gates, settings)?.evidence).toMatchObject({ ceiling: 0.05, ceilingLimit: 5_000 });
  });

  it("does not judge what the candidate gets before it has a weight", () => {
    const gates = fold(many(50, record(sides.candidate, "gateway")), 0);
    expect(stopNow(gates, settings)).toBeUndefined();
    newStep(gates, 0);
    fold(many(4, record(sides.candidate, "gateway")), 1, gates);
    expect(stopNow(gates, settings)).toBeUndefined();
  });
});

describe("a bad old side never condemns the candidate", () => {
  it("when the candidate fails in a row beside it", () => {
    const oldBad = many(20, record(sides.old, "application"));
    const gates = fold([...oldBad, ...many(5, record(sides.candidate, "gateway"))], 0.5);
    expect(stopNow(gates, settings)?.reason).not.toBe("candidate-gateway-errors");
  });

  it("when both lose their backend at once, at any share, in any order of the requests", () => {
    for (const share of [0.01, 0.05, 0.25, 0.5]) {
      const random = draws(Math.round(share * 100));
      let blamed = 0;
      const runs = 200;
      for (let run = 0; run < runs; run += 1) {
        const gates = createGates();
        const context = contextOf(share);
        // Long good, an outage of five seconds at 200 a second, good again.
        for (let request = 0; request < 5_000; request += 1) {
          const out = request >= 3_000 && request < 4_000;
          const side = random() < share ? sides.candidate : sides.old;
          foldRecord(gates, record(side, out ? "gateway" : "ok"), context);
        }
        if (stopNow(gates, settings) !== undefined) blamed += 1;
      }
      // At 50 % five in a row fall on the candidate by chance, before the old side has shown anything, in 1 of 32 outages.
      expect(blamed / runs).toBeLessThanOrEqual(share === 0.5 ? 0.075 : 0.02);
    }
  });

  it("when it had been as bad as the candidate is at 100 %", () => {
    const random = draws(7);
    const at = (side: string, share: number) => record(side, random() < share ? "application" : "ok");
    const gates = fold(Array.from({ length: 4_000 }, () => at(sides.old, 0.2)));
    newStep(gates, 0);
    fold(
      Array.from({ length: 4_000 }, (_, index) => (index % 6 === 0 ? record(sides.candidate, "application") : good)),
      1,
      gates,
    );
    expect(stopNow(gates, settings)).toBeUndefined();
  });

  it("nor does a straggler of the candidate that fails when both are well again", () => {
    const pair = (outcome: RequestRecord["outcome"]) => [record(sides.old, outcome), record(sides.candidate, outcome)];
    const times = (count: number, outcome: RequestRecord["outcome"]) =>
      Array.from({ length: count }, () => pair(outcome)).flat();
    const gates = fold([...times(5_000, "ok"), ...times(200, "application"), ...times(50, "ok")], 0.5);
    fold([record(sides.candidate, "application")], 0.5, gates);
    expect(stopNow(gates, settings)).toBeUndefined();
  });

  it("but one that was bad in an earlier step does not excuse a candidate that dies at 100 %", () => {
    const gates = fold([...many(93, oldGood), ...many(7, record(sides.old, "application"))]);
    newStep(gates, 0);
    fold(many(5, record(sides.candidate, "gateway")), 1, gates);
    expect(stopNow(gates, settings)?.reason).toBe("candidate-gateway-errors");
  });
});

describe("probes", () => {
  const probe = (side: string, status: number) => ({ side, status, durationMs: 1 });
  const counting = { ...settings, gates: { ...settings.gates, countProbes: true } };

  it("say nothing unless they count", () => {
    const gates = createGates();
    for (let index = 0; index < 10; index += 1) foldProbe(gates, probe(sides.candidate, 0), contextOf(1));
    expect(gates.candidate.requests).toBe(0);
    expect(stopNow(gates, settings)).toBeUndefined();
  });

  it("that count are requests of the side that answered, and errors without an answer or from 500 on", () => {
    const gates = createGates();
    const context = { ...contextOf(0.5, 9), settings: counting };
    for (const status of [200, 404, 500, 502, 0]) foldProbe(gates, probe(sides.candidate, status), context);
    foldProbe(gates, probe(sides.old, 200), context);
    foldProbe(gates, probe("", 0), context);
    expect(gates.candidate).toEqual({ requests: 5, errors: 3, gatewayRun: 2 });
    expect(gates.old.requests).toBe(1);
    // Nobody is to mistake a probe for a user.
    expect(gates.lastRecordAt).toBeUndefined();
    expect(gates.latency.candidate.total).toBe(0);
  });
});
