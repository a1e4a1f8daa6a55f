/** The one funnel for errors: anything thrown becomes a catalogue error, is drawn once, and sets the exit code. */
import { type ErrorCode, exitCodes, HotSwapError, StatelessViolationError, SwitchyardError } from "../errors.ts";

export interface ErrorEnvelope {
  readonly status: "error";
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly next: readonly string[];
    readonly exitCode: number;
    readonly platform?: string;
    readonly rollbackRequired?: boolean;
    readonly violations?: readonly string[];
    readonly data?: Readonly<Record<string, unknown>>;
  };
  readonly warnings: readonly string[];
}

interface OclifExit {
  readonly oclif: { readonly exit: number };
}

function isOclifExit(error: unknown): error is Error & OclifExit {
  return error instanceof Error && "oclif" in error && typeof error.oclif === "object";
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Anything thrown, as one of ours. */
export function toSwitchyardError(error: unknown): SwitchyardError {
  if (error instanceof SwitchyardError) return error;
  if (isAbort(error)) {
    return new SwitchyardError("cancelled", { message: "Stopped; what was done so far is kept", cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && "code" in error && String(error.code).endsWith("MODULE_NOT_FOUND")) {
    return new SwitchyardError("packages-missing", { message: withoutColour(message), cause: error });
  }
  // oclif's own errors are about the command line: unknown flag, missing argument, unknown command.
  if (isOclifExit(error)) return new SwitchyardError("usage-error", { message: withoutColour(message), cause: error });
  return new SwitchyardError("internal-error", { message, cause: error });
}

function withoutColour(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colour codes are made of.
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}

export function toEnvelope(error: SwitchyardError, warnings: readonly string[]): ErrorEnvelope {
  return {
    status: "error",
    error: {
      code: error.code,
      message: error.message,
      next: error.next,
      exitCode: error.exitCode,
      ...(error instanceof HotSwapError ? { platform: error.platform, rollbackRequired: error.rollbackRequired } : {}),
      ...(error instanceof StatelessViolationError ? { platform: error.platform, violations: error.violations } : {}),
      ...(Object.keys(error.data).length > 0 ? { data: error.data } : {}),
    },
    warnings,
  };
}

/** The text for people: code, what happened, what to do next, where to read more. */
export function drawError(error: SwitchyardError, debug: boolean): string {
  const sentence = /[.!?]$/.test(error.message) || error.message.includes("\n") ? error.message : `${error.message}.`;
  const lines = [`Error: ${error.code}`, sentence, ...error.next];
  if (error.code !== "usage-error") lines.push(`More:           docs/errors.md#${error.code}`);
  if (debug)
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) lines.push("", cause.stack ?? "");
  return `${lines.join("\n")}\n`;
}

/** Prints it and sets the exit code. A help page that oclif ends with exit 0 is no error. */
export function reportError(
  thrown: unknown,
  options: { json: boolean; debug: boolean; warnings: readonly string[] },
): void {
  if (isOclifExit(thrown) && thrown.oclif.exit === 0) return;
  const error = toSwitchyardError(thrown);
  if (options.json) process.stdout.write(`${JSON.stringify(toEnvelope(error, options.warnings))}\n`);
  else process.stderr.write(drawError(error, options.debug));
  process.exitCode = error.exitCode === exitCodes.ok ? exitCodes.error : error.exitCode;
}
