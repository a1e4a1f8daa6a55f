import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AlertInput } from "../../../automation/alerts/alert.ts";
import { type AlertBook, emptyBook } from "../../../automation/alerts/book.ts";
import { told } from "../../../automation/alerts/desk.ts";
import { commandAlerts, drivingAlerts } from "../../../automation/alerts/from-error.ts";
import {
  blindAlerts,
  failoverAlerts,
  failoverSeverity,
  moveFailedAlerts,
} from "../../../automation/alerts/from-failover.ts";
import { journalAlerts, severityOf } from "../../../automation/alerts/from-swap.ts";
import {
  catalogue,
  type ErrorCode,
  HotSwapError,
  StatelessViolationError,
  SwitchyardError,
} from "../../../automation/errors.ts";
import { failoverReasons } from "../../../automation/failover/decide.ts";
import { foldEvents } from "../../../automation/swap/fold.ts";
import { type Reason, reasons } from "../../../automation/swap/reasons.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import { journalFormat, type SwapEvent } from "../../../automation/swap/state.ts";
import { settings, t0 } from "./alerts.ts";

const everyReason = Object.keys(reasons) as Reason[];
const everyCode = Object.keys(catalogue) as ErrorCode[];

const start: SwapEvent = {
  kind: "started",
  format: journalFormat,
  at: t0,
  id: "3",
  mode: "swap",
  environment: "prod",
  from: "cloud-run",
  to: "gke",
  image: "kiro@sha256:1",
  settings: toSwapSettings(hotSwapConfig.parse({}), platformConfig.parse({})),
  by: "ada",
};
const engine: SwapEvent = { kind: "engine", at: t0 + 1, pid: 1, host: "a", feed: "router" };
const deploy = { kind: "deploy", platform: "gke", image: "kiro@sha256:1" } as const;
const intent = (at: number): SwapEvent => ({ kind: "intent", at: t0 + at, effect: deploy });
const outcome = (at: number, code?: string): SwapEvent => ({
  kind: "outcome",
  at: t0 + at,
  ok: code === undefined,
  found: false,
  durationMs: 1,
  facts: {},
  ...(code === undefined ? {} : { failure: { code, message: `${code} happened` } }),
});
const paused = (at: number, reason: Reason): SwapEvent => ({ kind: "paused", at: t0 + at, reason, evidence: {} });
const requested = (at: number, verb: "resume" | "pause" | "rollback"): SwapEvent => ({
  kind: "requested",
  at: t0 + at,
  verb,
  by: "ada",
  number: 1,
});
const returning = (at: number, reason: Reason): SwapEvent => ({
  kind: "entered",
  at: t0 + at,
  phase: "returning",
  step: 1,
  reason,
  evidence: { candidateErrors: 12 },
});

/** Everybody hears everything. */
const all = { ...settings, targets: [{ name: "all", severities: ["info", "warning", "critical"] as const, tier: 1 }] };

function bookOf(inputs: readonly AlertInput[], book: AlertBook = emptyBook): AlertBook {
  return told(book, inputs, all, t0 + 10_000);
}

function bookOfJournal(events: readonly SwapEvent[], book: AlertBook = emptyBook): AlertBook {
  return bookOf(journalAlerts([start, engine, ...events]), book);
}

const codes = (book: AlertBook): readonly string[] => book.records.map(({ alert }) => alert.code);
const open = (book: AlertBook): readonly string[] =>
  book.records.filter(({ resolvedAt }) => resolvedAt === undefined).map(({ alert }) => alert.code);

describe("every reason of a swap", () => {
  it.each(everyReason)("%s: going back for it is one alert with its code", (reason) => {
    const book = bookOfJournal([returning(2, reason)]);
    expect(codes(book)).toEqual([reason]);
    expect(book.outbox).toMatchObject([{ kind: "raise" }]);
    expect(book.records[0]?.alert).toMatchObject({
      severity: severityOf(reason, "returning"),
      dedupKey: `prod/swap/3/${reason}/1`,
      detail: "candidateErrors 12",
    });
    expect(book.records[0]?.alert.title).toContain(reasons[reason]);
  });

  it.each(everyReason)("%s: waiting for a person, and telling people, are one alert with its code", (reason) => {
    expect(codes(bookOfJournal([paused(2, reason)]))).toEqual([reason]);
    expect(codes(bookOfJournal([{ kind: "noticed", at: t0 + 2, reason, evidence: {} }]))).toEqual([reason]);
  });

  it.each(everyReason)("%s: the end of a swap that failed is one alert with its code", (reason) => {
    expect(codes(bookOfJournal([{ kind: "ended", at: t0 + 2, as: "failed", reason, evidence: {} }]))).toEqual([reason]);
  });
});

