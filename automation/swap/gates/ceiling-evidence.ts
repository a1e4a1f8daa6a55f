/**
 * Evidence that the candidate's share of bad requests (failed ones, slow ones) is above a ceiling, anytime-valid: a likelihood
 * ratio against the ceiling, averaged over larger shares and over the request at which the trouble may have begun. A new start is
 * considered every `startEvery` requests, each with a smaller weight; the weights add up to at most one, so that a candidate at or
 * below the ceiling reaches 1/alpha at any time with probability at most alpha. A candidate that was good for an hour and
 * then breaks is found almost as fast as one that was bad from the start. Needed where the comparison with the old side
 * says nothing: at 100 %.
 */

/** Alternatives between the ceiling and one, as shares of the way. */
const ways = [0.05, 0.1, 0.2, 0.4, 0.7, 0.98] as const;

/** Requests between two considered beginnings. */
export const startEvery = 50;

/** A beginning whose evidence has sunk this low is given up; leaving it out only lowers the sum. */
const givenUpBelow = 1e-4;

/** So many at most; the least of them is given up for a new one. */
const beginningsAtMost = 32;

interface Beginning {
  /** It began after number x startEvery requests. */
  readonly number: number;
  /** Bad requests since. The good ones are the rest: whole numbers keep exactly, and a good request costs nothing. */
  bad: number;
}

/** Changed in place by `addToCeiling`. */
export interface CeilingEvidence {
  /** Requests of the candidate so far. */
  requests: number;
  beginnings: Beginning[];
  /** Logarithms of what a bad and a good request add, per alternative. Derived from the ceiling. */
  rates: { readonly ceiling: number; readonly bad: readonly number[]; readonly good: readonly number[] } | undefined;
}

export function createCeilingEvidence(): CeilingEvidence {
  return { requests: 0, beginnings: [], rates: undefined };
}

export function clearCeilingEvidence(evidence: CeilingEvidence): void {
  evidence.requests = 0;
  evidence.beginnings = [];
}

/** Adds one finished request of the candidate. A ceiling of 1 can never be passed. */
export function addToCeiling(evidence: CeilingEvidence, bad: boolean, ceiling: number): void {
  if (ceiling >= 1) return;
  if (evidence.rates?.ceiling !== ceiling) evidence.rates = ratesOf(ceiling);
  if (evidence.requests % startEvery === 0) begin(evidence);
  evidence.requests += 1;
  if (bad) for (const beginning of evidence.beginnings) beginning.bad += 1;
}

function begin(evidence: CeilingEvidence): void {
  const kept = evidence.beginnings.filter((beginning) => meanRatio(evidence, beginning) >= givenUpBelow);
  if (kept.length >= beginningsAtMost) {
    const values = kept.map((beginning) => weightOf(beginning) * meanRatio(evidence, beginning));
    kept.splice(values.indexOf(Math.min(...values)), 1);
  }
  kept.push({ number: evidence.requests / startEvery, bad: 0 });
  evidence.beginnings = kept;
}

/** How many times likelier a share above the ceiling is. Only a bad request can raise it beyond the weight of a new beginning. */
export function ceilingValue(evidence: CeilingEvidence): number {
  let sum = 0;
  for (const beginning of evidence.beginnings) sum += weightOf(beginning) * meanRatio(evidence, beginning);
  return sum;
}

/** 1/2 + 1/6 + 1/12 + … = 1 */
function weightOf({ number }: Beginning): number {
  return 1 / ((number + 1) * (number + 2));
}

function meanRatio({ requests, rates }: CeilingEvidence, { number, bad }: Beginning): number {
  if (rates === undefined) return 1;
  const good = requests - number * startEvery - bad;
  let sum = 0;
  for (let index = 0; index < ways.length; index += 1)
    sum += Math.exp(bad * (rates.bad[index] ?? 0) + good * (rates.good[index] ?? 0));
  return sum / ways.length;
}

function ratesOf(ceiling: number): NonNullable<CeilingEvidence["rates"]> {
  const alternatives = ways.map((way) => ceiling + (1 - ceiling) * way);
  return {
    ceiling,
    bad: alternatives.map((alternative) => Math.log(alternative / ceiling)),
    good: alternatives.map((alternative) => Math.log((1 - alternative) / (1 - ceiling))),
  };
}
