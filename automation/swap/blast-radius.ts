/**
 * How soon the stop gate finds a bad candidate, and how many requests fail until it is out of the traffic. Estimates, so that
 * a step can be judged before it is taken. Pure.
 */
import { riskRatios } from "./gates/error-evidence.ts";
import type { SwapSettings } from "./settings.ts";

/** What decides how soon the stop gate sees errors. */
export interface Detection {
  /** The candidate's share of the requests, percent, in (0, 100]. */
  readonly sharePercent: number;
  /** Share of the candidate's requests that fail, in (0, 1]. */
  readonly errorRate: number;
}

type GateRisks = Pick<SwapSettings, "rollbackThreshold" | "ramp"> & {
  readonly gates: Pick<SwapSettings["gates"], "errorAlpha" | "floorAlpha" | "baseErrorRate">;
};

/** A margin for the ceiling test's own mixture: it is begun again and again, and weighs several shares. */
const ceilingMixture = 20;

/**
 * Requests on both sides until the stop gate is expected to decide; undefined where it never does. By formula: the evidence
 * that is needed, ln(ratios / alpha), by what an average request adds to it (its chance to be an error times the
 * Kullback-Leibler distance of "which side?" from the share). It lies between the median and the 95th percentile of the
 * simulated runs of shared research, hot swap 2.5. The ceiling test is taken where it is sooner; gateway errors in a row
 * may be sooner still and are not counted on.
 */
export function requestsToDetect(detection: Detection, settings: GateRisks): number | undefined {
  const found = [byComparison(detection, settings), byCeiling(detection, settings)].filter(
    (requests) => requests !== undefined,
  );
  return found.length === 0 ? undefined : Math.max(1, Math.ceil(Math.min(...found)));
}

/** The sequential test of errors against the old side. With all requests on the candidate there is nothing to compare. */
function byComparison({ sharePercent, errorRate }: Detection, { gates }: GateRisks): number | undefined {
  const share = sharePercent / 100;
  const base = gates.baseErrorRate;
  if (share >= 1 || errorRate <= base) return undefined;
  const perRequest = share * errorRate + (1 - share) * base;
  const onCandidate = (share * errorRate) / perRequest;
  return Math.log(riskRatios.length / gates.errorAlpha) / (perRequest * distance(onCandidate, share));
}

/** The test of the candidate's own share of failures against rollback_threshold. */
function byCeiling({ sharePercent, errorRate }: Detection, settings: GateRisks): number | undefined {
  const { rollbackThreshold: ceiling, ramp, gates } = settings;
  if (ceiling >= 1 || errorRate <= ceiling) return undefined;
  const needed = Math.log((ramp.length * ceilingMixture) / gates.floorAlpha);
  return needed / distance(errorRate, ceiling) / (sharePercent / 100);
}

/** Kullback-Leibler distance of two coins, nats. */
function distance(p: number, q: number): number {
  const term = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
  return term(p, q) + term(1 - p, 1 - q);
}

/** Requests that fail until a bad candidate is out of the traffic (shared research, hot swap 5). */
export function blastRadius(inputs: {
  readonly requestsPerSecond: number;
  readonly sharePercent: number;
  readonly errorRate: number;
  readonly detectMs: number;
  readonly propagationMs: number;
}): number {
  const { requestsPerSecond, sharePercent, errorRate, detectMs, propagationMs } = inputs;
  return requestsPerSecond * (sharePercent / 100) * errorRate * ((detectMs + propagationMs) / 1_000);
}
