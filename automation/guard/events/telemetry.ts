/** What guard counts, measures and says of itself. Pure but for the port. */
import type { Counter, Histogram, Telemetry } from "../../ports/telemetry.ts";
import type { ClusterRecord, TransitionRecord } from "../registry/record.ts";
import type { GuardState } from "../registry/state-names.ts";

const minute = 60;
const hour = 3_600;

export const transitions: Counter = {
  name: "switchyard.guard.transitions",
  description: "Transitions of clusters, by event and the state that they lead to.",
  unit: "{transition}",
};

export const timeInState: Histogram = {
  name: "switchyard.guard.state.duration",
  description: "How long a cluster was in a state when it left it.",
  bounds: [
    1,
    10,
    minute,
    5 * minute,
    15 * minute,
    30 * minute,
    hour,
    2 * hour,
    4 * hour,
    12 * hour,
    24 * hour,
    72 * hour,
  ],
};

export const effectDuration: Histogram = {
  name: "switchyard.guard.effect.duration",
  description: "How long an effect on the outside took, by what it was and how it ended.",
  bounds: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, minute, 5 * minute],
};

export const waitDuration: Histogram = {
  name: "switchyard.guard.wait.duration",
  description: "How long guard waited, by what for: a person's merge, Flux, a soak.",
  bounds: [1, 5, 15, minute, 5 * minute, 15 * minute, hour, 4 * hour, 24 * hour, 72 * hour],
};

/** States that a person has to look at. */
const troubled: readonly GuardState[] = [
  "pre_check_failed",
  "rollback_needed",
  "rollback_completed",
  "paused",
  "abandoned",
];

export interface ToldTransition {
  readonly cluster: string;
  readonly batch: string;
  readonly transition: TransitionRecord;
  /** When it came into the state that it leaves, ms since the epoch; undefined: not known, then no duration is recorded. */
  readonly since: number | undefined;
}

/** The change that `after` came by; undefined for a record that never moved. */
export function lastTransition(before: ClusterRecord, { entry, history }: ClusterRecord): ToldTransition | undefined {
  const transition = history.at(-1);
  if (transition === undefined) return undefined;
  return { cluster: entry.clusterId, batch: entry.batchId, transition, since: before.since };
}

export function tellTransition(telemetry: Telemetry, { cluster, batch, transition, since }: ToldTransition): void {
  if (!telemetry.enabled) return;
  const { event, from, to, at, by, note } = transition;
  telemetry.count(transitions, { event, to });
  // Clocks of two machines may differ; time does not run backwards.
  if (since !== undefined) telemetry.record(timeInState, Math.max(0, at - since) / 1_000, { state: from });
  telemetry.log({
    severity: troubled.includes(to) ? "warning" : "info",
    text: `${cluster}: ${from} to ${to}, ${event}${note === undefined ? "" : `: ${note}`}`,
    attributes: {
      "guard.cluster": cluster,
      "guard.batch": batch,
      "guard.event": event,
      "guard.state": to,
      "guard.by": by,
    },
    at,
  });
}

/** What `work` gives. `effect`: its kind, one of few. `now`: ms. */
export async function measured<Result>(
  telemetry: Telemetry,
  effect: string,
  now: () => number,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!telemetry.enabled) return work();
  const begun = now();
  const end = (outcome: "done" | "failed"): void =>
    telemetry.record(effectDuration, Math.max(0, now() - begun) / 1_000, { effect, outcome });
  try {
    const result = await work();
    end("done");
    return result;
  } catch (error) {
    end("failed");
    throw error;
  }
}

type WaitedFor = "merge" | "flux" | "soak";

export function tellWait(telemetry: Telemetry, wait: WaitedFor, ms: number): void {
  telemetry.record(waitDuration, Math.max(0, ms) / 1_000, { wait });
}

/** States in which guard waits for something outside. */
const waiting: Readonly<Partial<Record<GuardState, WaitedFor>>> = {
  mr_created: "merge",
  mr_merged: "flux",
  upgrading: "flux",
  soaking_control_plane: "soak",
  soaking_data_plane: "soak",
  rollback_mr_created: "merge",
  rollback_mr_merged: "flux",
};

/** A change that is written: its transition, and the wait that it ends. */
export function tellChange(telemetry: Telemetry, before: ClusterRecord, after: ClusterRecord): void {
  const told = lastTransition(before, after);
  if (told === undefined) return;
  tellTransition(telemetry, told);
  const wait = before.state === after.state ? undefined : waiting[before.state];
  if (wait !== undefined) tellWait(telemetry, wait, told.transition.at - before.since);
}
