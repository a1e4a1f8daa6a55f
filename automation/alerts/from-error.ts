/** What people are told of an error that nobody's journal has: the process that met it may be gone a moment later. Pure. */
import { type ErrorCode, HotSwapError, StatelessViolationError, type SwitchyardError } from "../errors.ts";
import type { Severity } from "../ports/notifier.ts";
import type { SwapState } from "../swap/state.ts";
import { type AlertInput, clipped, dedupKey, raise } from "./alert.ts";
import { swapKey, swapName } from "./from-swap.ts";

/** The journal has said why, or the person who is told did it. */
const toldElsewhere: readonly ErrorCode[] = ["swap-failed", "swap-paused", "cancelled"];

/** An error that ended a process in the middle of a swap. */
export function drivingAlerts(error: SwitchyardError, state: SwapState, at: number): readonly AlertInput[] {
  if (toldElsewhere.includes(error.code)) return [];
  const alert = {
    code: error.code,
    // Whoever took the lease goes on.
    severity: error.code === "lease-lost" ? ("warning" as const) : ("critical" as const),
    environment: state.environment,
    platform: platformOf(error) ?? state.to,
    swap: state.id,
    title: clipped(`${swapName(state)} is driven by nobody: ${firstLine(error.message)}`, 300),
    detail: clipped(error.message, 600),
    next: error.next,
    at,
    dedupKey: swapKey(state, error.code),
  };
  return [raise(alert, "driven")];
}

/** An error of a command. A command that is refused tells who typed it; a swap's error and lost state are everybody's. */
export function commandAlerts(error: unknown, environment: string, at: number): readonly AlertInput[] {
  if (!(error instanceof HotSwapError) && !(error instanceof StatelessViolationError)) return [];
  const alert = {
    code: error.code,
    severity: severityOf(error),
    environment,
    platform: error.platform,
    title: clipped(`${environment}: ${firstLine(error.message)}`, 300),
    detail: clipped(error.message, 600),
    next: error.next,
    at,
    dedupKey: dedupKey(environment, "error", error.code, error.platform),
  };
  return [raise(alert, "completed")];
}

function severityOf(error: HotSwapError | StatelessViolationError): Severity {
  return error instanceof HotSwapError && error.rollbackRequired ? "critical" : "warning";
}

function platformOf(error: SwitchyardError): string | undefined {
  return error instanceof HotSwapError || error instanceof StatelessViolationError ? error.platform : undefined;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
