/** How each kind of signal is judged (research b3). A signal that is missing, stale or too short is undecided, never passed. Pure. */

import { requestsIn, wholeCluster } from "./baseline.ts";
import { type Compared, compared, type Observations } from "./control.ts";
import type { KnownSignal } from "./known-signals.ts";
import { leastMinutes, type Rise, type RiseOptions, riseOf } from "./sequential.ts";
import { countOf, meanOf, present, type Series, sumOf } from "./series.ts";
import type { Signal } from "./signals.ts";
import type { GuardThresholds } from "./thresholds.ts";
import type { SignalVerdict } from "./verdict.ts";
import { type SeriesRecord, seriesIn, stepMs } from "./window.ts";

export interface JudgeContext extends Observations {
  readonly thresholds: GuardThresholds;
  /** Minutes after the beginning of the soak in which resources are not judged. */
  readonly warmUpMs: number;
  /** What one sequential test of traffic, and one of the others, may risk. */
  readonly risk: { readonly traffic: number; readonly other: number };
}

/** Chance to pass a resource that rises by its limit: less is at stake than with traffic, and a soak of a control plane is short. */
const resourceUpperRisk = 0.1;

/** A series whose newest value is older has stopped. */
const staleAfterMinutes = 10;

/** Signals that have values only when something happens. */
const sparseFrom = 3;

/** A fall by half shows in five minutes, a smaller one not. */
const volumeFrom = { fall: 5, drop: 15 };

type Outcome = Pick<SignalVerdict, "kind" | "why"> & Partial<Pick<SignalVerdict, "before" | "now" | "limit">>;

const limitOf: ReadonlyMap<string, keyof GuardThresholds> = new Map<KnownSignal, keyof GuardThresholds>([
  ["p95", "latency_p95_increase"],
  ["p99", "latency_p99_increase"],
  ["istiod_cpu", "istiod_resource_increase"],
  ["istiod_memory", "istiod_resource_increase"],
  ["proxy_cpu", "proxy_resource_increase"],
  ["proxy_memory", "proxy_resource_increase"],
  ["convergence_p99", "convergence_increase"],
]);

/** A signal's own limit before the settings' for all. */
function relativeLimit(signal: Signal, thresholds: GuardThresholds): number {
  const known = limitOf.get(signal.name);
  return signal.relative ?? (known === undefined ? 0 : thresholds[known]);
}

export const labelOf = (signal: string, service: string | null): string =>
  service === null ? signal : `${signal} of ${service}`;

export function judgeSignal(context: JudgeContext, signal: Signal, service: string | null): SignalVerdict {
  const figures = {
    before: meanOf(seriesIn(context.baseline.window, signal.name, service)?.values ?? []) ?? null,
    now: meanOf(seriesIn(context.soak, signal.name, service)?.values ?? []) ?? null,
    limit: null,
  };
  const outcome = gapIn(context, signal, service) ?? ruleOf(signal)(context, signal, service);
  const optional = outcome.kind === "undecided" && !signal.required;
  return { name: labelOf(signal.name, service), ...figures, ...outcome, ...(optional ? { kind: "observed" } : {}) };
}

type Rule = (context: JudgeContext, signal: Signal, service: string | null) => Outcome;

function ruleOf({ kind }: Signal): Rule {
  switch (kind) {
    case "latency":
      return latency;
    case "error-share":
      return errorShare;
    case "requests":
      return volume;
    case "resource":
      return resource;
    case "relative":
      return relative;
    case "count":
      return count;
    case "share":
      return share;
    case "custom":
      return custom;
  }
}

/** Only what rises against the baseline needs one. */
const needsBaseline = ({ kind, relative: own }: Signal): boolean =>
  !(["count", "share", "requests"].includes(kind) || (kind === "custom" && own === undefined));

function gapIn({ baseline, soak }: JudgeContext, signal: Signal, service: string | null): Outcome | undefined {
  const now = seriesIn(soak, signal.name, service);
  if (signal.unusable !== undefined && signal.query === undefined) return undecided(signal.unusable);
  if (now === undefined || now.samples === 0) return undecided(`missing in the soak${because(now)}`);
  const before = seriesIn(baseline.window, signal.name, service);
  if (needsBaseline(signal) && (before === undefined || before.samples === 0))
    return undecided(`missing in the baseline${because(before)}`);
  if (needsBaseline(signal) && questionOf(before) !== questionOf(now))
    return undecided("the baseline was taken by another query: take it anew");
  if (signal.sparse)
    return now.samples >= sparseFrom ? undefined : undecided(`${now.samples} values so far, ${sparseFrom} are needed`);
  const minutes = (soak.toMs - soak.fromMs) / stepMs;
  const newest = now.values.findLastIndex((value) => value !== null);
  if (minutes - 1 - newest > staleAfterMinutes) return undecided(`no value for ${minutes - 1 - newest} minutes`);
  return now.samples * 2 < minutes ? undecided(`${now.samples} of ${minutes} minutes have a value`) : undefined;
}