describe("every error", () => {
  it.each(everyCode)("%s: an effect that fails with it is one alert, however often it is tried", (code) => {
    const book = bookOfJournal([intent(2), outcome(3, code), intent(4), outcome(5, code), intent(6), outcome(7, code)]);
    expect(codes(book)).toEqual([code]);
    expect(book.records).toMatchObject([{ count: 3, alert: { detail: `${code} happened`, swap: "3" } }]);
    expect(book.outbox).toHaveLength(1);
  });

  it.each(everyCode)("%s: as a HotSwapError of a command it is one alert with its code", (code) => {
    const error = new HotSwapError(code, { platform: "gke", message: "it happened" });
    const book = bookOf([...commandAlerts(error, "prod", t0), ...commandAlerts(error, "prod", t0)]);
    expect(book.records).toMatchObject([{ alert: { code, severity: "critical", platform: "gke" } }]);
    const mild = new HotSwapError(code, { platform: "gke", message: "it happened", rollbackRequired: false });
    expect(bookOf(commandAlerts(mild, "prod", t0)).records).toMatchObject([{ alert: { severity: "warning" } }]);
  });

  it("lost state is one alert; a command that is refused tells only who typed it", () => {
    const lost = new StatelessViolationError("stateless-violation", {
      platform: "gke",
      message: "it keeps files",
      violations: ["disk"],
    });
    expect(codes(bookOf(commandAlerts(lost, "prod", t0)))).toEqual(["stateless-violation"]);
    for (const code of everyCode)
      expect(commandAlerts(new SwitchyardError(code, { message: "refused" }), "prod", t0)).toEqual([]);
  });

  const state = foldEvents([start, engine]);
  if (state === undefined) throw new Error("no state");
  const saidElsewhere: readonly string[] = ["swap-failed", "swap-paused", "cancelled"];

  it.each(everyCode)(
    "%s: a process that it ends in the middle of a swap is one alert, unless the journal said so",
    (code) => {
      const error = new SwitchyardError(code, { message: "it happened" });
      const book = bookOf(drivingAlerts(error, state, t0 + 5));
      expect(codes(book)).toEqual(saidElsewhere.includes(code) ? [] : [code]);
      // The next process drives on.
      expect(open(bookOf(journalAlerts([start, engine, { ...engine, at: t0 + 6 }]), book))).toEqual([]);
    },
  );
});

describe("what ends an alert", () => {
  it("an effect that succeeds, a swap that is resumed, traffic that is verified back, the swap's end", () => {
    expect(open(bookOfJournal([intent(2), outcome(3, "resource-failed")]))).toEqual(["resource-failed"]);
    expect(open(bookOfJournal([intent(2), outcome(3, "resource-failed"), intent(4), outcome(5)]))).toEqual([]);
    expect(open(bookOfJournal([paused(2, "silence"), requested(3, "resume")]))).toEqual([]);
    const back: SwapEvent = { kind: "verified", at: t0 + 6, since: t0 + 5, weight: 0, evidence: {} };
    const weights: SwapEvent = { kind: "intent", at: t0 + 2, effect: { kind: "write-weights", weights: { gke: 1 } } };
    const rolledBack = [weights, outcome(3), returning(4, "candidate-errors"), back];
    expect(open(bookOfJournal(rolledBack.slice(0, -1)))).toEqual(["candidate-errors"]);
    expect(open(bookOfJournal(rolledBack))).toEqual([]);
    const ended: SwapEvent = { kind: "ended", at: t0 + 9, as: "completed", reason: "platform-removed", evidence: {} };
    expect(open(bookOfJournal([paused(2, "cleanup-failed"), ended]))).toEqual([]);
  });

  it("a pause that comes back after it was resumed is the same alert, told again", () => {
    const book = bookOfJournal([paused(2, "silence"), requested(3, "resume"), paused(4, "silence")]);
    expect(book.records).toMatchObject([{ count: 2, alert: { code: "silence" } }]);
    expect(book.outbox.map(({ kind }) => kind)).toEqual(["raise", "resolve", "raise"]);
  });

  it("an attempt that failed and the way back for the same reason are one alert that became worse", () => {
    const accept: SwapEvent = { kind: "intent", at: t0 + 2, effect: { kind: "accept", platform: "gke" } };
    const goes: SwapEvent = { ...returning(4, "acceptance-failed"), step: -1 } as SwapEvent;
    const book = bookOfJournal([accept, outcome(3, "acceptance-failed"), goes]);
    expect(book.records).toMatchObject([{ alert: { code: "acceptance-failed", severity: "critical" } }]);
    expect(book.outbox.map(({ kind }) => kind)).toEqual(["raise", "escalate"]);
  });
});

