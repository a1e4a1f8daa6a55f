/**
 * Spans of a server to an OpenTelemetry collector, OTLP over HTTP as JSON. Without OpenTelemetry's library: an image is a
 * snapshot of a folder, and this one is to start in a moment and to have nothing in it that could be out of date; a server's
 * spans need no more than this file. Nothing that goes wrong here is more than one warning.
 */
import { randomBytes } from "node:crypto";

/** OTLP's SpanKind and Status.StatusCode. */
const serverKind = 2;
const statusError = 2;

export interface ServerSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly failed: boolean;
}

export interface SpanExporter {
  /** Never throws and never waits. */
  push(span: ServerSpan): void;
  /** Hands over what is left, for at most that long, ms. */
  close(deadlineMs: number): Promise<void>;
}

export interface Collector {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SpanExporterOptions {
  readonly collector: Collector;
  readonly serviceName: string;
  readonly resource: Readonly<Record<string, string>>;
  /** Called once until a batch gets through again. */
  readonly onFailure: (why: string) => void;
}

/** Spans kept; what comes beyond it while the collector is slow is lost. */
const capacity = 2_048;
const batchSize = 512;
const everyMs = 500;
const requestMs = 2_000;

/**
 * Where OpenTelemetry's variables send traces; undefined where they say nothing, a text where they cannot be followed: headers
 * may be credentials, which plain HTTP carries only within this machine.
 */
export function collectorOf(env: Readonly<Record<string, string | undefined>>): Collector | string | undefined {
  const own = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  const shared = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  if (env["OTEL_SDK_DISABLED"] === "true" || (!own && !shared)) return undefined;
  const text = own || `${shared?.replace(/\/+$/, "")}/v1/traces`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return "The endpoint for traces is not a URL with http or https; nothing is traced.";
  const headers = {
    ...parseHeaders(env["OTEL_EXPORTER_OTLP_HEADERS"]),
    ...parseHeaders(env["OTEL_EXPORTER_OTLP_TRACES_HEADERS"]),
  };
  const plain = url.protocol === "http:" && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (plain && (Object.keys(headers).length > 0 || url.username !== ""))
    return `The headers for ${url.host} would go over plain HTTP; nothing is traced.`;
  return { url: url.href, headers };
}

/** A span id: 16 hexadecimal digits. */
export function newSpanId(): string {
  return randomBytes(8).toString("hex");
}

export function createSpanExporter(options: SpanExporterOptions): SpanExporter {
  const { collector, onFailure } = options;
  const waiting: ServerSpan[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let told = false;

  async function send(signal: AbortSignal): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchSize);
      try {
        const reply = await fetch(collector.url, {
          method: "POST",
          headers: { "content-type": "application/json", ...collector.headers },
          body: JSON.stringify(traceRequest(batch, options)),
          signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)]),
        });
        await reply.arrayBuffer();
        if (!reply.ok) throw new Error(`it answered ${reply.status}`);
        told = false;
      } catch (error) {
        if (!told) onFailure(whyOf(error));
        told = true;
      }
    }
  }

  function begin(signal = new AbortController().signal): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    sending ??= send(signal).finally(() => {
      sending = undefined;
    });
    return sending;
  }

  return {
    push(span) {
      if (waiting.length >= capacity) return;
      waiting.push(span);
      if (waiting.length >= batchSize) void begin();
      else timer ??= setTimeout(() => void begin(), everyMs).unref();
    },
    async close(deadlineMs) {
      const signal = AbortSignal.timeout(deadlineMs);
      await Promise.race([
        (async () => {
          await sending;
          await begin(signal);
        })(),
        new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => resolve(), { once: true });
        }),
      ]);
    },
  };
}

/** ExportTraceServiceRequest in OTLP's JSON: ids in hexadecimal, numbers of 64 bits as text. */
function traceRequest(
  spans: readonly ServerSpan[],
  { serviceName, resource }: Pick<SpanExporterOptions, "serviceName" | "resource">,
): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ "service.name": serviceName, ...resource }) },
        scopeSpans: [
          {
            scope: { name: "switchyard" },
            spans: spans.map((span) => ({
              traceId: span.traceId,
              spanId: span.spanId,
              parentSpanId: span.parentSpanId,
              name: span.name,
              kind: serverKind,
              startTimeUnixNano: nanoseconds(span.startedAt),
              endTimeUnixNano: nanoseconds(span.endedAt),
              attributes: attributesOf(span.attributes),
              ...(span.failed && { status: { code: statusError } }),
            })),
          },
        ],
      },
    ],
  };
}

function attributesOf(values: ServerSpan["attributes"]): object[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: attributeValue(value) }));
}

function attributeValue(value: string | number | boolean): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

function nanoseconds(ms: number): string {
  return (BigInt(Math.round(ms * 1_000)) * 1_000n).toString();
}

/** `key=value,key=value`, the values percent-encoded. */
function parseHeaders(text: string | undefined): Record<string, string> {
  const pairs = (text ?? "").split(",").map((pair) => pair.trim().split(/=(.*)/s, 2));
  return Object.fromEntries(
    pairs.flatMap(([name = "", value]) => (name === "" || value === undefined ? [] : [[name.trim(), decoded(value)]])),
  );
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value.trim());
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return value.trim();
  }
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
