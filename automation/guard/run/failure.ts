/**
 * What a failure looked like, and advice on it, kept beside the run: what goes back never waits for it. The name of the document stands in the
 * record first, so that whoever comes later collects what a killed process did not.
 */
import { z } from "zod";
import { SwitchyardError } from "../../errors.ts";
import { type AnalysisInput, analyse, analysisReport } from "../bundle/analysis.ts";
import { type BundleSeries, makeBundle } from "../bundle/bundle.ts";
import { type Bundle, bundleRecord } from "../bundle/document.ts";
import { fillQuery } from "../judge/queries.ts";
import { signalsOf } from "../judge/signals.ts";
import { validationResult } from "../judge/verdict.ts";
import type { Plan } from "../plan/plan.ts";
import type { ClusterRecord, RunRecord } from "../registry/record.ts";
import type { EventName } from "../registry/state.ts";
import type { GuardState } from "../registry/state-names.ts";
import { addressOf } from "./cluster.ts";
import type { RunContext } from "./context.ts";
import { hasLanded, type Move } from "./decide.ts";
import { istiodNow, subjectOf } from "./metric-subject.ts";
import { requestOf } from "./step.ts";

/** Of a cluster whose own upgrade failed; one that goes back with another has nothing to tell. */
const verdicts: readonly EventName[] = ["sync_failed", "gate_failed", "restart_failed"];
const stops: readonly EventName[] = ["checks_failed", "person_needed", "rollback_asked"];

/** The run that a move leads to, with the name of its bundle where it is a failure after a merge. Of a way back that fails the first stays. */
export function withBundle(plan: Plan, record: ClusterRecord, move: Move, at: number): RunRecord | undefined {
  const run = move.run ?? record.run;
  if (run === undefined || !isFailure(plan, record, move.event)) return move.run;
  if (hasOwn(record, run) && run.rollback !== undefined && !verdicts.includes(move.event)) return move.run;
  return { ...run, bundle: `${record.entry.clusterId}-${run.plan}-${run.step.index}-${run.step.attempt}-${at}` };
}

/** One that goes back with another has the name of the other's. */
const hasOwn = ({ entry }: ClusterRecord, { bundle, plan }: RunRecord): boolean =>
  bundle?.startsWith(`${entry.clusterId}-${plan}-`) ?? false;

function isFailure(plan: Plan, record: ClusterRecord, event: EventName): boolean {
  const state = record.pausedFrom ?? record.state;
  return verdicts.includes(event) || (stops.includes(event) && hasLanded(plan, { ...record, state }));
}

/** What a cluster is in while its failure is news. */
const troubled: readonly GuardState[] = [
  "pre_check_failed",
  "paused",
  "rollback_needed",
  "rollback_mr_created",
  "rollback_mr_merged",
  "rollback_completed",
];

/** Longest, ms, and what it is when it takes longer. */
const limits = {
  bundle: { ms: 60_000, code: "cluster-unreachable" },
  advice: { ms: 150_000, code: "language-model-failed" },
} as const;

const hour = 3_600_000;
const minute = 60_000;

/** Collects each bundle once in a process, beside everything else. */
export class Failures {
  readonly #context: RunContext;
  readonly #signal: AbortSignal;
  readonly #warn: (text: string) => void;
  readonly #seen = new Set<string>();
  readonly #under = new Set<Promise<void>>();

  constructor(context: RunContext, signal: AbortSignal, warn: (text: string) => void) {
    this.#context = context;
    this.#signal = signal;
    this.#warn = warn;
  }

