/**
 * Whether the old side is in trouble itself, so that it is no measure for the candidate: what hurts both sides at the same time is
 * not the candidate's fault.
 */

/** Requests that "just now" means. */
const lastRequests = 20;
const mask = 2 ** lastRequests - 1;

/** Requests from which the share of a whole step says something, of either side. */
export const comparableFrom = 20;

/** Changed in place by `addToTrouble`. */
export interface Trouble {
  seen: number;
  bad: number;
  /** One bit for each of the last requests, 1 for a bad one; the last one is the lowest. */
  lastBits: number;
  /** The ones among them. */
  lastBad: number;
}

export function createTrouble(): Trouble {
  return { seen: 0, bad: 0, lastBits: 0, lastBad: 0 };
}

export function addToTrouble(trouble: Trouble, bad: boolean): void {
  const bit = bad ? 1 : 0;
  trouble.seen += 1;
  trouble.bad += bit;
  trouble.lastBad += bit - ((trouble.lastBits >>> (lastRequests - 1)) & 1);
  trouble.lastBits = ((trouble.lastBits << 1) | bit) & mask;
}

/** Whether the last request was bad. */
export function justFailed(trouble: Trouble): boolean {
  return (trouble.lastBits & 1) === 1;
}

/**
 * Whether the share of bad requests is above `ceiling` (0-1): in the step so far, or in its last 20 requests, of which one alone is
 * chance.
 */
export function isTroubled({ seen, bad, lastBad }: Trouble, ceiling: number): boolean {
  return (seen >= comparableFrom && bad > ceiling * seen) || lastBad > Math.max(1, ceiling * lastRequests);
}
