/** What a person decides of a batch: go back, go on, try again, give up. Pure. */
import type { ClusterRecord, RunRecord } from "../registry/record.ts";
import { eventsFrom } from "../registry/state.ts";
import type { GuardState } from "../registry/state-names.ts";
import { type BatchView, hasLanded, type Move, restarting } from "./decide.ts";
import { afterStep, beginRun, dataPlaneMoved, hasNext, nextHop, requestOf } from "./step.ts";

export interface Refusal {
  readonly cluster: string;
  readonly why: string;
  readonly fix: string;
}

export interface Wanted {
  readonly moves: readonly Move[];
  readonly refusals: readonly Refusal[];
}

/** Everything of the hop that is in the clusters goes back. */
export function rollbackMoves(
  view: BatchView,
  { reason, by }: { readonly reason: string; readonly by: string },
): Wanted {
  const moves: Move[] = [];
  const refusals: Refusal[] = [];
  for (const record of view.clusters) {
    const { entry, run, state, pausedFrom } = record;
    const cluster = entry.clusterId;
    const at = pausedFrom ?? state;
    if (
      run === undefined ||
      !eventsFrom(state).includes("rollback_asked") ||
      !hasLanded(view.plan, { ...record, state: at })
    ) {
      refusals.push({
        cluster,
        why: `it is ${state}, and nothing of the upgrade is in it that could be taken back`,
        fix:
          state === "mr_created"
            ? `Close the merge request: ${run?.step.mergeRequest?.url ?? ""}`
            : "To see where it stands: npx switchyard guard status",
      });
      continue;
    }
    const attempt = (run.rollback?.attempt ?? 0) + 1;
    const rollback = { reason, askedBy: by, askedAt: view.now, dataPlaneMoved: dataPlaneMoved(run), attempt };
    moves.push({ cluster, event: "rollback_asked", run: { ...run, rollback, note: reason }, note: `${by}: ${reason}` });
  }
  return { moves, refusals };
}

export type ResumeAs =
  | { readonly kind: "on" }
  /** The next attempt of the step that was stopped. */
  | { readonly kind: "retry" }
  | { readonly kind: "give-up"; readonly reason: string }
  /** A person takes an undecided soak for passed. */
  | { readonly kind: "accept"; readonly reason: string };

const goingBack: readonly GuardState[] = ["rollback_needed", "rollback_mr_created", "rollback_mr_merged"];
const beforeMerge: readonly GuardState[] = ["pre_check_running", "pre_check_passed", "mr_created"];

/** Whether the merge request of what was paused can have another attempt. */
export const isRetryable = (pausedFrom: GuardState): boolean =>
  beforeMerge.includes(pausedFrom) || goingBack.includes(pausedFrom);

/** At rest where its last run began. */
export const wentBack = ({ state, run }: ClusterRecord): boolean =>
  (state === "rollback_completed" || state === "healthy") && run?.rollback !== undefined;

const soaks: readonly GuardState[] = ["soaking_control_plane", "soaking_data_plane", "validating"];

export function resumeMoves(view: BatchView, as: ResumeAs, by: string): Wanted {
  const wanted = view.clusters.map((record) => resumed(view, record, as, by));
  return {
    moves: wanted.flatMap((one) => ("moves" in one ? one.moves : [])),
    refusals: wanted.flatMap((one) => ("why" in one ? [one] : [])),
  };
}

