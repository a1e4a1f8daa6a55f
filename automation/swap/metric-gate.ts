/** Asks metrics from outside for both sides in the same window, and judges them (shared research, hot swap 2.1 and 2.4). */
import { SwitchyardError } from "../errors.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import type { Verdict } from "./gates/verdict.ts";
import { type Classification, classifyMetric, type MetricJudgement } from "./judge/classify.ts";
import { canShowShift } from "./judge/rank-sum.ts";
import { type Score, scoreMetrics } from "./judge/score.ts";
import { groupWeights, type MetricCheck, type MetricChecks, mostPoints } from "./metric-checks.ts";

/** Below, Kayenta warns that the score means little. */
const fewPoints = 50;
/** Checks that are asked for at the same time, two series each: a metrics server is shared with people. */
const checksAtOnce = 4;

export interface MeasureContext {
  /** Platforms. */
  readonly candidate: string;
  readonly old: string;
  readonly environment: string;
  /** Since when the sides can be compared: the step's weight was accepted. ms since the epoch. */
  readonly fromMs: number;
  /** Now. */
  readonly toMs: number;
  /** From 0 to below 1; asked only to tell two constant series apart. */
  readonly random: () => number;
}

export interface MetricWindow {
  /** ms since the epoch, from inclusive to exclusive, both on the grid of the step. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** One metric of a measurement. Numbers that cannot be computed are absent. */
export interface MeasuredMetric {
  readonly name: string;
  readonly source: string;
  readonly group: string;
  readonly muted: boolean;
  readonly classification: Classification | "Unreadable";
  /** Whether it alone fails the measurement. */
  readonly critical: boolean;
  /** Too few points for any difference to be significant, whatever the judge says of them. */
  readonly thin: boolean;
  readonly reason?: string;
  /** Points that were compared. */
  readonly candidatePoints: number;
  readonly oldPoints: number;
  /** Mean of the candidate over mean of the old side. */
  readonly ratio?: number;
  readonly effect?: number;
  /** The candidate's shift against the old side, in the metric's unit, with its bounds at a confidence of 0.98. */
  readonly shift?: number;
  readonly lower?: number;
  readonly upper?: number;
}

export interface Measurement {
  readonly verdict: Verdict;
  readonly evidence: Readonly<Record<string, number | string | boolean>>;
  readonly metrics: readonly MeasuredMetric[];
}

/** When the next measurement is due, ms since the epoch; undefined when there is nothing to measure. Pure. */
export function nextMeasurementAt(
  checks: MetricChecks,
  state: {
    /** As `fromMs` of the context. */
    readonly since: number;
    /** The last measurement; one from before `since` belongs to another step. */
    readonly measuredAt: number | undefined;
    readonly lastVerdict: Verdict | undefined;
  },
): number | undefined {
  if (checks.checks.length === 0) return undefined;
  const first = state.since + (checks.warm_up + checks.delay + checks.interval) * 1_000;
  if (state.measuredAt === undefined || state.measuredAt < state.since) return first;
  const pause = state.lastVerdict === "error" ? checks.error_retry : checks.interval;
  return state.measuredAt + pause * 1_000;
}

/** The window that is asked for at a time; undefined when no whole step has passed yet. Pure. */
export function measurementWindow(checks: MetricChecks, sinceMs: number, nowMs: number): MetricWindow | undefined {
  const stepMs = checks.step * 1_000;
  const toMs = Math.floor((nowMs - checks.delay * 1_000) / stepMs) * stepMs;
  const begin = Math.ceil((sinceMs + checks.warm_up * 1_000) / stepMs) * stepMs;
  const longest =
    Math.min(mostPoints, Math.floor((checks.lookback ?? Number.POSITIVE_INFINITY) / checks.step)) * stepMs;
  const fromMs = Math.max(begin, toMs - longest);
  return toMs > fromMs ? { fromMs, toMs, stepMs } : undefined;
}

/**
 * A source that cannot be read makes the verdict error, and never failed; too few points or silence make it inconclusive.
 * Rejects only when aborted, or for a fault of our own.
 */
export async function measure(
  checks: MetricChecks,
  sources: Readonly<Record<string, MetricSource>>,
  context: MeasureContext,
  signal?: AbortSignal,
): Promise<Measurement> {
  const window = measurementWindow(checks, context.fromMs, context.toMs);
  if (window === undefined)
    return { verdict: "inconclusive", evidence: { reason: "no whole step of time has passed yet" }, metrics: [] };
  const read: SeriesPair[] = [];
  for (let first = 0; first < checks.checks.length; first += checksAtOnce) {
    const batch = checks.checks.slice(first, first + checksAtOnce);
    read.push(...(await Promise.all(batch.map((check) => readBothSides(check, sources, context, window, signal)))));
  }
  // Judged only when all have arrived: the random numbers then do not depend on who answered first.
  const metrics = checks.checks.flatMap((check, index) => {
    const pair = read[index];
    return pair === undefined ? [] : [judgeOne(check, pair, context.random)];
  });
  return conclude(checks, window, metrics);
}

/** The query with its placeholders filled in. Names of platforms and environments need no quoting in any language. */
export function queryFor(check: MetricCheck, platform: string, environment: string): string {
  return check.query.replaceAll("{platform}", platform).replaceAll("{environment}", environment);
}

type SeriesPair =
  | { readonly candidate: readonly number[]; readonly old: readonly number[] }
  | { readonly unreadable: string };

async function readBothSides(
  check: MetricCheck,
  sources: Readonly<Record<string, MetricSource>>,
  context: MeasureContext,
  window: MetricWindow,
  signal: AbortSignal | undefined,
): Promise<SeriesPair> {
  const source = sources[check.source];
  if (source === undefined) return { unreadable: `no source of metrics ${check.source} is set up` };
  const ask = (platform: string): Promise<readonly number[]> =>
    source.query({ query: queryFor(check, platform, context.environment), ...window }, signal);
  try {
    const [candidate, old] = await Promise.all([ask(context.candidate), ask(context.old)]);
    return { candidate, old };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof SwitchyardError)) throw error;
    return { unreadable: error.message };
  }
}

