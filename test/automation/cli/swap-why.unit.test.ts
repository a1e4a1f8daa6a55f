import { describe, expect, it } from "vitest";
import { decisionsOf } from "../../../automation/cli/commands/swap/why.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import { journalFormat, type SwapEvent } from "../../../automation/swap/state.ts";

const settings = toSwapSettings(hotSwapConfig.parse({ profile: "demo" }), platformConfig.parse({}));
const counts = { candidateRequests: 40, candidateErrors: 0, oldRequests: 900, oldErrors: 1 };

const journal: readonly SwapEvent[] = [
  {
    kind: "started",
    format: journalFormat,
    at: 0,
    id: "1",
    mode: "swap",
    environment: "local",
    from: "cloud-run",
    to: "gke",
    image: "kiro@1",
    settings,
    by: "tester",
  },
  { kind: "engine", at: 1, pid: 1, host: "here", feed: "test" },
  { kind: "entered", at: 2, phase: "shifting", step: 0, reason: "acceptance-passed", evidence: {} },
  { kind: "verified", at: 3, since: 0, weight: 1, evidence: { seenPercent: 1.02, samples: 1_000 } },
  { kind: "noticed", at: 4, reason: "silence", evidence: { silentMs: 31_000 } },
  {
    kind: "entered",
    at: 5,
    phase: "shifting",
    step: 1,
    reason: "step-successful",
    evidence: { ...counts, looks: "40 of 10 requests on the candidate" },
  },
  { kind: "measured", at: 6, verdict: "inconclusive", evidence: { reason: "half of the metrics have no data" } },
  { kind: "requested", at: 7, verb: "extend-bake", by: "ann", number: 1, amountMs: 1_800_000 },
  { kind: "paused", at: 8, reason: "step-inconclusive", evidence: { ...counts, looks: "2 of 343 requests" } },
];

describe("swap why", () => {
  it("has everything that was decided, seen, measured, told and asked for, in order, each with its numbers", () => {
    expect(decisionsOf(journal, undefined).map(({ position, outcome, reason }) => [position, outcome, reason])).toEqual(
      [
        ["deploying", "step 1 of 5, 1 %", "acceptance-passed"],
        ["step 1 of 5, 1 %", "the data plane follows 1 %", "verified"],
        ["step 1 of 5, 1 %", "told to people", "silence"],
        ["step 1 of 5, 1 %", "step 2 of 5, 5 %", "step-successful"],
        ["step 2 of 5, 5 %", "metrics from outside, inconclusive", "measured"],
        ["step 2 of 5, 5 %", "extend-bake by 30 min 0 s asked for by ann", "requested"],
        ["step 2 of 5, 5 %", "paused", "step-inconclusive"],
      ],
    );
  });

  it("has of one step only what was decided in it", () => {
    const second = decisionsOf(journal, 2);
    expect(second.map(({ reason }) => reason)).toEqual(["measured", "requested", "step-inconclusive"]);
    expect(second[0]?.explanation).toEqual(["half of the metrics have no data."]);
    expect(second[2]?.explanation).toEqual([
      "In the window: old side 900 requests, 1 error; new side 40 requests, 0 errors.",
      "2 of 343 requests.",
    ]);
    expect(second[2]?.evidence).toEqual({ ...counts, looks: "2 of 343 requests" });
    expect(decisionsOf(journal, 4)).toEqual([]);
  });

  it("has the gates' looks of the step that passed, and what the probes saw", () => {
    const first = decisionsOf(journal, 1);
    expect(first.flatMap(({ explanation }) => explanation)).toEqual([
      "1.02 % of 1000 probes were answered by the new side.",
      "No user request for 31 s; from 30 s on (silence_after) that is silence.",
      "In the window: old side 900 requests, 1 error; new side 40 requests, 0 errors.",
      "40 of 10 requests on the candidate.",
    ]);
  });
});
