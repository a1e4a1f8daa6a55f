/** How a command on a swap ends: with its summary, or with the error that says what a person has to do. */
import { SwitchyardError } from "../errors.ts";
import { foldEvents } from "../swap/fold.ts";
import { describeWeights } from "../swap/perform.ts";
import { canReturn, nextShare, type Phase, type SwapEvent, type SwapState, type Verb } from "../swap/state.ts";
import { describePosition } from "../swap/store.ts";
import { reasonText, type SwapSummary, summarise } from "./swap-summary.ts";

/** Errors: swap-cannot-return, swap-not-promotable, swap-not-baking, swap-no-rollback-window. */
export function assertPossible(verb: Verb, state: SwapState): void {
  switch (verb) {
    case "abort":
    case "rollback":
      if (!canReturn(state) && leaving.includes(state.phase)) throw cannotReturn(state);
      return;
    case "promote":
      if (state.phase !== "shifting" && state.phase !== "baking" && state.paused?.reason !== "approval-needed")
        throw notPromotable(state);
      return;
    case "promote-full":
      if (state.mode === "failover" || !beforeBake.includes(state.phase)) throw notPromotable(state);
      return;
    case "extend-bake":
      if (state.phase !== "baking" && state.phase !== "retaining") throw notBaking(state);
      return;
    case "decommission":
      if (state.phase !== "retaining") throw noRollbackWindow(state);
      return;
    case "pause":
    case "resume":
      return;
  }
}

const leaving: readonly Phase[] = ["removing-entry", "detaching", "removing", "releasing"];
const beforeBake: readonly Phase[] = ["deploying", "attaching", "adding-entry", "holding", "accepting", "shifting"];

/** What to do instead, at a point where a wish makes no sense. */
function instead(state: SwapState): readonly string[] {
  const env = `--env ${state.environment}`;
  const look = `To look:   npx switchyard swap status ${env}`;
  if (state.paused !== undefined) return [`To try again:   npx switchyard swap retry ${env}`, look];
  switch (state.phase) {
    case "baking":
      return [`To end the bake:   npx switchyard swap promote ${env}`, look];
    case "retaining":
      return [`To end the rollback window:   npx switchyard swap decommission ${env}`, look];
    default:
      return [`To follow it:   npx switchyard swap watch ${env}`, look];
  }
}

function notPromotable(state: SwapState): SwitchyardError {
  return new SwitchyardError("swap-not-promotable", {
    message: `Swap ${state.id} has nothing that a person could let pass now: ${describePosition(state)}`,
    next: instead(state),
  });
}

function notBaking(state: SwapState): SwitchyardError {
  return new SwitchyardError("swap-not-baking", {
    message: `Swap ${state.id} neither bakes nor is in its rollback window: ${describePosition(state)}`,
    next: instead(state),
  });
}

function noRollbackWindow(state: SwapState): SwitchyardError {
  return new SwitchyardError("swap-no-rollback-window", {
    message: `Swap ${state.id} is in no rollback window: ${describePosition(state)}`,
    next: instead(state),
  });
}

function cannotReturn(state: SwapState): SwitchyardError {
  const where =
    state.end === undefined ? `is removing ${state.from} (${describePosition(state)})` : `has removed ${state.from}`;
  return new SwitchyardError("swap-cannot-return", {
    message: `Swap ${state.id} ${where}, which therefore cannot take the traffic back`,
    next: `To go back:   npx switchyard swap start --to ${state.from} --env ${state.environment}`,
  });
}

/** A swap that came to rest: its summary, or the error that says what a person has to do. */
export function finish(state: SwapState, verb: Verb | undefined): SwapSummary {
  const summary = summarise(state);
  const env = `--env ${state.environment}`;
  const data = { swap: summary };
  const wentBack = state.end !== undefined && state.end.as !== "completed";
  if (verb === "abort" || verb === "rollback") {
    if (wentBack) return summary;
    if (state.end !== undefined) throw cannotReturn(state);
  }
  if (wentBack && summary.reason === "stateless-violation") throw notStateless(state, summary);
  if (wentBack) {
    throw new SwitchyardError("swap-failed", {
      message: `Swap ${state.id} (${state.from} -> ${state.to}) was ${summary.state.replace("-", " ")}: ${reasonText(summary.reason)}. ${state.from} serves everything`,
      next: [`To see what decided:   npx switchyard swap why ${state.id} ${env}`],
      data,
    });
  }
  if (state.end !== undefined) return summary;
  throw new SwitchyardError("swap-paused", {
    message: `Swap ${state.id} waits for a person: ${reasonText(state.paused?.reason ?? state.phaseReason)}${state.lastFailure === undefined ? "" : `: ${state.lastFailure.message}`}`,
    next: [...waysOn(state), ...waysBack(state)],
    data,
  });
}

function notStateless(state: SwapState, summary: SwapSummary): SwitchyardError {
  const { id, to, from, environment, rollback } = state;
  const said = rollback?.evidence["message"];
  return new SwitchyardError("stateless-violation", {
    message: `Swap ${id} (${from} -> ${to}) did not go on: ${typeof said === "string" ? said : reasonText(summary.reason)}. ${from} serves everything`,
    next: [
      `To see what decided:   npx switchyard swap why ${id} --env ${environment}`,
      `To let a verdict pass that is not stateful:   npx switchyard swap start --to ${to} --env ${environment} --accept session-bound`,
    ],
    data: { swap: summary },
  });
}

function waysOn(state: SwapState): readonly string[] {
  const env = `--env ${state.environment}`;
  return state.paused?.reason === "approval-needed"
    ? [`To let the step of ${nextShare(state) ?? 100} % begin:   npx switchyard swap promote ${env}`]
    : [`To try again:   npx switchyard swap resume ${env}`];
}

/** Ctrl-C. What the disk refused is told as it is: then the state is not kept. */
export function stopped(events: readonly SwapEvent[], cause: unknown): unknown {
  const state = foldEvents(events);
  if (state === undefined || (cause instanceof SwitchyardError && cause.code.startsWith("disk-"))) return cause;
  const { pending } = state;
  const weights = state.accepted === undefined ? "not moved" : describeWeights(state.accepted);
  const moving =
    pending?.effect.kind === "write-weights" ? `, perhaps ${describeWeights(pending.effect.weights)} already` : "";
  const back = state.phase === "returning" ? `. It was on its way back to ${state.from}: go on soon` : "";
  return new SwitchyardError("cancelled", {
    message: `Stopped (${describePosition(state)}). The swap's state is kept and traffic stays as it is (${weights}${moving})${back}`,
    next: [`To go on:     npx switchyard swap resume --env ${state.environment}`, ...waysBack(state)],
    data: { swap: summarise(state) },
    cause,
  });
}

function waysBack(state: SwapState): readonly string[] {
  return canReturn(state) ? [`To go back:   npx switchyard swap abort --env ${state.environment}`] : [];
}
