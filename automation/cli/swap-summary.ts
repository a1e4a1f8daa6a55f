/** What is said of a swap, as data and for people. */
import { describeWeights } from "../swap/perform.ts";
import { reasons } from "../swap/reasons.ts";
import type { SwapState } from "../swap/state.ts";
import { dateAndTime, duration } from "./text.ts";

export interface SwapSummary {
  readonly id: string;
  /** swap or failover. */
  readonly mode: string;
  readonly environment: string;
  readonly from: string;
  readonly to: string;
  readonly image: string;
  readonly state: string;
  readonly phase: string;
  readonly reason: string;
  readonly weights: Readonly<Record<string, number>>;
  readonly paused: boolean;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  readonly profile: string;
}

export function summarise(state: SwapState): SwapSummary {
  return {
    id: state.id,
    mode: state.mode,
    environment: state.environment,
    from: state.from,
    to: state.to,
    image: state.image,
    state: state.end?.as ?? (state.paused === undefined ? "running" : "paused"),
    phase: state.phase,
    reason: state.end?.reason ?? state.paused?.reason ?? state.phaseReason,
    weights: state.accepted ?? {},
    paused: state.paused !== undefined,
    startedAt: new Date(state.startedAt).toISOString(),
    endedAt: state.end === undefined ? undefined : new Date(state.end.at).toISOString(),
    profile: state.settings.profile,
  };
}

export function describeSummary(summary: SwapSummary): readonly string[] {
  const took =
    summary.endedAt === undefined
      ? ""
      : `, took ${duration(Date.parse(summary.endedAt) - Date.parse(summary.startedAt))}`;
  return [
    `${summary.mode === "failover" ? "Failover" : "Swap"} ${summary.id} of ${summary.environment}: ${summary.from} -> ${summary.to}, ${summary.state} (${summary.phase.replaceAll("-", " ")}).`,
    `Why        ${reasonText(summary.reason)}`,
    `Weights    ${describeWeights(summary.weights) || "not moved"}`,
    `Started    ${dateAndTime(Date.parse(summary.startedAt))}${took}, gate profile ${summary.profile}`,
  ];
}

export function reasonText(reason: string): string {
  return reason in reasons ? reasons[reason as keyof typeof reasons] : reason;
}
