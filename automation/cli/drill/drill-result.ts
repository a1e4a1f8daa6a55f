import type { AlertRates, Campaign, CrashRow, FalseAlarmRow, FaultRow } from "../../drill/results.ts";
import type { KillsResult } from "./kills.ts";
import type { RoundTripsResult } from "./round-trips.ts";

export interface DrillResult {
  readonly startedAt: string;
  readonly seed: number;
  readonly faults?: Campaign<FaultRow>;
  readonly crashes?: Campaign<CrashRow>;
  readonly falseAlarms?: Campaign<FalseAlarmRow>;
  readonly kills?: KillsResult;
  readonly roundTrips?: RoundTripsResult;
  /** How well people were told; absent where neither faults nor equal sides were played. */
  readonly alerts?: AlertRates;
  /** Everything that was found, in sentences; empty when the engine did what it has to. */
  readonly problems: readonly string[];
  readonly report: string;
}
