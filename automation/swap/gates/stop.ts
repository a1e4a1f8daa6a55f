/**
 * The stop gate: it looks at every request, and once it has found that the candidate must go, it stays with that. Its risks of blaming a
 * healthy candidate are per swap: errors (errorAlpha), latency (latencyAlpha), ceiling on errors (floorAlpha).
 */
import type { ProbeResult } from "../../ports/prober.ts";
import type { RequestRecord } from "../../ports/request-feed.ts";
import type { SwapSettings } from "../settings.ts";
import {
  addToCeiling,
  type CeilingEvidence,
  ceilingValue,
  clearCeilingEvidence,
  createCeilingEvidence,
} from "./ceiling-evidence.ts";
import { addError, createErrorEvidence, type ErrorEvidence, eValue } from "./error-evidence.ts";
import {
  createLatencyEvidence,
  foldLatency,
  type LatencyEvidence,
  newLatencyStep,
  noteCandidate,
  noteLatency,
  slowShareAllowed,
} from "./latency-evidence.ts";
import { shareForDraws } from "./share.ts";
import { addToTrouble, comparableFrom, createTrouble, isTroubled, justFailed, type Trouble } from "./trouble.ts";
import { addOutcome, createWindow, isError, type Outcome, type SideWindow } from "./window.ts";

export const stopReasons = [
  "candidate-errors",
  "candidate-gateway-errors",
  "candidate-error-ceiling",
  "candidate-latency",
  "candidate-latency-ceiling",
] as const;
export type StopReason = (typeof stopReasons)[number];

type Numbers = Readonly<Record<string, number | string>>;

/**
 * Everything that the gates know, folded from the request feed, one record at a time. It is changed in place by the folds: who
 * wants to keep what it was takes a snapshot (snapshot.ts).
 */
export interface GateState {
  /** Since the last change of weight. */
  readonly candidate: SideWindow;
  readonly old: SideWindow;
  /** Whether the old side is in trouble itself, since the last change of weight. */
  readonly oldTrouble: Trouble;
  /** Since the swap's first user request: the error test runs on over the steps, so that its risk is per swap. */
  readonly evidence: ErrorEvidence;
  /** Since the last change of weight, against rollback_threshold. */
  readonly ceiling: CeilingEvidence;
  /** Over the whole swap. At 100 % there is no old side left in the window to compare with. */
  readonly oldTotals: { requests: number; errors: number };
  readonly candidateTotals: { requests: number; errors: number };
  readonly latency: LatencyEvidence;
  /** Records that the feed lost. */
  lost: number;
  /** Engine's clock when the last user request was read; undefined before the first. */
  lastRecordAt: number | undefined;
  /** What was found first, with the numbers of that moment. */
  found: { readonly reason: StopReason; readonly measured: Numbers } | undefined;
}

export interface Sides {
  readonly candidate: string;
  readonly old: string;
}

export interface FoldContext {
  readonly sides: Sides;
  /** The candidate's share that the balancer was asked for, 0-1. At 0 the candidate is not judged: what it gets is no user's. */
  readonly askedShare: number;
  readonly settings: SwapSettings;
  /** Engine's clock when the record was read, ms. */
  readonly at: number;
  /**
   * The request is of the weights before the last change, and its record came late: it counts for the swap, with the share of
   * its time, and not for the step. Default false.
   */
  readonly earlier?: boolean;
}

export function createGates(): GateState {
  return {
    candidate: createWindow(),
    old: createWindow(),
    oldTrouble: createTrouble(),
    evidence: createErrorEvidence(),
    ceiling: createCeilingEvidence(),
    oldTotals: { requests: 0, errors: 0 },
    candidateTotals: { requests: 0, errors: 0 },
    latency: createLatencyEvidence(),
    lost: 0,
    lastRecordAt: undefined,
    found: undefined,
  };
}

