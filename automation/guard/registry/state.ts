/**
 * Where a cluster stands in an upgrade, as a table: docs/guard-states.md is generated from it, and `transition` refuses what it
 * lacks. Pure.
 */

import { type Move, moves, pausable } from "./state-moves.ts";
import { type GuardState, type StateRow, stateRows } from "./state-names.ts";

export type EventName = (typeof moves)[number]["event"];

interface StateEntry extends StateRow {
  readonly onFailure: EventName | undefined;
}

export const states: Readonly<Record<GuardState, StateEntry>> = stateRows;

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
