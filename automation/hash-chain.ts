/**
 * Lines that vouch for each other: each carries the hash of the line before it and, at its end, one of itself. The newest line
 * is marked beside the log, so that lines that are missing at the end are found. Swap journals and the audit log use it. The
 * hashes have no secret: they find mistakes and damage, not somebody who makes them and the mark anew.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { StateStore } from "./ports/state-store.ts";

export interface HashChain {
  /** Of a line's text; the next line carries it. */
  hashOf(text: string): string;
  /** The entry's text, and at its end the hash of that text. */
  seal(entry: object): string;
  /** Whether a line is as it was written. */
  isWhole(raw: string): boolean;
  /** What the first line carries. */
  readonly firstPrevious: string;
}

/** SHA-256, of which so many hexadecimal digits are kept. */
export function hashChain(digits: number): HashChain {
  const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, digits);
  const hashPart = (hash: string): string => `,"hash":"${hash}"}`;
  const hashPartLength = hashPart("0".repeat(digits)).length;
  return {
    hashOf,
    seal(entry) {
      const text = JSON.stringify(entry);
      return text.slice(0, -1) + hashPart(hashOf(text));
    },
    isWhole: (raw) => raw.endsWith(hashPart(hashOf(`${raw.slice(0, -hashPartLength)}}`))),
    firstPrevious: "0".repeat(digits),
  };
}

/**
 * The newest line of a log, kept as a value beside it and written after each line: a millisecond where the line's own took
 * two. A crash in between leaves a log that is longer than its mark, which is sound.
 */
const chainHead = z.strictObject({ n: z.number().int().min(1), hash: z.string() });

export type ChainHead = z.infer<typeof chainHead>;

/** Of `swaps/3/journal`: `swaps/3/head`. */
export const headKeyOf = (logKey: string): string => logKey.replace(/[^/]*$/, "head");

export const headText = (head: ChainHead): string => JSON.stringify(head satisfies ChainHead);

export function parseHead(value: string): ChainHead | undefined {
  const parsed = chainHead.safeParse(parseJson(value));
  return parsed.success ? parsed.data : undefined;
}

/** Never back: a process that stood still between its line and the mark leaves a later one as it is. The mark's new version. */
export async function writeHead(store: StateStore, logKey: string, head: ChainHead, expected: number): Promise<number> {
  for (let version = expected; ; ) {
    const written = await store.write(headKeyOf(logKey), headText(head), version);
    if (written !== undefined) return written;
    const stored = await store.read(headKeyOf(logKey));
    if (stored !== undefined && (parseHead(stored.value)?.n ?? 0) >= head.n) return stored.version;
    version = stored?.version ?? 0;
  }
}

/** undefined for what is no JSON. */
export function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
