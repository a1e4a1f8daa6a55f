/**
 * The append-only record of a swap: one JSON line per event, each with its number and the hash of the line before it, so
 * that a changed, missing or reordered line is found. A line that a crash cut short at the very end was never acted upon
 * and is dropped; anything else that does not fit is refused.
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { journalFormat, type SwapEvent, swapEvent } from "./state.ts";

const line = z.object({ n: z.number().int(), prev: z.string(), event: swapEvent });

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

const firstPrevious = "0".repeat(16);

export interface JournalContent {
  readonly events: readonly SwapEvent[];
  /** The text that is sound, ending with a line feed (or empty). */
  readonly soundText: string;
  /** What a crash left behind the last whole line. */
  readonly torn: string;
  readonly next: { readonly n: number; readonly prev: string };
}

/** Pure. Errors: journal-corrupt, with the line and what is wrong. */
export function parseJournal(text: string, path: string): JournalContent {
  const end = text.lastIndexOf("\n") + 1;
  const soundText = text.slice(0, end);
  const torn = text.slice(end);
  const events: SwapEvent[] = [];
  let previous = firstPrevious;
  assertFormat(soundText, path);
  for (const [index, raw] of soundText.split("\n").slice(0, -1).entries()) {
    const number = index + 1;
    const parsed = parseLine(raw);
    if (parsed === undefined) throw corrupt(path, number, "the line is not a journal entry");
    if (parsed.n !== number) throw corrupt(path, number, `it has the number ${parsed.n}`);
    if (parsed.prev !== previous)
      throw corrupt(path, number, "the line before it is not the one that it was written after");
    events.push(parsed.event);
    previous = hashOf(raw);
  }
  if (events.length > 0 && events[0]?.kind !== "started")
    throw corrupt(path, 1, "a journal begins with the start of a swap");
  return { events, soundText, torn, next: { n: events.length + 1, prev: previous } };
}

const formatOnly = z.object({ event: z.object({ kind: z.literal("started"), format: z.number().optional() }) });

/** Errors: journal-format. */
function assertFormat(text: string, path: string): void {
  const first = formatOnly.safeParse(parseJson(text.slice(0, text.indexOf("\n"))));
  if (!first.success || first.data.event.format === journalFormat) return;
  throw new SwitchyardError("journal-format", {
    message: `The journal ${path} was written by another version of Switchyard (format ${first.data.event.format ?? "none"}; this one reads ${journalFormat})`,
    next: `To keep the file and start afresh:   mv ${dirname(path)} ${dirname(path)}.other-version`,
    data: { path },
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

function parseLine(raw: string): z.infer<typeof line> | undefined {
  const result = line.safeParse(parseJson(raw));
  return result.success ? result.data : undefined;
}

function corrupt(path: string, number: number, what: string): SwitchyardError {
  return new SwitchyardError("journal-corrupt", {
    message: `The journal ${path} is damaged at line ${number}: ${what}. Nothing was changed`,
    next: [
      `Look at the real weights:          npx switchyard traffic show`,
      `Keep the file and start afresh:    mv ${path} ${path}.damaged`,
    ],
    data: { path, line: number },
  });
}

export interface Journal {
  readonly events: readonly SwapEvent[];
  /** On disk when it resolves. Errors: disk-full, disk-read-only, disk-error. */
  append(event: SwapEvent): Promise<void>;
}

/** Opens for writing; a torn end is cut off after a copy was kept beside it. */
export async function openJournal(files: FileSystem, path: string): Promise<Journal> {
  const text = (await files.read(path)) ?? "";
  const content = parseJournal(text, path);
  if (content.torn !== "") {
    await files.copy(path, `${path}.torn-${content.next.n}`);
    await files.writeAtomic(path, content.soundText);
  }
  const events = [...content.events];
  let { n, prev } = content.next;
  return {
    events,
    async append(event) {
      const raw = JSON.stringify({ n, prev, event } satisfies z.infer<typeof line>);
      await files.append(path, `${raw}\n`);
      events.push(event);
      n += 1;
      prev = hashOf(raw);
    },
  };
}
