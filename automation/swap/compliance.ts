/** The checks of what runs, during bake and rollback window: when they are due, and what they mean for the swap. Pure. */
import type { Finding } from "../stateless/finding.ts";
import type { Evidence } from "./decision.ts";
import type { SwapState } from "./state.ts";
import { type ComplianceVerdict, standingOf } from "./stateless-settings.ts";

/** Findings that a line of the journal repeats in words. */
const findingsShown = 3;

export function complianceEvidence(
  verdict: ComplianceVerdict,
  findings: readonly Finding[],
  draw: (finding: Finding) => string,
): Evidence {
  const shown = findings.slice(0, findingsShown).map(draw);
  const more = findings.length - shown.length;
  const message = [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
  return { verdict, findings: findings.length, ...(message === "" ? {} : { message }) };
}

/** Between two attempts at reading what runs, ms. */
const unreadableRetryMs = 10_000;

/** Whether what runs has to be looked at now. The bake looks for itself, whatever was seen before it. */
export function complianceDue(state: SwapState, now: number): boolean {
  const everyMs = everyMsOf(state);
  if (everyMs === 0) return false;
  const { compliance } = state;
  if (compliance === undefined || (state.phase === "baking" && compliance.at < state.phaseSince)) return true;
  const good = standingOf(compliance.verdict, state.settings.stateless) === "good";
  return now - compliance.at >= (good ? everyMs : Math.min(everyMs, unreadableRetryMs));
}

/** What the last look found, where it forbids going on; undefined while nothing does. */
export function complianceViolation(state: SwapState): Evidence | undefined {
  const { compliance } = state;
  return compliance !== undefined && standingOf(compliance.verdict, state.settings.stateless) === "violation"
    ? compliance.evidence
    : undefined;
}

/** What the last look could not tell; undefined when it could, or there was none. */
export function complianceUnclear(state: SwapState): Evidence | undefined {
  const { compliance } = state;
  return compliance !== undefined && standingOf(compliance.verdict, state.settings.stateless) === "unclear"
    ? compliance.evidence
    : undefined;
}

/** Why the bake may not pass yet, in words; undefined when what runs was read and is good. */
export function complianceMissing(state: SwapState): string | undefined {
  if (everyMsOf(state) === 0) return undefined;
  const { compliance } = state;
  if (compliance === undefined || compliance.at < state.phaseSince)
    return "what runs was not yet checked by the stateless rules";
  return complianceUnclear(state) === undefined
    ? undefined
    : `what runs could not be told to be stateless (${compliance.verdict})`;
}

function everyMsOf(state: Pick<SwapState, "settings">): number {
  return state.settings.stateless?.complianceEveryMs ?? 0;
}
