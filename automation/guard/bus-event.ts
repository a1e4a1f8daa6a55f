/** A transition as other systems hear of it. Pure. */
import type { BusEvent } from "../ports/event-bus.ts";
import type { ToldTransition } from "./telemetry.ts";

/** What rules of the bus match by. */
export const stateChangedType = "Guard State Changed";

/** The same event for the same transition, whoever sends it. */
export function transitionEvent({ cluster, batch, transition, since }: ToldTransition): BusEvent {
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
      ...(note === undefined ? {} : { note }),
      ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    },
  };
}
