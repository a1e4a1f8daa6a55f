import { Command, Flags } from "@oclif/core";
import { reportError } from "./error-output.ts";

/** Flags that every command takes beside --json. */
const commonFlags = {
  debug: Flags.boolean({ description: "Print causes and stacks of errors.", helpGroup: "GLOBAL" }),
};

/**
 * A command returns data; this class prints it: as the envelope with --json, as text otherwise. Progress goes to stderr.
 * Ctrl-C once aborts `signal` and lets the command stop safely, twice ends the process at once.
 */
export abstract class SwitchyardCommand<Result extends object> extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = commonFlags;

  readonly #stop = new AbortController();
  readonly #warnings: string[] = [];

  /** Does the work. */
  protected abstract execute(): Promise<Result>;

  /** The result as people read it, lines without line feeds; nothing is printed when there are none. */
  protected abstract describe(result: Result): readonly string[];

  /** Aborted by the first Ctrl-C. */
  protected get signal(): AbortSignal {
    return this.#stop.signal;
  }

  override async run(): Promise<Result> {
    const release = this.#watchSignals();
    try {
      const result = await this.execute();
      if (!this.jsonEnabled()) for (const line of this.describe(result)) process.stdout.write(`${line}\n`);
      return result;
    } finally {
      release();
    }
  }

  /** One line of progress, for people. */
  protected progress(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** Shown at once, and kept for the envelope. */
  protected addWarning(text: string): void {
    this.#warnings.push(text);
    process.stderr.write(`Warning: ${text}\n`);
  }

  protected override toSuccessJson(result: unknown): unknown {
    return { status: "ok", result, warnings: this.#warnings };
  }

  protected override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json)}\n`);
  }

  protected override catch(error: unknown): Promise<void> {
    reportError(error, { json: this.jsonEnabled(), debug: this.argv.includes("--debug"), warnings: this.#warnings });
    return Promise.resolve();
  }

  #watchSignals(): () => void {
    const onSignal = (signal: NodeJS.Signals): void => {
      if (this.#stop.signal.aborted) process.exit(8);
      process.stderr.write(`\n${signal === "SIGINT" ? "Ctrl-C" : signal}: stopping safely; once more stops at once.\n`);
      this.#stop.abort();
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    for (const signal of signals) process.on(signal, onSignal);
    return () => {
      for (const signal of signals) process.off(signal, onSignal);
    };
  }
}
