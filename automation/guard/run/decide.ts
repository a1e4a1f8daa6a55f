/**
 * What a batch does next: changes of state that follow from what is known, and effects whose outcomes are not. A batch moves as one: its
 * merge request opens when every cluster passed, and when one has to go back all do. Pure.
 */
import type { ErrorCode } from "../../errors.ts";
import type { Plan } from "../plan/plan.ts";
import type { ClusterRecord, RunRecord } from "../registry/record.ts";
import { type EventName, states } from "../registry/state.ts";
import type { GuardState } from "../registry/state-names.ts";
import type { GuardConfig } from "../settings.ts";
import {
  afterStep,
  dataPlaneMoved,
  dataSoakMinutes,
  hasNext,
  isAlone,
  isTakenBack,
  movesControlPlane,
  movesDataPlane,
  requestOf,
  requestsOf,
  stepKey,
} from "./step.ts";

export interface BatchView {
  /** ms since the epoch. */
  readonly now: number;
  readonly plan: Plan;
  readonly settings: Pick<GuardConfig, "validation" | "execution">;
  /** Members of this run. */
  readonly clusters: readonly ClusterRecord[];
}

/** A change of one cluster's state; `run` is what its run becomes. */
export interface Move {
  readonly cluster: string;
  readonly event: EventName;
  readonly run?: RunRecord;
  readonly note?: string;
}

export type Gate = "control-plane" | "data-plane";

export type Effect =
  | { readonly kind: "check"; readonly cluster: string }
  | { readonly kind: "open-merge-request"; readonly clusters: readonly string[] }
  | { readonly kind: "look-merge-request"; readonly clusters: readonly string[] }
  | { readonly kind: "prove"; readonly cluster: string }
  | { readonly kind: "judge"; readonly cluster: string; readonly gate: Gate; readonly ended: boolean }
  | { readonly kind: "restart"; readonly cluster: string }
  | { readonly kind: "open-rollback"; readonly clusters: readonly string[] }
  | { readonly kind: "look-rollback"; readonly clusters: readonly string[] }
  | { readonly kind: "prove-rollback"; readonly cluster: string };

export interface Wait {
  readonly cluster: string;
  readonly why: string;
  /** Of the error that stood in the way. */
  readonly code?: ErrorCode;
  /** ms since the epoch. */
  readonly until?: number;
}

export interface Decision {
  readonly moves: readonly Move[];
  readonly effects: readonly Effect[];
  readonly waits: readonly Wait[];
}

const minute = 60_000;
const day = 86_400_000;

const goingBack: readonly GuardState[] = [
  "rollback_needed",
  "rollback_mr_created",
  "rollback_mr_merged",
  "rollback_completed",
];
const beforeMerge: readonly GuardState[] = ["pre_check_running", "pre_check_passed", "mr_created"];

/** What is in the clusters of a run that would have to be taken back. */
export function hasLanded(plan: Plan, { entry, run, state }: ClusterRecord): boolean {
  if (run === undefined) return false;
  const requests = requestsOf(plan, entry.clusterId, run);
  const steps = beforeMerge.includes(state) ? run.landed : [...run.landed, run.step];
  return steps.some(({ index }) => {
    const request = requests[index];
    return request !== undefined && isTakenBack(request.step);
  });
}

/** Moves first; effects only when nothing moves, so that each is decided on what is written. */
export function decide(view: BatchView): Decision {
  const members = view.clusters.filter(({ run }) => run?.plan === view.plan.hash);
  const withdrawn = members.flatMap((one) => {
    const failed = members.find((other) => takesBack(other, one));
    return failed === undefined ? [] : goesBackWith(view, one, failed);
  });
  const moves = withdrawn.length > 0 ? withdrawn : members.flatMap((one) => moveOf(view, one, members));
  if (moves.length > 0) return { moves, effects: [], waits: [] };
  const { ready, waits } = mayOpen(members);
  return {
    moves: [],
    effects: [
      ...members.flatMap((one) => effectOf(view, one)),
      ...groups(view, ready, keyOfStep).map((clusters): Effect => ({ kind: "open-merge-request", clusters })),
      ...groups(view, inState(members, "mr_created"), keyOfRequest).map(
        (clusters): Effect => ({ kind: "look-merge-request", clusters }),
      ),
      ...groups(view, inState(members, "rollback_needed"), keyOfRollback).map(
        (clusters): Effect => ({ kind: "open-rollback", clusters }),
      ),
      ...groups(view, inState(members, "rollback_mr_created"), keyOfRollback).map(
        (clusters): Effect => ({ kind: "look-rollback", clusters }),
      ),
    ],
    waits: [...waits, ...members.flatMap((one) => waitOf(view, one))],
  };
}