const questionOf = (record: SeriesRecord | undefined): string | null | undefined => record?.question ?? record?.query;

const because = (record: SeriesRecord | undefined): string =>
  record?.missing === undefined ? "" : `: ${record.missing}`;
const undecided = (why: string): Outcome => ({ kind: "undecided", why });

function tooFewRequests(context: JudgeContext, service: string | null): Outcome | undefined {
  const { min_requests: least } = context.thresholds;
  const before = requestsIn(context.baseline, service);
  const now = requestsIn({ window: context.soak }, service);
  if (before >= least && now >= least) return undefined;
  return undecided(
    `${before} requests before and ${now} now to ${service ?? wholeCluster}; ${least} in both are needed`,
  );
}

const percent = (value: number): string => `${value < 0 ? "" : "+"}${(100 * value).toFixed(1)} %`;
const points = (value: number): string => `${value < 0 ? "" : "+"}${(100 * value).toFixed(3)} points`;
const logarithm = (value: number): number | null => (value > 0 ? Math.log(value) : null);

/** Limits of a rise; `own` is the rise against the own baseline alone. */
function judgeRise(
  { lower, upper, rise }: Rise,
  own: number,
  limit: number,
  say: (value: number) => string,
  against: string | undefined,
): Outcome {
  const found = `${say(rise)} (between ${say(lower)} and ${say(upper)}) against ${against ?? "its own baseline alone"}, limit ${say(limit)}`;
  if (lower > limit && own <= 0) return undecided(`${found}; but it has not risen itself, the others fell`);
  if (lower > limit) return { kind: "failed", limit, why: found };
  if (upper < limit) return { kind: "passed", limit, why: found };
  return { kind: "undecided", limit, why: found };
}

const ownRise = (before: Series, now: Series): number => (meanOf(now) ?? 0) - (meanOf(before) ?? 0);
const scaled = (series: Series): Series => series.map((value) => (value === null ? null : logarithm(value)));

function logRise(
  context: JudgeContext,
  signal: Signal,
  service: string | null,
  limit: number,
  options: RiseOptions,
  change: (pair: Compared) => Compared = (pair) => pair,
): Outcome {
  const pair = change(compared(context, signal.name, service, logarithm));
  const rise = riseOf(pair.before, pair.now, options);
  if (rise === undefined)
    return undecided(`${countOf(pair.before)} comparable minutes before and ${countOf(pair.now)} now are too few`);
  const own = ownRise(
    scaled(seriesIn(context.baseline.window, signal.name, service)?.values ?? []),
    scaled(seriesIn(context.soak, signal.name, service)?.values ?? []),
  );
  const judged = judgeRise(rise, own, Math.log1p(limit), (value) => percent(Math.expm1(value)), pair.against);
  return { ...judged, limit };
}

const latency: Rule = (context, signal, service) => {
  const few = tooFewRequests(context, service);
  if (few !== undefined) return few;
  const { thresholds } = context;
  const before = meanOf(seriesIn(context.baseline.window, signal.name, service)?.values ?? []) ?? 0;
  if (compared(context, signal.name, service, logarithm).against === undefined) return withoutControl;
  // Relative and absolute: the larger of both.
  const floor = before > 0 ? thresholds.latency_floor_ms / before : 0;
  const limit = Math.max(relativeLimit(signal, thresholds), floor);
  return logRise(context, signal, service, limit, { risk: context.risk.traffic });
};

const withoutControl = undecided(
  "no unchanged cluster and no value of the same hour last week: a season of the day would look like the upgrade",
);

const errorShare: Rule = (context, signal, service) => {
  const few = tooFewRequests(context, service);
  if (few !== undefined) return few;
  const { thresholds, risk } = context;
  const { error_rate_max: most } = thresholds;
  const limit = signal.relative ?? thresholds.error_rate_increase;
  const pair = compared(context, signal.name, service, (value) => value);
  if (pair.against === undefined) return withoutControl;
  const raw = (window: Observations["soak"]): Series => seriesIn(window, signal.name, service)?.values ?? [];
  const [before, now] = [raw(context.baseline.window), raw(context.soak)];
  const level = meanOf(before) ?? 0;
  const levelNow = meanOf(now) ?? 0;
  const control = (meanOf(pair.control.before) ?? 0) / Math.max(1, pair.peers);
  const perMinute = requestsIn({ window: context.soak }, service) / Math.max(1, countOf(now));
  const options: RiseOptions = {
    risk: risk.traffic,
    // More errors have more noise: as many as the limit allows.
    noiseFactor: level + control > 0 ? (level + limit + control) / (level + control) : 1,
    leastVariance: (level + limit) / Math.max(1, perMinute),
  };
  const rise = riseOf(pair.before, pair.now, options);
  const own = riseOf(before, now, options);
  if (rise === undefined || own === undefined) return undecided("too few comparable minutes");
  const judged = judgeRise(rise, own.rise, limit, points, pair.against);
  const kept = level > most ? `; its share was above ${percent(most)} before, so that this limit does not count` : "";
  if (level > most || judged.kind === "failed") return { ...judged, why: `${judged.why}${kept}` };
  const atMost = `share ${(100 * levelNow).toFixed(3)} %, at most ${(100 * most).toFixed(3)} %`;
  if (level + own.lower > most && rise.lower > 0)
    return { kind: "failed", limit: most, why: `${atMost}, and ${judged.why}` };
  return judged.kind === "passed" && levelNow > most
    ? { ...undecided(`${atMost}, and ${judged.why}`), limit: most }
    : judged;
};

