import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import type { Clock, Timer } from "./clock.ts";
import { InstanceLog } from "./instance-log.ts";
import { homesDirectory } from "./orphans.ts";
import { sendSignal } from "./process-identity.ts";
import { ownerVariable } from "./process-record.ts";
import type { Instance, InstanceExit, InstanceSpec } from "./runtime.ts";

/** An instance could not be started at all. */
export class InstanceStartError extends Error {
  constructor(name: string, reason: string, cause?: unknown) {
    super(`Instance ${name} cannot be started: ${reason}.`, cause === undefined ? undefined : { cause });
    this.name = "InstanceStartError";
  }
}

export interface ProcessSurroundings {
  readonly clock: Clock;
  readonly nodePath: string;
  readonly rootfs: string;
  readonly command: readonly string[];
  readonly owner: string;
  /** Variables that every instance has unless its own say otherwise. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stateDirectory: string;
  readonly logsDirectory: string;
  /** Gives back the previous port and promises another. */
  readonly promisePort: (previous: number | undefined) => Promise<number>;
  /** Puts the running process on disk, or takes it off. Synchronous. */
  readonly record: (pid: number | undefined) => void;
  /** Takes the files of its secrets away. */
  readonly removeSecrets: () => Promise<void>;
}

/** Starts on another port before an instance counts as ended. */
const portAttempts = 3;
/** How long output may take to arrive after the process has ended, ms; something it left behind may hold the pipe open. */
const outputDeadlineMs = 500;

/** One process on loopback. */
export class ProcessInstance implements Instance {
  readonly name: string;
  readonly platform: string;
  readonly image: string;
  readonly startedAt: number;
  readonly exited: Promise<InstanceExit>;
  readonly #spec: InstanceSpec;
  readonly #around: ProcessSurroundings;
  readonly #log: InstanceLog;
  readonly #home: string;
  readonly #resolveExited: (exit: InstanceExit) => void;
  #child: ChildProcess | undefined;
  #pid = 0;
  #port = 0;
  #hasExited = false;
  /** False between the end of the process and the next one, when its pid may belong to somebody else. */
  #isRunning = false;
  #restarts = 0;
  #stopRequested = false;
  #fault: string | undefined;
  #killTimer: Timer | undefined;
  #killAt = Number.POSITIVE_INFINITY;

  constructor(spec: InstanceSpec, around: ProcessSurroundings) {
    this.name = spec.name;
    this.platform = spec.platform;
    this.image = spec.image;
    this.startedAt = around.clock.now();
    this.#spec = spec;
    this.#around = around;
    this.#home = path.join(homesDirectory(around.stateDirectory, around.owner), spec.name);
    this.#log = new InstanceLog(path.join(around.logsDirectory, `${spec.name}.log`));
    const { promise, resolve } = Promise.withResolvers<InstanceExit>();
    this.exited = promise;
    this.#resolveExited = resolve;
  }

  get pid(): number {
    return this.#pid;
  }

