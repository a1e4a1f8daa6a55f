/** Whether a log is as it was written, line by line. Pure. */
import type { ChainHead } from "../hash-chain.ts";
import type { StoredLog } from "../ports/state-store.ts";
import { type AuditEntry, auditChain, parseAuditLine } from "./entry.ts";

export interface AuditProblem {
  /** From 1; one behind the last for lines that are missing there. */
  readonly line: number;
  readonly what: string;
}

export interface AuditContent {
  /** Those that can be read, in the order of the log. */
  readonly entries: readonly AuditEntry[];
  /** In order of their lines; empty when the log is as it was written. */
  readonly problems: readonly AuditProblem[];
  /** Of the newest line; undefined for an empty log. Kept elsewhere, it also finds a log that was made anew. */
  readonly head: ChainHead | undefined;
  /** Every line's hash, oldest first. */
  readonly hashes: readonly string[];
  /** What a crash left of a line that was never finished, and never acted upon. */
  readonly torn: string;
}

/** The mark is what the store had before the log was read; without one nothing is known of lines that are missing at the end. */
export function verifyAuditLog({ lines, torn }: StoredLog, mark?: ChainHead): AuditContent {
  const entries: AuditEntry[] = [];
  const problems: AuditProblem[] = [];
  const seen = new Set<number>();
  const hashes = lines.map((raw) => auditChain.hashOf(raw));
  let expected = 1;
  for (const [index, raw] of lines.entries()) {
    const entry = parseAuditLine(raw);
    const what = lineProblem(raw, entry, { expected, seen, previous: hashes[index - 1] ?? auditChain.firstPrevious });
    if (what !== undefined) problems.push({ line: index + 1, what });
    if (entry === undefined) {
      expected += 1;
      continue;
    }
    entries.push(entry);
    seen.add(entry.n);
    expected = entry.n + 1;
  }
  const end = mark === undefined ? undefined : endProblem(hashes, mark);
  if (end !== undefined && !problems.some(({ line }) => line === end.line)) problems.push(end);
  const newest = hashes.at(-1);
  return {
    entries,
    problems,
    head: newest === undefined ? undefined : { n: hashes.length, hash: newest },
    hashes,
    torn,
  };
}

function lineProblem(
  raw: string,
  entry: AuditEntry | undefined,
  {
    expected,
    seen,
    previous,
  }: { readonly expected: number; readonly seen: ReadonlySet<number>; readonly previous: string },
): string | undefined {
  if (entry === undefined) return "it is no entry of an audit log";
  if (!auditChain.isWhole(raw)) return "it was changed after it was written";
  if (seen.has(entry.n)) return `it is entry ${entry.n}, which the log has already`;
  if (entry.n > expected) {
    const missing = entry.n - 1 === expected ? `entry ${expected} is` : `entries ${expected} to ${entry.n - 1} are`;
    return `it is entry ${entry.n}: ${missing} missing before it`;
  }
  if (entry.n < expected) return `it is entry ${entry.n}, which belongs before the entry above it`;
  if (entry.prev !== previous) return "the line above it is not the one that it was written after";
  return undefined;
}

function endProblem(hashes: readonly string[], mark: ChainHead): AuditProblem | undefined {
  const marked = hashes[mark.n - 1];
  if (marked === undefined) {
    const first = hashes.length + 1;
    const missing = first === mark.n ? `entry ${mark.n} is` : `entries ${first} to ${mark.n} are`;
    return { line: first, what: `${missing} missing at the end` };
  }
  return marked === mark.hash ? undefined : { line: mark.n, what: "it is not the line that was written there" };
}
