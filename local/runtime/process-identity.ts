import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * When a process started, in the system's own words: with the pid it tells a process from a later one of the same pid.
 * undefined when there is none (a zombie counts as none). Reads /proc on Linux, asks `ps` elsewhere (some ms).
 */
export function processStartTime(pid: number): string | undefined {
  return process.platform === "linux" ? startTimeFromProc(pid) : startTimeFromPs(pid);
}

function startTimeFromProc(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  // The name in parentheses may hold spaces and parentheses; field 3 (state) follows it, field 22 is the start time.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

function startTimeFromPs(pid: number): string | undefined {
  const { stdout, error } = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
  });
  if (error !== undefined) throw error;
  const line = stdout.trim();
  return line === "" || line.startsWith("Z") ? undefined : line.replace(/^\S+\s+/, "");
}

/** Whether an error of kill() or of reading /proc says that the process is not there. */
export function isGone(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ESRCH";
}

/** Sends a signal to a process group, or to the one process. False when it is gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals, to: "group" | "process"): boolean {
  try {
    process.kill(to === "group" ? -pid : pid, signal);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
