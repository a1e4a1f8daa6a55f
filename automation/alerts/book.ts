/** What an environment keeps of its alerts: those that are open, the last that ended, silences, and what is still to be sent. */
import { z } from "zod";
import { severities } from "../ports/notifier.ts";
import { endings } from "./alert.ts";

const alert = z.object({
  code: z.string(),
  severity: z.enum(severities),
  environment: z.string(),
  platform: z.string().optional(),
  swap: z.string().optional(),
  title: z.string(),
  detail: z.string(),
  next: z.array(z.string()),
  at: z.number(),
  dedupKey: z.string(),
});

const record = z.object({
  /** A number, rising. */
  id: z.string(),
  alert,
  until: z.enum([...endings, "momentary"]),
  /** How often it came. */
  count: z.number().int(),
  raisedAt: z.number(),
  /** When it happened last, by the alert's own time: what is replayed from a journal is known by it. */
  lastAt: z.number(),
  /** When people were last told of it, whoever they are. */
  toldAt: z.number().optional(),
  /** Targets that were told that it is there. */
  told: z.array(z.string()),
  /** The tier that is told now. */
  tier: z.number(),
  tierSince: z.number(),
  resolvedAt: z.number().optional(),
  /** Id of the silence that keeps it quiet; `file-N` for one of switchyard.yaml. */
  silencedBy: z.string().optional(),
  /** When it came back after it had ended. */
  returns: z.array(z.number()),
  flapping: z.boolean(),
});

const silence = z.object({
  id: z.string(),
  code: z.string().optional(),
  platform: z.string().optional(),
  until: z.number(),
  by: z.string(),
  why: z.string(),
  at: z.number(),
});

const delivery = z.object({
  id: z.string(),
  target: z.string(),
  record: z.string(),
  kind: z.enum(["raise", "repeat", "escalate", "resolve"]),
  why: z.string(),
  since: z.number(),
  tries: z.number().int(),
  /** Not before; also while a process is sending it. */
  notBefore: z.number(),
  failure: z.string().optional(),
});

const health = z.object({
  /** Failed attempts since it last took something. */
  failures: z.number().int(),
  notBefore: z.number(),
  failure: z.string().optional(),
  failingSince: z.number().optional(),
  deliveredAt: z.number().optional(),
});

export const alertBook = z.object({
  format: z.literal(1),
  /** The last number given to an alert, a silence or a delivery. */
  last: z.number().int(),
  /** Oldest first. */
  records: z.array(record),
  silences: z.array(silence),
  /** Oldest first. */
  outbox: z.array(delivery),
  targets: z.record(z.string(), health),
  /** Notices that no target took in time, or that it refused for good. */
  givenUp: z.number().int(),
});

export type AlertBook = z.infer<typeof alertBook>;
export type AlertRecord = z.infer<typeof record>;
export type Silence = z.infer<typeof silence>;
export type QueuedNotice = z.infer<typeof delivery>;
export type TargetHealth = z.infer<typeof health>;

export const emptyBook: AlertBook = Object.freeze({
  format: 1,
  last: 0,
  records: [],
  silences: [],
  outbox: [],
  targets: {},
  givenUp: 0,
});

/** Ended alerts that stay in the book. */
const endedKept = 60;
/** All alerts, and all that is to be sent: with 1 kB and 200 bytes each the book stays within one item of DynamoDB (400 kB). */
const recordsKept = 150;
const noticesKept = 500;

/** Pure: without ended alerts that are too old, unless somebody is still to be told of them. */
export function trimmed(book: AlertBook): AlertBook {
  const owed = new Set(book.outbox.map(({ record: id }) => id));
  const ended = book.records.filter(
    ({ id, resolvedAt, flapping }) => resolvedAt !== undefined && !flapping && !owed.has(id),
  );
  const tooMany = new Set(ended.slice(0, Math.max(0, ended.length - endedKept)).map(({ id }) => id));
  const kept = book.records.filter(({ id }) => !tooMany.has(id));
  // A target that is down for weeks must not fill the store: the oldest that have ended are given up.
  const over = kept
    .filter(({ resolvedAt }) => resolvedAt !== undefined)
    .slice(0, Math.max(0, kept.length - recordsKept));
  const dropped = new Set(over.map(({ id }) => id));
  const owing = book.outbox.filter(({ record: id }) => !dropped.has(id)).slice(-noticesKept);
  if (tooMany.size === 0 && owing.length === book.outbox.length && over.length === 0) return book;
  return {
    ...book,
    records: kept.filter(({ id }) => !dropped.has(id)),
    outbox: owing,
    givenUp: book.givenUp + book.outbox.length - owing.length,
  };
}
