/** Time, passed in so that what waits can be tested without waiting. */
export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
