/** Every change of state that can happen. Pure. */
import type { GuardState } from "./state-names.ts";

/** Commands that write a state; every write is conditional on the state that was read. */
type Writer = "guard run" | "guard monitor" | "guard rollback" | "guard resume";

export interface Move {
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

export const pausable = [
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
    event: "recheck_failed",
    from: ["pre_check_running"],
    to: "mr_created",
    by: "guard monitor",
    when: "The checks were made again for an open merge request, and do not pass: it is a draft until they do.",
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
    event: "mr_not_needed",
    from: ["pre_check_passed"],
    to: "mr_merged",
    by: "guard run",
    when: "Git has everything of this step already: its head is what has to be proven.",
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
    event: "data_plane_due",
    from: ["flux_synced"],
    to: "restarting_data_plane",
    by: "guard monitor",
    when: "This step moved gateways, a tag or labels, and no control plane.",
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
    when: "The plan's hop has a further merge request: base before istiod, a tag, the next share of the namespaces.",
  },
  {
    event: "control_plane_soak_passed",
    from: ["soaking_control_plane"],
    to: "restarting_data_plane",
    by: "guard monitor",
    when: "Gate A passed and the data plane is to move.",
  },
  {
    event: "workloads_restarted",
    from: ["restarting_data_plane"],
    to: "restarting_data_plane",
    by: "guard monitor",
    when: "The next wave was restarted; its workloads are kept with the run.",
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
    event: "soak_extended",
    from: ["soaking_data_plane"],
    to: "soaking_data_plane",
    by: "guard monitor",
    when: "Undecided at the end of the soak of a step before the last, the first time.",
  },
  {
    event: "gate_failed",
    from: ["flux_synced", "soaking_control_plane", "soaking_data_plane", "validating"],
    to: "rollback_needed",
    by: "guard monitor",
    when: "The verdict is failed, at any time of a soak.",
  },
  {
    event: "batch_failed",
    from: ["pre_check_running", "pre_check_passed", "mr_created", ...afterMerge, "upgraded"],
    to: "rollback_needed",
    by: "guard monitor",
    when: "Another cluster of the batch has to go back: a batch moves as one.",
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
    when: "The hold (validation.hold_days) is over: nothing of the run is to be undone.",
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
    from: ["paused", "rollback_completed", "healthy"],
    to: "pre_check_running",
    by: "guard resume",
    when: "A person asks for the next attempt: of the step, or, of what went back, of the whole hop.",
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
    from: [
      "pre_check_running",
      "pre_check_passed",
      "mr_created",
      ...afterMerge,
      "pre_check_failed",
      "upgraded",
      "paused",
    ],
    to: "rollback_needed",
    by: "guard rollback",
    when: "A person wants it back, with a reason; of a step before its merge, what landed before.",
  },
  {
    event: "rollback_mr_opened",
    from: ["rollback_needed"],
    to: "rollback_mr_created",
    by: "guard rollback",
    when: "The merge request that reverts is there, made now or found.",
  },
  {
    event: "rollback_not_needed",
    from: ["rollback_needed"],
    to: "rollback_mr_merged",
    by: "guard monitor",
    when: "Git has nothing of the hop any more: its head is what has to be proven.",
  },
  {
    event: "rollback_mr_merged",
    from: ["rollback_mr_created"],
    to: "rollback_mr_merged",
    by: "guard monitor",
    when: "GitLab says merged, and which commit landed.",
  },
  {
    event: "skew_seen",
    from: ["rollback_mr_merged"],
    to: "rollback_mr_merged",
    by: "guard monitor",
    when: "Proxies or node components are ahead of their control plane: from here the window is measured.",
  },
  {
    event: "workloads_restarted",
    from: ["rollback_mr_merged"],
    to: "rollback_mr_merged",
    by: "guard monitor",
    when: "A wave was restarted under the control plane that is back.",
  },
  {
    event: "rolled_back",
    from: ["rollback_mr_merged"],
    to: "rollback_completed",
    by: "guard monitor",
    when: "The old version is proven as the new one was, and nothing of the data plane is ahead of its control plane.",
  },
] as const satisfies readonly Move[];
