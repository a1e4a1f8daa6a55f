/** Metrics and log records to an OpenTelemetry collector, OTLP over HTTP. Switched on and set by OpenTelemetry's own variables. */
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPExporterBase } from "@opentelemetry/otlp-exporter-base";
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from "@opentelemetry/otlp-exporter-base/node-http";
import { JsonLogsSerializer, JsonMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider, type ReadableLogRecord } from "@opentelemetry/sdk-logs";
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { Counter, Histogram, Telemetry, TelemetryRecord } from "../ports/telemetry.ts";
import { otlpEndpoint, otlpSecrets } from "./otlp-endpoint.ts";
import { withoutSecrets } from "./without-secrets.ts";

export interface OpenTelemetryTelemetryOptions {
  /** OTEL_EXPORTER_OTLP_[METRICS_|LOGS_]ENDPOINT, whether there are …_HEADERS, OTEL_SERVICE_NAME. The library itself reads the headers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Between two exports of metrics, ms. Default 30,000. */
  readonly intervalMs?: number;
  /** Most time for the end, ms. Default 2,000. */
  readonly closeMs?: number;
}

const exportTimeoutMs = 1_500;
const scope = "switchyard.guard";

const severities: Readonly<Record<TelemetryRecord["severity"], SeverityNumber>> = {
  info: SeverityNumber.INFO,
  warning: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

/** Errors: OtlpRefusedError. Nothing else that goes wrong with it is more than a sentence at the end. */
export function createOpenTelemetryTelemetry(options: OpenTelemetryTelemetryOptions): Telemetry {
  const { env, version, intervalMs = 30_000, closeMs = 2_000 } = options;
  const metricsUrl = otlpEndpoint(env, "METRICS", { path: "v1/metrics", nothing: "nothing is measured" });
  const logsUrl = otlpEndpoint(env, "LOGS", { path: "v1/logs", nothing: "nothing is recorded" });
  const secrets = otlpSecrets(env, ["METRICS", "LOGS"]);
  let failure: string | undefined;
  const failed = (url: URL, why: string): void => {
    failure = `${url.origin} did not take the ${url === metricsUrl ? "metrics" : "records"}: ${withoutSecrets(why, secrets)}`;
  };
  const resource = resourceFromAttributes({
    "service.name": env["OTEL_SERVICE_NAME"] || "switchyard",
    "service.version": version,
  }).merge(detectResources({ detectors: [envDetector] }));

  const meters = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new MetricExporter(metricsUrl, (why) => failed(metricsUrl, why)),
        exportIntervalMillis: intervalMs,
        exportTimeoutMillis: Math.min(exportTimeoutMs, intervalMs),
      }),
    ],
  });
  const loggers = new LoggerProvider({
    resource,
    processors: [
      new BatchLogRecordProcessor({
        exporter: new LogExporter(logsUrl, (why) => failed(logsUrl, why)),
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: exportTimeoutMs,
      }),
    ],
  });
  const meter = meters.getMeter(scope, version);
  const logger = loggers.getLogger(scope, version);
  const counters = kept(({ name, description, unit }: Counter) => meter.createCounter(name, { description, unit }));
  const histograms = kept(({ name, description, bounds }: Histogram) =>
    meter.createHistogram(name, { description, unit: "s", advice: { explicitBucketBoundaries: [...bounds] } }),
  );

  return {
    enabled: true,
    count: (counter, attributes) => counters(counter).add(1, attributes),
    record: (histogram, seconds, attributes) => histograms(histogram).record(seconds, attributes),
    log: ({ severity, text, attributes, at }) =>
      logger.emit({
        severityNumber: severities[severity],
        severityText: severity,
        body: text,
        attributes: { ...attributes },
        timestamp: at,
      }),
    async close() {
      const late = Promise.withResolvers<"late">();
      const timer = setTimeout(() => late.resolve("late"), closeMs);
      // Sends what is left, and takes down their connections.
      const done = Promise.all([meters.shutdown(), loggers.shutdown()]).then(
        () => undefined,
        (error: unknown) => withoutSecrets(error instanceof Error ? error.message : String(error), secrets),
      );
      const end = await Promise.race([done, late.promise]);
      clearTimeout(timer);
      if (end === "late") return `${metricsUrl.origin} did not take metrics and records within ${closeMs / 1_000} s`;
      return failure ?? end;
    },
  };
}

/** One instrument for one name. */
function kept<Spec extends { readonly name: string }, Instrument>(make: (spec: Spec) => Instrument) {
  const made = new Map<string, Instrument>();
  return (spec: Spec): Instrument => {
    const instrument = made.get(spec.name) ?? make(spec);
    made.set(spec.name, instrument);
    return instrument;
  };
}

const httpOptions = (url: URL, signal: "METRICS" | "LOGS", path: string) =>
  convertLegacyHttpOptions({ url: url.href, timeoutMillis: exportTimeoutMs }, signal, path, {
    "Content-Type": "application/json",
  });

type Done = Parameters<PushMetricExporter["export"]>[1];

const telling =
  (onFailure: (why: string) => void, done: Done): Done =>
  (result) => {
    if (result.error !== undefined) onFailure(result.error.message || result.error.name);
    done(result);
  };

class MetricExporter extends OTLPExporterBase<ResourceMetrics> implements PushMetricExporter {
  readonly #onFailure: (why: string) => void;

  constructor(url: URL, onFailure: (why: string) => void) {
    super(createOtlpHttpExportDelegate(httpOptions(url, "METRICS", "v1/metrics"), JsonMetricsSerializer));
    this.#onFailure = onFailure;
  }

  override export(metrics: ResourceMetrics, done: Done): void {
    super.export(metrics, telling(this.#onFailure, done));
  }

  /** Sums since the process began: a sum that is lost is made good by the next. */
  selectAggregationTemporality(): AggregationTemporality {
    return AggregationTemporality.CUMULATIVE;
  }
}

class LogExporter extends OTLPExporterBase<ReadableLogRecord[]> {
  readonly #onFailure: (why: string) => void;

  constructor(url: URL, onFailure: (why: string) => void) {
    super(createOtlpHttpExportDelegate(httpOptions(url, "LOGS", "v1/logs"), JsonLogsSerializer));
    this.#onFailure = onFailure;
  }

  override export(records: ReadableLogRecord[], done: Done): void {
    super.export(records, telling(this.#onFailure, done));
  }
}
