/**
 * The spans of a swap as a fold of its journal: swap, in it its phases and steps, in these the effects. Pure, so that a process
 * that takes a swap over gives the same spans the same names, and each span is told by exactly one process: the one that
 * writes the event that closes it.
 */
import type { SpanError } from "../ports/tracer.ts";
import type { SwapEvent } from "./events.ts";
import { reasons } from "./reasons.ts";

type Fields = Readonly<Record<string, string | number | boolean>>;

interface TracedEvent {
  readonly name: string;
  readonly at: number;
  readonly attributes: Fields;
}

export interface OpenSpan {
  /** Names the span within the swap: `swap`, `phase 7`, `effect 9`, by the journal line that opened it. */
  readonly key: string;
  /** Of the span that it is in; absent for the swap itself. */
  readonly parent?: string;
  readonly name: string;
  readonly startedAt: number;
  readonly attributes: Fields;
  readonly events: readonly TracedEvent[];
}

export interface ClosedSpan extends OpenSpan {
  readonly endedAt: number;
  readonly error?: SpanError;
}

export interface SwapTrace {
  /** Number of the last line. */
  readonly line: number;
  readonly ramp: readonly number[];
  readonly swap: OpenSpan;
  readonly phase: OpenSpan;
  readonly effect: OpenSpan | undefined;
}

export interface TraceStep {
  readonly trace: SwapTrace;
  /** Innermost first. */
  readonly closed: readonly ClosedSpan[];
}

type Started = Extract<SwapEvent, { kind: "started" }>;
type Entered = Extract<SwapEvent, { kind: "entered" }>;

/** What is open after the first line. */
export function beginTrace(event: Started): SwapTrace {
  const attributes = {
    "switchyard.environment": event.environment,
    "switchyard.swap.id": event.id,
    "switchyard.swap.mode": event.mode,
    "switchyard.swap.from": event.from,
    "switchyard.swap.to": event.to,
    "switchyard.journal": `swaps/${event.id}/journal`,
    "switchyard.image": event.image,
    "switchyard.gate.profile": event.settings.profile,
  };
  const phase = event.mode === "failover" ? "adding-entry" : "deploying";
  return {
    line: 1,
    ramp: event.settings.ramp,
    swap: { key: "swap", name: "swap", startedAt: event.at, attributes, events: [] },
    phase: phaseSpan(1, phase, event.at, {}),
    effect: undefined,
  };
}

/** The next line. */
export function traceEvent(before: SwapTrace, event: SwapEvent): TraceStep {
  const trace = { ...before, line: before.line + 1 };
  switch (event.kind) {
    case "started":
    case "observed":
    case "alive":
      return { trace, closed: [] };
    case "engine":
      return open({
        ...trace,
        swap: noted(trace.swap, "driver", event.at, { "process.pid": event.pid, feed: event.feed }),
      });
    case "entered":
      return enter(trace, event);
    case "intent": {
      const effect: OpenSpan = {
        key: `effect ${trace.line}`,
        parent: trace.phase.key,
        name: `effect ${event.effect.kind}`,
        startedAt: event.at,
        attributes: effectAttributes(event.effect),
        events: [],
      };
      return { trace: { ...trace, effect }, closed: overtaken(trace, event.at) };
    }
    case "outcome":
      return settle(trace, event);
    case "measured":
      return onPhase(trace, "metrics", event.at, { verdict: event.verdict, ...evidence(event.evidence) });
    case "complied":
      return onPhase(trace, "compliance", event.at, { verdict: event.verdict, ...evidence(event.evidence) });
    case "noticed":
      return onPhase(trace, "noticed", event.at, { ...reason(event.reason), ...evidence(event.evidence) });
    case "verified":
      return onPhase(trace, "verified", event.at, { weight: event.weight, ...evidence(event.evidence) });
    case "recheck":
      return onPhase(trace, "recheck", event.at, {});
    case "requested":
      return onPhase(trace, "requested", event.at, { verb: event.verb });
    case "paused":
      return onPhase(trace, "paused", event.at, { ...reason(event.reason), ...evidence(event.evidence) });
    case "ended":
      return end(trace, event);
  }
}