  get port(): number {
    return this.#port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** Errors: InstanceStartError; nothing is left then. */
  async start(): Promise<void> {
    mkdirSync(path.join(this.#home, "tmp"), { recursive: true });
    try {
      await this.#launch();
    } catch (error) {
      await this.#log.close();
      await this.#around.removeSecrets();
      await rm(this.#home, { recursive: true, force: true });
      throw error;
    }
  }

  async #launch(): Promise<void> {
    this.#port = await this.#around.promisePort(this.#port === 0 ? undefined : this.#port);
    const [program, ...args] = this.#around.command;
    if (program === undefined) throw new InstanceStartError(this.name, "its start command is empty");
    const child = await this.#spawn(program, args);
    try {
      this.#around.record(child.pid);
    } catch (error) {
      // Not on disk it would outlive a SIGKILL of the daemon.
      sendSignal(child.pid, "SIGKILL", "group");
      throw new InstanceStartError(
        this.name,
        `the record of running processes cannot be written (${String(error)})`,
        error,
      );
    }
    this.#pid = child.pid;
    this.#child = child;
    this.#isRunning = true;
    const closed = once(child, "close");
    child.stdout?.on("data", (chunk: Buffer) => this.#log.write(chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.#log.write(chunk));
    child.once("exit", (code, signal) => void this.#ended(closed, code, signal));
  }

  async #spawn(program: string, args: readonly string[]): Promise<ChildProcess & { readonly pid: number }> {
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        cwd: this.#around.rootfs,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: this.#environment(),
      });
    } catch (error) {
      throw new InstanceStartError(this.name, `its command or environment is not usable (${String(error)})`, error);
    }
    if (hasPid(child)) return child;
    const [error] = await once(child, "error");
    throw new InstanceStartError(this.name, `'${program}' cannot be run (${String(error)})`, error);
  }

  #environment(): Record<string, string> {
    const inherited = process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
    return {
      PATH: `${path.dirname(this.#around.nodePath)}${path.delimiter}${inherited}`,
      TZ: "UTC",
      LANG: "C.UTF-8",
      HOME: this.#home,
      TMPDIR: path.join(this.#home, "tmp"),
      // As container runtimes do; the agent names itself by it where its platform gives no other name.
      HOSTNAME: this.name,
      ...this.#around.environment,
      ...this.#spec.env,
      HOST: "127.0.0.1",
      PORT: String(this.#port),
      [ownerVariable]: this.#around.owner,
    };
  }

  async #ended(closed: Promise<unknown>, code: number | null, signal: string | null): Promise<void> {
    const at = this.#around.clock.now();
    const expected = this.#stopRequested && this.#fault === undefined;
    this.#isRunning = false;
    // As in a container nothing outlives the main process.
    sendSignal(this.#pid, "SIGKILL", "group");
    let timer: Timer | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = this.#around.clock.setTimeout(resolve, outputDeadlineMs);
    });
    await Promise.race([closed, deadline]);
    timer?.cancel();
    if (await this.#startedOnAnotherPort(code)) return;
    this.#hasExited = true;
    this.#killTimer?.cancel();
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
    await this.#cleanUp();
    this.#resolveExited({
      name: this.name,
      platform: this.platform,
      pid: this.#pid,
      at,
      code,
      signal,
      expected,
      ...(this.#fault === undefined ? {} : { reason: this.#fault }),
      lastOutput: this.#log.tail,
    });
  }

  /** What cannot be cleaned up now is when the runtime closes or starts again; the log says so. */
  async #cleanUp(): Promise<void> {
    try {
      await this.#around.removeSecrets();
      this.#around.record(undefined);
      await rm(this.#home, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      this.#log.write(`(cleaning up failed: ${String(error)})\n`);
    }
    await this.#log.close();
  }

  /** Somebody took the port between our look and the process' own listen: that is our fault, not the image's. */
  async #startedOnAnotherPort(code: number | null): Promise<boolean> {
    const tail = this.#log.tail;
    const complains = /EADDRINUSE|address already in use/i.test(tail) && tail.includes(String(this.#port));
    if (!complains || code === 0 || this.#stopRequested || this.#restarts >= portAttempts) return false;
    this.#restarts += 1;
    this.#log.write(`(port ${this.#port} was taken by another program; starting again on another port)\n`);
    try {
      await this.#launch();
    } catch (error) {
      this.#log.write(`(${String(error)})\n`);
      return false;
    }
    // A stop that came meanwhile found no process.
    if (this.#stopRequested) this.#signal();
    return true;
  }

  stop(graceMs: number, fault?: string): Promise<InstanceExit> {
    if (this.#hasExited) return this.exited;
    if (!this.#stopRequested) this.#fault = fault;
    const first = !this.#stopRequested;
    this.#stopRequested = true;
    const killAt = this.#around.clock.now() + Math.max(0, graceMs);
    if (killAt < this.#killAt) {
      this.#killAt = killAt;
      this.#killTimer?.cancel();
      this.#killTimer = undefined;
      if (graceMs > 0) {
        this.#killTimer = this.#around.clock.setTimeout(() => {
          // A timer may ring a moment before the wall clock says so, and the wall clock may be set back.
          this.#killAt = Number.NEGATIVE_INFINITY;
          this.#signal();
        }, graceMs);
      }
    }
    if (first || graceMs <= 0) this.#signal();
    return this.exited;
  }

  #signal(): void {
    if (!this.#isRunning) return;
    if (this.#killAt <= this.#around.clock.now()) sendSignal(this.#pid, "SIGKILL", "group");
    else sendSignal(this.#pid, "SIGTERM", "process");
  }
}

function hasPid(child: ChildProcess): child is ChildProcess & { readonly pid: number } {
  return child.pid !== undefined;
}
