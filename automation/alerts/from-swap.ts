/** What people are told of a swap, line by line of its journal: each reason and each failure is one alert. Pure. */
import type { Severity } from "../ports/notifier.ts";
import { describeEffect } from "../swap/effects.ts";
import { applyEvent, startState } from "../swap/fold.ts";
import { type Reason, reasons } from "../swap/reasons.ts";
import type { SwapEvent, SwapState } from "../swap/state.ts";
import { type AlertInput, clipped, dedupKey, type Ending, type Raise, raise } from "./alert.ts";

/** A person's own doing, or what a person is expected to do. */
const expected: readonly Reason[] = ["requested-abort", "requested-rollback", "requested-pause", "approval-needed"];

/** How bad it is that a swap goes back, waits or tells people for that reason. */
export function severityOf(reason: Reason, kind: "returning" | "paused" | "noticed" | "failed"): Severity {
  if (expected.includes(reason)) return "info";
  // Users may be on a side that nobody meant them to be on.
  if (reason === "weights-moved-elsewhere") return "critical";
  return kind === "returning" || kind === "failed" ? "critical" : "warning";
}

/** What a line of the journal says to people. `before` and `after` are the states around it. */
export function swapAlerts(before: SwapState, event: SwapEvent, after: SwapState): readonly AlertInput[] {
  const { id: swap } = after;
  const ends = (...until: readonly Ending[]): AlertInput => ({ kind: "resolve", at: event.at, until, swap });
  switch (event.kind) {
    case "engine":
      return [ends("driven"), ...undriven(before, event.at)];
    case "entered": {
      if (event.phase !== "returning") return [ends("entered")];
      const { reason, evidence } = event;
      const told = tell(after, event.at, {
        code: reason,
        severity: severityOf(reason, "returning"),
        what: `goes back to ${after.from}: ${reasons[reason]}`,
        detail: evidenceText(evidence),
        until: after.touched ? "returned" : "ended",
      });
      return [ends("entered", "resumed"), told];
    }
    case "paused":
      return [paused(after, event.reason, event.at, evidenceText(event.evidence))];
    case "requested":
      if (event.verb === "pause") return [paused(after, "requested-pause", event.at, `asked for by ${event.by}`)];
      return after.paused === undefined ? [ends("resumed")] : [];
    case "noticed":
      return [
        tell(after, event.at, {
          code: event.reason,
          severity: severityOf(event.reason, "noticed"),
          what: reasons[event.reason],
          detail: evidenceText(event.evidence),
          until: "entered",
        }),
      ];
    case "outcome":
      return event.ok ? [ends("retried")] : failed(before, event, after);
    case "verified":
      return after.phase === "returning" ? [ends("retried", "resumed", "returned")] : [];
    case "ended":
      return ended(after, event);
    default:
      return [];
  }
}

/** Everything that a whole journal says, for who cannot know what was told before. */
export function journalAlerts(events: readonly SwapEvent[]): readonly AlertInput[] {
  const [first, ...rest] = events;
  if (first?.kind !== "started") return [];
  let state = startState(first);
  return rest.flatMap((event) => {
    const before = state;
    state = applyEvent(state, event);
    return swapAlerts(before, event, state);
  });
}

/** The same for every process that drives the swap. */
export function swapKey(state: Pick<SwapState, "environment" | "id" | "step">, code: string): string {
  return dedupKey(state.environment, "swap", state.id, code, state.step);
}

export function swapName({ mode, id, environment, from, to }: SwapState): string {
  return `${mode === "failover" ? "Failover" : "Swap"} ${id} of ${environment} (${from} -> ${to})`;
}

interface Told {
  readonly code: string;
  readonly severity: Severity;
  readonly what: string;
  readonly detail: string;
  readonly until: Raise["until"];
  readonly platform?: string;
  readonly next?: readonly string[];
}

function tell(state: SwapState, at: number, told: Told): AlertInput {
  const env = `--env ${state.environment}`;
  return raise(
    {
      code: told.code,
      severity: told.severity,
      environment: state.environment,
      platform: told.platform ?? state.to,
      swap: state.id,
      title: clipped(`${swapName(state)}: ${told.what}`, 300),
      detail: clipped(told.detail, 600),
      next: told.next ?? [`To see what decided:   npx switchyard swap why ${state.id} ${env}`],
      at,
      dedupKey: swapKey(state, told.code),
    },
    told.until,
  );
}

function paused(state: SwapState, reason: Reason, at: number, detail: string): AlertInput {
  const env = `--env ${state.environment}`;
  return tell(state, at, {
    code: reason,
    severity: severityOf(reason, "paused"),
    what: `waits for a person: ${reasons[reason]}`,
    detail,
    until: "resumed",
    next: [
      reason === "approval-needed"
        ? `To let it go on:   npx switchyard swap promote ${env}`
        : `To go on:   npx switchyard swap resume ${env}`,
      `To go back:   npx switchyard swap abort ${env}`,
    ],
  });
}

/** Nobody drove it for longer than dead_man.after; with the policy revert it goes back for that next. */
function undriven(before: SwapState, at: number): readonly AlertInput[] {
  const deadMs = at - before.aliveAt;
  if (before.end !== undefined || before.paused !== undefined || deadMs < before.settings.deadMan.afterMs) return [];
  return [
    tell(before, at, {
      code: "engine-was-dead",
      severity: "warning",
      what: `${reasons["engine-was-dead"]}; a process goes on with it now`,
      detail: `nobody drove it for ${Math.round(deadMs / 1_000)} s`,
      until: "entered",
    }),
  ];
}

/** An attempt that is made again is a warning; traffic that cannot go back is not. */
function failed(
  before: SwapState,
  event: Extract<SwapEvent, { kind: "outcome" }>,
  after: SwapState,
): readonly AlertInput[] {
  const { code, message } = event.failure ?? { code: "internal-error", message: "" };
  const effect = before.pending?.effect;
  return [
    tell(after, event.at, {
      code,
      severity: after.phase === "returning" ? "critical" : "warning",
      what: `${effect === undefined ? "something" : describeEffect(effect)} failed (${code})`,
      detail: message,
      until: "retried",
      ...(effect !== undefined && "platform" in effect ? { platform: effect.platform } : {}),
    }),
  ];
}

function ended(after: SwapState, event: Extract<SwapEvent, { kind: "ended" }>): readonly AlertInput[] {
  const over: AlertInput = { kind: "resolve", at: event.at, swap: after.id };
  const { as, reason } = event;
  if (as === "failed")
    return [
      over,
      tell(after, event.at, {
        code: reason,
        severity: severityOf(reason, "failed"),
        what: `failed: ${reasons[reason]}`,
        detail: evidenceText(event.evidence),
        until: "completed",
      }),
    ];
  if (as !== "completed") return [over];
  const others: AlertInput = { kind: "resolve", at: event.at, until: ["completed"] };
  if (after.mode !== "failover") return [over, others];
  const told = tell(after, event.at, {
    code: reason,
    severity: "info",
    what: reasons[reason],
    detail: "",
    until: "momentary",
    next: [`To undo:   npx switchyard failover run --to ${after.from} --env ${after.environment}`],
  });
  return [over, others, told];
}

function evidenceText(evidence: Readonly<Record<string, number | string | boolean>>): string {
  return Object.entries(evidence)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
