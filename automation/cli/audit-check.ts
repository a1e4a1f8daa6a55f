/** What `audit verify` and `audit show` say of the logs. */
import type { AuditEntry } from "../audit/entry.ts";
import { type AuditLog, type AuditLogContent, auditProblemText } from "../audit/log.ts";
import { plural } from "./text.ts";

export interface CheckedLog {
  /** `audit/1/log in files in …` */
  readonly place: string;
  /** Absent for the checkout's. */
  readonly environment: string | undefined;
  readonly lines: number;
  /** Hash of the newest line. */
  readonly head: string | undefined;
  /** What a person has to know of, line by line. */
  readonly problems: readonly string[];
  /** What was seen and is in order. */
  readonly notes: readonly string[];
  /** The command that begins a new log. */
  readonly setAside: string;
}

/** Every log, those that were set aside against what was known of them then. */
export async function checkLogs(
  logs: readonly AuditLog[],
): Promise<readonly (CheckedLog & { readonly hashes: readonly string[] })[]> {
  return Promise.all(
    logs.map(async (log) => {
      const [content, aside] = [await log.read(), await log.readAside()];
      const { environment, setAsideCommand: setAside } = log;
      if (content === undefined)
        return {
          place: "no entry yet",
          environment,
          setAside,
          lines: 0,
          head: undefined,
          problems: [],
          notes: [],
          hashes: [],
        };
      const generations = [...aside, content];
      return {
        place: content.place,
        environment,
        setAside,
        lines: content.hashes.length,
        head: content.head?.hash,
        problems: [
          ...content.problems.map((problem) => auditProblemText(content.place, problem)),
          ...aside.flatMap((old) => changedSince(old, generations)),
        ],
        notes: notesOf(content, aside),
        hashes: generations.flatMap(({ hashes }) => hashes),
      };
    }),
  );
}

function notesOf(content: AuditLogContent, aside: readonly AuditLogContent[]): readonly string[] {
  return [
    ...(content.torn === "" ? [] : ["a line that a crash cut short is left out; it was never acted upon"]),
    ...aside.map((old) => `${old.place}: set aside with ${plural(old.hashes.length, "line")}`),
  ];
}

/** A log that was set aside stays as damaged as it was: the first entry of the next one says how it stood. */
function changedSince(old: AuditLogContent, generations: readonly AuditLogContent[]): readonly string[] {
  const next = generations.find(({ generation }) => generation > old.generation)?.entries[0]?.result;
  const known = { lines: next?.["lines"], head: next?.["head"] };
  const same = known.lines === old.hashes.length && known.head === (old.head?.hash ?? "none");
  return same ? [] : [`${old.place}: it is not as it was when it was set aside`];
}

export function describeChecked(log: CheckedLog): readonly string[] {
  const whose = log.environment ?? "checkout";
  if (log.lines === 0) return [`${whose}: no entry yet.`];
  return [
    `${whose}: ${plural(log.lines, "line")}, all as they were written (${log.place}).`,
    ...log.notes.map((note) => `  ${note}`),
    `  Newest: ${log.head ?? ""}`,
    "  Kept elsewhere, that hash also finds a log that was made anew:   npx switchyard audit verify --head HASH",
  ];
}

/** A command as one row: its beginning with its end. */
export interface AuditedCommand {
  readonly at: string;
  readonly who: string;
  readonly host: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: string | undefined;
  /** begun: it has not ended, or was killed. */
  readonly phase: AuditEntry["phase"];
  readonly endedAt: string | undefined;
  readonly code: string | undefined;
  readonly result: AuditEntry["result"];
}

/** Pure. Oldest first. */
export function auditedCommands(entries: readonly AuditEntry[]): readonly AuditedCommand[] {
  const runs = Map.groupBy(entries, ({ run }) => run);
  return [...runs.values()]
    .flatMap((lines) => {
      const [first] = lines;
      if (first === undefined) return [];
      const end = lines.find(({ phase }) => phase !== "begun");
      const { at, who, host, command, arguments: given, environment } = first;
      const { phase, code, result } = end ?? first;
      return [{ at, who, host, command, arguments: given, environment, phase, endedAt: end?.at, code, result }];
    })
    .toSorted((a, b) => a.at.localeCompare(b.at));
}