describe("a swap that nobody drove", () => {
  it("for longer than dead_man.after is told when somebody goes on", () => {
    const late = (ms: number): SwapEvent => ({ ...engine, at: t0 + ms });
    expect(codes(bookOfJournal([late(600_000)]))).toEqual([]);
    expect(codes(bookOfJournal([late(600_001)]))).toEqual(["engine-was-dead"]);
  });
});

const step = fc.constantFrom<((at: number) => readonly SwapEvent[])[]>(
  (at) => [intent(at), outcome(at + 1, "resource-failed")],
  (at) => [intent(at), outcome(at + 1)],
  (at) => [paused(at, "silence")],
  (at) => [requested(at, "resume")],
  (at) => [requested(at, "pause")],
  (at) => [returning(at, "candidate-errors")],
  (at) => [{ ...engine, at: t0 + at }],
);

describe("a process that takes over", () => {
  it("tells what the one before it wrote and did not tell, and nothing twice", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.nat(), fc.nat(), (steps, written, heard) => {
        const events = steps.flatMap((make, index) => make(10 + index * 10));
        const journal = events.slice(0, written % (events.length + 1));
        // It died with more in the journal than people knew.
        const known = bookOfJournal(journal.slice(0, heard % (journal.length + 1)));
        const takenOver = bookOfJournal(journal, known);
        const straight = bookOfJournal(journal);
        expect(codes(takenOver)).toEqual(codes(straight));
        expect(open(takenOver)).toEqual(open(straight));
        expect(bookOfJournal(journal, takenOver).outbox).toEqual(takenOver.outbox);
        const keys = takenOver.records.map(({ alert }) => alert.dedupKey);
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });
});

describe("every reason of the failover watch", () => {
  const decision = (kind: "hold" | "propose" | "move" | "nothing", reason: keyof typeof failoverReasons) => ({
    kind,
    reason,
    from: "cloud-run",
    to: "gke",
    evidence: { requests: 40 },
  });
  const every = Object.keys(failoverReasons) as (keyof typeof failoverReasons)[];

  it.each(every)("%s is one alert with its code, or nobody's business", (reason) => {
    const book = bookOf([
      ...failoverAlerts("prod", decision("hold", reason), t0),
      ...failoverAlerts("prod", decision("hold", reason), t0 + 1_000),
    ]);
    expect(codes(book)).toEqual(failoverSeverity(reason) === undefined ? [] : [reason]);
    expect(book.outbox).toHaveLength(failoverSeverity(reason) === undefined ? 0 : 1);
  });

  it("a proposal and a move are told, and are over when the side that serves is well", () => {
    for (const kind of ["propose", "move"] as const) {
      const book = bookOf(failoverAlerts("prod", decision(kind, "serving-fails"), t0));
      expect(book.records).toMatchObject([{ alert: { severity: "critical", platform: "cloud-run" } }]);
      expect(open(bookOf(failoverAlerts("prod", decision("nothing", "serving-well"), t0 + 1), book))).toEqual([]);
    }
  });

  it.each(everyCode)("a move that is refused for %s is one alert with its code", (code) => {
    const error = new SwitchyardError(code, { message: "refused" });
    const inputs = moveFailedAlerts("prod", decision("move", "serving-fails"), error, t0);
    expect(codes(bookOf(inputs))).toEqual(["swap-failed", "swap-paused"].includes(code) ? [] : [code]);
    expect(codes(bookOf(blindAlerts("prod", error, t0)))).toEqual([code]);
  });
});
