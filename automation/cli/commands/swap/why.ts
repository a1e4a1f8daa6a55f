import { Args, Flags } from "@oclif/core";
import { describeEffect } from "../../../swap/effects.ts";
import { explain } from "../../../swap/explain.ts";
import type { Reason } from "../../../swap/reasons.ts";
import { applyEvent, type SwapEvent, type SwapState, startState } from "../../../swap/state.ts";
import { describePosition } from "../../../swap/store.ts";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { reasonText } from "../../swap-summary.ts";
import { duration, timeOfDay } from "../../text.ts";

interface Decided {
  readonly at: string;
  /** Where the swap stood when it was decided: deploying, step 2 of 5, 5 %, … */
  readonly position: string;
  /** What came of it: the phase that was entered, paused, or how the swap ended. */
  readonly outcome: string;
  readonly reason: Reason;
  readonly explanation: readonly string[];
  readonly evidence: Readonly<Record<string, number | string | boolean>>;
}

interface WhyResult {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** What the stop gate looked at. */
  readonly lookedAt: readonly string[];
  readonly decisions: readonly Decided[];
  readonly effects: readonly {
    readonly effect: string;
    readonly at: string;
    readonly ok: boolean;
    readonly durationMs: number;
    readonly failure: string | undefined;
  }[];
}

export default class SwapWhy extends SwapCommand<WhyResult> {
  static override summary = "Print the numbers that decided.";
  static override examples = ["<%= config.bin %> swap why 2 --env local"];
  static override args = { id: Args.string({ description: "Number of the swap. Default: the newest." }) };
  static override flags = {
    env: environmentFlag,
    step: Flags.integer({ description: "Only what was decided in this step of the ramp, from 1.", min: 1 }),
  };

  protected override async execute(): Promise<WhyResult> {
    const { args, flags } = await this.parse(SwapWhy);
    const environment = await this.environment(flags.env);
    const { state, events } = await this.record(environment, args.id);
    return {
      id: state.id,
      from: state.from,
      to: state.to,
      lookedAt: [...new Set(events.flatMap((event) => (event.kind === "engine" ? [event.feed] : [])))],
      decisions: decisionsOf(events, flags.step),
      effects: flags.step === undefined ? effectsOf(events) : [],
    };
  }

  protected override describe(result: WhyResult): readonly string[] {
    const lines = [`Swap ${result.id}, ${result.from} -> ${result.to}. Looked at: ${result.lookedAt.join("; ")}.`];
    for (const decision of result.decisions) {
      lines.push(
        `${timeOfDay(Date.parse(decision.at))}  ${decision.position}: ${decision.outcome}, because ${reasonText(decision.reason)}.`,
        ...decision.explanation.map((sentence) => `          ${sentence}`),
      );
    }
    if (result.effects.length > 0) lines.push("Effects:");
    for (const effect of result.effects) {
      const outcome = effect.ok ? duration(effect.durationMs) : `failed: ${effect.failure ?? ""}`;
      lines.push(`${timeOfDay(Date.parse(effect.at))}  ${effect.effect}, ${outcome}`);
    }
    return lines;
  }
}

/** Each decision with the state in which it was taken. */
function decisionsOf(events: readonly SwapEvent[], step: number | undefined): readonly Decided[] {
  const [first, ...rest] = events;
  if (first?.kind !== "started") return [];
  let state: SwapState = startState(first);
  const found: Decided[] = [];
  for (const event of rest) {
    const before = state;
    state = applyEvent(state, event);
    if (event.kind !== "entered" && event.kind !== "paused" && event.kind !== "ended") continue;
    if (step !== undefined && !(before.phase === "shifting" && before.step === step - 1)) continue;
    found.push({
      at: new Date(event.at).toISOString(),
      position: describePosition(before),
      outcome: event.kind === "entered" ? describePosition(state) : event.kind === "paused" ? "paused" : event.as,
      reason: event.reason,
      explanation: explain(event.reason, event.evidence, before.settings),
      evidence: event.evidence,
    });
  }
  return found;
}

function effectsOf(events: readonly SwapEvent[]): WhyResult["effects"] {
  const found: WhyResult["effects"][number][] = [];
  let intent: Extract<SwapEvent, { kind: "intent" }> | undefined;
  for (const event of events) {
    if (event.kind === "intent") intent = event;
    if (event.kind === "outcome" && intent !== undefined)
      found.push({
        effect: describeEffect(intent.effect),
        at: new Date(intent.at).toISOString(),
        ok: event.ok,
        durationMs: event.durationMs,
        failure: event.failure?.message,
      });
  }
  return found;
}