function judgeOne(check: MetricCheck, pair: SeriesPair, random: () => number): MeasuredMetric {
  const { name, source, group, muted } = check;
  const common = { name, source, group, muted };
  if ("unreadable" in pair) {
    const unread = { classification: "Unreadable", critical: false, thin: false } as const;
    return { ...common, ...unread, reason: pair.unreadable, candidatePoints: 0, oldPoints: 0 };
  }
  const rule = {
    direction: check.direction,
    critical: check.critical,
    mustHaveData: check.must_have_data,
    nanStrategy: check.nan_strategy,
    outliers: check.outliers,
    outlierFactor: check.outlier_factor,
    effectMeasure: check.effect_size,
    allowedIncrease: check.allowed_increase,
    allowedDecrease: check.allowed_decrease,
    criticalIncrease: check.critical_increase,
    criticalDecrease: check.critical_decrease,
  };
  return { ...common, ...describeJudgement(classifyMetric(pair.candidate, pair.old, rule, random)) };
}

function describeJudgement(judged: MetricJudgement): Omit<MeasuredMetric, "name" | "source" | "group" | "muted"> {
  const { experiment, control } = judged.points;
  return {
    classification: judged.classification,
    critical: judged.critical,
    thin: experiment > 0 && control > 0 && !canShowShift(experiment, control),
    ...(judged.reason === undefined ? {} : { reason: judged.reason }),
    candidatePoints: experiment,
    oldPoints: control,
    ...finite({
      ratio: judged.ratio,
      effect: judged.effect,
      shift: judged.shift?.estimate,
      lower: judged.shift?.lower,
      upper: judged.shift?.upper,
    }),
  };
}

/** Without what is absent or not finite: JSON has no NaN. */
function finite<Name extends string>(
  numbers: Readonly<Record<Name, number | undefined>>,
): Readonly<Partial<Record<Name, number>>> {
  const kept: Partial<Record<Name, number>> = {};
  for (const name in numbers) {
    const value = numbers[name];
    if (value !== undefined && Number.isFinite(value)) kept[name] = value;
  }
  return kept;
}

