import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explain, explainMeasurement } from "../../../automation/swap/explain.ts";
import { type Reason, reasons } from "../../../automation/swap/reasons.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";

const settings = toSwapSettings(
  hotSwapConfig.parse({ profile: "demo", dead_man: { policy: "revert" } }),
  platformConfig.parse({ performance_threshold: 800 }),
);

const text = (reason: Reason, evidence: Readonly<Record<string, number | string | boolean>>): string =>
  explain(reason, evidence, settings).join("\n");

const counts = { candidateRequests: 1_234, candidateErrors: 1, oldRequests: 1, oldErrors: 0 };

describe("the sentences behind a decision", () => {
  it("have the counts of the window, in the right number", () => {
    expect(text("step-successful", counts)).toBe(
      "In the window: old side 1 request, 0 errors; new side 1,234 requests, 1 error.",
    );
  });

  it("say of errors both counts of the swap, the evidence, the limit and the risk", () => {
    expect(
      text("candidate-errors", {
        ...counts,
        candidateErrorsInSwap: 9,
        oldErrorsInSwap: 2,
        eValue: 171.4,
        limit: 166.7,
      }),
    ).toBe(
      [
        "In the window: old side 1 request, 0 errors; new side 1,234 requests, 1 error.",
        "In the whole swap 9 errors fell on the new side and 2 on the old.",
        "The evidence against the new side is 171.4 to 1; the limit is 166.7 to 1, which a healthy new side passes in at most 6 of 1,000 swaps.",
      ].join("\n"),
    );
  });

  it("say of latency by ranks the sample, the chance and its limit, and both sides' medians", () => {
    const said = text("candidate-latency", {
      test: "rank",
      pValue: 0.000_012_3,
      level: 0.000_608,
      z: 4.21,
      window: 2,
      windowMs: 30_000,
      candidateSample: 412,
      oldSample: 7_800,
      candidateMedianMs: 340,
      candidateP95Ms: 1_200,
      oldMedianMs: 42,
      oldP95Ms: 90,
      allowedRatio: 3,
      allowedSlackMs: 100,
    });
    for (const part of ["412", "7,800", "window 2, 30 s", "0.0000123", "0.000608", "z 4.21", "3 times", "100 ms"])
      expect(said).toContain(part);
    expect(said).toContain("median and p95: new side 340 ms and 1.2 s; old side 42 ms and 90 ms.");
    expect(said).not.toContain("Further");
  });

  it("say of slow answers how many fell on each side, and of the ceiling which share is allowed", () => {
    const tail = text("candidate-latency", {
      test: "tail",
      eValue: 2_100,
      limit: 2_000,
      oldQuantile: 0.95,
      oldQuantileMs: 90,
      candidateSlow: 31,
      oldSlow: 2,
      allowedRatio: 3,
      allowedSlackMs: 100,
    });
    expect(tail).toContain("quantile 0.95 (90 ms) were 31 answers of the new side and 2 of the old");
    expect(tail).toContain("2,100 to 1; the limit is 2,000 to 1");
    const ceiling = text("candidate-latency-ceiling", {
      test: "ceiling",
      eValue: 5_100,
      limit: 5_000,
      performanceThresholdMs: 800,
      slowShareAllowed: 0.05,
    });
    expect(ceiling).toContain("More than 5 % of its answers took longer than 800 ms (performance_threshold)");
    expect(ceiling).not.toContain("Further");
  });

  it.each([
    ["silence", { silentMs: 31_000 }, "No user request for 31 s; from 30 s on (silence_after) that is silence."],
    ["approval-needed", { share: 25 }, "The step of 25 % begins with swap promote (swap.approvals)."],
    [
      "engine-was-dead",
      { deadMs: 660_000 },
      "Nobody drove it for 11 min; the policy of swap.dead_man is revert after 10 min.",
    ],
    [
      "metric-failed",
      { failed: 1, inconclusive: 2, errors: 0, successful: 4 },
      "In this step metrics from outside were judged 1 times as failed, 0 times unreadable, 2 times inconclusive, 4 times successful.",
    ],
    [
      "weights-moved-elsewhere",
      { found: "gke 50 %", left: "gke 25 %" },
      "Found: gke 50 %; this swap had left: gke 25 %.",
    ],
    ["drain-timed-out", { inFlight: 3, waitedMs: 300_000 }, "In flight after 5 min: 3."],
    ["step-inconclusive", { looks: "5 of 343 requests" }, "5 of 343 requests."],
    [
      "attach-failed",
      { code: "endpoints-missing", message: "No groups" },
      "No groups.\nFurther: code: endpoints-missing.",
    ],
    ["step-successful", { candidateInstanceAgeMs: 90_000 }, "The new side's instance that answered last was 90 s old."],
  ] as const)("of %s are its numbers", (reason, evidence, sentence) => {
    expect(text(reason, evidence)).toBe(sentence);
  });

  it("leave no number of the evidence out, whatever it is and whichever reason has it", () => {
    const names = fc.constantFrom("eValue", "limit", "somethingNew", "test", "share", "waitedMs", "looks", "metric x");
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(reasons) as Reason[])),
        fc.dictionary(names, fc.integer({ min: 1_000_001, max: 1_000_009 })),
        (reason, evidence) => {
          const said = text(reason, evidence);
          for (const [name, value] of Object.entries(evidence)) {
            // Told by the settings' own sentence, or as a number of milliseconds.
            const told = name.endsWith("Ms")
              ? / min/
              : new RegExp(value.toLocaleString("en-US", { maximumSignificantDigits: 4 }));
            if (name !== "test") expect(said, `${reason} ${name}`).toMatch(told);
          }
        },
      ),
    );
  });
});

describe("the sentences of a measurement", () => {
  it("are its verdict with the score, each metric, and what else is known", () => {
    expect(
      explainMeasurement({
        reason: "the score is below 75",
        score: 50,
        pass: 95,
        marginal: 75,
        metrics: 1,
        fromMs: Date.UTC(2026, 10, 20),
        toMs: Date.UTC(2026, 10, 20, 0, 10),
        "metric cpu": "High: higher than on the old side; ratio 1.36",
      }),
    ).toEqual([
      "the score is below 75 (score 50; 95 passes, below 75 fails).",
      "metric cpu: High: higher than on the old side; ratio 1.36.",
      "Further: metrics: 1; from: 2026-11-20T00:00:00.000Z; to: 2026-11-20T00:10:00.000Z.",
    ]);
  });
});
