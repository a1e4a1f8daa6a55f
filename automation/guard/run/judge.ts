/** Gates A and B of a cluster: what its metrics say of a soak, kept as a document. */
import { z } from "zod";
import { SwitchyardError } from "../../errors.ts";
import type { MetricSource } from "../../ports/metric-source.ts";
import { type Baseline, baselineRecord } from "../judge/baseline.ts";
import { gateA, gateB, type MonitorsSeen } from "../judge/gates.ts";
import { observe } from "../judge/observe.ts";
import { signalsOf } from "../judge/signals.ts";
import { limitsOf } from "../judge/thresholds.ts";
import { type ValidationResult, type Verdict, validationOf, verdictText } from "../judge/verdict.ts";
import type { ClusterRecord, RunRecord } from "../registry/record.ts";
import { type MeshMetrics, type RunContext, recordOf } from "./context.ts";
import type { BatchView, Gate } from "./decide.ts";
import { istiodNow, subjectOf } from "./metric-subject.ts";
import * as outcomes from "./outcomes.ts";
import { peersOf } from "./peers.ts";
import { requestOf } from "./step.ts";

const undecided = (why: string): outcomes.Judged => ({ kind: "undecided", why });

export async function judgeStep(
  context: RunContext,
  { cluster, gate, ended }: { readonly cluster: string; readonly gate: Gate; readonly ended: boolean },
  view: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Outcome> {
  const record = recordOf(view, cluster);
  const judged = await judgedOf(context, record, gate, ended, view, signal);
  return outcomes.afterJudgement(record, gate, ended, judged, view);
}

async function judgedOf(
  context: RunContext,
  record: ClusterRecord,
  gate: Gate,
  ended: boolean,
  view: BatchView,
  signal: AbortSignal,
): Promise<outcomes.Judged> {
  const { run } = record;
  const { metrics } = context;
  if (metrics === undefined) return undecided("no source of metrics is configured (guard.metrics.source)");
  if (run?.soak === undefined || run.baseline === undefined) return undecided("there is no baseline to compare with");
  const baseline = await baselineOf(context, run.baseline);
  const verdict = await verdictOf(context, metrics, { record, run, baseline, gate, until: view.now, view }, signal);
  const why = verdictText(verdict);
  if (!ended && verdict.kind !== "failed") return { kind: verdict.kind, why };
  const document = await keepValidation(context, record, gate, run, verdict);
  return { kind: verdict.kind, why, document };
}

/** Baselines never change: each is read once in a run. */
const baselines = new WeakMap<RunContext, Map<string, Promise<Baseline>>>();

function baselineOf(context: RunContext, id: string): Promise<Baseline> {
  const known = baselines.get(context) ?? new Map<string, Promise<Baseline>>();
  baselines.set(context, known);
  const baseline = known.get(id) ?? readBaseline(context, id);
  known.set(id, baseline);
  baseline.catch(() => known.delete(id));
  return baseline;
}

async function readBaseline({ store }: RunContext, id: string): Promise<Baseline> {
  const text = await store.document("baseline", id);
  if (text === undefined)
    throw new SwitchyardError("state-damaged", { message: `The baseline ${id} is not there any more` });
  return baselineRecord.parse(JSON.parse(text));
}

interface Question {
  readonly record: ClusterRecord;
  readonly run: RunRecord;
  readonly baseline: Baseline;
  readonly gate: Gate;
  readonly until: number;
  readonly view: BatchView;
}

async function verdictOf(
  context: RunContext,
  { fresh, language }: MeshMetrics,
  question: Question,
  signal: AbortSignal,
): Promise<Verdict> {
  const { record, run, baseline, gate, until } = question;
  const { settings } = context;
  const signals = signalsOf(settings.metrics);
  const peers = peersOf(await context.fleet(), record, baseline).map((one) => ({
    cluster: one.entry.clusterId,
    subject: subjectOf(one),
  }));
  const source = askedOnce(context, fresh, baseline.window, until);
  const subject = subjectOf(record, istiodNow(run, requestOf(context.plan, record), baseline.istiod));
  const asked = { source, language, subject, signals, baseline, peers };
  const startedAt = run.soak?.startedAt ?? until;
  const observations = await observe({ ...asked, soakStartedAt: startedAt }, until, signal);
  const { warm_up_minutes, baseline_hours } = settings.validation;
  const thresholds = limitsOf(settings.validation.thresholds, run.thresholds, context.thresholds);
  const input = {
    ...observations,
    signals,
    monitors: await monitorsOf(context, record, signal),
    thresholds,
    warmUpMs: warm_up_minutes * 60_000,
    baselineHours: baseline_hours,
  };
  return gate === "control-plane" ? gateA(input) : gateB(input);
}

type Answer = ReturnType<MetricSource["query"]>;

interface Answers {
  /** Of the minutes of baselines. */
  readonly before: Map<string, Answer>;
  /** Of one look at the whole batch, at that instant. */
  look: { readonly at: number; readonly answers: Map<string, Answer> };
}

const answers = new WeakMap<RunContext, Answers>();

function answersOf(context: RunContext, at: number): Answers {
  const known: Answers = answers.get(context) ?? { before: new Map(), look: { at, answers: new Map() } };
  answers.set(context, known);
  if (known.look.at !== at) known.look = { at, answers: new Map() };
  return known;
}

/**
 * What was in the minutes of the baseline does not change: answers for exactly these are kept in a run, once no minute is missing. What is
 * asked of the minutes of a soak is asked at each look anew, once for all clusters that are compared with the same others.
 */
function askedOnce(
  context: RunContext,
  source: MetricSource,
  { fromMs, toMs }: Baseline["window"],
  at: number,
): MetricSource {
  const { before, look } = answersOf(context, at);
  return {
    description: source.description,
    names: (signal) => source.names(signal),
    async query(question, signal) {
      const ofBaseline = question.fromMs === fromMs && question.toMs === toMs;
      const known = ofBaseline ? before : look.answers;
      const key = `${question.fromMs} ${question.toMs} ${question.stepMs} ${question.query}`;
      const answer = known.get(key) ?? source.query(question, signal);
      known.set(key, answer);
      const values = await answer.catch((error: unknown) => {
        known.delete(key);
        throw error;
      });
      const whole = values.length * question.stepMs === toMs - fromMs && values.every(Number.isFinite);
      if (ofBaseline && !whole) known.delete(key);
      return values;
    },
  };
}

async function monitorsOf(
  { alerts }: RunContext,
  record: ClusterRecord,
  signal: AbortSignal,
): Promise<MonitorsSeen | undefined> {
  if (alerts === undefined) return undefined;
  try {
    return await alerts(record, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SwitchyardError) return { unreadable: `${error.code}: ${error.message}` };
    throw error;
  }
}

const validation = z.object({ gate: z.string(), at: z.number(), verdict: z.unknown(), result: z.unknown() });

/** The requirement's ValidationResult with the verdict that it follows from; its name follows from the soak. */
async function keepValidation(
  { store, clock }: RunContext,
  record: ClusterRecord,
  gate: Gate,
  run: RunRecord,
  verdict: Verdict,
): Promise<string> {
  const { clusterId } = record.entry;
  const at = clock.wall();
  const id = `${clusterId}-${run.plan}-${run.step.index}-${run.step.attempt}-${gate}-${at}`;
  const result: ValidationResult = validationOf(clusterId, verdict);
  await store.keep("validation", id, JSON.stringify(validation.parse({ gate, at, verdict, result })));
  return id;
}
