import { Args, Flags } from "@oclif/core";
import { describeEffect } from "../../../swap/effects.ts";
import { explain, explainMeasurement } from "../../../swap/explain.ts";
import { applyEvent, startState } from "../../../swap/fold.ts";
import type { SwapEvent, SwapState } from "../../../swap/state.ts";
import { describePosition } from "../../../swap/store.ts";
import { environmentFlag } from "../../environment-command.ts";
import { SwapCommand } from "../../swap-command.ts";
import { reasonText } from "../../swap-summary.ts";
import { duration, timeOfDay } from "../../text.ts";

interface Decided {
  readonly at: string;
  /** Where the swap stood when it was decided: deploying, step 2 of 5, 5 %, … */
  readonly position: string;
  /** What came of it: the phase that was entered, paused, told, verified, measured, a wish, or how the swap ended. */
  readonly outcome: string;
  /** A reason's key; measured, verified or requested for what is none. */
  readonly reason: string;
  readonly explanation: readonly string[];
  readonly evidence: Readonly<Record<string, number | string | boolean>>;
}

interface WhyResult {
  readonly id: string;
  readonly mode: string;
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
  static override mutates = false;
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
      mode: state.mode,
      from: state.from,
      to: state.to,
      lookedAt: [...new Set(events.flatMap((event) => (event.kind === "engine" ? [event.feed] : [])))],
      decisions: decisionsOf(events, flags.step),
      effects: flags.step === undefined ? effectsOf(events) : [],
    };
  }

  protected override describe(result: WhyResult): readonly string[] {
    const what = result.mode === "swap" ? "Swap" : "Failover";
    const lines = [`${what} ${result.id}, ${result.from} -> ${result.to}. Looked at: ${result.lookedAt.join("; ")}.`];
    for (const decision of result.decisions) {
      const because = decision.reason in plainReasons ? "" : `, because ${reasonText(decision.reason)}`;
      lines.push(
        `${timeOfDay(Date.parse(decision.at))}  ${decision.position}: ${decision.outcome}${because}.`,
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

/** Of lines that say themselves what they are. */
const plainReasons = { measured: true, verified: true, requested: true } as const;

/** Each decision with the state in which it was taken. */
export function decisionsOf(events: readonly SwapEvent[], step: number | undefined): readonly Decided[] {
  const [first, ...rest] = events;
  if (first?.kind !== "started") return [];
  let state: SwapState = startState(first);
  const found: Decided[] = [];
  for (const event of rest) {
    const before = state;
    state = applyEvent(state, event);
    if (step !== undefined && !(before.phase === "shifting" && before.step === step - 1)) continue;
    const decided = decidedBy(event, before, state);
    if (decided !== undefined)
      found.push({ at: new Date(event.at).toISOString(), position: describePosition(before), ...decided });
  }
  return found;
}

function decidedBy(
  event: SwapEvent,
  before: SwapState,
  after: SwapState,
): Omit<Decided, "at" | "position"> | undefined {
  switch (event.kind) {
    case "entered":
    case "paused":
    case "noticed":
    case "ended": {
      const outcome =
        event.kind === "entered"
          ? describePosition(after)
          : event.kind === "ended"
            ? event.as
            : event.kind === "noticed"
              ? "told to people"
              : "paused";
      const { reason, evidence } = event;
      return { outcome, reason, explanation: explain(reason, evidence, before.settings), evidence };
    }
    case "measured":
      return {
        outcome: `metrics from outside, ${event.verdict}`,
        reason: "measured",
        explanation: explainMeasurement(event.evidence),
        evidence: { verdict: event.verdict, ...event.evidence },
      };
    case "verified":
      return {
        outcome: `the data plane follows ${event.weight} %`,
        reason: "verified",
        explanation: [verifiedText(event.evidence)],
        evidence: { weight: event.weight, ...event.evidence },
      };
    case "requested": {
      const by = event.amountMs === undefined ? "" : ` by ${duration(event.amountMs)}`;
      return {
        outcome: `${event.verb}${by} asked for by ${event.by}`,
        reason: "requested",
        explanation: [],
        evidence: {
          verb: event.verb,
          by: event.by,
          ...(event.amountMs === undefined ? {} : { amountMs: event.amountMs }),
        },
      };
    }
    default:
      return undefined;
  }
}

function verifiedText({ seenPercent, samples }: Decided["evidence"]): string {
  return `${String(seenPercent ?? "unknown")} % of ${String(samples ?? "unknown")} probes were answered by the new side.`;
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
