/** A server span for each request whose trace is sampled; others cost a look at one header. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseTraceparent } from "./log.ts";
import { newSpanId, type SpanExporter } from "./otlp.ts";

export interface RequestSpans {
  /** To be called when the request has arrived; the span ends with its response. */
  begin(request: IncomingMessage, response: ServerResponse): void;
  close(deadlineMs: number): Promise<void>;
}

/** `paths` are those that may name a span; any other text would be one more name per request. */
export function createRequestSpans(
  exporter: SpanExporter,
  options: { readonly paths: ReadonlySet<string>; readonly instance: string; readonly now: () => number },
): RequestSpans {
  const { paths, instance, now } = options;
  return {
    begin(request, response) {
      const parent = parseTraceparent(request.headers.traceparent?.toString());
      if (parent?.sampled !== true) return;
      const startedAt = now();
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const method = request.method ?? "";
      response.once("close", () => {
        const status = response.headersSent ? response.statusCode : 0;
        exporter.push({
          traceId: parent.traceId,
          spanId: newSpanId(),
          parentSpanId: parent.spanId,
          name: paths.has(path) ? `${method} ${path}` : method,
          startedAt,
          endedAt: now(),
          attributes: {
            "http.request.method": method,
            "http.response.status_code": status,
            ...(paths.has(path) && { "http.route": path }),
            "kiro.instance": instance,
            "kiro.response.complete": response.writableFinished,
          },
          failed: status >= 500 || !response.writableFinished,
        });
      });
    },
    close: (deadlineMs) => exporter.close(deadlineMs),
  };
}