function resumed(
  view: BatchView,
  record: ClusterRecord,
  as: ResumeAs,
  by: string,
): { moves: readonly Move[] } | Refusal {
  const { entry, run, state, pausedFrom } = record;
  const cluster = entry.clusterId;
  const refuse = (why: string, fix: string): Refusal => ({ cluster, why, fix });
  if (as.kind === "give-up") {
    if (!eventsFrom(state).includes("given_up"))
      return refuse(`it is ${state}: giving up would leave it between two versions`, "Pause it or roll it back first.");
    return { moves: [{ cluster, event: "given_up", note: `${by}: ${as.reason}` }] };
  }
  if (as.kind === "retry" && wentBack(record)) return againAfterRollback(view, record, by);
  // Others of the batch may go on by themselves.
  if (state !== "paused") return { moves: [] };
  if (run === undefined || pausedFrom === undefined)
    return refuse("what it was doing is not known", "Give it up, and start again.");
  const { note: _note, ...kept } = run;
  switch (as.kind) {
    case "on":
      return { moves: [{ cluster, event: "resumed", run: soakAgain(kept, pausedFrom, view.now), note: by }] };
    case "retry": {
      if (goingBack.includes(pausedFrom)) {
        const { rollback } = kept;
        if (rollback === undefined) return refuse("why it goes back is not known", "Roll it back with a reason.");
        const { mergeRequest: _closed, ...again } = rollback;
        const next = { ...kept, rollback: { ...again, attempt: rollback.attempt + 1 } };
        return { moves: [{ cluster, event: "rollback_asked", run: next, note: by }] };
      }
      if (!isRetryable(pausedFrom))
        return refuse(
          `it was ${pausedFrom}: its merge request has landed`,
          "Resume it without --retry, or roll it back.",
        );
      const step = { index: kept.step.index, attempt: kept.step.attempt + 1 };
      return { moves: [{ cluster, event: "retried", run: { ...kept, step }, note: by }] };
    }
    case "accept": {
      if (!soaks.includes(pausedFrom))
        return refuse(
          `it was ${pausedFrom}: only a soak without a verdict can be taken for passed`,
          "Resume it without --accept.",
        );
      const note = `${by} took the soak for passed: ${as.reason}`;
      return {
        moves: [
          { cluster, event: "resumed", run: kept, note },
          ...accepted(view, { ...record, state: pausedFrom, run: kept }, note),
        ],
      };
    }
  }
}

/** The hop begins again from its first step, under names that no merge request has had. */
function againAfterRollback(view: BatchView, record: ClusterRecord, by: string): { moves: readonly Move[] } | Refusal {
  const { plan, now, clusters } = view;
  const { entry, run } = record;
  const cluster = entry.clusterId;
  const open = clusters.find(({ state }) => goingBack.includes(state));
  if (open !== undefined)
    return {
      cluster,
      why: `${open.entry.clusterId} still goes back, and a batch moves as one`,
      fix: `Let that end first: npx switchyard guard monitor --batch ${entry.batchId}`,
    };
  const next = nextHop(plan, cluster, entry.currentIstioVersion);
  if (run === undefined || next === undefined)
    return {
      cluster,
      why: `the plan ${plan.hash} has no hop from Istio ${entry.currentIstioVersion}`,
      fix: `Make a new plan: npx switchyard guard plan --batch ${entry.batchId} --target-version ${plan.target}`,
    };
  const { from, to } = next.hop;
  const again = beginRun(
    {
      plan: plan.hash,
      hop: next.index,
      from,
      to,
      strategy: plan.strategy,
      ...(run.alone === undefined ? {} : { alone: run.alone }),
      ...(run.cohort === undefined ? {} : { cohort: run.cohort }),
      ...(run.without === undefined ? {} : { without: run.without }),
      ...(run.thresholds === undefined ? {} : { thresholds: run.thresholds }),
      ...(run.restart === undefined ? {} : { restart: run.restart }),
    },
    now,
    run.step.attempt + 1,
  );
  return { moves: [{ cluster, event: "retried", run: again, note: by }] };
}

/** A soak that had ended without a verdict gets its time once more. */
function soakAgain(run: RunRecord, state: GuardState, now: number): RunRecord {
  if (run.soak === undefined || !soaks.includes(state) || run.soak.endsAt > now) return run;
  const length = run.soak.endsAt - run.soak.startedAt;
  return { ...run, soak: { startedAt: now, endsAt: now + length, extended: true } };
}

function accepted(view: BatchView, record: ClusterRecord & { readonly run: RunRecord }, note: string): readonly Move[] {
  const cluster = record.entry.clusterId;
  const { run } = record;
  const next = afterStep(run);
  switch (record.state) {
    case "soaking_control_plane":
      return requestOf(view.plan, record)?.step.kind === "new-revision"
        ? [{ cluster, event: "next_step_due", run: next, note }]
        : [{ cluster, event: "control_plane_soak_passed", run: restarting(run, view), note }];
    case "soaking_data_plane":
      if (hasNext(view.plan, record)) return [{ cluster, event: "next_step_due", run: next, note }];
      return [
        { cluster, event: "data_plane_soak_ended", run, note },
        { cluster, event: "validated", run: { ...run, landed: next.landed }, note },
      ];
    default:
      return [{ cluster, event: "validated", run: { ...run, landed: next.landed }, note }];
  }
}
