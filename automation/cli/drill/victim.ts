/** A `switchyard swap …` as a process of its own, which may be killed at any moment. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { DrillPlace } from "./drill-place.ts";

/** How long one may take to stop safely, ms; then it is killed. */
const stopDeadlineMs = 15_000;
/** How long its last words are waited for after its end, ms. */
const drainMs = 1_000;

/** The code of one that a signal ended. */
export const killedCode = -1;

export class Victim {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #code: number | undefined;
  #said = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#said = `${this.#said}${chunk.toString()}`.slice(-2_000);
      });
    this.#ended = new Promise((resolve) => {
      const end = (code: number): void => {
        this.#code ??= code;
        resolve();
      };
      child.once("error", (error) => {
        this.#said = `${this.#said}${error.message}`;
        end(killedCode);
      });
      child.once("close", (code) => end(code ?? killedCode));
      child.once("exit", (code) => setTimeout(() => end(code ?? killedCode), drainMs).unref());
    });
  }

  /** Its arguments are those behind `switchyard swap`. */
  static start({ root, temporary }: DrillPlace, args: readonly string[]): Victim {
    const program = join(root, "bin", "switchyard.js");
    return new Victim(
      spawn(process.execPath, [program, "swap", ...args, "--env", "local", "--json"], {
        cwd: root,
        env: { ...process.env, TMPDIR: temporary },
        // By the channel it learns that the drill is gone, however that ended, and stops.
        stdio: ["ignore", "pipe", "pipe", "ipc"],
        // A group of its own: Ctrl-C is for the drill, which then ends it.
        detached: true,
      }),
    );
  }

  /** undefined while it runs. */
  get code(): number | undefined {
    return this.#code;
  }

  /** The end of what it printed. */
  get said(): string {
    return this.#said.trim();
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#code === undefined) this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Lets it stop the engine that it may be driving, which a SIGKILL would leave behind for some seconds. */
  async stop(): Promise<void> {
    if (this.#code === undefined) this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), stopDeadlineMs);
    await this.#ended;
    clearTimeout(late);
  }
}