/** Kayenta's score, except that what cannot be known is inconclusive here: thin series and silence neither pass nor fail. */
function conclude(checks: MetricChecks, window: MetricWindow, metrics: readonly MeasuredMetric[]): Measurement {
  const unreadable = metrics.filter(({ classification, muted }) => classification === "Unreadable" && !muted);
  const doubtful = metrics.filter(({ classification, thin, muted }) => (thin || classification === "Error") && !muted);
  const weights = groupWeights(checks.checks);
  const score = scoreMetrics(metrics.flatMap(scored), weights);
  /** The score if every doubtful metric were to pass: below the threshold it has failed in any case. */
  const best = scoreMetrics(
    metrics.flatMap((metric) =>
      scored(doubtful.includes(metric) ? { ...metric, classification: "Pass", critical: false } : metric),
    ),
    weights,
  );
  const [verdict, reason] = judgeScore(checks, best, unreadable, doubtful);
  const points = metrics
    .filter(({ classification }) => classification !== "Unreadable")
    .map(({ candidatePoints, oldPoints }) => Math.min(candidatePoints, oldPoints));
  const least = Math.min(...points);
  return {
    verdict,
    metrics,
    evidence: {
      reason,
      // A score of some of the metrics is not comparable with the thresholds.
      ...(unreadable.length === 0 ? { score: score.score } : {}),
      pass: checks.pass,
      marginal: checks.marginal,
      metrics: metrics.length,
      fromMs: window.fromMs,
      toMs: window.toMs,
      ...(points.length === 0 ? {} : { leastPoints: least }),
      ...(points.length > 0 && least < fewPoints
        ? { warning: `a metric has fewer than ${fewPoints} points (${least}): a small difference does not show yet` }
        : {}),
      ...Object.fromEntries(metrics.map((metric) => [`metric ${metric.name}`, describeMetric(metric)])),
    },
  };
}

function scored(metric: MeasuredMetric) {
  const { classification } = metric;
  return classification === "Unreadable" ? [] : [{ ...metric, classification, groups: [metric.group] }];
}

function judgeScore(
  checks: MetricChecks,
  best: Score,
  unreadable: readonly MeasuredMetric[],
  doubtful: readonly MeasuredMetric[],
): readonly [Verdict, string] {
  const names = (metrics: readonly { readonly name: string }[]): string => metrics.map(({ name }) => name).join(", ");
  if (best.forcedBy === "critical")
    return ["failed", `critical metrics did not pass: ${best.criticalFailures.join(", ")}`];
  if (unreadable.length > 0) return ["error", `could not be read: ${names(unreadable)}`];
  if (best.forcedBy === "no-data") return ["inconclusive", "half of the metrics or more have no data"];
  if (best.score < checks.marginal) return ["failed", `the score is below ${checks.marginal}`];
  if (doubtful.length > 0) return ["inconclusive", `too few points to tell: ${names(doubtful)}`];
  return best.score < checks.pass
    ? ["inconclusive", `the score is below ${checks.pass}`]
    : ["successful", `the score has reached ${checks.pass}`];
}

/** `High (critical): higher than on the old side; ratio 1.36, shift 42.5 (36.7 to 48.4), 60 against 60 points` */
function describeMetric(metric: MeasuredMetric): string {
  const { classification, critical, muted, reason, ratio, shift, lower, upper } = metric;
  const label = [critical ? "critical" : "", muted ? "muted" : ""].filter((word) => word !== "").join(", ");
  const head = `${classification}${label === "" ? "" : ` (${label})`}${reason === undefined ? "" : `: ${reason}`}`;
  if (classification === "Unreadable") return head;
  const numbers = [
    ...(ratio === undefined ? [] : [`ratio ${short(ratio)}`]),
    ...(shift === undefined ? [] : [`shift ${short(shift)} (${short(lower)} to ${short(upper)})`]),
    `${metric.candidatePoints} against ${metric.oldPoints} points`,
  ];
  return `${head}; ${numbers.join(", ")}`;
}

function short(value: number | undefined): string {
  return value === undefined ? "unknown" : String(Number(value.toPrecision(4)));
}
