/** Traces to an OpenTelemetry collector, OTLP over HTTP. Switched on and set by OpenTelemetry's own variables. */
import { type Context, context, ROOT_CONTEXT, SpanStatusCode, TraceFlags, trace as traceApi } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type IdGenerator,
  NodeTracerProvider,
  RandomIdGenerator,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-node";
import type { Span, SpanContext, SpanStart, Tracer } from "../ports/tracer.ts";
import { otlpEndpoint, otlpSecrets } from "./otlp-endpoint.ts";
import { withoutSecrets } from "./without-secrets.ts";

export interface OpenTelemetryOptions {
  /**
   * OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT, whether there are …_HEADERS, OTEL_SERVICE_NAME. The library itself reads the headers,
   * OTEL_RESOURCE_ATTRIBUTES and OTEL_TRACES_SAMPLER from the process's own variables.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Most time for the end, ms. Default 2,000. */
  readonly closeMs?: number;
}

const exportTimeoutMs = 1_500;

/** Errors: OtlpRefusedError. Nothing else that goes wrong with it is more than a sentence at the end. */
export function createOpenTelemetryTracer(options: OpenTelemetryOptions): Tracer {
  const { env, version, closeMs = 2_000 } = options;
  const url = otlpEndpoint(env, "TRACES", { path: "v1/traces", nothing: "nothing is traced" });
  const secrets = otlpSecrets(env, ["TRACES"]);
  let failure: string | undefined;
  const ids = new NamedIds();
  const provider = new NodeTracerProvider({
    idGenerator: ids,
    resource: resourceFromAttributes({
      "service.name": env["OTEL_SERVICE_NAME"] || "switchyard",
      "service.version": version,
    }).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor(
        telling(new OTLPTraceExporter({ url: url.href, timeoutMillis: exportTimeoutMs }), (why) => {
          failure = withoutSecrets(why, secrets);
        }),
        { scheduledDelayMillis: 1_000, exportTimeoutMillis: exportTimeoutMs },
      ),
    ],
  });
  const tracer = provider.getTracer("switchyard", version);
  return {
    enabled: true,
    startSpan: (start) => ids.with(start, () => wrap(start, (parent) => startIn(parent, start))),
    async close() {
      const late = Promise.withResolvers<"late">();
      const timer = setTimeout(() => late.resolve("late"), closeMs);
      // Sends what is left, and takes down its connections.
      const done = provider.shutdown().then(
        () => undefined,
        (error: unknown) => withoutSecrets(error instanceof Error ? error.message : String(error), secrets),
      );
      const end = await Promise.race([done, late.promise]);
      clearTimeout(timer);
      if (end === "late") return `${url.origin} did not take the traces within ${closeMs / 1_000} s`;
      const why = failure ?? end;
      return why === undefined ? undefined : `${url.origin} did not take the traces: ${why}`;
    },
  };

  function startIn(parent: Context, { name, startedAt }: SpanStart) {
    return tracer.startSpan(name, startedAt === undefined ? {} : { startTime: startedAt }, parent);
  }
}

/** The exporter, and what its failures were. */
function telling(exporter: SpanExporter, onFailure: (why: string) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error !== undefined) onFailure(result.error.message || result.error.name);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** Ids that must be the same in every process are given, others are random. */
class NamedIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #given: Pick<SpanStart, "traceId" | "spanId"> = {};

  with<Result>(given: Pick<SpanStart, "traceId" | "spanId">, work: () => Result): Result {
    this.#given = given;
    try {
      return work();
    } finally {
      this.#given = {};
    }
  }

  readonly generateTraceId = (): string => this.#given.traceId ?? this.#random.generateTraceId();
  readonly generateSpanId = (): string => this.#given.spanId ?? this.#random.generateSpanId();
}

type ApiSpan = ReturnType<ReturnType<typeof traceApi.getTracer>["startSpan"]>;

function wrap({ parent, attributes }: SpanStart, start: (parent: Context) => ApiSpan): Span {
  const span = start(parent === undefined ? ROOT_CONTEXT : traceApi.setSpanContext(context.active(), toApi(parent)));
  if (attributes !== undefined) span.setAttributes(attributes);
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    context: { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 },
    set: (more) => void span.setAttributes(more),
    event: (name, more, at) => void span.addEvent(name, more, at),
    link: (other) => void span.addLink({ context: toApi(other) }),
    end(options = {}) {
      const { at, error } = options;
      if (error !== undefined) {
        span.setAttribute("error.type", error.code);
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      }
      span.end(at);
    },
  };
}

function toApi({ traceId, spanId, sampled }: SpanContext) {
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}
