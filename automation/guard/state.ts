/**
 * Where a cluster stands in an upgrade, as a table: docs/guard-states.md is generated from it, and `transition` refuses what it
 * lacks. Pure.
 */

/** Commands that write a state; every write is conditional on the state that was read. */
type Writer = "guard registry" | "guard run" | "guard monitor" | "guard rollback" | "guard resume";

interface StateRow {
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
const entries = {
  pending: {
    meaning: "In the registry; its versions are not proven yet.",
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

export type GuardState = keyof typeof entries;

interface StateEntry extends StateRow {
  readonly onFailure: EventName | undefined;
}

export const states: Readonly<Record<GuardState, StateEntry>> = entries;

export const guardStates = Object.keys(entries).filter((name): name is GuardState => name in entries);

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

interface Move {
  readonly event: string;
  readonly from: readonly GuardState[];
  /** `paused-from`: the state in which it was paused. */
  readonly to: GuardState | "paused-from";
  readonly by: Writer;
  /** When it happens. */
  readonly when: string;
}

const afterMerge = [
  "mr_merged",
  "upgrading",
  "flux_synced",
  "soaking_control_plane",
  "restarting_data_plane",
  "soaking_data_plane",
  "validating",
] as const satisfies readonly GuardState[];

const pausable = [
  "pre_check_running",
  "pre_check_passed",
  "mr_created",
  ...afterMerge,
  "rollback_needed",
  "rollback_mr_created",
  "rollback_mr_merged",
] as const satisfies readonly GuardState[];

/** In the order of a run. An event may stand in several rows, never twice for one state. */
export const moves = [
  {
    event: "registered",
    from: ["pending"],
    to: "healthy",
    by: "guard registry",
    when: "Registry, Git, Helm history and the running image name one version.",
  },
  {
    event: "started",
    from: ["pending", "healthy", "upgraded", "pre_check_failed", "rollback_completed", "abandoned"],
    to: "pre_check_running",
    by: "guard run",
    when: "A run of a stored plan begins, or begins again.",
  },
  {
    event: "checks_passed",
    from: ["pre_check_running"],
    to: "pre_check_passed",
    by: "guard run",
    when: "No rule blocks and none is undecided.",
  },
  {
    event: "checks_failed",
    from: ["pre_check_running"],
    to: "pre_check_failed",
    by: "guard run",
    when: "A rule blocks, is undecided, or evidence cannot be had.",
  },
  {
    event: "batch_refused",
    from: ["pre_check_passed"],
    to: "pre_check_failed",
    by: "guard run",
    when: "Another cluster of the batch did not pass.",
  },
  {
    event: "checks_expired",
    from: ["pre_check_passed", "mr_created"],
    to: "pre_check_running",
    by: "guard run",
    when: "The results are older than they are valid. An open merge request is found again by its name.",
  },
  {
    event: "mr_opened",
    from: ["pre_check_passed"],
    to: "mr_created",
    by: "guard run",
    when: "The merge request of this plan, step and attempt is there, made now or found.",
  },
  {
    event: "mr_closed",
    from: ["mr_created", "rollback_mr_created"],
    to: "paused",
    by: "guard monitor",
    when: "Somebody closed it. That attempt is over.",
  },
  {
    event: "mr_merged",
    from: ["mr_created"],
    to: "mr_merged",
    by: "guard monitor",
    when: "GitLab says merged, and which commit landed.",
  },
  {
    event: "sync_started",
    from: ["mr_merged"],
    to: "upgrading",
    by: "guard monitor",
    when: "The source's revision contains the landed commit.",
  },
  {
    event: "synced",
    from: ["upgrading"],
    to: "flux_synced",
    by: "guard monitor",
    when: "Applied revision, chart version in the release history and istiod's rollout agree.",
  },
  {
    event: "sync_failed",
    from: ["mr_merged", "upgrading"],
    to: "rollback_needed",
    by: "guard monitor",
    when: "Stalled, remediated by Helm, or not applied within flux_sync_timeout.",
  },
  {
    event: "control_plane_soak_started",
    from: ["flux_synced"],
    to: "soaking_control_plane",
    by: "guard monitor",
    when: "This step moved the control plane.",
  },
  {
    event: "soak_extended",
    from: ["soaking_control_plane"],
    to: "soaking_control_plane",
    by: "guard monitor",
    when: "Undecided at the end of the soak, the first time.",
  },
  {
    event: "next_step_due",
    from: ["flux_synced", "soaking_control_plane", "soaking_data_plane"],
    to: "pre_check_running",
    by: "guard monitor",
    when: "The plan's hop has a further merge request: base before istiod, a tag, the next share of workloads.",
  },
  {
    event: "control_plane_soak_passed",
    from: ["soaking_control_plane"],
    to: "restarting_data_plane",
    by: "guard monitor",
    when: "Gate A passed and the data plane is to move.",
  },
  {
    event: "data_plane_moved",
    from: ["restarting_data_plane"],
    to: "soaking_data_plane",
    by: "guard monitor",
    when: "Every proxy has the new version, or what has not is explained.",
  },
  {
    event: "restart_failed",
    from: ["restarting_data_plane"],
    to: "rollback_needed",
    by: "guard monitor",
    when: "A workload did not become ready in its time.",
  },
  {
    event: "data_plane_soak_ended",
    from: ["soaking_data_plane"],
    to: "validating",
    by: "guard monitor",
    when: "The soak's time is over.",
  },
  {
    event: "soak_extended",
    from: ["validating"],
    to: "soaking_data_plane",
    by: "guard monitor",
    when: "Undecided, the first time.",
  },
  {
    event: "gate_failed",
    from: ["flux_synced", "soaking_control_plane", "soaking_data_plane", "validating"],
    to: "rollback_needed",
    by: "guard monitor",
    when: "The verdict is failed, at any time of a soak.",
  },
  {
    event: "validated",
    from: ["validating"],
    to: "upgraded",
    by: "guard monitor",
    when: "The verdict is passed; the same write puts the new version into the registry.",
  },
  {
    event: "settled",
    from: ["upgraded", "rollback_completed"],
    to: "healthy",
    by: "guard monitor",
    when: "The hold is over: nothing of the other version is left.",
  },
  {
    event: "person_needed",
    from: pausable,
    to: "paused",
    by: "guard monitor",
    when: "Undecided a second time, Flux suspended, a branch that somebody else changed, an attempt that failed.",
  },
  { event: "resumed", from: ["paused"], to: "paused-from", by: "guard resume", when: "A person lets it go on." },
  {
    event: "retried",
    from: ["paused"],
    to: "pre_check_running",
    by: "guard resume",
    when: "A person asks for the next attempt of the step.",
  },
  {
    event: "given_up",
    from: ["pre_check_failed", "pre_check_passed", "mr_created", "paused"],
    to: "abandoned",
    by: "guard resume",
    when: "A person gives the run up.",
  },
  {
    event: "rollback_asked",
    from: [...afterMerge, "pre_check_failed", "upgraded", "paused"],
    to: "rollback_needed",
    by: "guard rollback",
    when: "A person wants it back, with a reason.",
  },
  {
    event: "rollback_mr_opened",
    from: ["rollback_needed"],
    to: "rollback_mr_created",
    by: "guard rollback",
    when: "The merge request that reverts is there, made now or found.",
  },
  {
    event: "rollback_mr_merged",
    from: ["rollback_mr_created"],
    to: "rollback_mr_merged",
    by: "guard monitor",
    when: "GitLab says merged, and which commit landed.",
  },
  {
    event: "rolled_back",
    from: ["rollback_mr_merged"],
    to: "rollback_completed",
    by: "guard monitor",
    when: "The old version is proven as the new one was, and no proxy is ahead of its control plane.",
  },
] as const satisfies readonly Move[];

export type EventName = (typeof moves)[number]["event"];

/** Where one cluster stands. */
export interface Standing {
  readonly state: GuardState;
  /** Only in `paused`: where `resumed` leads. */
  readonly pausedFrom?: GuardState;
}

export type Transition =
  | { readonly kind: "moved"; readonly standing: Standing }
  | {
      readonly kind: "refused";
      /** One sentence, with the state and the event. */
      readonly why: string;
      /** Events that the table has for this state. */
      readonly possible: readonly EventName[];
    };

const rows: readonly (Move & { readonly event: EventName })[] = moves;

/** Events that the table has for a state, in its order. */
export function eventsFrom(state: GuardState): readonly EventName[] {
  return rows.filter(({ from }) => from.includes(state)).map(({ event }) => event);
}

/** The standing after an event; refused when the table does not have it. */
export function transition(standing: Standing, event: EventName): Transition {
  const { state, pausedFrom } = standing;
  const row = rows.find((one) => one.event === event && one.from.includes(state));
  const refused = (why: string): Transition => ({ kind: "refused", why, possible: eventsFrom(state) });
  if (row === undefined) return refused(`${event} cannot happen to a cluster that is ${state}`);
  if (row.to === "paused") return { kind: "moved", standing: { state: "paused", pausedFrom: state } };
  if (row.to !== "paused-from") return { kind: "moved", standing: { state: row.to } };
  if (pausedFrom === undefined || !isPausable(pausedFrom))
    return refused(`the state from which it was paused is ${pausedFrom ?? "not known"}`);
  return { kind: "moved", standing: { state: pausedFrom } };
}

const isPausable = (state: GuardState): boolean => pausable.some((one) => one === state);