function open(trace: SwapTrace): TraceStep {
  return { trace, closed: [] };
}

function noted(span: OpenSpan, name: string, at: number, attributes: Fields): OpenSpan {
  return { ...span, events: [...span.events, { name, at, attributes }] };
}

function onPhase(trace: SwapTrace, name: string, at: number, attributes: Fields): TraceStep {
  return open({ ...trace, phase: noted(trace.phase, name, at, attributes) });
}

function phaseSpan(line: number, phase: string, at: number, attributes: Fields): OpenSpan {
  return {
    key: `phase ${line}`,
    parent: "swap",
    name: `phase ${phase}`,
    startedAt: at,
    attributes: { "switchyard.phase": phase, ...attributes },
    events: [],
  };
}

/** An effect without an outcome: something more urgent came. */
function overtaken({ effect }: SwapTrace, at: number): readonly ClosedSpan[] {
  if (effect === undefined) return [];
  return [{ ...effect, attributes: { ...effect.attributes, "switchyard.effect.overtaken": true }, endedAt: at }];
}

function enter(trace: SwapTrace, event: Entered): TraceStep {
  const weight = event.phase === "shifting" ? trace.ramp[event.step] : undefined;
  const attributes = {
    ...(weight !== undefined && { "switchyard.step": event.step, "switchyard.weight": weight }),
    ...reason(event.reason),
    ...evidence(event.evidence),
  };
  const swap =
    event.phase === "returning"
      ? noted(trace.swap, "rollback", event.at, { ...reason(event.reason), ...evidence(event.evidence) })
      : trace.swap;
  return {
    trace: { ...trace, swap, phase: phaseSpan(trace.line, event.phase, event.at, attributes), effect: undefined },
    closed: [...overtaken(trace, event.at), { ...trace.phase, endedAt: event.at }],
  };
}

function settle(trace: SwapTrace, event: Extract<SwapEvent, { kind: "outcome" }>): TraceStep {
  const { effect } = trace;
  if (effect === undefined) return open(trace);
  const { failure } = event;
  const facts = Object.entries(event.facts).map(([name, value]) => [`switchyard.effect.${name}`, value] as const);
  const attributes = { ...effect.attributes, ...Object.fromEntries(facts), "switchyard.effect.found": event.found };
  const closed: ClosedSpan = {
    ...effect,
    attributes,
    endedAt: event.at,
    ...(failure !== undefined && { error: failure }),
  };
  return { trace: { ...trace, effect: undefined }, closed: [closed] };
}

function end(trace: SwapTrace, event: Extract<SwapEvent, { kind: "ended" }>): TraceStep {
  const bad = event.as === "failed" || event.as === "rolled-back";
  const swap: ClosedSpan = {
    ...trace.swap,
    attributes: {
      ...trace.swap.attributes,
      "switchyard.swap.end": event.as,
      ...reason(event.reason),
      ...evidence(event.evidence),
    },
    endedAt: event.at,
    ...(bad && { error: { code: event.reason, message: reasons[event.reason] } }),
  };
  return {
    trace: { ...trace, effect: undefined },
    closed: [...overtaken(trace, event.at), { ...trace.phase, endedAt: event.at }, swap],
  };
}

function reason(code: keyof typeof reasons): Fields {
  return { "switchyard.reason": code, "switchyard.reason.text": reasons[code] };
}

function evidence(found: Fields): Fields {
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [`switchyard.evidence.${name}`, value]));
}

function effectAttributes(effect: Extract<SwapEvent, { kind: "intent" }>["effect"]): Fields {
  switch (effect.kind) {
    case "write-weights":
      return Object.fromEntries(
        Object.entries(effect.weights).map(([platform, share]) => [`switchyard.weights.${platform}`, share]),
      );
    case "attach":
    case "detach":
    case "release":
      return { "switchyard.platforms": effect.platforms.join(",") };
    case "deploy":
    case "hold":
    case "accept":
    case "remove":
      return { "switchyard.platform": effect.platform };
  }
}
