/**
 * The append-only record of a swap: one JSON line per event, each with its number, the fencing token of the lease under
 * which it was written, and the hash of the line before it, so that a changed, missing or reordered line is found. A line
 * that a crash cut short at the very end was never acted upon and is dropped. A line of a process that had lost its lease to
 * another one, which had written already, is left out. Anything else that does not fit is refused.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { StateStore, StoredLog } from "../ports/state-store.ts";
import { journalFormat, type SwapEvent, swapEvent } from "./events.ts";

const line = z.object({
  n: z.number().int(),
  prev: z.string(),
  /** 0: written before there were leases. */
  fence: z.number().int().min(0),
  event: swapEvent,
});

export type JournalLine = z.infer<typeof line>;

/** Of a line's text; the next line carries it. */
export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** What the first line carries. */
export const firstPrevious = "0".repeat(16);

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

/** Pure. Errors: journal-corrupt, with the line and what is wrong; journal-format. */
export function parseJournal(log: StoredLog, place: JournalPlace): JournalContent {
  const events: SwapEvent[] = [];
  const late: LateLine[] = [];
  let previous = firstPrevious;
  let fence = 0;
  assertFormat(log.lines[0], place);
  for (const [index, raw] of log.lines.entries()) {
    const number = index + 1;
    const parsed = parseLine(raw);
    if (parsed === undefined) throw corrupt(place, number, "the line is not a journal entry");
    if (parsed.fence < fence) {
      late.push({ number, fence: parsed.fence, event: parsed.event });
      continue;
    }
    if (parsed.n !== number) throw corrupt(place, number, `it has the number ${parsed.n}`);
    if (parsed.prev !== previous)
      throw corrupt(place, number, "the line before it is not the one that it was written after");
    events.push(parsed.event);
    previous = hashOf(raw);
    fence = parsed.fence;
  }
  if (events.length > 0 && events[0]?.kind !== "started")
    throw corrupt(place, 1, "a journal begins with the start of a swap");
  return { events, late, torn: log.torn, fence, next: { n: log.lines.length + 1, prev: previous } };
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

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function parseLine(raw: string): JournalLine | undefined {
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

/** Opens for writing under the token of a lease. Errors: as parseJournal, those of the store, lease-lost when a later lease has written. */
export async function openJournal(
  store: StateStore,
  key: string,
  fence: number,
  place: JournalPlace = { text: `${key} in ${store.description}`, setAside: "move it away" },
): Promise<Journal> {
  const content = parseJournal((await store.readLog(key)) ?? { lines: [], torn: "" }, place);
  if (content.fence > fence) throw overtaken(place, fence);
  const events = [...content.events];
  let { n, prev } = content.next;
  return {
    events,
    late: content.late,
    async append(event) {
      const raw = JSON.stringify({ n, prev, fence, event } satisfies JournalLine);
      if (!(await store.appendLog(key, n, raw))) throw overtaken(place, fence);
      events.push(event);
      n += 1;
      prev = hashOf(raw);
    },
  };
}

function overtaken(place: JournalPlace, fence: number): SwitchyardError {
  return new SwitchyardError("lease-lost", {
    message: `Another process has written to the journal ${place.text} since this one read it (under lease ${fence}). This one changed nothing since; weights stay as they are`,
    data: { journal: place.text, fence },
  });
}
