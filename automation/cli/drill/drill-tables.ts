/** The drill's results as tables for people. Pure. */
import type { AlertRates, CrashRow, FalseAlarmRow, FaultRow } from "../../drill/results.ts";
import { count, duration, plural, table } from "../text.ts";
import type { KillsResult } from "./kills.ts";
import type { RoundTripsResult } from "./round-trips.ts";

const time = (ms: number | undefined): string => (ms === undefined ? "–" : duration(ms));
const verdict = (row: { readonly ok: boolean }): string => (row.ok ? "holds" : "FAILS");

export const faultHead = [
  "fault",
  "detected in",
  "rolled back in",
  "hurt",
  "by the swap",
  "resumed in",
  "alerts",
  "ended",
  "verdict",
] as const;

export function faultCells(row: FaultRow): readonly string[] {
  return [
    row.name,
    time(row.detectedInMs),
    time(row.verifiedInMs),
    count(row.hurt),
    count(row.swapCaused),
    time(row.resumedInMs),
    row.expectedAlerts === 0 && row.alerts.length === 0
      ? "–"
      : `${count(row.expectedAlerts - row.missedAlerts.length)} of ${count(row.expectedAlerts)}`,
    row.ended,
    verdict(row),
  ];
}

export const crashHead = [
  "swap that",
  "dies at",
  "runs",
  "crashes",
  "divergences",
  "twice",
  "breaches",
  "slowest, same machine",
  "another machine",
  "verdict",
] as const;

export function crashCells(row: CrashRow): readonly string[] {
  return [
    row.swap,
    row.kind,
    count(row.runs),
    count(row.crashes),
    count(row.divergences),
    count(row.twice),
    count(row.breaches),
    duration(row.slowestHereMs),
    duration(row.slowestElsewhereMs),
    verdict(row),
  ];
}

export const falseAlarmHead = [
  "traffic",
  "profile",
  "swaps",
  "requests",
  "false rollbacks",
  "false alerts",
  "miscounted",
  "verdict",
] as const;

export function falseAlarmCells(row: FalseAlarmRow): readonly string[] {
  return [
    row.traffic,
    row.profile,
    count(row.swaps),
    count(row.requests),
    count(row.falseRollbacks),
    count(row.falseAlerts),
    count(row.miscounted),
    verdict(row),
  ];
}

export const roundTripHead = ["swap", "ended", "took", "requests", "failed", "by the swap"] as const;

export function roundTripCells(swap: RoundTripsResult["swaps"][number]): readonly string[] {
  return [
    swap.title,
    swap.end,
    duration(swap.durationMs),
    count(swap.sent),
    count(swap.failed),
    count(swap.swapCaused),
  ];
}

export const faultTable = (rows: readonly FaultRow[]): readonly string[] => table(faultHead, rows.map(faultCells));
export const crashTable = (rows: readonly CrashRow[]): readonly string[] => table(crashHead, rows.map(crashCells));
export const falseAlarmTable = (rows: readonly FalseAlarmRow[]): readonly string[] =>
  table(falseAlarmHead, rows.map(falseAlarmCells));

export function roundTripTable(result: RoundTripsResult): readonly string[] {
  return [...table(roundTripHead, result.swaps.map(roundTripCells)), ...roundTripLines(result)];
}

/** How well people were told, in sentences; none of what was not played. */
export function alertLines(rates: AlertRates): readonly string[] {
  const { expected, missed, falseNegativeRate, swaps, falseAlerts, falsePositiveRate } = rates;
  const share = (rate: number): string => `${(rate * 100).toFixed(2)} %`;
  return [
    ...(falseNegativeRate === undefined
      ? []
      : [
          `Alerts: ${count(expected)} expected, ${count(missed)} missed (false negatives ${share(falseNegativeRate)}).`,
        ]),
    ...(falsePositiveRate === undefined
      ? []
      : [
          `Alerts: ${count(falseAlerts)} of ${count(swaps)} equal swaps called people (false positives ${share(falsePositiveRate)}).`,
        ]),
  ];
}

/** The sums of the round trips, in sentences. */
export function roundTripLines({ requests, counts }: RoundTripsResult): readonly string[] {
  return [
    `${count(requests.sent)} requests, ${count(requests.long.sent)} of them long; ${count(requests.failed)} failed, ${count(requests.swapCaused)} because of a swap (95 % bound ${(requests.swapCausedBound * 100).toFixed(4)} %).`,
    ...counts.map(
      ({ side, router, load }) => `${side}: the router counted ${count(router)}, the load generator ${count(load)}.`,
    ),
  ];
}

export function killLines({ kills, swaps, slowestResumeMs, requests, missed }: KillsResult): readonly string[] {
  const ends = swaps.map(({ to, end }) => `the one to ${to} ${end}`).join(", ");
  return [
    `${count(kills.length)} processes killed in ${plural(swaps.length, "swap")}: ${ends}; the slowest to take over took ${duration(slowestResumeMs)}.`,
    ...(missed.length === 0 ? [] : [`Not killed at: ${missed.join(", ")}.`]),
    `${count(requests.sent)} requests, ${count(requests.failed)} failed, ${count(requests.swapCaused)} because of a swap.`,
  ];
}
