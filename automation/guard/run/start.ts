/** Which clusters of a batch begin a hop of a plan now. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { SomeThresholds } from "../judge/thresholds.ts";
import type { Plan } from "../plan/plan.ts";
import type { ClusterRecord, RestartMode, RunRecord } from "../registry/record.ts";
import { eventsFrom, states } from "../registry/state.ts";
import type { GuardState } from "../registry/state-names.ts";
import type { GuardConfig } from "../settings.ts";
import type { Move, Wait } from "./decide.ts";
import { isRetryable, type Refusal, wentBack } from "./person.ts";
import { beginRun, nextHop } from "./step.ts";

export interface StartView {
  readonly now: number;
  readonly plan: Plan;
  readonly settings: Pick<GuardConfig, "execution">;
  /** Clusters of the batch that stay out of what begins. */
  readonly exclude?: readonly string[] | undefined;
  /** Limits that are kept with the runs that begin. */
  readonly thresholds?: SomeThresholds | undefined;
  /** How workloads restart; likewise. */
  readonly restart?: RestartMode | undefined;
  /** Of the batch, without those that a person left out. */
  readonly clusters: readonly ClusterRecord[];
}

export interface Start {
  readonly moves: readonly Move[];
  readonly waits: readonly Wait[];
  readonly refusals: readonly Refusal[];
}

const minute = 60_000;
const goingBack: readonly GuardState[] = ["rollback_needed", "rollback_mr_created", "rollback_mr_merged"];

/** Moves of those that begin, or begin again; waits of those whose region is not due; those that are under way are left alone. */
export function startMoves(view: StartView): Start {
  const { plan, clusters } = view;
  const goesBack = clusters.some(({ state, run }) => goingBack.includes(state) && run?.plan === plan.hash);
  // A batch that still goes back ends that first: whoever runs it again helps.
  const refusals = clusters.flatMap((record) => [
    ...refusalOf(plan, record),
    ...(goesBack ? [] : endedOf(plan, record)),
  ]);
  if (refusals.length > 0) return { moves: [], waits: [], refusals };
  const moves: Move[] = [];
  const waits: Wait[] = [];
  for (const record of clusters) {
    // A batch moves as one: what is back already waits for the rest of it, and for a person who starts again then.
    if (goesBack && record.run?.plan === plan.hash) continue;
    const run = nextRun(view, record);
    if (run === undefined) continue;
    const held = regionWait(view, record);
    if (held !== undefined) waits.push(held);
    else moves.push({ cluster: record.entry.clusterId, event: "started", run, note: `plan ${plan.hash}` });
  }
  return { moves, waits, refusals: [] };
}

function refusalOf(plan: Plan, { entry, state, run }: ClusterRecord): readonly Refusal[] {
  const cluster = entry.clusterId;
  if (plan.clusters.every((one) => one.cluster !== cluster))
    return [
      {
        cluster,
        why: `the plan ${plan.hash} does not have it`,
        fix: `Make a new plan: npx switchyard guard plan --batch ${entry.batchId} --target-version ${plan.target}`,
      },
    ];
  if (states[state].resting || run?.plan === plan.hash) return [];
  return [
    {
      cluster,
      why: `it is ${state} in a run of plan ${run?.plan ?? "unknown"}`,
      fix: `Let it end first: npx switchyard guard monitor --batch ${entry.batchId}`,
    },
  ];
}

/** An attempt that is over, or stopped: only a person opens the next one. */
function endedOf(plan: Plan, record: ClusterRecord): readonly Refusal[] {
  const { entry, state, pausedFrom, run } = record;
  if (run === undefined || run.plan !== plan.hash) return [];
  const cluster = entry.clusterId;
  const resume = `npx switchyard guard resume --batch ${entry.batchId}`;
  if (wentBack(record))
    return [
      {
        cluster,
        why: `it is ${state}: attempt ${run.step.attempt} of the plan ${run.plan} went back, because ${run.rollback?.reason ?? "of another cluster"}`,
        fix: `When that is put right, open the next attempt: ${resume} --retry`,
      },
    ];
  if (state !== "paused") return [];
  const before = pausedFrom !== undefined && isRetryable(pausedFrom);
  return [
    {
      cluster,
      why: `it is paused (${pausedFrom ?? "unknown"}): ${run.note ?? "a person has to say how it goes on"}`,
      fix: before ? `Open the next attempt: ${resume} --retry` : `Let it go on: ${resume}`,
    },
  ];
}

