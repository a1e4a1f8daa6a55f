import { describe, expect, it } from "vitest";
import type { RequestRecord } from "../../../../automation/ports/request-feed.ts";
import { lookAtStep, sampleNeed } from "../../../../automation/swap/gates/advance.ts";
import { createGates, foldRecord, type GateState, newStep } from "../../../../automation/swap/gates/stop.ts";
import type { SwapSettings } from "../../../../automation/swap/settings.ts";
import { record, settingsOf, sides } from "./traffic.ts";

const standard = settingsOf();
const demo = settingsOf({ profile: "demo" });
const candidate = (outcome: RequestRecord["outcome"], ms = 5): RequestRecord => record(sides.candidate, outcome, ms);
const old = (outcome: RequestRecord["outcome"], ms = 5): RequestRecord => record(sides.old, outcome, ms);
const many = (count: number, one: RequestRecord): RequestRecord[] => Array.from({ length: count }, () => one);

/** The candidate's first request at 0, then, warm, the records. */
function folded(settings: SwapSettings, records: readonly RequestRecord[], percent = 5): GateState {
  const gates = createGates();
  const context = { sides, askedShare: percent / 100, settings, at: 0 };
  foldRecord(gates, candidate("ok"), context);
  const at = settings.gates.warmUpMs;
  newStep(gates, at);
  for (const one of records) foldRecord(gates, one, { ...context, at });
  return gates;
}

function look(settings: SwapSettings, records: readonly RequestRecord[], percent = 5) {
  const gates = folded(settings, records, percent);
  const { verdict, looks } = lookAtStep(gates, settings, percent, settings.gates.warmUpMs);
  return { verdict, ...Object.fromEntries(looks.map((one) => [one.name, one.verdict])), looks };
}

describe("the sample that a step needs", () => {
  it.each([
    // Shared research, hot swap 2.7: base rate, margin, requests.
    [0.001, 0.001, 8_560],
    [0.01, 0.005, 3_392],
    [0.0001, 0.001, 857],
    [0.001, 0.005, 342],
  ])("at a base of %d and a margin of %d is %d requests, to 1 %%", (baseErrorRate, margin, requests) => {
    const gates = { ...demo.gates, minimumRequests: 1, baseErrorRate, earlyMargin: margin, lateMargin: margin };
    const need = sampleNeed({ ...demo, gates }, 5);
    expect(Math.abs(need / requests - 1)).toBeLessThan(0.01);
  });

  it("grows with the late steps, which carry the proof, and is never below the profile's minimum", () => {
    expect([1, 5, 24.9].map((share) => sampleNeed(standard, share))).toEqual([343, 343, 343]);
    expect([25, 50, 100].map((share) => sampleNeed(standard, share))).toEqual([8_556, 8_556, 8_556]);
    expect(sampleNeed(demo, 5)).toBe(10);
  });
});

