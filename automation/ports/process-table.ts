/** Who a process is: a pid alone is reused, a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for one process's whole life. */
  readonly startTime: string;
  readonly host: string;
}

export interface ProcessTable {
  self(): Promise<ProcessIdentity>;
  /** Whether that very process still runs. "unknown" for another host's. */
  isAlive(process: ProcessIdentity): Promise<boolean | "unknown">;
}
