/** Where every cluster stands, from what is stored alone: what comes next, when, and who has to act. Pure. */

import type { GuardConfig } from "../settings.ts";
import type { ClusterRecord, MergeRequestMark } from "./record.ts";
import { type GuardState, stateRows } from "./state-names.ts";

export interface ClusterStatus {
  readonly cluster: string;
  readonly batch: string;
  /** Of the registry. */
  readonly istio: string;
  /** Of the run that is under way, or was last. */
  readonly target?: string;
  readonly state: GuardState;
  readonly pausedFrom?: GuardState;
  /** Before which gate it soaks. */
  readonly gate?: "A" | "B";
  /** ms since the epoch. */
  readonly since: number;
  readonly waitsFor: "nobody" | "guard" | "a person" | "Flux";
  /** What happens next, or has to; a sentence without a full stop. */
  readonly next: string;
  /** When, or at the latest; ms since the epoch. */
  readonly due?: number;
  /** What is due is over by `now`: nobody looks after it, or it hangs. */
  readonly overdue: boolean;
  readonly mergeRequest?: string;
  /** Why it waits or stopped. */
  readonly note?: string;
  /** Document with what its failure looked like, or will soon be there. */
  readonly bundle?: string;
}

export interface FleetStatus {
  readonly clusters: readonly ClusterStatus[];
  /** Clusters per state, in the order of a run. */
  readonly states: Readonly<Partial<Record<GuardState, number>>>;
  /** Ids of clusters for which a person has to act, in a run. */
  readonly waitingForPeople: readonly string[];
}

const minute = 60_000;
/** A soak that ended so long ago, and was not judged, is overdue. */
const grace = 5 * minute;

/** `now`: ms since the epoch. */
export function fleetStatus(
  records: readonly ClusterRecord[],
  validation: GuardConfig["validation"],
  now: number,
): FleetStatus {
  const clusters = records.map((record) => clusterStatus(record, validation, now));
  const present = Object.keys(stateRows).flatMap((state) => {
    const found = clusters.filter((cluster) => cluster.state === state).length;
    return found === 0 ? [] : [[state, found] as const];
  });
  return {
    clusters,
    states: Object.fromEntries(present),
    waitingForPeople: clusters
      .filter(({ state, waitsFor }) => waitsFor === "a person" && state !== "pending")
      .map(({ cluster }) => cluster),
  };
}

export function clusterStatus(
  record: ClusterRecord,
  validation: GuardConfig["validation"],
  now: number,
): ClusterStatus {
  const { entry, state, pausedFrom, since, run } = record;
  const due = dueOf(record, validation);
  const mergeRequest = openMergeRequest(record)?.url;
  const note = run?.note ?? record.history.at(-1)?.note;
  return {
    cluster: entry.clusterId,
    batch: entry.batchId,
    istio: entry.currentIstioVersion,
    ...(run === undefined ? {} : { target: run.to }),
    state,
    ...(pausedFrom === undefined ? {} : { pausedFrom }),
    ...gateOf(state),
    since,
    waitsFor: stateRows[state].waitsFor,
    next: nextOf(record),
    ...(due === undefined ? {} : { due }),
    overdue: due !== undefined && now > due + grace,
    ...(mergeRequest === undefined ? {} : { mergeRequest }),
    ...(note === undefined ? {} : { note }),
    ...(run?.bundle === undefined ? {} : { bundle: run.bundle }),
  };
}

function gateOf(state: GuardState): { readonly gate?: "A" | "B" } {
  if (state === "soaking_control_plane") return { gate: "A" };
  return state === "soaking_data_plane" || state === "validating" ? { gate: "B" } : {};
}

/** The one that somebody has to merge. */
function openMergeRequest({ state, run }: ClusterRecord): MergeRequestMark | undefined {
  if (state === "mr_created") return run?.step.mergeRequest;
  return state === "rollback_mr_created" ? run?.rollback?.mergeRequest : undefined;
}

function dueOf({ state, since, run }: ClusterRecord, validation: GuardConfig["validation"]): number | undefined {
  switch (state) {
    case "soaking_control_plane":
    case "soaking_data_plane":
      return run?.soak?.endsAt;
    case "mr_merged":
    case "upgrading":
      return (run?.step.mergeRequest?.mergedAt ?? since) + validation.flux_sync_timeout_minutes * minute;
    case "pre_check_passed":
    case "mr_created":
      return run?.step.checkedAt === undefined
        ? undefined
        : run.step.checkedAt + validation.checks_valid_minutes * minute;
    default:
      return undefined;
  }
}

const merge = (record: ClusterRecord): string => {
  const mark = openMergeRequest(record);
  return mark === undefined ? "its merge request is merged" : `somebody merges !${mark.iid}`;
};

const nextTexts: Readonly<Record<GuardState, (record: ClusterRecord) => string>> = {
  pending: () => "the first run proves its versions",
  healthy: () => "nothing",
  pre_check_running: () => "the checks end",
  pre_check_failed: () => "what blocks is put right, and the run begins again",
  pre_check_passed: () => "its merge request is opened",
  mr_created: merge,
  mr_merged: () => "Flux fetches the commit",
  upgrading: () => "Flux applies the commit",
  flux_synced: () => "the soak begins, or the next step",
  soaking_control_plane: () => "gate A judges the control plane",
  restarting_data_plane: ({ run }) => `workloads restart; ${run?.restarted.length ?? 0} have been told to`,
  soaking_data_plane: () => "gate B judges the traffic",
  validating: () => "the verdict is formed",
  upgraded: () => "nothing; it can still go back",
  rollback_needed: () => "the merge request that goes back is opened",
  rollback_mr_created: merge,
  rollback_mr_merged: () => "Flux applies the old version",
  rollback_completed: () => "a person opens the next attempt, or it settles when its hold is over",
  paused: () => "a person lets it go on, gives it up, or takes it back",
  abandoned: () => "nothing, until a new run",
};

const nextOf = (record: ClusterRecord): string => nextTexts[record.state](record);
