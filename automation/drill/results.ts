/** What campaigns found, as plain data: printed as tables and JSON, and drawn in the report. */

/** What a row is judged by; empty problems: it holds. */
interface Judged {
  readonly ok: boolean;
  /** In sentences; empty when it is ok. */
  readonly problems: readonly string[];
}

/** One fault, and what the swap did about it. Times in virtual ms. */
export interface FaultRow extends Judged {
  readonly name: string;
  readonly title: string;
  readonly expected: string;
  /** How the swap ended, and why. */
  readonly ended: string;
  readonly reason?: string | undefined;
  /** Reasons for which it paused, or codes with which its process ended, in order. */
  readonly stops: readonly string[];
  /** From the first request that the fault touched (or its declaration, where it touches none) to the decision. */
  readonly detectedInMs?: number | undefined;
  /** User requests in that time. */
  readonly detectedAfterRequests?: number | undefined;
  /** From the decision to the balancer's acceptance, and until the data plane was seen to follow. */
  readonly acceptedInMs?: number | undefined;
  readonly verifiedInMs?: number | undefined;
  readonly requests: number;
  /** Requests that failed by the fault, and that it made slow. */
  readonly hurt: number;
  readonly slowed: number;
  /** Failures that the declared fault does not explain. Must be 0. */
  readonly swapCaused: number;
  /** From the start of the process that took over, or a person's word, to its first act. */
  readonly resumedInMs?: number | undefined;
  /** Codes that people were told of, in order; what they had to be told and were not; how many they had to be told. */
  readonly alerts: readonly string[];
  readonly missedAlerts: readonly string[];
  readonly expectedAlerts: number;
}

/** Crashes of one kind of swap. */
export interface CrashRow extends Judged {
  readonly swap: string;
  readonly kind: "every point" | "stopped at every point" | "at random";
  /** Places where a process may die in a run without crashes. */
  readonly points: number;
  readonly runs: number;
  readonly crashes: number;
  /** Runs that ended otherwise than the one without a crash. */
  readonly divergences: number;
  /** Effects that were carried out twice. */
  readonly twice: number;
  /** Invariants that did not hold. */
  readonly breaches: number;
  readonly swapCaused: number;
  /** Slowest takeover on the same machine, and on another one, which has to wait for the lease. Virtual ms. */
  readonly slowestHereMs: number;
  readonly slowestElsewhereMs: number;
}

/** Swaps of two equal sides. */
export interface FalseAlarmRow extends Judged {
  readonly profile: string;
  readonly traffic: string;
  readonly swaps: number;
  readonly requests: number;
  readonly falseRollbacks: number;
  /** How many by which reason. */
  readonly byReason: Readonly<Record<string, number>>;
  /** Steps that did not get their evidence in time. */
  readonly inconclusive: number;
  /** Sides of swaps whose count in the gates was not the load generator's. */
  readonly miscounted: number;
  /** Swaps that called somebody: an alert that is more than information. */
  readonly falseAlerts: number;
}

/** How well people are told: faults that nobody heard of, and equal sides that called somebody. */
export interface AlertRates {
  readonly expected: number;
  readonly missed: number;
  /** 0-1; undefined where no fault was played. */
  readonly falseNegativeRate: number | undefined;
  readonly swaps: number;
  readonly falseAlerts: number;
  /** 0-1; undefined where no equal sides were played. */
  readonly falsePositiveRate: number | undefined;
}

export interface Campaign<Row> {
  readonly name: "faults" | "crashes" | "false-alarms";
  readonly seed: number;
  readonly rows: readonly Row[];
  readonly ok: boolean;
  /** Real time, ms. */
  readonly tookMs: number;
}

export function campaign<Row extends Judged>(
  name: Campaign<Row>["name"],
  seed: number,
  rows: readonly Row[],
  tookMs: number,
): Campaign<Row> {
  return { name, seed, rows, ok: rows.every((row) => row.ok), tookMs };
}
