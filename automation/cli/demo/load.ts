/** The load generator as a process of its own, and what it says. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Command, messageSchema, type Progress, type Summary } from "../../../tools/load-generator/messages.ts";
import { SwitchyardError } from "../../errors.ts";

export interface LoadOptions {
  readonly root: string;
  readonly url: string;
  readonly host: string;
  /** Requests a second. */
  readonly rate: number;
  readonly seed: number;
  /** The platform that the dark route shall choose; the host is then the dark one. Default: the weights choose. */
  readonly platform?: string;
  /** It ends by itself after so many seconds; default: when it is told to. */
  readonly durationSeconds?: number;
  /** Beside them one long request (answers and streams in turns) begins every so many seconds; default none. */
  readonly long?: { readonly everySeconds: number; readonly durationSeconds: number };
}

/** Time for the last requests in flight after the stop, ms: the longest takes a minute. */
const endDeadlineMs = 90_000;

export class Load {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Summary>;
  #progress: Progress | undefined;

  private constructor(child: ChildProcess, ended: Promise<Summary>) {
    this.#child = child;
    this.#ended = ended;
  }

  /** Resolves when the first request is about to go out. Errors: internal-error with what it printed. */
  static async start(options: LoadOptions): Promise<Load> {
    const program = join(options.root, "tools", "load-generator", "main.ts");
    const flags = [
      "--url",
      options.url,
      "--host",
      options.host,
      "--rate",
      `${options.rate}`,
      "--seed",
      `${options.seed}`,
      ...(options.platform === undefined ? [] : ["--platform", options.platform]),
      ...(options.durationSeconds === undefined ? [] : ["--duration", `${options.durationSeconds}`]),
      ...(options.long === undefined
        ? []
        : [
            "--long-every",
            `${options.long.everySeconds}`,
            "--long-duration",
            `${options.long.durationSeconds}`,
            "--grace",
            `${options.long.durationSeconds + 7}`,
          ]),
    ];
    // A group of its own: Ctrl-C is for the demo, which then stops the load itself. The end of stdin stops it in any case.
    const child = spawn(process.execPath, [program, ...flags], { stdio: ["pipe", "pipe", "pipe"], detached: true });
    // It may have ended before a command reaches it; its end is told by "close".
    child.stdin?.on("error", () => undefined);
    let complaints = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      complaints = `${complaints}${chunk.toString()}`.slice(-2_000);
    });
    const gone = (): SwitchyardError =>
      new SwitchyardError("internal-error", {
        message: `The load generator ended early: ${complaints.trim() || "it said nothing"}`,
      });
    let load: Load | undefined;
    return new Promise<Load>((started, failed) => {
      const ended = new Promise<Summary>((finished, broken) => {
        child.once("error", broken);
        // Not "exit": the summary may still be in the pipe then.
        child.once("close", () => broken(gone()));
        if (child.stdout === null) throw gone();
        createInterface({ input: child.stdout }).on("line", (line) => {
          const message = messageSchema.parse(JSON.parse(line));
          if (message.type === "ready") {
            load = new Load(child, ended);
            started(load);
          }
          if (message.type === "progress" && load !== undefined) load.#progress = message;
          if (message.type === "summary") finished(message);
        });
      });
      ended.catch(failed);
    });
  }

  /** The last second's report. */
  get progress(): Progress | undefined {
    return this.#progress;
  }

  phase(name: string): void {
    this.#tell({ type: "phase", name });
  }

  crash(instance: string, platform: string, at: number): void {
    this.#tell({ type: "crash", instance, platform, at });
  }

  /** Of one with a duration: waits for its end. Aborting ends it at once, with the signal's reason. */
  async finished(signal: AbortSignal): Promise<Summary> {
    const onAbort = (): void => this.kill();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#ended;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Sends no more, waits for what is in flight. */
  async stop(): Promise<Summary> {
    this.#tell({ type: "stop" });
    const deadline = setTimeout(() => this.#child.kill("SIGKILL"), endDeadlineMs);
    try {
      return await this.#ended;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** At once, without a summary. */
  kill(): void {
    this.#ended.catch(() => undefined);
    this.#child.kill("SIGKILL");
  }

  #tell(command: Command): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }
}