  see(record: ClusterRecord): void {
    const { run, state, entry } = record;
    if (run?.bundle === undefined || !hasOwn(record, run)) return;
    if (!troubled.includes(state) || this.#seen.has(run.bundle)) return;
    this.#seen.add(run.bundle);
    const under = this.#collect(record, run, run.bundle).catch((error: unknown) => {
      if (this.#signal.aborted) return;
      this.#warn(`What the failure of ${entry.clusterId} looked like was not kept: ${reasonOf(error)}`);
    });
    this.#under.add(under);
    void under.finally(() => this.#under.delete(under));
  }

  /** In bounded time: each of them has a deadline. */
  async end(): Promise<void> {
    await Promise.all(this.#under);
  }

  async #collect(record: ClusterRecord, run: RunRecord, name: string): Promise<void> {
    const { store, languageModel } = this.#context;
    const known = await store.document("bundle", name);
    const text = known ?? (await this.#within("bundle", (signal) => bundleOf(this.#context, record, run, signal)));
    if (known === undefined) await store.keep("bundle", name, text);
    if (languageModel === undefined || (await store.document("bundle", adviceName(name))) !== undefined) return;
    try {
      await this.#within("advice", (signal) => keepAdvice(this.#context, run, name, text, signal));
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      this.#warn(`No advice on the failure of ${record.entry.clusterId}: ${error.message}`);
    }
  }

  /** Errors: those of the work, and of the limit. */
  async #within<Result>(what: keyof typeof limits, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const { ms, code } = limits[what];
    const over = new AbortController();
    const signal = AbortSignal.any([this.#signal, over.signal]);
    const late = this.#context.clock.sleep(ms, signal).then(
      () => {
        throw new SwitchyardError(code, { message: `it took longer than ${ms / 1_000} s` });
      },
      () => new Promise<never>(() => {}),
    );
    const stopped = Promise.withResolvers<never>();
    const stop = (): void => stopped.reject(this.#signal.reason);
    this.#signal.addEventListener("abort", stop, { once: true });
    if (this.#signal.aborted) stop();
    try {
      return await Promise.race([work(signal), late, stopped.promise]);
    } finally {
      this.#signal.removeEventListener("abort", stop);
      over.abort(new Error("its time is over"));
    }
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function bundleOf(
  context: RunContext,
  record: ClusterRecord,
  run: RunRecord,
  signal: AbortSignal,
): Promise<string> {
  const { entry, state, since } = record;
  const now = context.clock.wall();
  const reason = run.rollback?.reason ?? run.note ?? record.history.at(-1)?.note ?? state;
  const validation =
    run.validation === undefined ? undefined : await context.store.document("validation", run.validation);
  const { series, problems } = await seriesOf(context, record, run, now, signal);
  const { plan, hop, from, to, strategy, startedAt, step, soak, restarted } = run;
  return makeBundle({
    kubernetes: context.clusters.kubernetes(addressOf(record)),
    cluster: entry.clusterId,
    reason,
    run: { plan, hop, from, to, strategy, startedAt, step, soak, restarted, state, since },
    failedWorkloads: workloadsIn(reason),
    validation: validation === undefined ? undefined : JSON.parse(validation),
    series,
    problems,
    now,
    signal,
  });
}

/** Workloads that a reason names: `Deployment shop/cart`. */
const workloadsIn = (reason: string): readonly string[] => [
  ...new Set(reason.match(/\b(?:Deployment|StatefulSet|DaemonSet) [\w.-]+\/[\w.-]*\w/g) ?? []),
];

/** From an hour before the soak, at most four hours back. */
async function seriesOf(
  { metrics, settings, plan }: RunContext,
  record: ClusterRecord,
  run: RunRecord,
  now: number,
  signal: AbortSignal,
): Promise<{ readonly series: readonly BundleSeries[]; readonly problems: readonly string[] }> {
  const series: BundleSeries[] = [];
  const problems: string[] = [];
  if (metrics === undefined) return { series, problems };
  const begun = Math.max((run.soak?.startedAt ?? now) - hour, now - 4 * hour);
  const from = Math.floor(begun / minute) * minute;
  const subject = subjectOf(record, istiodNow(run, requestOf(plan, record), undefined));
  for (const { name, query: template } of signalsOf(settings.metrics)) {
    const query = template === undefined ? undefined : fillQuery(template, metrics.language, subject);
    if (query === undefined) continue;
    try {
      const values = await metrics.fresh.query({ query, fromMs: from, toMs: now, stepMs: minute }, signal);
      series.push({ name, query, from, stepMs: minute, values });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SwitchyardError)) throw error;
      problems.push(`series ${name}: ${error.message}`);
    }
  }
  return { series, problems };
}

/** Beside its bundle. */
const adviceName = (bundle: string): string => `${bundle}-advice`;

export const adviceRecord = z.object({ at: z.number(), model: z.string(), report: analysisReport });
export type Advice = z.output<typeof adviceRecord>;

async function keepAdvice(
  context: RunContext,
  run: RunRecord,
  name: string,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const { languageModel: model, store, clock, settings } = context;
  if (model === undefined) return;
  const bundle = bundleRecord.parse(JSON.parse(text));
  const input = analysisInput(bundle, run, await context.fleet());
  const report = await analyse(model, input, settings.llm.max_tokens, signal);
  const advice: Advice = { at: clock.wall(), model: model.description, report };
  await store.keep("bundle", adviceName(name), JSON.stringify(advice));
}

const keptValidation = z.object({ result: validationResult });

/** Exported for its test: names of the whole fleet, and of what the bundle names, are listed to be hidden. */
export function analysisInput(bundle: Bundle, run: RunRecord, fleet: readonly ClusterRecord[]): AnalysisInput {
  const validation = keptValidation.safeParse(bundle.validation);
  const places = [
    ...bundle.events.map(({ subject }) => subject.split(" ")[1] ?? ""),
    ...bundle.conditions.map(({ subject }) => subject.split(" ")[1] ?? ""),
    ...bundle.logs.map(({ pod }) => pod),
    ...workloadsIn(bundle.reason).map((key) => key.split(" ")[1] ?? ""),
  ].map((place) => place.split("/"));
  const unique = (names: readonly (string | undefined)[]): readonly string[] =>
    [...new Set(names.filter((name) => name !== undefined && name !== "" && !ownNames.has(name)))].flatMap(
      (name) => name ?? [],
    );
  return {
    hop: { from: run.from, to: run.to, strategy: run.strategy },
    validation: validation.success ? validation.data.result : undefined,
    // The newest are last: those are kept.
    events: bundle.events
      .toReversed()
      .map(
        ({ at, type, reason, subject, message, count }) => `${at} ${type} ${reason} ${subject} (${count}): ${message}`,
      ),
    istiodLogs: bundle.logs
      .filter(({ container }) => container === "discovery")
      .flatMap(({ text }) => text.split("\n")),
    findings: [
      ...bundle.problems,
      ...bundle.conditions.flatMap(({ subject, conditions }) => conditions.map((one) => `${subject}: ${one}`)),
      bundle.reason,
    ],
    names: {
      cluster: unique(fleet.flatMap(({ entry }) => [entry.clusterId, entry.eksCluster])),
      repository: unique(fleet.map(({ entry }) => entry.gitlabRepo)),
      namespace: unique(places.map(([namespace]) => namespace)),
      object: unique(places.map(([, name]) => name)),
    },
  };
}

/** Istio's and Flux's own say something, and nothing of the house. */
const ownNames: ReadonlySet<string> = new Set(["istio-system", "flux-system", "kube-system", "istiod", "default"]);

/** What is kept of a cluster's failure; undefined: nothing, or not yet. */
export async function keptFailure(
  { store }: Pick<RunContext, "store">,
  { run }: ClusterRecord,
): Promise<{ readonly name: string; readonly bundle: Bundle; readonly advice: Advice | undefined } | undefined> {
  if (run?.bundle === undefined) return undefined;
  const name = run.bundle;
  const [text, advice] = await Promise.all([
    store.document("bundle", name),
    store.document("bundle", adviceName(name)),
  ]);
  if (text === undefined) return undefined;
  return {
    name,
    bundle: bundleRecord.parse(JSON.parse(text)),
    advice: advice === undefined ? undefined : adviceRecord.parse(JSON.parse(advice)),
  };
}
