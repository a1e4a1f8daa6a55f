/**
 * The audit log in a state store: `audit/1/log` with its mark `audit/1/head`. Of two processes that write at the same time one
 * comes second and takes the next number. A log that is damaged is set aside, not repaired: `audit/2` begins with what was
 * known of the first.
 */
import { SwitchyardError } from "../errors.ts";
import { type ChainHead, headKeyOf, parseHead, writeHead } from "../hash-chain.ts";
import type { StateStore } from "../ports/state-store.ts";
import { type AuditFacts, auditChain, auditLine } from "./entry.ts";
import { type AuditContent, type AuditProblem, verifyAuditLog } from "./verify.ts";

/** Where a log is kept, for messages. */
export interface AuditPlace {
  readonly store: StateStore;
  /** Absent for the log of the whole checkout. */
  readonly environment?: string;
  /** The commands that show what is wrong and that begin a new log. */
  readonly verify: string;
  readonly setAside: string;
}

export interface AuditLogContent extends AuditContent {
  /** 1, or higher where earlier ones were set aside. */
  readonly generation: number;
  /** `audit/1/log in files in .switchyard` */
  readonly place: string;
}

/** Errors of all: audit-damaged, those of the store. */
export interface AuditLog {
  readonly environment: string | undefined;
  /** The command that begins a new one. */
  readonly setAsideCommand: string;
  /** Durable when it resolves. */
  append(facts: AuditFacts): Promise<ChainHead>;
  /** The log that is written now, whatever it is like; undefined where nothing was written yet. */
  read(): Promise<AuditLogContent | undefined>;
  /** Those that were set aside, oldest first. */
  readAside(): Promise<readonly AuditLogContent[]>;
  /** Begins a new log, whose first entry these facts are, with what was known of the one before. */
  setAside(facts: AuditFacts): Promise<{ readonly aside: AuditLogContent; readonly head: ChainHead }>;
}

const logKey = (generation: number): string => `audit/${generation}/log`;

export function createAuditLog(where: AuditPlace): AuditLog {
  const { store, environment } = where;

  async function generations(): Promise<readonly number[]> {
    const names = (await store.list("audit")).filter((name) => /^[1-9]\d*$/.test(name));
    return names.map(Number).toSorted((a, b) => a - b);
  }

  async function readMark(
    generation: number,
  ): Promise<{ head: ChainHead | undefined; version: number; sound: boolean }> {
    const stored = await store.read(headKeyOf(logKey(generation)));
    const head = stored === undefined ? undefined : parseHead(stored.value);
    return { head, version: stored?.version ?? 0, sound: stored === undefined || head !== undefined };
  }

  async function readOne(generation: number): Promise<AuditLogContent> {
    const key = logKey(generation);
    // The mark first: a log that is read later has the marked line, whoever writes meanwhile.
    const mark = await readMark(generation);
    const log = (await store.readLog(key)) ?? { lines: [], torn: "" };
    const content = verifyAuditLog(log, mark.head);
    const markProblem = { line: log.lines.length, what: `the mark of the last line (${headKeyOf(key)}) is none` };
    return {
      ...content,
      problems: mark.sound ? content.problems : [...content.problems, markProblem],
      generation,
      place: `${key} in ${store.description}`,
    };
  }

  /** The newest line and its mark. What is before it is `verify`'s: a command is not held up by an old damage. */
  async function findEnd(generation: number): Promise<{ n: number; hash: string; markVersion: number }> {
    const key = logKey(generation);
    const mark = await readMark(generation);
    const place = `${key} in ${store.description}`;
    if (!mark.sound)
      throw damaged(where, place, [{ line: 0, what: `the mark of the last line (${headKeyOf(key)}) is none` }]);
    const lines = (await store.readLog(key))?.lines ?? [];
    const { problems } = verifyAuditLog({ lines, torn: "" }, mark.head);
    const atEnd = problems.filter(({ line }) => line >= (mark.head?.n ?? 1));
    if (atEnd.length > 0) throw damaged(where, place, atEnd);
    const newest = lines.at(-1);
    const hash = newest === undefined ? auditChain.firstPrevious : auditChain.hashOf(newest);
    return { n: lines.length, hash, markVersion: mark.version };
  }

  async function appendTo(generation: number, facts: AuditFacts): Promise<ChainHead> {
    const key = logKey(generation);
    const { head: marked, version, sound } = await readMark(generation);
    let end = sound && marked !== undefined ? { ...marked, markVersion: version } : await findEnd(generation);
    for (;;) {
      const raw = auditLine(end.n + 1, end.hash, facts);
      if (await store.appendLog(key, end.n + 1, raw)) {
        const head = { n: end.n + 1, hash: auditChain.hashOf(raw) };
        await writeHead(store, key, head, end.markVersion);
        return head;
      }
      const found = await findEnd(generation);
      // Neither has somebody else written, nor can this one: it is not a race.
      if (found.n === end.n && found.hash === end.hash)
        throw damaged(where, `${key} in ${store.description}`, [
          { line: end.n + 1, what: "nothing can be written there" },
        ]);
      end = found;
    }
  }

  const newest = async (): Promise<number> => (await generations()).at(-1) ?? 1;

  return {
    environment,
    setAsideCommand: where.setAside,
    append: async (facts) => appendTo(await newest(), facts),
    async read() {
      const generation = (await generations()).at(-1);
      return generation === undefined ? undefined : readOne(generation);
    },
    async readAside() {
      return Promise.all((await generations()).slice(0, -1).map(readOne));
    },
    async setAside(facts) {
      const generation = await newest();
      const aside = await readOne(generation);
      const before = { log: aside.place, lines: aside.hashes.length, head: aside.head?.hash ?? "none" };
      const result = { ...facts.result, ...before };
      return { aside, head: await appendTo(generation + 1, { ...facts, result }) };
    },
  };
}

/** `audit/1/log in files in …: line 3: what` */
export function auditProblemText(place: string, { line, what }: AuditProblem): string {
  return `${place}, line ${line}: ${what}`;
}

function damaged(where: AuditPlace, place: string, problems: readonly AuditProblem[]): SwitchyardError {
  const [first = { line: 0, what: "it cannot be read" }, ...others] = problems;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  return new SwitchyardError("audit-damaged", {
    message: `The audit log is damaged: ${auditProblemText(place, first)}${more}`,
    next: [`To see all of it:                ${where.verify}`, `To keep it and begin a new one:   ${where.setAside}`],
    data: { log: place, problems },
  });
}
