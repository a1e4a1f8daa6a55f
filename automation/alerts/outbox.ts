/** What is still to be sent, and when: kept with the alerts, tried again until the target has it. Pure. */
import type { Delivery } from "../ports/notifier.ts";
import type { AlertBook, QueuedNotice, TargetHealth } from "./book.ts";
import type { Notify } from "./decide.ts";
import { alertReasons } from "./reasons.ts";

/** A process that took a notice has so long to send it before another one may, ms. */
export const takenForMs = 20_000;
/** First wait after a failure, ms; it doubles up to the longest. */
const firstWaitMs = 5_000;
const longestWaitMs = 900_000;
/** What a target may ask for at the most, ms. */
const longestRetryAfterMs = 3_600_000;
/** A notice that a target refuses is tried so often: its configuration may be repaired meanwhile. */
const refusalsAtMost = 3;
/** Older notices than this tell nobody anything, ms. */
const keptForMs = 7 * 86_400_000;

const well: TargetHealth = { failures: 0, notBefore: 0 };

/** Puts the decision's effects into the book; a reminder that still waits is not doubled. */
export function queued(book: AlertBook, effects: readonly Notify[], now: number): AlertBook {
  let { last } = book;
  const outbox = [...book.outbox];
  for (const { target, record, kind, reason } of effects) {
    const waits = outbox.some((one) => one.target === target && one.record === record && one.kind === kind);
    if (kind === "repeat" && waits) continue;
    last += 1;
    const why = alertReasons[reason];
    outbox.push({ id: String(last), target, record, kind, why, since: now, tries: 0, notBefore: now });
  }
  return outbox.length === book.outbox.length ? book : { ...book, last, outbox };
}

/**
 * Takes what may be sent now: one notice a target, so that a target hears things in their order, and none of a target that
 * is down and whose wait is not over.
 */
export function taken(
  book: AlertBook,
  targets: readonly string[],
  now: number,
  eager = false,
): { readonly book: AlertBook; readonly notices: readonly QueuedNotice[] } {
  const notices: QueuedNotice[] = [];
  for (const target of targets) {
    const next = book.outbox.find((one) => one.target === target);
    if (next === undefined) continue;
    // Eager: a person asked for it. What another process is sending is left to it.
    const busy = next.tries === 0 && next.notBefore > now;
    if (eager ? busy : Math.max(next.notBefore, book.targets[target]?.notBefore ?? 0) > now) continue;
    notices.push({ ...next, notBefore: now + takenForMs });
  }
  const outbox = book.outbox.map((one) => notices.find(({ id }) => id === one.id) ?? one);
  return { book: notices.length === 0 ? book : { ...book, outbox }, notices };
}

/** What became of a notice. Another process may have sent it too; then there is nothing left to note. */
export function settled(book: AlertBook, { id, target }: QueuedNotice, delivery: Delivery, now: number): AlertBook {
  const health = book.targets[target] ?? well;
  if (delivery.delivered) {
    const { failure: _failure, failingSince: _since, ...rest } = health;
    return {
      ...book,
      outbox: book.outbox.filter((one) => one.id !== id),
      targets: { ...book.targets, [target]: { ...rest, failures: 0, notBefore: 0, deliveredAt: now } },
    };
  }
  const { why, refused, retryAfterMs = 0 } = delivery;
  const queuedNotice = book.outbox.find((one) => one.id === id);
  const tries = (queuedNotice?.tries ?? 0) + 1;
  const failures = health.failures + 1;
  const backoff = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(20, failures - 1));
  const notBefore = now + Math.max(backoff, Math.min(retryAfterMs, longestRetryAfterMs));
  const targets = {
    ...book.targets,
    [target]: { ...health, failures, notBefore, failure: why, failingSince: health.failingSince ?? now },
  };
  // One that the target never takes must not keep the others from it.
  if (refused && tries >= refusalsAtMost) {
    const outbox = book.outbox.filter((one) => one.id !== id);
    return { ...book, outbox, targets, givenUp: book.givenUp + (queuedNotice === undefined ? 0 : 1) };
  }
  const outbox = book.outbox.map((one) => (one.id === id ? { ...one, tries, notBefore, failure: why } : one));
  return { ...book, outbox, targets };
}

/** Without what is too old, and without notices for targets that are no longer configured. */
export function swept(book: AlertBook, targets: readonly string[], now: number): AlertBook {
  const outbox = book.outbox.filter(({ target, since }) => targets.includes(target) && now - since < keptForMs);
  const dropped = book.outbox.length - outbox.length;
  return dropped === 0 ? book : { ...book, outbox, givenUp: book.givenUp + dropped };
}

export interface TargetTrouble {
  readonly target: string;
  readonly waiting: number;
  readonly failures: number;
  readonly failure: string | undefined;
  readonly failingSince: number | undefined;
  readonly nextTryAt: number;
}

/** Targets that have not taken what waits for them, after at least one attempt. */
export function troubles(book: AlertBook): readonly TargetTrouble[] {
  return Object.entries(book.targets).flatMap(([target, { failures, failure, failingSince, notBefore }]) => {
    const waiting = book.outbox.filter((one) => one.target === target).length;
    return failures > 0 && waiting > 0
      ? [{ target, waiting, failures, failure, failingSince, nextTryAt: notBefore }]
      : [];
  });
}
