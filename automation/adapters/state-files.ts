/**
 * State in files. Whoever creates a file that was not there has won; everything rests on that one operation, which every
 * file system makes for one alone.
 *
 * A value is a numbered file per version, `<key>@<version>.json`; the highest counts. The last few are kept, so that a listing
 * that is made meanwhile never finds none, and a number is not free again while somebody may still think so. A log is one file of lines. Line n is committed by creating
 * `<key>.jsonl@<n>.next` with it and is then written at its place, which anybody may do again: a process that stood still in
 * the middle can only write the same bytes to the same place.
 */
import { join } from "node:path";
import type { FileSystem } from "../ports/file-system.ts";
import type { StateStore, StoredLog, StoredValue } from "../ports/state-store.ts";
import { assertStateKey, assertStateLine, isStateName } from "./state-key.ts";

export interface FileStateStoreOptions {
  readonly files: FileSystem;
  /** Holds nothing but the state; made when something is written. */
  readonly folder: string;
}

const versionFile = /^(.+)@(\d+)\.json$/;
const logFile = /^(.+)\.jsonl$/;

/** Versions of a value that stay. A process that stands still in a write while so many others are made has lost. */
const versionsKept = 8;

/** Whole lines of a log file, and where the next one begins. */
interface LogFile {
  readonly exists: boolean;
  readonly lines: readonly string[];
  readonly torn: string;
  /** Bytes. */
  readonly soundSize: number;
  readonly size: number;
}

export function createFileStateStore({ files, folder }: FileStateStoreOptions): StateStore {
  const pathOf = (key: string): string => {
    assertStateKey(key);
    return join(folder, ...key.split("/"));
  };

  /** Numbers of the files `<name>@<number>.json` beside each other, falling. */
  const versionsOf = async (key: string): Promise<readonly number[]> => {
    const { parent, name } = splitPath(pathOf(key));
    const found = (await files.list(parent)).flatMap((file) => {
      const match = versionFile.exec(file);
      return match?.[1] === name ? [Number(match[2])] : [];
    });
    return found.toSorted((a, b) => b - a);
  };

  const versionPath = (key: string, version: number): string => `${pathOf(key)}@${version}.json`;

  async function read(key: string): Promise<StoredValue | undefined> {
    for (;;) {
      const [version] = await versionsOf(key);
      if (version === undefined) return undefined;
      const value = await files.read(versionPath(key, version));
      // Removed since by the writer of a later one.
      if (value !== undefined) return { value, version };
    }
  }

  async function write(key: string, value: string, expected: number): Promise<number | undefined> {
    const before = await versionsOf(key);
    if ((before[0] ?? 0) !== expected) return undefined;
    const version = expected + 1;
    if (!(await files.createExclusive(versionPath(key, version), value))) return undefined;
    // The number was free, or free again: others have written so many since that it was cleared away. Then it counts no more.
    const [highest = version] = await versionsOf(key);
    if (highest >= version + versionsKept) {
      await files.remove(versionPath(key, version));
      return undefined;
    }
    for (const old of before.filter((one) => one <= version - versionsKept)) await files.remove(versionPath(key, old));
    return version;
  }

  async function list(key: string): Promise<readonly string[]> {
    const names = (await files.list(pathOf(key))).flatMap((file) => {
      const name = versionFile.exec(file)?.[1] ?? logFile.exec(file)?.[1] ?? file;
      return isStateName(name) ? [name] : [];
    });
    return [...new Set(names)].toSorted();
  }

  const logPath = (key: string): string => `${pathOf(key)}.jsonl`;
  const nextPath = (key: string, number: number): string => `${logPath(key)}@${number}.next`;

  async function readLogFile(key: string): Promise<LogFile> {
    const bytes = await files.readBytes(logPath(key));
    if (bytes === undefined) return { exists: false, lines: [], torn: "", soundSize: 0, size: 0 };
    const soundSize = bytes.lastIndexOf(lineFeed) + 1;
    const decode = (part: Uint8Array): string => new TextDecoder().decode(part);
    const lines = decode(bytes.subarray(0, soundSize)).split("\n").slice(0, -1);
    return {
      exists: true,
      // Spaces at the end cover what an unfinished line had left behind.
      lines: lines.map((line) => line.trimEnd()),
      torn: decode(bytes.subarray(soundSize)),
      soundSize,
      size: bytes.length,
    };
  }

  /** The log, and its next line if that is committed and not at its place yet. */
  async function readCommitted(key: string): Promise<LogFile & { readonly next: string | undefined }> {
    for (;;) {
      const log = await readLogFile(key);
      const next = await files.read(nextPath(key, log.lines.length + 1));
      if (next === undefined && log.torn === "") return { ...log, next };
      // Meanwhile the line may have come to its place; then a committed one is what somebody left who came too late.
      const again = await readLogFile(key);
      if (again.lines.length === log.lines.length && again.size === log.size) return { ...log, next };
    }
  }

  async function readLog(key: string): Promise<StoredLog | undefined> {
    const log = await readCommitted(key);
    if (log.next !== undefined) return { lines: [...log.lines, log.next], torn: "" };
    return log.exists && log.size > 0 ? { lines: log.lines, torn: log.torn } : undefined;
  }

  /** Puts a committed line at its place. What is left of an unfinished one is covered with spaces. */
  async function place(key: string, log: LogFile, line: string): Promise<void> {
    const number = log.lines.length + 1;
    const length = Buffer.byteLength(line);
    if (log.torn !== "" && !line.startsWith(log.torn)) await files.copy(logPath(key), `${logPath(key)}.torn-${number}`);
    const padding = " ".repeat(Math.max(0, log.size - log.soundSize - length - 1));
    await files.writeAt(logPath(key), log.soundSize, `${line}${padding}\n`);
    // Also what one left behind who died after the line before was at its place.
    for (const done of [number - 1, number]) await files.remove(nextPath(key, done));
  }

  async function appendLog(key: string, number: number, line: string): Promise<boolean> {
    assertStateLine(line);
    let log = await readCommitted(key);
    if (log.next !== undefined) {
      await place(key, log, log.next);
      log = await readCommitted(key);
    }
    if (log.next !== undefined || log.lines.length !== number - 1) return false;
    if (!(await files.createExclusive(nextPath(key, number), line))) return false;
    // The number was free, or free again because a line is at its place: that of another, or ours, which another put there.
    const found = await readLogFile(key);
    if (found.lines.length !== number - 1) {
      await files.remove(nextPath(key, number));
      return found.lines[number - 1] === line;
    }
    await place(key, found, line);
    return true;
  }

  return { description: `files in ${folder}`, read, write, list, readLog, appendLog };
}

const lineFeed = "\n".charCodeAt(0);

function splitPath(path: string): { readonly parent: string; readonly name: string } {
  const slash = path.lastIndexOf("/");
  return { parent: path.slice(0, slash), name: path.slice(slash + 1) };
}
