/** From a month's requests to the instances that serve them. Pure. */

/** Hours of a month, as the vendors reckon. */
export const monthHours = 730;
export const monthSeconds = monthHours * 3_600;

/** Cloud Run bills the time of an instance in steps of so many ms. */
const billingStepMs = 100;

/** Requests that are served at once, on average over the month. */
export function inFlight(requests: number, durationMs: number): number {
  return (requests * durationMs) / 1_000 / monthSeconds;
}

/** As `inFlight`, with each duration rounded up to the step in which Cloud Run bills. */
export function billedInFlight(requests: number, durationMs: number): number {
  return inFlight(requests, Math.ceil(durationMs / billingStepMs) * billingStepMs);
}

/**
 * Instances that serve at least one request, on average over the month. Where requests are many, each instance takes
 * `concurrency` of them at once. Where they are few, none is there to share an instance with: requests that come by chance
 * leave nobody served for a share e^-L of the time (L: requests at once), and one instance is busy for the rest.
 */
export function busyInstances(atOnce: number, concurrency: number): number {
  return Math.max(1 - Math.exp(-atOnce), atOnce / concurrency);
}

export interface RunningInstances {
  /** On average over the month. */
  readonly instances: number;
  /** More were needed than `most`. */
  readonly capped: boolean;
}

/**
 * Instances that a platform keeps running: those that are busy, with room for the share of time in which they are not, never
 * fewer than `least` nor more than `most`.
 */
export function runningInstances(
  busy: number,
  idleShare: number,
  least: number,
  most: number = Number.POSITIVE_INFINITY,
): RunningInstances {
  const needed = Math.max(least, busy / (1 - idleShare));
  return { instances: Math.min(needed, most), capped: needed > most };
}
