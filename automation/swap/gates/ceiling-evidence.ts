/**
 * Evidence that the candidate's share of failed requests is above a ceiling, anytime-valid: a likelihood ratio against the
 * ceiling, averaged over larger shares and over the request at which the trouble may have begun. A new start is
 * considered every `startEvery` requests, each with a smaller weight; the weights add up to at most one, so that a candidate at or
 * below the ceiling reaches 1/alpha at any time with probability at most alpha. A candidate that was good for an hour and
 * then breaks is found almost as fast as one that was bad from the start. Needed where the comparison with the old side
 * says nothing: at 100 %.
 */

/** Alternatives between the ceiling and one, as shares of the way. */
const ways = [0.05, 0.1, 0.2, 0.4, 0.7, 0.98] as const;

/** Requests between two considered beginnings. */
const startEvery = 50;

/** A beginning whose evidence has sunk this low is given up; leaving it out only lowers the sum. */
const givenUpBelow = 1e-4;

interface Beginning {
  readonly weight: number;
  /** One likelihood ratio per alternative. */
  readonly ratios: readonly number[];
}

export interface CeilingEvidence {
  /** Requests of the candidate so far. */
  readonly requests: number;
  readonly beginnings: readonly Beginning[];
}

export const noCeilingEvidence: CeilingEvidence = Object.freeze({ requests: 0, beginnings: [] });

/** Adds one finished request of the candidate. A ceiling of 1 can never be passed. */
export function addToCeiling(evidence: CeilingEvidence, failed: boolean, ceiling: number): CeilingEvidence {
  if (ceiling >= 1) return evidence;
  const number = evidence.requests / startEvery;
  const before = Number.isInteger(number)
    ? // 1/2 + 1/6 + 1/12 + … = 1
      [...evidence.beginnings, { weight: 1 / ((number + 1) * (number + 2)), ratios: ways.map(() => 1) }]
    : evidence.beginnings;
  const beginnings = before
    .map(({ weight, ratios }) => ({
      weight,
      ratios: ratios.map((ratio, index) => {
        const alternative = ceiling + (1 - ceiling) * (ways[index] ?? 0);
        return ratio * (failed ? alternative / ceiling : (1 - alternative) / (1 - ceiling));
      }),
    }))
    .filter(({ ratios }) => mean(ratios) >= givenUpBelow);
  return { requests: evidence.requests + 1, beginnings };
}

/** How many times likelier a share above the ceiling is. */
export function ceilingValue(evidence: CeilingEvidence): number {
  return evidence.beginnings.reduce((sum, { weight, ratios }) => sum + weight * mean(ratios), 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
