/** Tells a tracer what happens in a swap, and names to outgoing requests what they belong to. */
import { createHash } from "node:crypto";
import { parseTraceparent, type Span, type SpanContext, type TraceScope } from "../ports/tracer.ts";
import type { SwapEvent } from "./events.ts";
import type { RunListener } from "./run.ts";
import { beginTrace, type ClosedSpan, type OpenSpan, type SwapTrace, traceEvent } from "./trace.ts";

const digest = (text: string, digits: number): string =>
  createHash("sha256").update(text).digest("hex").slice(0, digits);

/**
 * `before` is the journal as it stands. The trace is the one that the journal's first line names, which is the command's that
 * started the swap; where that was not traced, its id follows from the swap. Span ids follow from trace and line, so that a
 * process that goes on with the swap goes on with its trace.
 */
export function traceListener(scope: TraceScope, before: readonly SwapEvent[]): RunListener {
  const [started] = before;
  if (!scope.tracer.enabled || started?.kind !== "started") return {};
  const parent = parseTraceparent(started.trace);
  const swapId = `switchyard ${started.environment} ${started.id} ${started.at}`;
  let trace = beginTrace(started);
  for (const event of before.slice(1)) ({ trace } = traceEvent(trace, event));

  const traceId = parent?.traceId ?? digest(swapId, 32);
  const idOf = (key: string): string => digest(`${swapId} ${traceId} ${key}`, 16);
  // Begun at once: whether the trace is sampled is decided with its first span. Dropped where the swap does not end here.
  const root = scope.tracer.startSpan({
    name: trace.swap.name,
    startedAt: trace.swap.startedAt,
    spanId: idOf(trace.swap.key),
    ...(parent === undefined ? { traceId } : { parent }),
  });
  const { sampled } = root.context;
  const contextOf = (key: string): SpanContext => ({ traceId, spanId: idOf(key), sampled });
  if (scope.command.context.traceId !== traceId) scope.command.link(root.context);

  function tell(span: ClosedSpan): void {
    const { name, startedAt, key, parent: outer } = span;
    const told =
      outer === undefined
        ? root
        : scope.tracer.startSpan({ name, startedAt, parent: contextOf(outer), spanId: idOf(key) });
    finish(told, span);
  }

  const innermost = ({ phase, effect }: SwapTrace): OpenSpan => effect ?? phase;
  scope.current = contextOf(innermost(trace).key);
  return {
    onEvent(event) {
      const step = traceEvent(trace, event);
      trace = step.trace;
      for (const span of step.closed) tell(span);
      scope.current = event.kind === "ended" ? scope.command.context : contextOf(innermost(trace).key);
    },
  };
}

function finish(span: Span, { attributes, events, endedAt, error }: ClosedSpan): void {
  span.set(attributes);
  for (const event of events) span.event(event.name, event.attributes, event.at);
  span.end({ at: endedAt, ...(error !== undefined && { error }) });
}
