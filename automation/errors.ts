/** The errors that users meet; what each code means is in the catalogue. */

import type { CatalogueEntry } from "./error-catalogue/entry.ts";
import { catalogue, type ErrorCode, type ExitCode, exitCodes } from "./error-catalogue.ts";

export { catalogue, type ErrorCode, exitCodes } from "./error-catalogue.ts";

export interface ErrorDetails {
  /** What happened and why, with the values at hand; no full stop is added. */
  readonly message: string;
  /** What to do, each line a sentence or `label: command`. Defaults to the catalogue's. */
  readonly next?: string | readonly string[];
  readonly cause?: unknown;
  /** Something was changed before: no refusal, whatever the code mostly is. */
  readonly begun?: true;
  /** Further facts for `--json`. Never a secret. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** By the configuration or by a policy. */
const refusals: readonly ExitCode[] = [exitCodes.configuration, exitCodes.policy];

/** The one error class that users see: a code of the catalogue, a message, what to do next. */
export class SwitchyardError extends Error {
  readonly code: ErrorCode;
  readonly next: readonly string[];
  readonly exitCode: ExitCode;
  /** Said no before anything was changed. */
  readonly refused: boolean;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "SwitchyardError";
    this.code = code;
    const next = details.next ?? catalogue[code].next;
    this.next = typeof next === "string" ? [next] : next;
    const { exitCode, refusal }: CatalogueEntry = catalogue[code];
    this.exitCode = exitCode;
    this.refused = details.begun !== true && (refusal === true || refusals.includes(exitCode));
    this.data = details.data ?? {};
  }
}

/** An error of a swap (requirement "HotSwapError"). */
export class HotSwapError extends SwitchyardError {
  /** The platform on which it happened. */
  readonly platform: string;
  /** Whether traffic has to go back to the old side; default true. */
  readonly rollbackRequired: boolean;

  constructor(code: ErrorCode, details: ErrorDetails & { platform: string; rollbackRequired?: boolean }) {
    super(code, details);
    this.name = "HotSwapError";
    this.platform = details.platform;
    this.rollbackRequired = details.rollbackRequired ?? true;
  }
}

/** A workload keeps state where it must not (requirement "StatelessViolationError"). */
export class StatelessViolationError extends SwitchyardError {
  readonly violations: readonly string[];
  readonly platform: string;

  constructor(code: ErrorCode, details: ErrorDetails & { platform: string; violations: readonly string[] }) {
    super(code, details);
    this.name = "StatelessViolationError";
    this.violations = details.violations;
    this.platform = details.platform;
  }
}
