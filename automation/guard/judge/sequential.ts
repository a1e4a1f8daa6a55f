/**
 * By how much a series has risen against its baseline, with bounds that hold at every minute at once: a test that may look as often as it
 * likes and stop when it knows. Pure.
 *
 * The mean of n minutes of soak minus the mean of m minutes of baseline has the variance v = s2 (1/n + 1/m), where s2 is the long-run
 * variance. As n grows, the difference divided by v is a Brownian motion in the information 1/v, whose normal mixture gives a bound
 * that is crossed at any time with probability at most alpha (Robbins 1970; Howard et al. 2021).
 */
import { longRunVariance } from "./long-run.ts";
import { countOf, meanOf, type Series } from "./series.ts";

/** Minutes of soak at which the bounds are tightest. */
const tightestAt = 60;

/** Chance that a bound of one side is ever wrong, over all signals and services of a cluster. */
export const riskOfError = 0.01;

/** Fewer minutes of soak than that are an anecdote. */
export const leastMinutes = 5;

export interface Rise {
  /** Estimate and bounds, in the unit of the series. */
  readonly rise: number;
  readonly lower: number;
  readonly upper: number;
  readonly samples: { readonly before: number; readonly now: number };
}

export interface RiseOptions {
  /** Chance that the lower bound is ever above the truth: part of `riskOfError`. */
  readonly risk: number;
  /** Likewise of the upper bound; default `risk`. */
  readonly upperRisk?: number;
  /** The long-run variance is at least that. Default 0. */
  readonly leastVariance?: number;
  /** What the noise is multiplied with where a higher level makes more of it. Default 1. */
  readonly noiseFactor?: number;
}

/** Undefined when there is too little to say anything: fewer than 30 minutes of baseline or 5 of soak. */
export function riseOf(before: Series, now: Series, options: RiseOptions): Rise | undefined {
  const { risk, upperRisk = risk, leastVariance = 0, noiseFactor = 1 } = options;
  const samples = { before: countOf(before), now: countOf(now) };
  const [meanBefore, meanNow] = [meanOf(before), meanOf(now)];
  const noise = longRunVariance([before]);
  const noiseOfBoth = longRunVariance([before, now]);
  if (meanBefore === undefined || meanNow === undefined || noise === undefined || noiseOfBoth === undefined)
    return undefined;
  if (samples.now < leastMinutes) return undefined;
  const variance = Math.max(Math.max(noise, noiseOfBoth) * noiseFactor, leastVariance, Number.MIN_VALUE);
  const width = (chance: number): number => widthOf(variance, samples.before, samples.now, chance);
  const rise = meanNow - meanBefore;
  return { rise, lower: rise - width(risk), upper: rise + width(upperRisk), samples };
}

function widthOf(variance: number, before: number, now: number, risk: number): number {
  const information = (minutes: number): number => 1 / (1 / minutes + 1 / before);
  // In units of the variance, so that a series without noise does not divide by it.
  const here = information(now);
  const log = Math.log(1 / risk);
  // Tightest where information times this is `tightestAt`'s (Howard et al., eq. 3.7, one side).
  const rho = information(tightestAt) / (2 * log + Math.log(1 + 2 * log));
  const bound = Math.sqrt((here + rho) * (2 * log + Math.log((here + rho) / rho)));
  return (Math.sqrt(variance) * bound) / here;
}
