/** A transition as other systems hear of it. Pure. */
import type { BusEvent } from "../../ports/event-bus.ts";
import type { RunRecord } from "../registry/record.ts";
import type { ToldTransition } from "./telemetry.ts";

/** What rules of the bus match by. */
export const stateChangedType = "Guard State Changed";

/** The same event for the same transition, whoever sends it. */
export function transitionEvent({ cluster, batch, transition, since }: ToldTransition, run?: RunRecord): BusEvent {
  const { event, from, to, at, by, note } = transition;
  return {
    id: [cluster, at, event].join("/"),
    type: stateChangedType,
    at,
    detail: {
      cluster,
      batch,
      event,
      from,
      to,
      by,
      ...(run === undefined ? {} : { plan: run.plan, istio_from: run.from, istio_to: run.to, step: run.step.index }),
      ...(note === undefined ? {} : { note }),
      ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    },
  };
}
