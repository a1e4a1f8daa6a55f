/** Progress of what a command starts, for people: one line per event, or one line redrawn on a terminal. */

import type { LocalCloud } from "../adapters/local-cloud.ts";
import type { EngineProgress, ResolvedEngine } from "../adapters/pulumi-resolver.ts";
import type { StackProgress } from "../ports/stack-engine.ts";
import type { ComposeListener } from "./compose.ts";
import { duration, wrap } from "./text.ts";

const continuationIndent = 4;

/** Writes lines to stderr; `draw` redraws the last line on a terminal and is silent elsewhere. */
export class ProgressLines {
  readonly #stream: NodeJS.WriteStream;
  #drawn = false;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  get redraws(): boolean {
    return this.#stream.isTTY === true;
  }

  /** On a terminal broken between words; elsewhere always one line. */
  line(text: string): void {
    this.#erase();
    const lines = this.redraws ? wrap(text, this.#columns, continuationIndent) : [text];
    this.#stream.write(`${lines.join("\n")}\n`);
  }

  draw(text: string): void {
    if (!this.redraws) return;
    this.#erase();
    this.#stream.write(text.slice(0, this.#columns - 1));
    this.#drawn = true;
  }

  get #columns(): number {
    return this.#stream.columns ?? 80;
  }

  #erase(): void {
    if (this.#drawn) this.#stream.write("\r\u001b[2K");
    this.#drawn = false;
  }
}

const labelWidth = 19;

export function label(name: string, text: string): string {
  return `${name.padEnd(labelWidth)}${text}`;
}

/** Says what the engine and the local cloud do while a command waits for them. */
export function composeProgress(lines: ProgressLines): ComposeListener {
  let lastPhase = "";
  return {
    onEngine(progress: EngineProgress) {
      const text = engineText(progress);
      if (lines.redraws) lines.draw(label("Pulumi engine", text));
      else if (progress.phase !== lastPhase) lines.line(label("Pulumi engine", text));
      lastPhase = progress.phase;
    },
    onEngineReady(engine: ResolvedEngine) {
      if (lastPhase !== "") lines.line(label("Pulumi engine", `${engine.version}, ready`));
    },
    onLocalCloud(cloud: LocalCloud, started: boolean, owned: boolean) {
      if (started && !owned)
        lines.line(label("Local cloud", `started, process ${cloud.pid}; it stays until \`npx switchyard local stop\``));
    },
    onDiagnostic(stack, severity, text) {
      // Errors are told once, at the end, with what to do about them.
      if (severity === "warning") lines.line(label(stack, `warning: ${text.trim()}`));
    },
  };
}

function engineText(progress: EngineProgress): string {
  const estimate = progress.estimateMs === undefined ? "" : `, once, about ${roughly(progress.estimateMs)}`;
  const bar = progress.percent === undefined ? "" : `   ${drawBar(progress.percent)} ${duration(progress.elapsedMs)}`;
  return `${progress.phase}${estimate}${bar}`;
}

/** 30 s, 2 min */
function roughly(ms: number): string {
  return ms < 90_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

function drawBar(percent: number): string {
  const done = Math.round((Math.min(100, Math.max(0, percent)) / 100) * 12);
  return `[${"#".repeat(done)}${"-".repeat(12 - done)}]`;
}

/** One line per resource that changes; unchanged ones are not news. */
export function stackProgress(lines: ProgressLines): (progress: StackProgress) => void {
  return ({ stack, operation, resource, state }) => {
    // Diagnostics come by onDiagnostic.
    if (operation === "same" || operation === "read" || operation === "refresh" || operation === "diagnostic") return;
    const text = `${operation} ${resource}${state === "failed" ? ", failed" : ""}`;
    if (state === "started") lines.draw(label(stack, text));
    else lines.line(label(stack, text));
  };
}