/** A new step: the windows start again, what is per swap goes on. `at`: engine's clock, ms. */
export function newStep(gates: GateState, at: number): void {
  Object.assign(gates.candidate, createWindow());
  Object.assign(gates.old, createWindow());
  Object.assign(gates.oldTrouble, createTrouble());
  clearCeilingEvidence(gates.ceiling);
  newLatencyStep(gates.latency, at);
}

export function addLost(gates: GateState, count: number): void {
  gates.lost += count;
}

/** Folds one user request. Sides that are neither and clients that went away first say nothing. */
export function foldRecord(gates: GateState, record: RequestRecord, context: FoldContext): void {
  const { side, outcome } = record;
  const onCandidate = side === context.sides.candidate;
  if (!onCandidate && side !== context.sides.old) return;
  gates.lastRecordAt = context.at;
  if (outcome === "client") return;
  if (context.earlier === true) {
    foldEarlier(gates, onCandidate, isError(outcome), context);
    return;
  }
  if (onCandidate && context.askedShare > 0) noteCandidate(gates.latency, context.at);
  foldOutcome(gates, onCandidate, outcome, context);
  // A feed without latencies gives NaN: no data.
  if (outcome === "ok" && !Number.isNaN(record.firstByteMs))
    foldAnswer(gates, onCandidate, record.firstByteMs, context);
}

function addToTotals(gates: GateState, onCandidate: boolean, failed: boolean): void {
  const totals = onCandidate ? gates.candidateTotals : gates.oldTotals;
  totals.requests += 1;
  if (failed) totals.errors += 1;
}

function foldEarlier(gates: GateState, onCandidate: boolean, failed: boolean, context: FoldContext): void {
  addToTotals(gates, onCandidate, failed);
  const { askedShare, settings } = context;
  if (!failed || askedShare <= 0) return;
  addError(gates.evidence, onCandidate, askedShare);
  const value = eValue(gates.evidence);
  if (onCandidate && value >= 1 / settings.gates.errorAlpha)
    gates.found ??= { reason: "candidate-errors", measured: { ...counts(gates), eValue: value } };
}

/**
 * Folds one weight probe, if probes count (settings.gates.countProbes). Its latency does not: a probe is no user's request, and is
 * answered sooner.
 */
export function foldProbe(gates: GateState, result: ProbeResult, context: FoldContext): void {
  if (!context.settings.gates.countProbes) return;
  const { side, status } = result;
  const onCandidate = side === context.sides.candidate;
  if (!onCandidate && side !== context.sides.old) return;
  foldOutcome(gates, onCandidate, outcomeOfProbe(status), context);
}

function outcomeOfProbe(status: number): "ok" | "application" | "gateway" {
  if (status === 0 || (status >= 502 && status <= 504)) return "gateway";
  return status >= 500 ? "application" : "ok";
}

function foldOutcome(
  gates: GateState,
  onCandidate: boolean,
  outcome: Exclude<Outcome, "client">,
  context: FoldContext,
): void {
  const failed = isError(outcome);
  addToTotals(gates, onCandidate, failed);
  if (context.askedShare > 0 && failed) {
    const { candidate, old } = gates;
    const share = shareForDraws(context.askedShare, candidate.requests, candidate.requests + old.requests);
    addError(gates.evidence, onCandidate, share);
  }
  if (!onCandidate) {
    addOutcome(gates.old, outcome);
    addToTrouble(gates.oldTrouble, failed);
    return;
  }
  addOutcome(gates.candidate, outcome);
  if (context.askedShare <= 0) return;
  const { rollbackThreshold } = context.settings;
  const troubled = isTroubled(gates.oldTrouble, rollbackThreshold);
  if (!troubled) addToCeiling(gates.ceiling, failed, rollbackThreshold);
  if (failed) gates.found ??= judgeErrors(gates, context.settings, troubled);
}

