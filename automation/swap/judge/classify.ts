/** One metric: is the experiment high, low or no different? NetflixACAJudge-v1.0 (shared research, hot swap 2.4). */
import { commonLanguageEffect, type EffectMeasure, meanRatio } from "./effect.ts";
import { handleMissing, type NanStrategy } from "./missing-values.ts";
import { withNoise } from "./noise.ts";
import { withoutOutliers } from "./outliers.ts";
import { estimateShift, type ShiftEstimate } from "./rank-sum.ts";

/** Nodata: missing, and that is allowed or fatal. NodataFailMetric: missing, and counts against the score. */
export type Classification = "Pass" | "High" | "Low" | "Nodata" | "NodataFailMetric" | "Error";

export interface MetricRule {
  readonly direction: "increase" | "decrease" | "either";
  /** A critical metric that does not pass makes the score 0. */
  readonly critical: boolean;
  readonly mustHaveData: boolean;
  readonly nanStrategy: NanStrategy;
  readonly outliers: "keep" | "remove";
  /** Interquartile ranges beyond the quartiles; Kayenta's default is 3. */
  readonly outlierFactor: number;
  readonly effectMeasure: EffectMeasure;
  /** Effect from which High counts; default 1 (mean-ratio) or 0.5 (cles), as are the three below. */
  readonly allowedIncrease?: number | undefined;
  /** Effect down to which Low counts. */
  readonly allowedDecrease?: number | undefined;
  /** Effect from which High of a critical metric is fatal. */
  readonly criticalIncrease?: number | undefined;
  readonly criticalDecrease?: number | undefined;
}

export interface MetricJudgement {
  readonly classification: Classification;
  /** Whether this metric alone makes the score 0. */
  readonly critical: boolean;
  /** Why, for people; of a Pass only where it says more than "no difference". */
  readonly reason: string | undefined;
  /** Mean of the experiment over mean of the control; 1 where nothing was compared, NaN where a mean is 0. */
  readonly ratio: number;
  /** The measured effect; undefined where nothing was compared, NaN where it cannot be computed. */
  readonly effect: number | undefined;
  /** undefined where nothing was compared. */
  readonly shift: ShiftEstimate | undefined;
  /** Points that were left to compare. */
  readonly points: { readonly experiment: number; readonly control: number };
}

/** The part of the estimated shift that the confidence interval must clear; fixed in Kayenta. */
const boundShare = 0.25;

/** `random` (from 0 to below 1) is asked only when both series are constant. */
export function classifyMetric(
  experimentValues: readonly number[],
  controlValues: readonly number[],
  rule: MetricRule,
  random: () => number,
): MetricJudgement {
  const prepare = (values: readonly number[]): readonly number[] => {
    const present = handleMissing(values, rule.nanStrategy);
    return rule.outliers === "remove" ? withoutOutliers(present, rule.outlierFactor) : present;
  };
  const experiment = prepare(experimentValues);
  const control = prepare(controlValues);
  const points = { experiment: experiment.length, control: control.length };
  const uncompared = { ratio: 1, effect: undefined, shift: undefined, points };
  const pass = (reason: string | undefined): MetricJudgement => ({
    classification: "Pass",
    critical: false,
    reason,
    ...uncompared,
  });

  if (experiment.length === 0 || control.length === 0) {
    if (rule.nanStrategy === "replace") return pass("no data, and missing data count as zero");
    const reason = `no data of the ${experiment.length === 0 ? "candidate" : "old side"}`;
    if (rule.mustHaveData && !rule.critical)
      return { classification: "NodataFailMetric", critical: false, reason, ...uncompared };
    return { classification: "Nodata", critical: rule.critical, reason, ...uncompared };
  }
  if (sameValues(experiment, control)) return pass("both sides have the same values");
  return compare(experiment, control, rule, random, points);
}

/** Values of both series in any order. One value throughout, on series of any lengths, is the same too. */
function sameValues(experiment: readonly number[], control: readonly number[]): boolean {
  if (new Set([...experiment, ...control]).size === 1) return true;
  if (experiment.length !== control.length) return false;
  const sorted = control.toSorted((a, b) => a - b);
  return experiment.toSorted((a, b) => a - b).every((value, index) => value === sorted[index]);
}

function compare(
  experimentValues: readonly number[],
  controlValues: readonly number[],
  rule: MetricRule,
  random: () => number,
  points: MetricJudgement["points"],
): MetricJudgement {
  const constant = new Set(experimentValues).size === 1 && new Set(controlValues).size === 1;
  const experiment = constant ? withNoise(experimentValues, random) : experimentValues;
  const control = constant ? withNoise(controlValues, random) : controlValues;
  const ratio = meanRatio(experiment, control);
  const effect = rule.effectMeasure === "cles" ? commonLanguageEffect(experiment, control) : ratio;
  const shift = estimateShift(experiment, control);
  if (shift === undefined) {
    const reason = `${points.experiment} against ${points.control} points cannot be compared by rank`;
    return { classification: "Error", critical: false, reason, ratio, effect, shift, points };
  }

  const standard = rule.effectMeasure === "cles" ? 0.5 : 1;
  const atLeast = (limit: number | undefined): boolean => Number.isNaN(effect) || effect >= (limit ?? standard);
  const atMost = (limit: number | undefined): boolean => Number.isNaN(effect) || effect <= (limit ?? standard);
  const bound = boundShare * Math.abs(shift.estimate);
  const compared = { ratio, effect, shift, points };
  if (rule.direction !== "decrease" && shift.lower > bound && atLeast(rule.allowedIncrease)) {
    const critical = rule.critical && atLeast(rule.criticalIncrease);
    return { classification: "High", critical, reason: "higher than on the old side", ...compared };
  }
  if (rule.direction !== "increase" && shift.upper < -bound && atMost(rule.allowedDecrease)) {
    const critical = rule.critical && atMost(rule.criticalDecrease);
    return { classification: "Low", critical, reason: "lower than on the old side", ...compared };
  }
  return { classification: "Pass", critical: false, reason: undefined, ...compared };
}