const inState = (members: readonly ClusterRecord[], state: GuardState): readonly ClusterRecord[] =>
  members.filter((one) => one.state === state);

const keyOfStep = (one: ClusterRecord, view: BatchView): string => stepKey(view.plan, one);
const keyOfRequest = ({ entry, run }: ClusterRecord): string =>
  JSON.stringify([entry.gitlabRepo, run?.step.mergeRequest?.iid]);
const keyOfRollback = ({ entry, run }: ClusterRecord): string =>
  JSON.stringify([entry.gitlabRepo, run?.hop, run?.from, run?.to, run?.cohort, run?.rollback?.attempt]);

/** Clusters of one merge request, sorted. */
function groups(
  view: BatchView,
  members: readonly ClusterRecord[],
  key: (one: ClusterRecord, view: BatchView) => string,
): readonly (readonly string[])[] {
  const found = new Map<string, string[]>();
  for (const one of members) {
    const name = isAlone(one.run, view.settings) ? one.entry.clusterId : key(one, view);
    found.set(name, [...(found.get(name) ?? []), one.entry.clusterId]);
  }
  return [...found.values()].map((names) => names.toSorted());
}

/** Whether a cluster goes back since another began: what was over before is no reason, nor what began after the other had ended. */
function takesBack({ state, run }: ClusterRecord, one: ClusterRecord): boolean {
  const asked = run?.rollback?.askedAt;
  if ((run?.cohort ?? 0) > (one.run?.cohort ?? 0) && states[one.state].resting) return false;
  return asked !== undefined && goingBack.includes(state) && one.run !== undefined && asked >= one.run.startedAt;
}

/** Another cluster goes back: this one does too, where anything of the hop is in it. */
function goesBackWith(view: BatchView, one: ClusterRecord, failed: ClusterRecord): readonly Move[] {
  const { entry, run, state } = one;
  if (run === undefined || goingBack.includes(state) || state === "paused" || one === failed) return [];
  if (failed.run?.hop !== run.hop || (states[state].resting && state !== "upgraded")) return [];
  const why = `${failed.entry.clusterId} has to go back: ${failed.run.rollback?.reason ?? "no reason was kept"}`;
  if (!hasLanded(view.plan, one))
    return [{ cluster: entry.clusterId, event: "person_needed", run: { ...run, note: why }, note: why }];
  const rollback = {
    reason: why,
    askedBy: "guard",
    askedAt: view.now,
    dataPlaneMoved: dataPlaneMoved(run),
    attempt: 1,
  };
  // What it looked like is kept once, where it failed.
  const bundle = failed.run.bundle === undefined ? {} : { bundle: failed.run.bundle };
  return [{ cluster: entry.clusterId, event: "batch_failed", run: { ...run, rollback, ...bundle }, note: why }];
}

/** What follows from the record alone. */
function moveOf(view: BatchView, one: ClusterRecord, members: readonly ClusterRecord[]): readonly Move[] {
  const { entry, run, state } = one;
  const request = requestOf(view.plan, one);
  if (run === undefined || request === undefined) return [];
  const cluster = entry.clusterId;
  const { validation } = view.settings;
  const more = hasNext(view.plan, one);
  switch (state) {
    case "pre_check_passed": {
      const refused = members.find((other) => other.state === "pre_check_failed" && other.run?.hop === run.hop);
      if (refused === undefined) {
        const age = view.now - (run.step.checkedAt ?? 0);
        return age > validation.checks_valid_minutes * minute ? [{ cluster, event: "checks_expired" }] : [];
      }
      const note = `${refused.entry.clusterId} did not pass its checks`;
      return [{ cluster, event: "batch_refused", run: { ...run, note }, note }];
    }
    case "upgraded":
    case "rollback_completed":
      return view.now - one.since >= validation.hold_days * day ? [{ cluster, event: "settled" }] : [];
    case "flux_synced":
      if (movesControlPlane(request.step))
        return [
          {
            cluster,
            event: "control_plane_soak_started",
            run: soaking(run, view, validation.control_plane_soak_minutes),
          },
        ];
      if (movesDataPlane(request.step) || !more)
        return [{ cluster, event: "data_plane_due", run: restarting(run, view) }];
      return [{ cluster, event: "next_step_due", run: afterStep(run) }];
    case "soaking_data_plane":
      return more && dataSoakMinutes(request.step, more, validation) === 0
        ? [{ cluster, event: "next_step_due", run: afterStep(run) }]
        : [];
    default:
      return [];
  }
}

