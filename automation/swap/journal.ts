/**
 * The append-only record of a swap: one JSON line per event, each with its number, the fencing token of the lease under
 * which it was written, the hash of the line before it and one of itself, so that a changed, missing or reordered line is
 * found. Lines that are missing at the end are found by a mark beside the log: the number and the hash of the newest line. A
 * line that a crash cut short at the very end was never acted upon and is dropped. A line of a process that had lost its lease
 * to another one, which had written already, is left out. Anything else that does not fit is refused. The hashes have no
 * secret: they find mistakes and damage, not somebody who makes them anew.
 */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { type ChainHead, hashChain, headKeyOf, parseHead, parseJson, writeHead } from "../hash-chain.ts";
import type { StateStore, StoredLog } from "../ports/state-store.ts";
import { journalFormat, type SwapEvent, swapEvent } from "./events.ts";

const line = z.object({
  n: z.number().int(),
  prev: z.string(),
  /** 0: written before there were leases. */
  fence: z.number().int().min(0),
  event: swapEvent,
  hash: z.string(),
});

export type JournalEntry = Omit<z.infer<typeof line>, "hash">;

const { hashOf, seal, isWhole, firstPrevious } = hashChain(16);

export { firstPrevious, hashOf };

/** The text of a line: the entry, and at its end the hash of the entry's text. */
export function lineOf({ n, prev, fence, event }: JournalEntry): string {
  return seal({ n, prev, fence, event } satisfies JournalEntry);
}

/** Where a journal is kept, for messages. */
export interface JournalPlace {
  /** `swaps/3/journal in files in .switchyard/environments/local` */
  readonly text: string;
  /** The command that sets a journal aside that cannot be read. */
  readonly setAside: string;
}

/** A line that was written too late, and is left out. */
export interface LateLine {
  readonly number: number;
  readonly fence: number;
  readonly event: SwapEvent;
}

export interface JournalContent {
  readonly events: readonly SwapEvent[];
  readonly late: readonly LateLine[];
  /** What a crash left behind the last whole line. */
  readonly torn: string;
  /** The highest token that has written. */
  readonly fence: number;
  readonly next: { readonly n: number; readonly prev: string };
}

/**
 * Pure. The head is what the store had before the log was read; without one nothing is known of lines that are missing at the
 * end. Errors: journal-corrupt, with the line and what is wrong; journal-format.
 */
export function parseJournal(log: StoredLog, place: JournalPlace, head?: ChainHead): JournalContent {
  const events: SwapEvent[] = [];
  const late: LateLine[] = [];
  let previous = firstPrevious;
  let fence = 0;
  let last: { readonly number: number; readonly raw: string } | undefined;
  assertFormat(log.lines[0], place);
  for (const [index, raw] of log.lines.entries()) {
    const number = index + 1;
    const parsed = parseLine(raw);
    if (parsed === undefined) throw corrupt(place, number, "the line is not a journal entry");
    if (parsed.fence < fence) {
      // No later line vouches for it.
      if (!isWhole(raw)) throw corrupt(place, number, changed);
      late.push({ number, fence: parsed.fence, event: parsed.event });
      continue;
    }
    if (parsed.n !== number) throw corrupt(place, number, `it has the number ${parsed.n}`);
    if (parsed.prev !== previous)
      throw corrupt(place, number, "the line before it is not the one that it was written after");
    events.push(parsed.event);
    previous = hashOf(raw);
    fence = parsed.fence;
    last = { number, raw };
  }
  if (last !== undefined && !isWhole(last.raw)) throw corrupt(place, last.number, changed);
  if (head !== undefined) assertHead(log.lines, head, place);
  if (events.length > 0 && events[0]?.kind !== "started")
    throw corrupt(place, 1, "a journal begins with the start of a swap");
  return { events, late, torn: log.torn, fence, next: { n: log.lines.length + 1, prev: previous } };
}

const changed = "it was changed after it was written";

/** Errors: journal-corrupt. */
function assertHead(lines: readonly string[], head: ChainHead, place: JournalPlace): void {
  const marked = lines[head.n - 1];
  if (marked === undefined) {
    const missing = lines.length + 1 === head.n ? "it is" : `it and all up to line ${head.n} are`;
    throw corrupt(place, lines.length + 1, `${missing} missing`);
  }
  if (hashOf(marked) !== head.hash) throw corrupt(place, head.n, "it is not the line that was written");
}

