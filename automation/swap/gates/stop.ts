import type { RequestRecord } from "../../ports/request-feed.ts";
import type { Reason } from "../reasons.ts";
import type { SwapSettings } from "../settings.ts";
import { addToCeiling, type CeilingEvidence, ceilingValue, noCeilingEvidence } from "./ceiling-evidence.ts";
import { addError, type ErrorEvidence, eValue, noErrorEvidence } from "./error-evidence.ts";
import { addRecord, emptyWindow, isError, type SideWindow } from "./window.ts";

/** Everything the gates know, folded from the request feed, one record at a time. */
export interface GateState {
  /** Since the last change of weight. */
  readonly candidate: SideWindow;
  readonly old: SideWindow;
  /** Since the swap's first user request: the error test runs on over the steps, so that its risk is per swap. */
  readonly evidence: ErrorEvidence;
  /** Since the last change of weight, against rollback_threshold. */
  readonly ceiling: CeilingEvidence;
  /** Old side's totals over the whole swap: at 100 % there is no old side left in the window to compare with. */
  readonly oldTotals: { readonly requests: number; readonly errors: number };
  /** Records that the feed lost. */
  readonly lost: number;
}

export const emptyGates: GateState = Object.freeze({
  candidate: emptyWindow,
  old: emptyWindow,
  evidence: noErrorEvidence,
  ceiling: noCeilingEvidence,
  oldTotals: { requests: 0, errors: 0 },
  lost: 0,
});

/** A new step: the windows start again, the evidence goes on. */
export function newStep(gates: GateState): GateState {
  return { ...gates, candidate: emptyWindow, old: emptyWindow, ceiling: noCeilingEvidence };
}

/** Requests in a window before its observed share says more than the share that was asked for. */
const shareIsObservedFrom = 200;

export interface Sides {
  readonly candidate: string;
  readonly old: string;
}

/**
 * Folds one record. The share used for an error is the larger of the share asked for and the one observed, because a data
 * plane that lags behind a smaller weight would otherwise make a healthy candidate look guilty.
 */
export function foldRecord(
  gates: GateState,
  record: RequestRecord,
  sides: Sides,
  askedShare: number,
  rollbackThreshold: number,
): GateState {
  if (record.side === sides.candidate) {
    const candidate = addRecord(gates.candidate, record);
    const evidence = isError(record) ? addError(gates.evidence, true, shareNow(gates, askedShare)) : gates.evidence;
    const ceiling =
      record.outcome === "client" ? gates.ceiling : addToCeiling(gates.ceiling, isError(record), rollbackThreshold);
    return { ...gates, candidate, evidence, ceiling };
  }
  if (record.side === sides.old) {
    const old = addRecord(gates.old, record);
    const evidence = isError(record) ? addError(gates.evidence, false, shareNow(gates, askedShare)) : gates.evidence;
    const counted = record.outcome !== "client";
    const oldTotals = {
      requests: gates.oldTotals.requests + (counted ? 1 : 0),
      errors: gates.oldTotals.errors + (isError(record) ? 1 : 0),
    };
    return { ...gates, old, evidence, oldTotals };
  }
  return gates;
}

function shareNow(gates: GateState, askedShare: number): number {
  const all = gates.candidate.requests + gates.old.requests;
  const observed = all >= shareIsObservedFrom ? gates.candidate.requests / all : 0;
  return Math.max(askedShare, observed);
}

/** Requests of the old side in the window from which its error share says something. */
const comparableFrom = 20;

export interface StopFinding {
  readonly reason: Reason;
  readonly evidence: Readonly<Record<string, number>>;
}

/** Whether the candidate must go now. undefined: no. A bad old side never condemns the candidate. */
export function stopNow(gates: GateState, settings: SwapSettings): StopFinding | undefined {
  const { candidate, old } = gates;
  const value = eValue(gates.evidence);
  const evidence = {
    eValue: round(value),
    limit: round(1 / settings.errorAlpha),
    candidateRequests: candidate.requests,
    candidateErrors: candidate.errors,
    oldRequests: old.requests,
    oldErrors: old.errors,
    candidateErrorsInSwap: gates.evidence.candidateErrors,
    oldErrorsInSwap: gates.evidence.oldErrors,
  };
  if (value >= 1 / settings.errorAlpha) return { reason: "candidate-errors", evidence };
  // An old side that is bad in the same window is no measure; one that was bad before does not excuse the candidate now.
  const oldIsBadNow = old.requests >= comparableFrom && old.errors / old.requests > settings.rollbackThreshold;
  if (oldIsBadNow) return undefined;
  if (candidate.gatewayRun >= settings.consecutiveGatewayErrors)
    return { reason: "candidate-gateway-errors", evidence: { ...evidence, inARow: candidate.gatewayRun } };
  const ceiling = ceilingValue(gates.ceiling);
  // The ceiling's windows begin again with each weight: its risk is shared between the steps, so that it too is per swap.
  const ceilingLimit = settings.ramp.length / settings.errorAlpha;
  const oldRate = gates.oldTotals.requests === 0 ? 0 : gates.oldTotals.errors / gates.oldTotals.requests;
  if (ceiling >= ceilingLimit && candidate.errors > candidate.requests * oldRate)
    return {
      reason: "candidate-error-ceiling",
      evidence: {
        ...evidence,
        ceiling: settings.rollbackThreshold,
        ceilingValue: round(ceiling),
        ceilingLimit: round(ceilingLimit),
      },
    };
  return undefined;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
