/** The alert desk as a listener of a swap and of the failover watch. */
import type { SwitchyardError } from "../errors.ts";
import type { FailoverDecision } from "../failover/decide.ts";
import type { WatchListener } from "../failover/watch.ts";
import type { Clock } from "../ports/clock.ts";
import { foldEvents } from "../swap/fold.ts";
import type { RunListener } from "../swap/run.ts";
import type { SwapEvent } from "../swap/state.ts";
import type { AlertInput } from "./alert.ts";
import { blindAlerts, failoverAlerts, moveFailedAlerts, seeingAlerts } from "./from-failover.ts";
import { journalAlerts, swapAlerts } from "./from-swap.ts";

/** Takes what people are to be told; never waits and never fails. */
export type TakeAlerts = (inputs: readonly AlertInput[]) => void;

/**
 * Tells what the run writes into its journal. What the journal has already is told again first: a process that died may have
 * written a line and told nobody, and whoever knows the line hears nothing.
 */
export function alertRunListener(take: TakeAlerts, journal: readonly SwapEvent[]): RunListener {
  take(journalAlerts(journal));
  let before = foldEvents(journal);
  return {
    onEvent(event, state) {
      const inputs = swapAlerts(before ?? state, event, state);
      before = state;
      if (inputs.length > 0) take(inputs);
    },
  };
}

export function alertWatchListener(
  take: TakeAlerts,
  environment: string,
  clock: Pick<Clock, "now">,
): Required<Pick<WatchListener, "onLook" | "onMoveFailed" | "onBlind">> {
  let last = "";
  let blind = false;
  return {
    onLook(decision: FailoverDecision) {
      const { kind, reason, from } = decision;
      const inputs: AlertInput[] = [];
      if (blind && reason !== "window-not-covered" && reason !== "weights-unreadable") {
        blind = false;
        inputs.push(seeingAlerts(environment, clock.now()));
      }
      // A look a second: only what is new is told.
      const look = `${kind} ${reason} ${from}`;
      if (look !== last) inputs.push(...failoverAlerts(environment, decision, clock.now()));
      last = look;
      if (inputs.length > 0) take(inputs);
    },
    onMoveFailed(decision: FailoverDecision, error: SwitchyardError) {
      take(moveFailedAlerts(environment, decision, error, clock.now()));
    },
    onBlind(error: SwitchyardError) {
      blind = true;
      take(blindAlerts(environment, error, clock.now()));
    },
  };
}
