import { beforeAll, describe, expect, it } from "vitest";
import { conclude, doneTwice, resumeLimitMs, type Swapped } from "../../../../automation/cli/drill/kills.ts";
import type { SwapEvent } from "../../../../automation/swap/state.ts";
import type { SwapRecord } from "../../../../automation/swap/store.ts";
import { gkeFailing, swapOf } from "../../../support/swap-screen.ts";

let completed: SwapRecord;
let rolledBack: SwapRecord;
beforeAll(async () => {
  completed = await swapOf({});
  rolledBack = await swapOf({ prepare: gkeFailing(0.5) });
});

const summary = { sent: 900, failed: 0, failures: { swap: 0 } };
const killed = (at: string, resumedInMs?: number) => ({ at, resumedInMs });
const swapped = (fields: Partial<Swapped> = {}): Swapped => ({
  to: "gke",
  kills: [killed("intent deploy", 900), killed("verified", 1_100), killed("ended")],
  record: completed,
  broke: undefined,
  ...fields,
});
const problemsOf = (swap: Partial<Swapped>, serving = "gke", load = summary) =>
  conclude([swapped(swap)], serving, load, []).problems;

describe("a swap under kills", () => {
  it("is good when it completed, the right side serves, every process had a successor and no request failed", () => {
    expect(conclude([swapped()], "gke", summary, ["engine"])).toEqual({
      kills: swapped().kills,
      swaps: [{ to: "gke", end: "completed", lines: completed.events.length }],
      slowestResumeMs: 1_100,
      requests: { sent: 900, failed: 0, swapCaused: 0 },
      twice: [],
      missed: ["engine"],
      problems: [],
    });
  });

  it("there and back ends where it began", () => {
    const back = swapped({ to: "cloud-run", kills: [killed("started", 800)] });
    expect(conclude([swapped(), back], "cloud-run", summary, []).problems).toEqual([]);
    expect(conclude([swapped(), back], "gke", summary, []).problems).toEqual([
      "at the end cloud-run has to serve: gke",
    ]);
  });

  it("is a finding when it ended otherwise, or not at all", () => {
    expect(problemsOf({ record: rolledBack })).toEqual(["the swap to gke ended rolled-back"]);
    const [first] = completed.events;
    if (first === undefined) throw new Error("a journal has a first line");
    const { end: _end, ...state } = completed.state;
    expect(
      problemsOf({ record: { state: { ...state, end: undefined }, events: [first] }, kills: [killed("x", 1)] }),
    ).toEqual(["the swap to gke ended unfinished"]);
    expect(problemsOf({ record: undefined, kills: [killed("x", 1)] })).toEqual(["the swap to gke ended unfinished"]);
    expect(problemsOf({ record: undefined, kills: [killed("x", 1), killed("y")] })).toEqual([
      "the swap to gke ended unfinished",
      "nobody went on after the kill at y",
    ]);
  });

  it("is a finding when the wrong side serves, or none alone", () => {
    expect(problemsOf({}, "cloud-run")).toEqual(["at the end gke has to serve: cloud-run"]);
  });

  it("is a finding when a process took too long to go on, or none did", () => {
    expect(problemsOf({ kills: [killed("verified", resumeLimitMs)] })).toEqual([]);
    expect(problemsOf({ kills: [killed("verified", resumeLimitMs + 100)] })).toEqual([
      "one process took 20.1 s to go on",
    ]);
    // Nobody has to go on only behind the very last line.
    expect(problemsOf({ kills: [killed("verified"), killed("ended")] })).toEqual([
      "nobody went on after the kill at verified",
    ]);
    expect(problemsOf({ kills: [] })).toEqual(["no process was killed"]);
  });

  it("is a finding when a process ended badly by itself", () => {
    expect(problemsOf({ broke: "a process ended with 1: lease-lost" })).toEqual(["a process ended with 1: lease-lost"]);
  });

  it("is a finding when one request failed because of it; failures of others are told only", () => {
    expect(problemsOf({}, "gke", { sent: 900, failed: 3, failures: { swap: 1 } })).toEqual([
      "1 of 900 requests failed because of the swap",
    ]);
    expect(problemsOf({}, "gke", { sent: 900, failed: 3, failures: { swap: 0 } })).toEqual([]);
  });

  it("is a finding when an effect happened twice", () => {
    const { before, write, after } = lastWrite(completed.events);
    expect(problemsOf({ record: { ...completed, events: [...before, ...write, ...write, ...after] } })).toEqual([
      'the write of {"gke":100} in removing-entry was carried out twice',
    ]);
  });
});

/** A journal, taken apart around its last write of weights: intent, outcome and what is between. */
function lastWrite(events: readonly SwapEvent[]) {
  const from = events.findLastIndex((event) => event.kind === "intent" && event.effect.kind === "write-weights");
  const to = events.findIndex((event, index) => index > from && event.kind === "outcome") + 1;
  if (from < 0 || to === 0) throw new Error("a swap writes weights");
  return { before: events.slice(0, from), write: events.slice(from, to), after: events.slice(to) };
}

describe("effects that happened twice", () => {
  const intent = (share: number): SwapEvent => ({
    kind: "intent",
    at: 1,
    effect: { kind: "write-weights", weights: { "cloud-run": 100 - share, gke: share } },
  });
  const outcome = (fields: Partial<Extract<SwapEvent, { kind: "outcome" }>> = {}): SwapEvent => ({
    kind: "outcome",
    at: 2,
    ok: true,
    found: false,
    durationMs: 1,
    facts: {},
    ...fields,
  });
  const detach: SwapEvent = { kind: "intent", at: 3, effect: { kind: "detach", platforms: ["gke"] } };

  it("are none in a whole swap, and none where each was found done, or failed before", () => {
    expect(doneTwice(completed.events)).toEqual([]);
    // Going back writes what was written at the start.
    expect(doneTwice(rolledBack.events)).toEqual([]);
    expect(doneTwice([intent(5), outcome({ ok: false }), intent(5), outcome()])).toEqual([]);
    expect(doneTwice([intent(5), outcome(), intent(5), outcome({ found: true })])).toEqual([]);
    expect(doneTwice([intent(5), outcome(), intent(50), outcome()])).toEqual([]);
  });

  it("are weights that were written twice", () => {
    expect(doneTwice([intent(5), outcome(), intent(50), outcome(), intent(5), outcome()])).toEqual([
      'the write of {"cloud-run":95,"gke":5} in deploying',
    ]);
  });

  it("are not operations on stacks, which change nothing the second time", () => {
    expect(doneTwice([intent(5), outcome(), detach, outcome(), detach, outcome()])).toEqual([]);
  });
});
