/**
 * Who is told of what: a pure function of the book, what came in, and the time. Whatever comes in is kept; whether somebody is
 * told is another question, and its answer has a reason.
 */
import { type NoticeKind, type Severity, severities } from "../ports/notifier.ts";
import type { AlertInput, Raise, Resolve } from "./alert.ts";
import { type AlertBook, type AlertRecord, trimmed } from "./book.ts";
import type { AlertReason } from "./reasons.ts";
import type { AlertSettings } from "./settings.ts";
import { silenceOf } from "./silence.ts";

/** Tell one target. */
export interface Notify {
  readonly target: string;
  readonly record: string;
  readonly kind: NoticeKind;
  readonly reason: AlertReason;
}

export interface AlertDecision {
  readonly book: AlertBook;
  readonly effects: readonly Notify[];
  /** Of the last input. */
  readonly reason: AlertReason;
}

/** An alert that comes back more often within the de-duplication window flaps. */
export const returnsAtMost = 3;

export function decide(
  book: AlertBook,
  input: AlertInput | { readonly kind: "tick" },
  settings: AlertSettings,
  now: number,
): AlertDecision {
  const decision =
    input.kind === "raise"
      ? raised(book, input, settings, now)
      : input.kind === "resolve"
        ? resolved(book, input, settings, now)
        : ticked(book, settings, now);
  return { ...decision, book: trimmed(decision.book) };
}

function rank(severity: Severity): number {
  return severities.indexOf(severity);
}

function raised(book: AlertBook, { alert, until }: Raise, settings: AlertSettings, now: number): AlertDecision {
  const known = book.records.find((record) => record.alert.dedupKey === alert.dedupKey);
  if (known === undefined) {
    const last = book.last + 1;
    const fresh: AlertRecord = {
      id: String(last),
      alert: { ...alert, next: [...alert.next] },
      until,
      count: 1,
      raisedAt: now,
      lastAt: alert.at,
      told: [],
      tier: lowestTier(settings),
      tierSince: now,
      returns: [],
      flapping: false,
      ...(until === "momentary" ? { resolvedAt: now } : {}),
    };
    return tell({ ...book, last, records: [...book.records, fresh] }, fresh, "raise", "new", settings, now);
  }
  // Read again from a journal, or told by two processes. At the same moment it may have become worse.
  const { lastAt } = known;
  const worse = rank(alert.severity) > rank(known.alert.severity);
  if (alert.at < lastAt || (alert.at === lastAt && !worse)) return quiet(book, "known-already");
  return known.resolvedAt === undefined
    ? again(book, known, { kind: "raise", alert, until }, settings, now)
    : back(book, known, { kind: "raise", alert, until }, settings, now);
}

/** It came again while it was open. */
function again(
  book: AlertBook,
  known: AlertRecord,
  { alert, until }: Raise,
  settings: AlertSettings,
  now: number,
): AlertDecision {
  const worse = rank(alert.severity) > rank(known.alert.severity);
  const severity = worse ? alert.severity : known.alert.severity;
  const record: AlertRecord = {
    ...known,
    // What is worse explains itself; else the first words stay, which people have read.
    alert: worse ? { ...alert, next: [...alert.next] } : { ...known.alert, severity },
    until,
    count: known.count + (alert.at > known.lastAt ? 1 : 0),
    lastAt: Math.max(known.lastAt, alert.at),
  };
  const next = replace(book, record);
  if (worse) return tell(next, record, "escalate", "worse", settings, now);
  if (record.toldAt !== undefined && now - record.toldAt < settings.dedupMs) return quiet(next, "told-already");
  return tell(next, record, "repeat", "still-there", settings, now);
}

/** It had ended. */
function back(
  book: AlertBook,
  known: AlertRecord,
  { alert, until }: Raise,
  settings: AlertSettings,
  now: number,
): AlertDecision {
  // Worse, but of before its end.
  if (alert.at <= known.lastAt) return quiet(book, "known-already");
  const returns = [...known.returns.filter((at) => now - at < settings.dedupMs), now];
  const flaps = returns.length > returnsAtMost;
  const { resolvedAt: _ended, ...rest } = known;
  const record: AlertRecord = {
    ...rest,
    alert: { ...alert, next: [...alert.next] },
    until,
    count: known.count + 1,
    lastAt: alert.at,
    returns,
    flapping: known.flapping || flaps,
    tier: lowestTier(settings),
    tierSince: now,
    ...(until === "momentary" ? { resolvedAt: now } : {}),
  };
  const next = replace(book, record);
  if (known.flapping) return quiet(next, "while-flapping");
  return tell(next, record, "raise", flaps ? "flapping" : "back-again", settings, now);
}

