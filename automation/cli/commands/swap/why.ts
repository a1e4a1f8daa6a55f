import { Args, Flags } from "@oclif/core";
import { describeEffect } from "../../../swap/effects.ts";
import type { SwapEvent } from "../../../swap/state.ts";
import { environmentFlag } from "../../environment-command.ts";
import { reasonText, SwapCommand } from "../../swap-command.ts";
import { duration, timeOfDay } from "../../text.ts";

interface WhyResult {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly decisions: readonly {
    readonly at: string;
    readonly phase: string;
    readonly weight: number | undefined;
    readonly reason: string;
    readonly evidence: Readonly<Record<string, number | string | boolean>>;
  }[];
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
    step: Flags.integer({ description: "Only this step of the ramp, from 1.", min: 1 }),
  };

  protected override async execute(): Promise<WhyResult> {
    const { args, flags } = await this.parse(SwapWhy);
    const environment = await this.environment(flags.env);
    const { state, events } = await this.record(environment, args.id);
    const inStep = (event: SwapEvent): boolean =>
      flags.step === undefined || (event.kind === "entered" && event.step === flags.step - 1);
    return {
      id: state.id,
      from: state.from,
      to: state.to,
      decisions: events.filter(inStep).flatMap((event) =>
        event.kind === "entered" || event.kind === "paused" || event.kind === "ended"
          ? [
              {
                at: new Date(event.at).toISOString(),
                phase: event.kind === "entered" ? event.phase : event.kind === "ended" ? event.as : "paused",
                weight:
                  event.kind === "entered" && event.phase === "shifting" ? state.settings.ramp[event.step] : undefined,
                reason: event.reason,
                evidence: event.evidence,
              },
            ]
          : [],
      ),
      effects: effectsOf(events),
    };
  }

  protected override describe(result: WhyResult): readonly string[] {
    const lines = [`Swap ${result.id}, ${result.from} -> ${result.to}:`];
    for (const decision of result.decisions) {
      const weight = decision.weight === undefined ? "" : ` ${decision.weight} %`;
      lines.push(`${timeOfDay(Date.parse(decision.at))}  ${decision.phase}${weight}: ${reasonText(decision.reason)}.`);
      for (const [name, value] of Object.entries(decision.evidence))
        lines.push(`            ${name.padEnd(22)} ${value}`);
    }
    lines.push("Effects:");
    for (const effect of result.effects) {
      const outcome = effect.ok ? duration(effect.durationMs) : `failed: ${effect.failure ?? ""}`;
      lines.push(`${timeOfDay(Date.parse(effect.at))}  ${effect.effect}, ${outcome}`);
    }
    return lines;
  }
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