const volume: Rule = (context, signal, service) => {
  const now = seriesIn(context.soak, signal.name, service)?.values ?? [];
  const then = seriesIn(context.lastWeek, signal.name, service)?.values ?? [];
  const both = now.flatMap((value, index) => {
    const other = then[index] ?? null;
    return value === null || other === null ? [] : [[value, other] as const];
  });
  const limit = signal.relative ?? context.thresholds.volume_drop_max;
  const before = sumOf(both.map(([, other]) => other));
  if (both.length < volumeFrom.fall || before === 0)
    return undecided(`${both.length} minutes with a value of last week too, ${volumeFrom.fall} are needed`);
  const ratio = sumOf(both.map(([value]) => value)) / before;
  const figures = { before: before / both.length, limit: (1 - limit) * (before / both.length) };
  const found = `${percent(ratio - 1)} against the same hour last week, limit ${percent(-limit)}`;
  if (ratio < 1 - limit) {
    // A holiday is everywhere.
    const { before: earlier, now: later, peers } = compared(context, signal.name, service, logarithm);
    if (peers > 0 && ratio > 0 && Math.exp(ownRise(earlier, later)) >= 1 - limit)
      return { ...figures, kind: "passed", why: `${found}; but unchanged clusters have as much less` };
    if (both.length >= (ratio < 0.5 ? volumeFrom.fall : volumeFrom.drop))
      return { ...figures, kind: "failed", why: found };
    return { ...figures, ...undecided(`${found}, in ${both.length} minutes only`) };
  }
  return both.length < volumeFrom.drop
    ? { ...figures, ...undecided(`${found}, in ${both.length} minutes only`) }
    : { ...figures, kind: "passed", why: found };
};

const resource: Rule = (context, signal, service) => {
  const limit = relativeLimit(signal, context.thresholds);
  const skipped = Math.ceil(context.warmUpMs / stepMs);
  const warm = (series: Series): Series => series.map((value, index) => (index < skipped ? null : value));
  const minutes = (context.soak.toMs - context.soak.fromMs) / stepMs - skipped;
  if (minutes < leastMinutes)
    return { ...undecided(`${Math.max(0, minutes)} minutes after warm-up, ${leastMinutes} are needed`), limit };
  return logRise(
    context,
    signal,
    service,
    limit,
    { risk: context.risk.other, upperRisk: resourceUpperRisk },
    (pair) => ({ ...pair, now: warm(pair.now) }),
  );
};

const relative: Rule = (context, signal, service) =>
  logRise(context, signal, service, relativeLimit(signal, context.thresholds), {
    risk: context.risk.other,
    upperRisk: resourceUpperRisk,
  });

const count: Rule = (context, signal, service) => {
  const limit = signal.threshold ?? context.thresholds.xds_rejects_max;
  const found = sumOf(present(seriesIn(context.soak, signal.name, service)?.values ?? []));
  return {
    kind: found > limit ? "failed" : "passed",
    now: found,
    limit,
    why: `${Math.round(found)} in the soak, at most ${limit}`,
  };
};

const share: Rule = (context, signal, service) =>
  judgeMean(context, signal, service, signal.threshold ?? context.thresholds.push_errors_max, sparseFrom);

const custom: Rule = (context, signal, service) => {
  if (signal.threshold !== undefined) {
    const judged = judgeMean(context, signal, service, signal.threshold, leastMinutes);
    if (judged.kind !== "passed" || signal.relative === undefined) return judged;
  }
  return signal.relative === undefined
    ? { kind: "observed", why: "it has no limit" }
    : relative(context, signal, service);
};

function judgeMean(
  { soak }: JudgeContext,
  signal: Signal,
  service: string | null,
  limit: number,
  least: number,
): Outcome {
  const values = present(seriesIn(soak, signal.name, service)?.values ?? []);
  const mean = meanOf(values) ?? 0;
  const figure = Number(mean.toPrecision(4));
  if (values.length < least) return { ...undecided(`${values.length} values so far, ${least} are needed`), limit };
  return { kind: mean > limit ? "failed" : "passed", limit, why: `mean ${figure}, at most ${limit}` };
}
