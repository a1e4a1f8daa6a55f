/** Whoever is told of a batch's changes: people by alerts, machines by the event bus, graphs by Datadog; none of them holds the run up. */
import type { AlertDesk } from "../alerts/desk.ts";
import { guardAlerts } from "../alerts/from-guard.ts";
import { SwitchyardError } from "../errors.ts";
import { transitionEvent } from "../guard/events/bus-event.ts";
import { lastTransition } from "../guard/events/telemetry.ts";
import type { ClusterRecord } from "../guard/registry/record.ts";
import type { Move } from "../guard/run/decide.ts";
import type { DeploymentEvent, DeploymentEvents } from "../ports/deployment-events.ts";
import type { EventBus } from "../ports/event-bus.ts";
import { deskWarnings } from "./alert-view.ts";

export interface GuardTold {
  take(before: ClusterRecord, after: ClusterRecord, move: Move): void;
  /** Ends it in bounded time; what somebody was not told of, a line each. */
  close(): Promise<readonly string[]>;
}

export interface GuardTellers {
  readonly desk: AlertDesk;
  readonly bus: EventBus | undefined;
  readonly graphs: DeploymentEvents | undefined;
  readonly signal: AbortSignal;
}

const closingMs = 3_000;

export function tellGuard({ desk, bus, graphs, signal }: GuardTellers): GuardTold {
  const under = new Set<Promise<void>>();
  const lost: string[] = [];
  const send = (work: () => Promise<void>): void => {
    const sent = work().catch((error: unknown) => {
      if (signal.aborted) return;
      lost.push(error instanceof SwitchyardError ? error.message : String(error));
    });
    under.add(sent);
    void sent.finally(() => under.delete(sent));
  };
  desk.watch();
  return {
    take(before, after, move) {
      desk.take(guardAlerts(before, after));
      const told = lastTransition(before, after);
      if (bus !== undefined && told !== undefined)
        send(async () => {
          const { failed } = await bus.publish([transitionEvent(told, after.run)], signal);
          lost.push(...failed.map(({ why }) => `${bus.description}: ${why}`));
        });
      const event = graphEvent(after, move);
      if (graphs !== undefined && event !== undefined) send(() => graphs.say(event, signal));
    },
    async close() {
      const waited = new Promise<void>((resolve) => setTimeout(resolve, closingMs).unref());
      await Promise.race([Promise.all(under), waited]);
      if (under.size > 0) lost.push(`${under.size} messages about changes were not delivered in time`);
      return [...new Set([...deskWarnings(await desk.close(closingMs)), ...lost])];
    },
  };
}

/** At start, merge and verdict. */
function graphEvent(
  { entry, state, since, run }: ClusterRecord,
  { event, note = "" }: Move,
): DeploymentEvent | undefined {
  const said = graphed[event];
  if (said === undefined || run === undefined) return undefined;
  const { kind, level, what } = said;
  return {
    kind,
    level,
    title: `Istio ${run.from} to ${run.to} on ${entry.clusterId}: ${what}`,
    text: note === "" ? `It is ${state}.` : note,
    run: `${entry.batchId}-${run.plan}`,
    tags: [`cluster_name:${entry.eksCluster ?? entry.clusterId}`, `batch:${entry.batchId}`],
    at: since,
  };
}

const graphed: Readonly<
  Partial<Record<Move["event"], Pick<DeploymentEvent, "kind" | "level"> & { readonly what: string }>>
> = {
  started: { kind: "started", level: "info", what: "its checks begin" },
  mr_merged: { kind: "merged", level: "info", what: "its merge request is merged" },
  rollback_mr_merged: { kind: "merged", level: "warning", what: "its rollback is merged" },
  validated: { kind: "verdict", level: "success", what: "validated" },
  gate_failed: { kind: "verdict", level: "error", what: "a gate failed" },
  sync_failed: { kind: "verdict", level: "error", what: "it was not applied" },
  restart_failed: { kind: "verdict", level: "error", what: "a restart failed" },
  rolled_back: { kind: "verdict", level: "warning", what: "rolled back" },
};
