/** Time, passed in so that what waits can be tested without waiting. */
export interface Clock {
  /**
   * ms since the epoch as it was when the process started, plus what a monotonic clock measured since: durations are right
   * though somebody sets the system's clock.
   */
  now(): number;
  /** ms since the epoch by the system's clock, for calendars. */
  wall(): number;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
