/**
 * Evidence that requests above a threshold fall on the candidate more often than its share explains: the error test on slow requests,
 * with two additions. One pause makes many requests slow at once, which are no independent draws: what one block of time may add is
 * capped, so that a single pause condemns nobody (a capped e-value is still one). And a side that was fast for an hour would
 * have to be slow for long to outweigh it: evidence that has sunk is given up and begun again, each time with a smaller part of the
 * risk; the parts add up to at most the whole.
 */
import { addError, createErrorEvidence, type ErrorEvidence, logEValue } from "./error-evidence.ts";

/** A pause of a few seconds is one block or two. */
const blockMs = 5_000;

/** Blocks that it takes at least to reach the limit. */
const blocksAtLeast = 3;

/** Log of the evidence below which it is begun again. */
const givenUpBelow = Math.log(1e-3);

/** Changed in place. */
export interface TailEvidence {
  readonly quantile: number;
  evidence: ErrorEvidence;
  /** Capped log evidence of the blocks that are over. */
  settled: number;
  /** Log e-value at the beginning of the present block. */
  blockStart: number;
  /** How often it was begun again. */
  number: number;
}

export function createTail(quantile: number): TailEvidence {
  return { quantile, evidence: createErrorEvidence(), settled: 0, blockStart: 0, number: 0 };
}

/** Adds one slow request. */
export function addToTail(tail: TailEvidence, onCandidate: boolean, share: number): void {
  addError(tail.evidence, onCandidate, share);
}

/** What the value has to reach: 1/2 + 1/6 + 1/12 + … = 1 of `alpha` for each new beginning. */
export function tailLimit({ number }: TailEvidence, alpha: number): number {
  return ((number + 1) * (number + 2)) / alpha;
}

export function tailValue(tail: TailEvidence, alpha: number): number {
  return Math.exp(logTail(tail, alpha));
}

function logTail(tail: TailEvidence, alpha: number): number {
  const cap = Math.log(tailLimit(tail, alpha)) / blocksAtLeast;
  return tail.settled + Math.min(cap, logEValue(tail.evidence) - tail.blockStart);
}

/** Ends the block that began at `since`, if it is time. */
export function tailBlockEnds(since: number, at: number, tails: readonly TailEvidence[], alpha: number): boolean {
  // A clock that was set back must not keep a block open.
  if (at >= since && at - since < blockMs) return false;
  for (const tail of tails) {
    tail.settled = logTail(tail, alpha / tails.length);
    tail.blockStart = logEValue(tail.evidence);
    if (tail.settled >= givenUpBelow) continue;
    tail.evidence = createErrorEvidence();
    tail.settled = 0;
    tail.blockStart = 0;
    tail.number += 1;
  }
  return true;
}