export const soaking = (run: RunRecord, { now }: Pick<BatchView, "now">, minutes: number): RunRecord => ({
  ...run,
  soak: { startedAt: now, endsAt: now + minutes * minute, extended: false },
});

/** The mark is kept, so that a restart that was done is found again. */
export const restarting = (run: RunRecord, { now }: Pick<BatchView, "now">): RunRecord => ({
  ...run,
  restartingSince: now,
  restartMark: new Date(now).toISOString(),
});

function effectOf(view: BatchView, one: ClusterRecord): readonly Effect[] {
  const { entry, run, state } = one;
  if (run === undefined) return [];
  const cluster = entry.clusterId;
  const ended = run.soak === undefined || view.now >= run.soak.endsAt;
  switch (state) {
    case "pre_check_running":
      return holdsUntil(view, one) === undefined ? [{ kind: "check", cluster }] : [];
    case "mr_merged":
    case "upgrading":
      return [{ kind: "prove", cluster }];
    case "soaking_control_plane":
      return [{ kind: "judge", cluster, gate: "control-plane", ended }];
    case "restarting_data_plane":
      return [{ kind: "restart", cluster }];
    case "soaking_data_plane":
      return [{ kind: "judge", cluster, gate: "data-plane", ended }];
    case "validating":
      return [{ kind: "judge", cluster, gate: "data-plane", ended: true }];
    case "rollback_mr_merged":
      return [{ kind: "prove-rollback", cluster }];
    default:
      return [];
  }
}

/** An old revision stays for some days after nothing points at it. */
function holdsUntil(view: BatchView, one: ClusterRecord): number | undefined {
  if (requestOf(view.plan, one)?.step.kind !== "remove-old") return undefined;
  const landed = one.run?.landed.at(-1)?.mergeRequest?.mergedAt ?? one.since;
  const until = landed + view.settings.validation.hold_days * day;
  return until > view.now ? until : undefined;
}

/** A merge request opens when no cluster of its step is still before it. */
function mayOpen(members: readonly ClusterRecord[]): {
  readonly ready: readonly ClusterRecord[];
  readonly waits: readonly Wait[];
} {
  const passed = inState(members, "pre_check_passed");
  const ready: ClusterRecord[] = [];
  const waits: Wait[] = [];
  for (const one of passed) {
    const behind = members.find((other) => isBehind(other, one));
    if (behind === undefined) ready.push(one);
    else
      waits.push({ cluster: one.entry.clusterId, why: `waits for ${behind.entry.clusterId}, ${said(behind.state)}` });
  }
  return { ready, waits };
}

const said = (state: GuardState): string => `which is ${state}`;

/** Whether a cluster has not come to the step at which another may open its merge request. */
function isBehind(other: ClusterRecord, one: ClusterRecord): boolean {
  if (other === one || other.run === undefined || one.run === undefined) return false;
  if (other.run.hop !== one.run.hop) return other.run.hop < one.run.hop;
  if (other.state === "upgraded" || other.state === "healthy") return false;
  if (other.run.step.index !== one.run.step.index) return other.run.step.index < one.run.step.index;
  return other.state === "pre_check_running" || other.state === "paused" || states[other.state].resting;
}

function waitOf(view: BatchView, one: ClusterRecord): readonly Wait[] {
  const { entry, run, state } = one;
  const cluster = entry.clusterId;
  const held = state === "pre_check_running" ? holdsUntil(view, one) : undefined;
  if (held !== undefined) return [{ cluster, why: "holds the old revision", until: held }];
  if (state === "paused") return [{ cluster, why: run?.note ?? "paused" }];
  if ((state === "soaking_control_plane" || state === "soaking_data_plane") && run?.soak !== undefined)
    return [{ cluster, why: state === "soaking_control_plane" ? "gate A" : "gate B", until: run.soak.endsAt }];
  return [];
}