function resolved(book: AlertBook, input: Resolve, settings: AlertSettings, now: number): AlertDecision {
  const ends = ({ resolvedAt, until, lastAt, alert }: AlertRecord): boolean =>
    resolvedAt === undefined &&
    // What is read again from a journal does not end what came later.
    lastAt <= input.at &&
    (input.until === undefined || input.until.some((ending) => ending === until)) &&
    (input.swap === undefined || alert.swap === input.swap) &&
    (input.key === undefined || alert.dedupKey === input.key) &&
    (input.keyPrefix === undefined || alert.dedupKey.startsWith(input.keyPrefix));
  const over = book.records.filter(ends);
  if (over.length === 0) return quiet(book, "nothing-open");
  let after = book;
  const effects: Notify[] = [];
  for (const known of over) {
    const { silencedBy: _silence, ...rest } = known;
    const record: AlertRecord = { ...rest, resolvedAt: now };
    after = replace(after, record);
    if (!record.flapping) effects.push(...endNotices(record, "over", settings));
  }
  return { book: after, effects, reason: over.every(({ flapping }) => flapping) ? "while-flapping" : "over" };
}

/** Only those who were told that it is there. */
function endNotices({ id, told, until }: AlertRecord, reason: AlertReason, settings: AlertSettings): readonly Notify[] {
  if (until === "momentary") return [];
  return settings.targets
    .filter(({ name }) => told.includes(name))
    .map(({ name }) => ({ target: name, record: id, kind: "resolve", reason }));
}

function ticked(before: AlertBook, settings: AlertSettings, now: number): AlertDecision {
  const silences = before.silences.filter(({ until }) => until > now);
  const book = silences.length === before.silences.length ? before : { ...before, silences };
  let after = book;
  let reason: AlertReason = "not-due";
  const effects: Notify[] = [];
  for (const record of book.records) {
    const one = tickedRecord(after, record, settings, now);
    if (one === undefined) continue;
    after = one.book;
    reason = one.reason;
    effects.push(...one.effects);
  }
  return { book: after, effects, reason };
}

function tickedRecord(
  book: AlertBook,
  record: AlertRecord,
  settings: AlertSettings,
  now: number,
): AlertDecision | undefined {
  if (record.flapping && record.resolvedAt !== undefined) {
    if (now - record.resolvedAt < settings.dedupMs) return undefined;
    const still = { ...record, flapping: false, returns: [] };
    return { book: replace(book, still), effects: endNotices(still, "kept-still", settings), reason: "kept-still" };
  }
  if (record.resolvedAt !== undefined || record.flapping) return undefined;
  if (record.silencedBy !== undefined) {
    return silenceOf(book, record.alert, settings, now) === undefined
      ? tell(book, record, "raise", "silence-over", settings, now)
      : undefined;
  }
  const higher = nextTier(settings, record.tier);
  const waits = settings.escalateMs > 0 && record.alert.severity === "critical" && higher !== undefined;
  if (waits && now - record.tierSince >= settings.escalateMs) {
    const escalated = { ...record, tier: higher, tierSince: now };
    return tell(replace(book, escalated), escalated, "escalate", "not-ended", settings, now);
  }
  const { toldAt } = record;
  if (settings.repeatMs === 0 || toldAt === undefined || now - toldAt < settings.repeatMs) return undefined;
  return tell(book, record, "repeat", "reminder", settings, now);
}

/** Everybody up to the alert's tier, unless a silence holds. A target that hears of it for the first time hears a raise. */
function tell(
  book: AlertBook,
  record: AlertRecord,
  kind: Exclude<NoticeKind, "resolve">,
  reason: AlertReason,
  settings: AlertSettings,
  now: number,
): AlertDecision {
  const silence = silenceOf(book, record.alert, settings, now);
  if (silence !== undefined) return quiet(replace(book, { ...record, silencedBy: silence }), "silenced-by-person");
  const hears = settings.targets.filter(
    ({ severities: heard, tier }) => heard.includes(record.alert.severity) && tier <= record.tier,
  );
  const effects = hears.map(
    ({ name }): Notify => ({
      target: name,
      record: record.id,
      kind: record.told.includes(name) ? kind : "raise",
      reason,
    }),
  );
  const { silencedBy: _over, ...rest } = record;
  const told = [...new Set([...record.told, ...hears.map(({ name }) => name)])];
  return { book: replace(book, { ...rest, told, toldAt: now }), effects, reason };
}

function replace(book: AlertBook, record: AlertRecord): AlertBook {
  return { ...book, records: book.records.map((one) => (one.id === record.id ? record : one)) };
}

function quiet(book: AlertBook, reason: AlertReason): AlertDecision {
  return { book, effects: [], reason };
}

function lowestTier({ targets }: AlertSettings): number {
  return targets.length === 0 ? 1 : Math.min(...targets.map(({ tier }) => tier));
}

function nextTier({ targets }: AlertSettings, tier: number): number | undefined {
  const higher = targets.map((target) => target.tier).filter((one) => one > tier);
  return higher.length === 0 ? undefined : Math.min(...higher);
}
