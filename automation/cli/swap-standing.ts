/** What an open swap waits for, and until when. Pure. */
import { frozenAt } from "../swap/freeze.ts";
import { nextShare, type SwapState } from "../swap/state.ts";

export interface SwapStanding {
  /** The step, percent, that waits for a person to let it begin. */
  readonly waitsForApproval: number | undefined;
  /** When the bake's time is over; its evidence may take longer. */
  readonly bakeEndsAt: string | undefined;
  readonly rollbackWindowEndsAt: string | undefined;
  /** The freeze that holds now: no step begins, and the old side is not left. */
  readonly frozen: { readonly name: string; readonly until: string } | undefined;
}

/** `now`: the calendar's time, ms since the epoch. */
export function standing(state: SwapState, now: number): SwapStanding {
  const { settings, phase, phaseSince } = state;
  const open = state.end === undefined;
  const ends = (held: number): string => new Date(phaseSince + held).toISOString();
  const freeze = open && state.rollback === undefined ? frozenAt(settings.freeze, now) : undefined;
  return {
    waitsForApproval: open && state.paused?.reason === "approval-needed" ? nextShare(state) : undefined,
    bakeEndsAt: phase === "baking" ? ends(settings.bakeMs + state.bakeExtensionMs) : undefined,
    rollbackWindowEndsAt: phase === "retaining" ? ends(settings.rollbackWindowMs + state.windowExtensionMs) : undefined,
    frozen: freeze === undefined ? undefined : { name: freeze.name, until: new Date(freeze.until).toISOString() },
  };
}
