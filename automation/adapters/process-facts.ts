/** Whether a process lives, and since when: a process id alone may have been given to another process. */
import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
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
  const [ticks, boot] = await Promise.all([startTicks(pid), readFile("/proc/stat", "utf8")]);
  const bootSeconds = Number(/^btime (\d+)$/m.exec(boot)?.[1]);
  // Linux reports to user space in hundredths of a second on every architecture that Node runs on.
  return ticks === undefined ? undefined : (bootSeconds + Number(ticks) / 100) * 1_000;
}

/**
 * What tells a process from every other of its pid, undefined when there is none. On Linux the boot and the clock ticks
 * since it, which a step of the wall clock does not change; elsewhere the start as `ps` prints it.
 */
export async function identityOf(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return (await startTimeFromPs(pid))?.toString();
  const [ticks, boot] = await Promise.all([startTicks(pid), readFile("/proc/sys/kernel/random/boot_id", "utf8")]);
  return ticks === undefined ? undefined : `${boot.trim()} ${ticks}`;
}

/**
 * What this process can see the processes of: on Linux the boot of the machine and the namespace of process ids (another
 * container has its own, and its host name may be the same); elsewhere nothing tells machines of one name apart.
 */
export async function processSpace(): Promise<string> {
  if (process.platform !== "linux") return "";
  const [boot, namespace] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    readlink("/proc/self/ns/pid"),
  ]);
  return `${boot.trim()} ${namespace}`;
}

/** On Linux: clock ticks from the boot to the process's start; undefined when there is none or it has ended. */
async function startTicks(pid: number): Promise<string | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold spaces and parentheses; fields are counted from its end.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
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
