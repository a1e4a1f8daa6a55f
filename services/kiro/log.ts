/** Structured logs: one JSON object a line, in the fields that Google Cloud's logging agents read. */

export type Severity = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

const order: readonly Severity[] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

export interface Trace {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

export type Log = (
  severity: Severity,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
  trace?: Trace,
) => void;

/** W3C `traceparent`, undefined when absent or malformed. */
export function parseTraceparent(header: string | undefined): Trace | undefined {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)/.exec(header ?? "");
  const [, traceId, spanId, flags] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** A log that leaves out what is below `minimum`. `project` turns a trace id into the resource name that Cloud Logging links. */
export function createLog(options: {
  readonly write: (line: string) => void;
  readonly now: () => number;
  readonly minimum: Severity;
  readonly project: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}): Log {
  const floor = order.indexOf(options.minimum);
  return (severity, message, fields, trace) => {
    if (order.indexOf(severity) < floor) return;
    options.write(
      `${JSON.stringify({
        severity,
        time: new Date(options.now()).toISOString(),
        message,
        ...options.labels,
        ...fields,
        ...(trace && {
          "logging.googleapis.com/trace":
            options.project === undefined ? trace.traceId : `projects/${options.project}/traces/${trace.traceId}`,
          "logging.googleapis.com/spanId": trace.spanId,
          "logging.googleapis.com/trace_sampled": trace.sampled,
        }),
      })}\n`,
    );
  };
}
