/** Who a process is: a pid alone is reused, a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for one process's whole life. */
  readonly startTime: string;
  readonly host: string;
}

export interface ProcessTable {
  self(): Promise<ProcessIdentity>;
  /** Whether that very process still runs. "unknown" where that cannot be seen: on another machine, also one of the same name, and in another container. */
  isAlive(process: ProcessIdentity): Promise<boolean | "unknown">;
}