const formatOnly = z.object({ event: z.object({ kind: z.literal("started"), format: z.number().optional() }) });

/** Errors: journal-format. */
function assertFormat(raw: string | undefined, place: JournalPlace): void {
  const first = formatOnly.safeParse(parseJson(raw ?? ""));
  if (!first.success || first.data.event.format === journalFormat) return;
  throw new SwitchyardError("journal-format", {
    message: `The journal ${place.text} was written by another version of Switchyard (format ${first.data.event.format ?? "none"}; this one reads ${journalFormat})`,
    next: `To keep it and start afresh:   ${place.setAside}`,
    data: { journal: place.text },
  });
}

function parseLine(raw: string): JournalEntry | undefined {
  const result = line.safeParse(parseJson(raw));
  return result.success ? result.data : undefined;
}

function corrupt(place: JournalPlace, number: number, what: string): SwitchyardError {
  return new SwitchyardError("journal-corrupt", {
    message: `The journal ${place.text} is damaged at line ${number}: ${what}. Nothing was changed`,
    next: [
      `Look at the real weights:       npx switchyard traffic show`,
      `Keep it and start afresh:       ${place.setAside}`,
    ],
    data: { journal: place.text, line: number },
  });
}

export interface Journal {
  readonly events: readonly SwapEvent[];
  /** Lines of processes that had lost their lease, left out. */
  readonly late: readonly LateLine[];
  /** In the store when it resolves. Errors: lease-lost (another process writes this journal now), those of the store. */
  append(event: SwapEvent): Promise<void>;
}

/** What the store has of a journal; undefined when there is nothing. Errors: as parseJournal, those of the store. */
export async function readJournal(
  store: StateStore,
  key: string,
  place: JournalPlace,
): Promise<JournalContent | undefined> {
  return (await readMarked(store, key, place))?.content;
}

async function readMarked(
  store: StateStore,
  key: string,
  place: JournalPlace,
): Promise<{ readonly content: JournalContent; readonly headVersion: number } | undefined> {
  // The mark first: a log that is read later has the marked line, whoever writes meanwhile.
  const stored = await store.read(headKeyOf(key));
  const log = await store.readLog(key);
  if (stored === undefined && log === undefined) return undefined;
  const lines = log ?? { lines: [], torn: "" };
  const head = stored === undefined ? undefined : parseHead(stored.value);
  const content = parseJournal(lines, place, head);
  if (stored !== undefined && head === undefined)
    throw corrupt(place, lines.lines.length, `the mark of the last line (${headKeyOf(key)}) is none`);
  return { content, headVersion: stored?.version ?? 0 };
}

/** Opens for writing under the token of a lease. Errors: as parseJournal, those of the store, lease-lost when a later lease has written. */
export async function openJournal(
  store: StateStore,
  key: string,
  fence: number,
  place: JournalPlace = { text: `${key} in ${store.description}`, setAside: "move it away" },
): Promise<Journal> {
  const { content, headVersion } = (await readMarked(store, key, place)) ?? {
    content: parseJournal({ lines: [], torn: "" }, place),
    headVersion: 0,
  };
  if (content.fence > fence) throw overtaken(place, fence);
  const events = [...content.events];
  let { n, prev } = content.next;
  let version = headVersion;
  return {
    events,
    late: content.late,
    async append(event) {
      const raw = lineOf({ n, prev, fence, event });
      if (!(await store.appendLog(key, n, raw))) throw overtaken(place, fence);
      // The line is there from here on, also when its mark cannot be written.
      events.push(event);
      const head = { n, hash: hashOf(raw) };
      n += 1;
      prev = head.hash;
      version = await writeHead(store, key, head, version);
    },
  };
}

function overtaken(place: JournalPlace, fence: number): SwitchyardError {
  return new SwitchyardError("lease-lost", {
    message: `Another process has written to the journal ${place.text} since this one read it (under lease ${fence}). This one changed nothing since; weights stay as they are`,
    data: { journal: place.text, fence },
  });
}
