import { newSpanId, type SpanExporter } from "../../services/kiro/otlp.ts";
import type { RequestHead } from "./request-head.ts";

/** How the router takes part in traces; a router without it passes them on and tells nobody. */
export interface RouterTracing {
  readonly exporter: SpanExporter;
}

/** A request of a sampled trace on its way through the router. */
export interface ServerSpanBegin {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** What the backend is told: the router's own span for a request of Switchyard's, what the client sent for a user's. */
  readonly traceparent: string;
}

/** What became of it. */
export interface ServerSpanEnd {
  readonly listener: string;
  readonly side: string;
  readonly method: string;
  readonly status: number;
  readonly outcome: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

const sampledForm = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f][13579bdf]$/;

/** Undefined unless the client sent a sampled trace: a user's request is never traced because the router is. */
export function beginServerSpan(head: RequestHead): ServerSpanBegin | undefined {
  const { traceparent } = head;
  if (traceparent === undefined) return undefined;
  const [, traceId, parentSpanId] = sampledForm.exec(traceparent) ?? [];
  if (traceId === undefined || parentSpanId === undefined) return undefined;
  const spanId = newSpanId();
  return { traceId, spanId, parentSpanId, traceparent: isOwn(head) ? `00-${traceId}-${spanId}-01` : traceparent };
}

/** Switchyard marks its own requests; a user's trace may go to another collector, which would miss the router's span. */
function isOwn({ headers }: RequestHead): boolean {
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at] === "tracestate" && /(?:^|,)\s*switchyard=/.test(headers[at + 1] ?? "")) return true;
  return false;
}

export function endServerSpan({ exporter }: RouterTracing, begin: ServerSpanBegin, end: ServerSpanEnd): void {
  const { traceId, spanId, parentSpanId } = begin;
  exporter.push({
    traceId,
    spanId,
    parentSpanId,
    name: `${end.method} ${end.listener}`,
    startedAt: end.startedAt,
    endedAt: end.endedAt,
    attributes: {
      "http.request.method": end.method,
      "http.response.status_code": end.status,
      "switchyard.listener": end.listener,
      "switchyard.side": end.side,
      "switchyard.outcome": end.outcome,
    },
    failed: end.outcome === "gateway" || end.outcome === "application",
  });
}