/** After a failed request of the candidate: no other can condemn it for errors. */
function judgeErrors(gates: GateState, settings: SwapSettings, oldIsTroubled: boolean): GateState["found"] {
  const { candidate, oldTotals } = gates;
  const value = eValue(gates.evidence);
  const measured = { ...counts(gates), eValue: value };
  if (value >= 1 / settings.gates.errorAlpha) return { reason: "candidate-errors", measured };
  // An old side that is bad now is no measure; one that was bad before does not excuse the candidate now.
  if (oldIsTroubled || justFailed(gates.oldTrouble)) return undefined;
  if (candidate.gatewayRun >= settings.gates.consecutiveGatewayErrors)
    return { reason: "candidate-gateway-errors", measured: { ...measured, inARow: candidate.gatewayRun } };
  // Fewer are left to the run of gateway errors, whose limit is the user's.
  if (candidate.requests < comparableFrom) return undefined;
  const ceiling = ceilingValue(gates.ceiling);
  const oldRate = oldTotals.requests === 0 ? 0 : oldTotals.errors / oldTotals.requests;
  return ceiling >= ceilingLimit(settings) && candidate.errors > candidate.requests * oldRate
    ? { reason: "candidate-error-ceiling", measured: { ...measured, ceilingValue: ceiling } }
    : undefined;
}

/** The ceiling begins again with each weight: its risk is shared between the steps, so that it too is per swap. */
function ceilingLimit({ ramp, gates }: SwapSettings): number {
  return ramp.length / gates.floorAlpha;
}

/** A complete answer's latency. Nothing is compared while the old side is in trouble. */
function foldAnswer(gates: GateState, onCandidate: boolean, firstByteMs: number, context: FoldContext): void {
  if (onCandidate && context.askedShare <= 0) return;
  if (isTroubled(gates.oldTrouble, context.settings.rollbackThreshold)) {
    noteLatency(gates.latency, onCandidate, firstByteMs, context);
    return;
  }
  const finding = foldLatency(gates.latency, onCandidate, firstByteMs, context);
  if (finding !== undefined)
    gates.found ??= { reason: finding.reason, measured: { ...counts(gates), ...finding.measured } };
}

function counts({ candidate, old, evidence }: GateState): Numbers {
  return {
    candidateRequests: candidate.requests,
    candidateErrors: candidate.errors,
    oldRequests: old.requests,
    oldErrors: old.errors,
    candidateErrorsInSwap: evidence.candidateErrors,
    oldErrorsInSwap: evidence.oldErrors,
  };
}

export interface StopFinding {
  readonly reason: StopReason;
  readonly evidence: Numbers;
}

/**
 * Whether the candidate must go now; undefined: no. A bad old side never condemns the candidate. The numbers are those of the
 * request that decided, beside what they were held against.
 */
export function stopNow({ found }: GateState, settings: SwapSettings): StopFinding | undefined {
  if (found === undefined) return undefined;
  const evidence = { ...found.measured, ...limitsOf(found.reason, settings) };
  return { reason: found.reason, evidence: Object.fromEntries(Object.entries(evidence).map(rounded)) };
}

function limitsOf(reason: StopReason, settings: SwapSettings): Numbers {
  const { gates, rollbackThreshold, performanceThresholdMs } = settings;
  switch (reason) {
    case "candidate-errors":
      return { limit: 1 / gates.errorAlpha };
    case "candidate-gateway-errors":
      return { inARowAtMost: gates.consecutiveGatewayErrors };
    case "candidate-error-ceiling":
      return { ceiling: rollbackThreshold, ceilingLimit: ceilingLimit(settings) };
    case "candidate-latency":
      return { allowedRatio: gates.latencyRatio, allowedSlackMs: gates.latencySlackMs };
    case "candidate-latency-ceiling":
      return { performanceThresholdMs, slowShareAllowed };
  }
}

/** Four digits; whole numbers as they are. */
function rounded([name, value]: readonly [string, number | string]): [string, number | string] {
  return [name, typeof value === "string" || Number.isInteger(value) ? value : Number(value.toPrecision(4))];
}
