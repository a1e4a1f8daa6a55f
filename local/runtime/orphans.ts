import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { processStartTime, sendSignal } from "./process-identity.ts";
import { ownerVariable, type ProcessRecord, readProcessRecord, writeProcessRecord } from "./process-record.ts";

export interface EndedOrphan {
  /** The instance's name, empty for a process that only its environment gave away. */
  readonly name: string;
  readonly pid: number;
}

export interface EndOrphansOptions {
  /**
   * For the watchdog of one runtime: its processes are ended even if the daemon is still dying, and nobody else's.
   * Default: whatever the record names, unless its daemon is alive.
   */
  readonly owner?: string;
}

/** How long a killed process may take to vanish, ms. */
const deadlineMs = 2000;

/**
 * Ends what a daemon that died left running: the recorded processes with their groups, told from later processes of the same pid by their
 * start time, and on Linux whatever carries the daemon's mark in its environment. Removes the instances' home folders and the files of their secrets.
 * Resolves when they are gone. Errors: ProcessRecordError.
 */
export async function endOrphans(
  stateDirectory: string,
  { owner }: EndOrphansOptions = {},
): Promise<readonly EndedOrphan[]> {
  const record = readProcessRecord(stateDirectory);
  if (record === undefined) return [];
  if (owner === undefined && processStartTime(record.daemon.pid) === record.daemon.startTime) return [];
  if (owner !== undefined && record.owner !== owner) return [];

  const ended = killRecorded(record);
  const deadline = Date.now() + deadlineMs;
  // A marked process may fork while the list is read, so it is read until it is empty.
  for (let marked = markedProcesses(record.owner); ; marked = markedProcesses(record.owner)) {
    for (const pid of marked) {
      if (sendSignal(pid, "SIGKILL", "process") && !ended.some((orphan) => orphan.pid === pid)) {
        ended.push({ name: "", pid });
      }
    }
    const alive = record.processes.some(({ pid, startTime }) => processStartTime(pid) === startTime);
    if ((!alive && marked.length === 0) || Date.now() > deadline) break;
    await sleep(10);
  }
  for (const folder of [homesDirectory(stateDirectory, record.owner), secretsDirectory(record.owner)])
    rmSync(folder, { recursive: true, force: true });
  // A new daemon may have begun its own record meanwhile.
  if (readProcessRecord(stateDirectory)?.owner === record.owner) {
    writeProcessRecord(stateDirectory, { ...record, processes: [] });
  }
  return ended;
}

function killRecorded(record: ProcessRecord): EndedOrphan[] {
  const ended: EndedOrphan[] = [];
  for (const { name, pid, startTime } of record.processes) {
    if (processStartTime(pid) === startTime && sendSignal(pid, "SIGKILL", "group")) ended.push({ name, pid });
  }
  return ended;
}

/** Linux shows a process' first environment to its user; elsewhere the record alone has to do. */
function markedProcesses(owner: string): number[] {
  if (process.platform !== "linux") return [];
  const mark = `${ownerVariable}=${owner}`;
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .filter((pid) => environmentOf(pid).split("\0").includes(mark) && processStartTime(pid) !== undefined);
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // Gone meanwhile, or somebody else's.
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return "";
    throw error;
  }
}

/** Where the instances of one runtime have their HOME. */
export function homesDirectory(stateDirectory: string, owner: string): string {
  return path.join(stateDirectory, "homes", owner);
}

/** Where the instances of one runtime have the files of their secrets: not in the state, and no longer than they run. */
export function secretsDirectory(owner: string): string {
  return path.join(tmpdir(), `switchyard-secrets-${owner}`);
}
