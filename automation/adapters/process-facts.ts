/** Whether a process lives, and since when: a process id alone may have been given to another process. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** Whether the error is a file or process error of one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** Whether a process of that id exists, also one of another user. A zombie exists until its parent has seen its end. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
    if (isErrno(error, "EPERM")) return true;
    throw error;
  }
}

/** When the process started, ms since the epoch (to about a second); undefined when there is no such process or it has ended. */
export async function startTimeOf(pid: number): Promise<number | undefined> {
  if (!exists(pid)) return undefined;
  if (process.platform !== "linux") return startTimeFromPs(pid);
  try {
    const [status, boot] = await Promise.all([readFile(`/proc/${pid}/stat`, "utf8"), readFile("/proc/stat", "utf8")]);
    // The name in parentheses may hold spaces and parentheses; fields are counted from its end.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const ticks = Number(fields[19]);
    const bootSeconds = Number(/^btime (\d+)$/m.exec(boot)?.[1]);
    // Linux reports to user space in hundredths of a second on every architecture that Node runs on.
    return (bootSeconds + ticks / 100) * 1_000;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}

/**
 * What tells a process from every other of its pid, undefined when there is none. On Linux the boot and the clock ticks
 * since it, which a step of the wall clock does not change; elsewhere the start as `ps` prints it.
 */
export async function identityOf(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return (await startTimeFromPs(pid))?.toString();
  try {
    const [status, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    const [state, ...rest] = status.slice(status.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : `${boot.trim()} ${rest[18]}`;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}

async function startTimeFromPs(pid: number): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)], { env: { LC_ALL: "C" } });
    const started = Date.parse(stdout.trim());
    return Number.isNaN(started) ? undefined : started;
  } catch (error) {
    // `ps` ends with 1 when there is no such process.
    if (error instanceof Error && "code" in error && error.code === 1) return undefined;
    throw error;
  }
}
