/**
 * What a fleet's traffic looks like to the judge, minute by minute: the noise that its power and its false alarms are measured on
 * (docs/adr/0033-the-judge-of-an-upgrade.md). Chance is passed in. Pure.
 *
 * - Requests: Poisson around a rate with a daily and a weekly season and a slow wander (autoregressive, by minute).
 * - Latency: a lognormal body whose upper 5 % are a Pareto tail, all scaled by load's daily season, by the fleet's wander, which all clusters share,
 *   and by the cluster's own. A minute's quantile is an order statistic of that minute's requests, drawn exactly.
 * - Errors: binomial with a share that has a season and a wander of its own, so that there are more bad minutes than chance gives.
 */
export type Random = () => number;

export interface NoiseModel {
  /** Requests per second at the mean of the day. */
  readonly requestsPerSecond: number;
  /** Amplitudes of the daily season, share of the mean: of requests, of latency, of the share of errors. */
  readonly dailyRequests: number;
  readonly dailyLatency: number;
  readonly dailyErrors: number;
  /** By how much weekends have fewer requests. */
  readonly weekend: number;
  /** Standard deviations of the logarithms of the wanders, and what is left of them after a minute. */
  readonly requestsWander: number;
  readonly latencyWander: number;
  readonly errorWander: number;
  readonly fleetWander: number;
  readonly persistence: number;
  /** Latency of half the requests, ms; spread of the body (of its logarithm) and index of the tail. */
  readonly medianMs: number;
  readonly spread: number;
  readonly tailIndex: number;
  /** Share of 5xx without an upgrade. */
  readonly errorShare: number;
  /** How far a cluster's season may be off the fleet's: hours. */
  readonly phaseHours: number;
}

export const documentedNoise: NoiseModel = {
  requestsPerSecond: 100,
  dailyRequests: 0.4,
  dailyLatency: 0.1,
  dailyErrors: 0.3,
  weekend: 0.3,
  requestsWander: 0.05,
  latencyWander: 0.015,
  errorWander: 0.3,
  fleetWander: 0.02,
  persistence: 0.8,
  medianMs: 20,
  spread: 0.6,
  tailIndex: 2.5,
  errorShare: 0.0005,
  phaseHours: 1,
};

/** Where the tail begins. */
const tailFrom = 0.95;
const minuteMs = 60_000;
const dayMs = 86_400_000;

/** A seeded source of chance (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Marsaglia and Tsang, for shapes of 1 and more. */
function gamma(random: Random, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = normal(random);
    const v = (1 + c * z) ** 3;
    if (v > 0 && Math.log(1 - random()) < (z * z) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Exact for small means; above 500 the normal one, whose error is far below the wander's. */
export function poisson(random: Random, mean: number): number {
  if (mean > 500) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  if (mean > 30) {
    // A gamma waiting time takes most of it off (Ahrens and Dieter).
    const events = Math.floor(mean * 0.875);
    const waited = gamma(random, events);
    return waited > mean ? binomial(random, events - 1, mean / waited) : events + poisson(random, mean - waited);
  }
  let count = 0;
  for (let product = 1 - random(), limit = Math.exp(-mean); product > limit; product *= 1 - random()) count += 1;
  return count;
}

function binomial(random: Random, trials: number, chance: number): number {
  let count = 0;
  for (let trial = 0; trial < trials; trial += 1) if (random() < chance) count += 1;
  return count;
}

/** Quantile of the standard normal (Acklam; error below 1.2e-9 of it, the body only). */
function normalQuantile(p: number): number {
  const low = 0.02425;
  if (p < low || p > 1 - low) {
    const q = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)));
    const top =
      ((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q +
        4.374664141464968) *
        q +
      2.938163982698783;
    const bottom =
      (((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1;
    return p < low ? top / bottom : -top / bottom;
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  );
}

/** Latency of the request at this quantile, ms. */
export function latencyAt({ medianMs, spread, tailIndex }: NoiseModel, quantile: number): number {
  const body = medianMs * Math.exp(spread * normalQuantile(Math.min(quantile, tailFrom)));
  return quantile <= tailFrom ? body : body * ((1 - quantile) / (1 - tailFrom)) ** (-1 / tailIndex);
}

/** The k-th smallest of n draws. */
function orderStatistic(random: Random, n: number, quantile: number): number {
  const k = Math.min(n, Math.max(1, Math.ceil(quantile * n)));
  const below = gamma(random, k);
  return below / (below + gamma(random, n + 1 - k));
}

export interface Minute {
  readonly requests: number;
  readonly errors: number;
  /** Missing in a minute without requests. */
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** What an upgrade does from some minute on. */
export interface Injection {
  /** 1.2 makes every request 20 % slower. */
  readonly latencyFactor: number;
  /** 1.2 makes the slowest of a hundred 20 % slower, and leaves p95 as it is. */
  readonly tailFactor: number;
  /** Added to the share of errors. */
  readonly errors: number;
  /** 0.5 loses half of the requests. */
  readonly requestsFactor: number;
}

export const noInjection: Injection = { latencyFactor: 1, tailFactor: 1, errors: 0, requestsFactor: 1 };

/** The wander that all clusters share, minute by minute. */
export function fleetWander(
  random: Random,
  minutes: number,
  { fleetWander: deviation, persistence }: NoiseModel,
): readonly number[] {
  const step = wanderer(random, deviation, persistence);
  return Array.from({ length: minutes }, () => step());
}

function wanderer(random: Random, deviation: number, persistence: number): () => number {
  let value = deviation * normal(random);
  return () => {
    value = persistence * value + deviation * Math.sqrt(1 - persistence ** 2) * normal(random);
    return value;
  };
}

/** A cluster from `fromMs` on, one minute for each of the fleet's. */
export function clusterMinutes(
  random: Random,
  model: NoiseModel,
  fromMs: number,
  fleet: readonly number[],
  phaseHours: number,
  injection: (minute: number) => Injection,
): readonly Minute[] {
  const requestsWander = wanderer(random, model.requestsWander, model.persistence);
  const latencyWander = wanderer(random, model.latencyWander, model.persistence);
  const errorWander = wanderer(random, model.errorWander, model.persistence);
  return fleet.map((shared, index) => {
    const at = fromMs + index * minuteMs;
    const { latencyFactor, tailFactor, errors: added, requestsFactor } = injection(index);
    const season = Math.sin((2 * Math.PI * (at + phaseHours * 3_600_000)) / dayMs);
    const weekend = [6, 0].includes(new Date(at).getUTCDay()) ? 1 - model.weekend : 1;
    const rate =
      model.requestsPerSecond * 60 * weekend * (1 + model.dailyRequests * season) * Math.exp(requestsWander());
    const requests = poisson(random, rate * requestsFactor);
    const share = model.errorShare * (1 + model.dailyErrors * season) * Math.exp(errorWander()) + added;
    const errors = Math.min(requests, poisson(random, requests * share));
    const scale = (1 + model.dailyLatency * season) * Math.exp(shared + latencyWander()) * latencyFactor;
    const quantile = (q: number): number | undefined =>
      requests === 0 ? undefined : latencyAt(model, orderStatistic(random, requests, q)) * scale;
    const p99 = quantile(0.99);
    return { requests, errors, p95Ms: quantile(0.95), p99Ms: p99 === undefined ? undefined : p99 * tailFactor };
  });
}
