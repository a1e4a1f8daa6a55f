/** Traces: what a command did, when, and below what; the same trace goes on in the router and in the agent. */

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Names a span to others. */
export interface SpanContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  readonly sampled: boolean;
}

export interface SpanStart {
  readonly name: string;
  /** Default: a trace of its own. */
  readonly parent?: SpanContext;
  /** Of a trace of its own, where the id must be the same in every process; default random. */
  readonly traceId?: string;
  /** Where the id must be the same in every process; default random. */
  readonly spanId?: string;
  /** ms since the epoch; default now. */
  readonly startedAt?: number;
  readonly attributes?: Attributes;
}

/** What went wrong: a code of the error catalogue or of the reasons, and its sentence. */
export interface SpanError {
  readonly code: string;
  readonly message: string;
}

export interface Span {
  readonly context: SpanContext;
  set(attributes: Attributes): void;
  /** `at` in ms since the epoch. */
  event(name: string, attributes: Attributes, at: number): void;
  /** To a span of another trace that has to do with this one. */
  link(context: SpanContext): void;
  /** Once. Default: now, and well. */
  end(options?: { readonly at?: number; readonly error?: SpanError }): void;
}

/** Never throws, and never makes its caller wait but in `close`. */
export interface Tracer {
  /** false: nothing is kept, so that nothing need be put together for it. */
  readonly enabled: boolean;
  startSpan(start: SpanStart): Span;
  /** Hands over what is not handed over yet, in bounded time; undefined, or why not all of it could be. */
  close(): Promise<string | undefined>;
}

/** A process's tracer, and below what the next thing happens. */
export interface TraceScope {
  readonly tracer: Tracer;
  /** The command's own span. */
  readonly command: Span;
  /** What a request that is sent now belongs to. */
  current: SpanContext;
}

const nowhere: SpanContext = { traceId: "0".repeat(32), spanId: "0".repeat(16), sampled: false };
const noSpan: Span = { context: nowhere, set() {}, event() {}, link() {}, end() {} };

/** Where nobody wants traces. */
export const noTracer: Tracer = { enabled: false, startSpan: () => noSpan, close: async () => undefined };

/** The scope of a process that is not traced. */
export const untraced: TraceScope = { tracer: noTracer, command: noSpan, current: nowhere };

/** W3C `traceparent`. */
export function traceparentOf({ traceId, spanId, sampled }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${sampled ? 1 : 0}`;
}

/** Undefined when it is none. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const found = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/.exec(text ?? "");
  const [, traceId, spanId, flags] = found ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** In `tracestate`: the request is Switchyard's own, so that the local router may put its span between. */
export const ownTraceState = "switchyard=1";

/** Headers by which a request that is sent now belongs to the trace; none where it is not traced. */
export function traceHeaders({ tracer, current }: TraceScope): Readonly<Record<string, string>> {
  return tracer.enabled ? { traceparent: traceparentOf(current), tracestate: ownTraceState } : {};
}
