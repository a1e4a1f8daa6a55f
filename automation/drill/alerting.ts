/**
 * What people were told of a fault, against what they have to be told: alerts that are missing are false negatives, alerts of
 * two equal sides false positives.
 */

import { failoverSeverity } from "../alerts/from-failover.ts";
import { swapAlerts } from "../alerts/from-swap.ts";
import { alertReasons } from "../alerts/reasons.ts";
import type { Notice } from "../ports/notifier.ts";
import { applyEvent, startState } from "../swap/fold.ts";
import type { Reason } from "../swap/reasons.ts";
import type { SwapSettings } from "../swap/settings.ts";
import { journalFormat, type SwapEvent } from "../swap/state.ts";
import type { Fault } from "./fault.ts";
import type { AlertRates, Campaign, FalseAlarmRow, FaultRow } from "./results.ts";
import { candidate, oldSide } from "./simulation/world.ts";

/** What people have to be told of a fault: of each group one code at least. */
export function expectedAlerts(fault: Fault): readonly (readonly string[])[] {
  if ("failover" in fault) {
    const { moves, proposals = 0, holds = [], stopsFor = [], refuses = [] } = fault.expected;
    return [
      ...(moves.length > 0 || proposals > 0 ? [["serving-fails"]] : []),
      ...holds.filter((reason) => failoverSeverity(reason) !== undefined).map((reason) => [reason]),
      ...stopsFor.map((reason) => [reason]),
      // What the failover's own journal says has its own code.
      ...refuses.filter((code) => code !== "swap-failed" && code !== "swap-paused").map((code) => [code]),
    ];
  }
  const { ends, reasons = [], stopsFor = [], alerts = [] } = fault.expected;
  return [
    ...(ends !== "completed" && reasons.length > 0 ? [reasons] : []),
    ...(stopsFor.length > 0 ? [stopsFor] : []),
    ...alerts.map((code) => [code]),
  ];
}

export interface AlertFindings {
  /** Codes that people heard of, each once, in order. */
  readonly alerts: readonly string[];
  /** Groups of which nobody heard. */
  readonly missedAlerts: readonly string[];
  readonly expectedAlerts: number;
  readonly problems: readonly string[];
}

export function alertFindings(fault: Fault, told: readonly Notice[]): AlertFindings {
  const expected = expectedAlerts(fault);
  const codes = [...new Set(told.filter(({ kind }) => kind !== "resolve").map(({ alert }) => alert.code))];
  const missed = expected
    .filter((group) => !group.some((code) => codes.includes(code)))
    .map((group) => group.join(" or "));
  const fresh = told.filter(({ kind, why }) => kind === "raise" && why === alertReasons.new);
  const twice = fresh.map(({ alert }) => alert.dedupKey).filter((key, index, all) => all.indexOf(key) !== index);
  return {
    alerts: codes,
    missedAlerts: missed,
    expectedAlerts: expected.length,
    problems: [
      ...missed.map((group) => `no alert told people of ${group}`),
      ...[...new Set(twice)].map((key) => `the alert ${key} was new more than once`),
    ],
  };
}

/** Whether a swap of equal sides that goes back, or waits, for that reason calls anybody. Of a swap as the engine has it. */
export function callsSomebody(swap: SwapSettings, phase: "returning" | "paused", reason: Reason): boolean {
  const started = {
    kind: "started",
    format: journalFormat,
    at: 0,
    id: "1",
    mode: "swap",
    environment: "drill",
    from: oldSide,
    to: candidate,
    image: "equal",
    settings: swap,
    by: "drill",
  } as const;
  const event: SwapEvent =
    phase === "paused"
      ? { kind: "paused", at: 1, reason, evidence: {} }
      : { kind: "entered", at: 1, phase, step: 0, reason, evidence: {} };
  const before = startState(started);
  return swapAlerts(before, event, applyEvent(before, event)).some(
    (input) => input.kind === "raise" && input.alert.severity !== "info",
  );
}

export function isCall({ kind, alert }: Notice): boolean {
  return kind !== "resolve" && alert.severity !== "info";
}

/** Over both campaigns; what was not played has no rate. */
export function alertRates(
  faults: Campaign<FaultRow> | undefined,
  equal: Campaign<FalseAlarmRow> | undefined,
): AlertRates {
  const sum = <Row>(rows: readonly Row[], of: (row: Row) => number): number =>
    rows.reduce((total, row) => total + of(row), 0);
  const expected = sum(faults?.rows ?? [], (row) => row.expectedAlerts);
  const missed = sum(faults?.rows ?? [], (row) => row.missedAlerts.length);
  const swaps = sum(equal?.rows ?? [], (row) => row.swaps);
  const falseAlerts = sum(equal?.rows ?? [], (row) => row.falseAlerts);
  return {
    expected,
    missed,
    falseNegativeRate: expected === 0 ? undefined : missed / expected,
    swaps,
    falseAlerts,
    falsePositiveRate: swaps === 0 ? undefined : falseAlerts / swaps,
  };
}