/** The run that a cluster at rest would begin; undefined: it has nothing to do. */
function nextRun(
  { plan, now, settings, exclude = [], thresholds, restart, clusters }: StartView,
  { entry, state, run }: ClusterRecord,
): RunRecord | undefined {
  if (!states[state].resting || !eventsFrom(state).includes("started")) return undefined;
  const next = nextHop(plan, entry.clusterId, entry.currentIstioVersion);
  if (next === undefined) return undefined;
  const alone = settings.execution.mr_strategy === "per-cluster";
  const said = {
    alone,
    ...(exclude.length === 0 ? {} : { without: [...exclude] }),
    ...(thresholds === undefined ? {} : { thresholds }),
    ...(restart === undefined ? {} : { restart }),
  };
  // What has landed of a hop whose checks failed half-way stays what it is.
  if (run !== undefined && state === "pre_check_failed" && run.plan === plan.hash && run.hop === next.index) {
    const { note: _note, thresholds: _limits, without: _without, restart: _restart, ...kept } = run;
    return { ...kept, ...said, step: { index: run.step.index, attempt: run.step.attempt } };
  }
  const again = run !== undefined && run.plan === plan.hash && run.hop === next.index ? run.step.attempt + 1 : 1;
  const { from, to } = next.hop;
  const ended = clusters.filter((one) => hasEnded(one, plan, next.index)).length;
  const cohort = ended === 0 ? {} : { cohort: ended };
  return beginRun(
    { plan: plan.hash, hop: next.index, from, to, strategy: plan.strategy, ...said, ...cohort },
    now,
    again,
  );
}

/** At rest after this hop of the plan. */
const hasEnded = ({ state, run, entry }: ClusterRecord, plan: Plan, hop: number): boolean =>
  states[state].resting && run?.plan === plan.hash && run.hop === hop && entry.currentIstioVersion === run.to;

/** What to say of a cluster that is under way with other limits than those that are said now. */
export function keptLimits(
  { plan, thresholds }: Pick<StartView, "plan" | "thresholds">,
  { entry, state, run }: ClusterRecord,
): string | undefined {
  if (thresholds === undefined || states[state].resting || run?.plan !== plan.hash) return undefined;
  if (isDeepStrictEqual(run.thresholds, thresholds)) return undefined;
  return `${entry.clusterId} keeps the limits with which its run began; to judge by others give them to npx switchyard guard monitor --batch ${entry.batchId}`;
}

/** Likewise, with another way to restart. */
export function keptRestart(
  { plan, restart }: Pick<StartView, "plan" | "restart">,
  { entry, state, run }: ClusterRecord,
): string | undefined {
  if (restart === undefined || states[state].resting || run?.plan !== plan.hash || run.restart === restart)
    return undefined;
  return `${entry.clusterId} keeps the way to restart with which its run began; for another give it to npx switchyard guard monitor --batch ${entry.batchId}`;
}

/** Regions follow each other in the order of the settings; others come last, together. */
function regionWait({ settings, plan, clusters, now }: StartView, record: ClusterRecord): Wait | undefined {
  const { regions, region_pause_minutes } = settings.execution;
  const rank = (region: string): number => (regions.includes(region) ? regions.indexOf(region) : regions.length);
  const mine = rank(record.entry.region);
  const earlier = clusters.filter(({ entry }) => rank(entry.region) < mine);
  const cluster = record.entry.clusterId;
  const open = earlier.find(
    ({ entry, state }) =>
      nextHop(plan, entry.clusterId, entry.currentIstioVersion) !== undefined || !states[state].resting,
  );
  if (open !== undefined) return { cluster, why: `waits for region ${open.entry.region}` };
  const until = Math.max(0, ...earlier.map(({ since }) => since)) + region_pause_minutes * minute;
  return until > now ? { cluster, why: "pauses between regions", until } : undefined;
}