describe("the advance gate", () => {
  it("goes on with the sample, no growth of errors and a latency like the old side's", () => {
    const usual = many(100, old("ok", 10));
    expect(look(demo, [...usual, ...many(9, candidate("ok"))])).toMatchObject({
      verdict: "inconclusive",
      sample: "inconclusive",
    });
    expect(look(demo, [...usual, ...many(10, candidate("ok"))]).verdict).toBe("successful");
    expect(look(demo, [...usual, ...many(10, candidate("ok", 500))])).toMatchObject({
      verdict: "inconclusive",
      "latency-compared": "inconclusive",
    });
    expect(look(demo, [...usual, ...many(9, candidate("ok")), candidate("application")])).toMatchObject({
      verdict: "inconclusive",
      errors: "inconclusive",
    });
  });

  it("says what it looked at in words, with the numbers", () => {
    const { looks } = look(standard, [...many(6_500, old("ok", 10)), ...many(12, candidate("ok"))]);
    expect(looks.map((one) => one.text)).toEqual([
      "12 of 343 requests on the candidate",
      "0 of 12 failed on the candidate, 0 of 6500 on the old side: grown by less than 1.5 points at 95 %, allowed 0.5",
      "candidate p95 5 ms, ceiling 10000 ms",
      "median 5 ms on the candidate, 10 ms on the old side",
    ]);
  });

  it("takes one error in 343 and not three", () => {
    const errors = (count: number) =>
      look(standard, [
        ...many(6_494, old("ok")),
        ...many(6, old("application")),
        ...many(343 - count, candidate("ok")),
        ...many(count, candidate("application")),
      ]);
    expect(errors(1)).toMatchObject({ errors: "successful" });
    expect(errors(3)).toMatchObject({ errors: "inconclusive" });
  });

  it("does not take few requests without an error for a proof", () => {
    expect(look(standard, [...many(100, old("ok")), ...many(50, candidate("ok"))])).toMatchObject({
      errors: "inconclusive",
    });
  });

  it("lets a candidate be as bad as the old side is", () => {
    const bad = [...many(6_300, old("ok")), ...many(200, old("application"))];
    const twin = [...many(9_690, candidate("ok")), ...many(310, candidate("application"))];
    expect(look(standard, [...bad, ...twin])).toMatchObject({ errors: "successful" });
  });

  it("is inconclusive about everything that has no data", () => {
    const { verdict, looks } = lookAtStep(createGates(), standard, 5, 0);
    expect(verdict).toBe("inconclusive");
    expect(looks.map((one) => [one.name, one.verdict])).toEqual([
      ["sample", "inconclusive"],
      ["errors", "inconclusive"],
      ["latency-ceiling", "inconclusive"],
      ["latency-compared", "inconclusive"],
    ]);
    expect(look(demo, many(50, candidate("ok")))).toMatchObject({
      errors: "inconclusive",
      "latency-compared": "inconclusive",
    });
    const failing = look(demo, [...many(100, old("ok")), ...many(50, candidate("application"))]);
    expect(failing).toMatchObject({ "latency-ceiling": "inconclusive", "latency-compared": "inconclusive" });
  });

  it("says that it waits for the warm-up", () => {
    const gates = createGates();
    foldRecord(gates, candidate("ok"), { sides, askedShare: 0.05, settings: standard, at: 1_000 });
    const { looks } = lookAtStep(gates, standard, 5, 11_000);
    expect(looks.find((one) => one.name === "latency-ceiling")?.text).toBe("the candidate warms up for 20 s more");
  });

  it("holds a candidate to performance_threshold", () => {
    const strict = { ...demo, performanceThresholdMs: 50 };
    const records = [...many(100, old("ok", 60)), ...many(20, candidate("ok", 60))];
    expect(look(strict, records)).toMatchObject({
      "latency-ceiling": "inconclusive",
      "latency-compared": "successful",
    });
  });

  it("compares the slowest in twenty too, from a hundred requests on", () => {
    const records = (count: number) => [
      ...many(1_000, old("ok", 10)),
      ...many(count * 0.9, candidate("ok", 10)),
      ...many(count * 0.1, candidate("ok", 900)),
    ];
    expect(look(demo, records(100))).toMatchObject({ "latency-compared": "inconclusive" });
    expect(look(demo, records(90))).toMatchObject({ "latency-compared": "successful" });
  });
});

describe("the advance gate at 100 %", () => {
  const settings = demo;
  const atAll = (candidateMs: number, before: readonly RequestRecord[]) => {
    const gates = folded(settings, before, 50);
    newStep(gates, 60_000);
    for (const one of many(50, candidate("ok", candidateMs)))
      foldRecord(gates, one, { sides, askedShare: 1, settings, at: 60_000 });
    return lookAtStep(gates, settings, 100, 60_000);
  };

  it("compares with the old side's totals and its last latencies", () => {
    const before = [...many(200, old("ok", 10)), ...many(50, candidate("ok", 10))];
    expect(atAll(10, before).verdict).toBe("successful");
    const slow = atAll(500, before);
    expect(slow.verdict).toBe("inconclusive");
    expect(slow.looks.find((one) => one.verdict !== "successful")?.text).toMatch(
      /^median (49\d|50\d) ms on the candidate, 10 ms on the old side before$/,
    );
  });

  it("without any old latencies goes by the ceiling alone", () => {
    const gates = createGates();
    const context = { sides, askedShare: 1, settings, at: 0 };
    for (const one of many(200, old("ok", Number.NaN))) foldRecord(gates, one, context);
    foldRecord(gates, candidate("ok"), context);
    for (const one of many(50, candidate("ok"))) foldRecord(gates, one, { ...context, at: 5_000 });
    const { verdict, looks } = lookAtStep(gates, settings, 100, 5_000);
    expect(looks.map((one) => one.name)).toEqual(["sample", "errors", "latency-ceiling"]);
    expect(verdict).toBe("successful");
  });
});
