/** Runs the `pulumi` binary: exact environment, own process group, an interrupt that the engine understands. */
import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, dirname, isAbsolute } from "node:path";

/** Environment of a child process; undefined removes the variable. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface PulumiRun {
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment: nothing is inherited from this process. */
  readonly env: Environment;
  readonly onOutput?: (text: string) => void;
  readonly onError?: (text: string) => void;
  /** Aborting interrupts the engine, which finishes the resources in flight, saves its state and ends. */
  readonly signal?: AbortSignal;
  /** How long an interrupted engine may take before it is interrupted again, and 5 s later killed; ms, default 60 000. */
  readonly cancelGraceMs?: number;
}

export interface PulumiRunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; -1 when a signal ended the process. */
  readonly code: number;
  readonly cancelled: boolean;
}

const killAfterSecondInterruptMs = 5_000;
/** A plugin may keep the pipes open after the engine has ended; its text is not waited for longer than this. */
const drainMs = 1_000;

/** Resolves however the engine ends. Rejects (ENOENT, EACCES, ...) only when it could not be started. */
export function runPulumi(command: string, run: PulumiRun): Promise<PulumiRunResult> {
  const path = run.env["PATH"] ?? "";
  const child = spawn(command, [...run.args], {
    cwd: run.cwd,
    // Pulumi finds the language hosts that were installed beside it on the PATH.
    env: { ...run.env, PATH: isAbsolute(command) ? `${dirname(command)}${delimiter}${path}` : path },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: a Ctrl-C at the terminal would otherwise reach the engine besides our interrupt, and the
    // engine takes a second one for "stop at once", which leaves pending operations.
    detached: true,
  });
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      run.onOutput?.(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      run.onError?.(text);
    });
    const stopInterrupting = interruptOnAbort(child, run.signal, run.cancelGraceMs ?? 60_000);
    let drain: NodeJS.Timeout | undefined;
    let code = -1;
    child.once("error", (error) => {
      stopInterrupting();
      reject(error);
    });
    child.once("exit", (exitCode) => {
      code = exitCode ?? -1;
      drain = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, drainMs);
    });
    child.once("close", () => {
      clearTimeout(drain);
      stopInterrupting();
      resolve({ stdout, stderr, code, cancelled: run.signal?.aborted === true });
    });
  });
}

/** Interrupt, second interrupt, kill. Returns what ends the watch. */
function interruptOnAbort(child: ChildProcess, signal: AbortSignal | undefined, graceMs: number): () => void {
  const timers: NodeJS.Timeout[] = [];
  const onAbort = () => {
    child.kill("SIGINT");
    timers.push(
      setTimeout(() => child.kill("SIGINT"), graceMs),
      setTimeout(() => killGroup(child), graceMs + killAfterSecondInterruptMs),
    );
  };
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return () => {
    signal?.removeEventListener("abort", onAbort);
    for (const timer of timers) clearTimeout(timer);
  };
}

/** The child is the leader of its group, so its plugins go with it. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
