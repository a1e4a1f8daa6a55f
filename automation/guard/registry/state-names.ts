/** The states in which a cluster can be. Pure. */

export interface StateRow {
  /** What is true of a cluster in it. */
  readonly meaning: string;
  /** Who has to act next. */
  readonly waitsFor: "nobody" | "guard" | "a person" | "Flux";
  /** Nothing is under way: no lock is held, and a run may begin. */
  readonly resting: boolean;
  /** The event that leads out when it cannot go on; resting states cannot fail. */
  readonly onFailure: string | undefined;
}

/** The requirement's names, those that the original's code has besides (pending, pre_check_failed), and ours. */
export const stateRows = {
  pending: {
    meaning: "In the registry; the checks of its first run prove its versions.",
    waitsFor: "a person",
    resting: true,
    onFailure: undefined,
  },
  healthy: {
    meaning: "At the registry's version, nothing to undo.",
    waitsFor: "nobody",
    resting: true,
    onFailure: undefined,
  },
  pre_check_running: {
    meaning: "Evidence is collected, the rules judge it, and the baseline is taken.",
    waitsFor: "guard",
    resting: false,
    onFailure: "checks_failed",
  },
  pre_check_failed: {
    meaning: "A rule blocks, or a cluster of the same batch is blocked. Nothing of this step is in Git.",
    waitsFor: "a person",
    resting: true,
    onFailure: undefined,
  },
  pre_check_passed: {
    meaning: "No rule blocks; the batch's merge request may be opened while the results are valid.",
    waitsFor: "guard",
    resting: false,
    onFailure: "batch_refused",
  },
  mr_created: {
    meaning: "The step's merge request is open.",
    waitsFor: "a person",
    resting: false,
    onFailure: "mr_closed",
  },
  mr_merged: {
    meaning: "Merged; which commit landed is known.",
    waitsFor: "Flux",
    resting: false,
    onFailure: "sync_failed",
  },
  upgrading: {
    meaning: "Flux has that commit and applies it.",
    waitsFor: "Flux",
    resting: false,
    onFailure: "sync_failed",
  },
  flux_synced: {
    meaning: "Proven: that commit, the chart's version, and istiod rolled out.",
    waitsFor: "guard",
    resting: false,
    onFailure: "gate_failed",
  },
  soaking_control_plane: {
    meaning: "Gate A: the new control plane with the old data plane. Going back is one merge request.",
    waitsFor: "guard",
    resting: false,
    onFailure: "gate_failed",
  },
  restarting_data_plane: {
    meaning: "Workloads and gateways restart in waves; proxies are counted per version.",
    waitsFor: "guard",
    resting: false,
    onFailure: "restart_failed",
  },
  soaking_data_plane: {
    meaning: "Gate B: traffic on the new proxies.",
    waitsFor: "guard",
    resting: false,
    onFailure: "gate_failed",
  },
  validating: {
    meaning: "The verdict over both soaks is formed.",
    waitsFor: "guard",
    resting: false,
    onFailure: "gate_failed",
  },
  upgraded: {
    meaning: "The hop is done and the registry has the new version; a rollback is still possible.",
    waitsFor: "nobody",
    resting: true,
    onFailure: undefined,
  },
  rollback_needed: {
    meaning: "It has to go back; people are told.",
    waitsFor: "guard",
    resting: false,
    onFailure: "person_needed",
  },
  rollback_mr_created: {
    meaning: "The merge request that reverts is open.",
    waitsFor: "a person",
    resting: false,
    onFailure: "mr_closed",
  },
  rollback_mr_merged: {
    meaning: "The revert is merged; Flux applies it, and what was restarted restarts again.",
    waitsFor: "Flux",
    resting: false,
    onFailure: "person_needed",
  },
  rollback_completed: {
    meaning: "Proven to be at the version before the hop.",
    waitsFor: "guard",
    resting: true,
    onFailure: undefined,
  },
  paused: {
    meaning: "Guard does nothing until a person decides. It remembers the state that it was in.",
    waitsFor: "a person",
    resting: false,
    onFailure: "given_up",
  },
  abandoned: {
    meaning: "A person gave the run up; Git and cluster stay as they are.",
    waitsFor: "nobody",
    resting: true,
    onFailure: undefined,
  },
} as const satisfies Record<string, StateRow>;

export type GuardState = keyof typeof stateRows;

export const guardStates = Object.keys(stateRows).filter((name): name is GuardState => name in stateRows);

/** Every name that the original tool wrote, for its importer. */
export const originalNames: Readonly<Record<string, GuardState>> = {
  pending: "pending",
  "pre-check-running": "pre_check_running",
  "pre-check-passed": "pre_check_passed",
  "pre-check-failed": "pre_check_failed",
  "mr-created": "mr_created",
  upgrading: "upgrading",
  "post-check-running": "validating",
  healthy: "healthy",
  "rollback-required": "rollback_needed",
  "failed-upgrade-rolled-back": "rollback_completed",
};
