import { Command, Flags } from "@oclif/core";
import type { AuditLog } from "../audit/log.ts";
import { type TraceScope, untraced } from "../ports/tracer.ts";
import { reportError } from "./error-output.ts";
import { traced } from "./tracing.ts";

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
  /** Whether it changes anything that outlives it; then it is in the audit log. Every command says so for itself. */
  static mutates: boolean | undefined;
  /** Flags with which it changes nothing after all. */
  static onlyReadsWith: readonly string[] = [];

  readonly #stop = new AbortController();
  readonly #warnings: string[] = [];
  #trace = untraced;

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
      const result = await this.#traced(() => this.#executed());
      if (!this.jsonEnabled()) for (const line of this.describe(result)) process.stdout.write(`${line}\n`);
      return result;
    } finally {
      release();
    }
  }

  /** Where it is written down that this command changes something; undefined where that is nobody's business. */
  protected async auditLog(): Promise<AuditLog | undefined> {
    return undefined;
  }

  /** The work; where it changes something it is in the audit log before it begins. */
  async #recorded(): Promise<Result> {
    const { mutates, onlyReadsWith } = this.ctor as typeof SwitchyardCommand;
    // One that forgot to say is taken for one that does.
    if (mutates === false) return this.execute();
    const { flags } = await this.parse(this.ctor);
    if (onlyReadsWith.some((name) => flags[name] === true)) return this.execute();
    const log = await this.auditLog();
    if (log === undefined) return this.execute();
    const { recorded } = await import("./audit-trail.ts");
    const command = (this.id ?? "").replaceAll(":", " ");
    const call = { command, arguments: this.argv, env: process.env, now: Date.now };
    return recorded(
      log,
      call,
      () => this.execute(),
      (text) => this.addWarning(text),
    );
  }

  async #executed(): Promise<Result> {
    let thrown: unknown;
    try {
      return await this.#recorded();
    } catch (error) {
      thrown = error;
      throw error;
    } finally {
      await this.atEnd(thrown);
    }
  }

  /** What is to be done before the result or the error is printed; may add warnings and must not throw. */
  protected atEnd(_thrown: unknown): Promise<void> {
    return Promise.resolve();
  }

  /** Where what the command does is traced. */
  protected get trace(): TraceScope {
    return this.#trace;
  }

  #traced<Done>(work: () => Promise<Done>): Promise<Done> {
    const command = {
      name: (this.id ?? "").replaceAll(":", " "),
      version: this.config.version,
      env: process.env,
      warn: (text: string) => this.addWarning(text),
    };
    return traced(command, (scope) => {
      this.#trace = scope;
      return work();
    });
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
