/**
 * The agent's wire: zod schemas of the JSON bodies in snake_case, the same data as camelCase types, and pure
 * converters between them. The fields are those of the requirement's data models, no more and no fewer.
 */
import { z } from "zod";

/** Response header that only the agent sets, on every reply: `<platform>/<instance>`. */
export const instanceHeader = "x-kiro-instance";
/** Request header that marks a weight probe; such requests are left out of counts. */
export const probeHeader = "x-switchyard-probe";
/** Request header that chooses the platform on the balancer's dark route. */
export const platformHeader = "x-switchyard-platform";
/** Request header of a request that another side handed back: whoever gets it serves it. Its value is that side's marker. */
export const handedBackHeader = "x-switchyard-handed-back";
/** Response header of such a request, beside the instance's that served it: the marker of the one that handed it over. */
export const handedBackByHeader = "x-kiro-handed-back-by";

const values = z.record(z.string(), z.unknown());
const texts = z.record(z.string(), z.string());
const timestamp = z.iso.datetime({ offset: true });
const count = z.int().min(0);
const measure = z.number().min(0);

/** Body of `POST /process`. Unknown fields are refused, so that a misspelt one is found. */
export const kiroRequestSchema = z.strictObject({
  data: values,
  headers: texts,
  method: z.string().min(1),
  path: z.string().startsWith("/"),
  query_params: texts,
  timestamp,
  request_id: z.string().min(1).max(200),
});

/** Reply to `POST /process`, and the body of every error that the agent answers. */
export const kiroResponseSchema = z.object({
  status_code: z.int().min(100).max(599),
  data: values,
  headers: texts,
  timestamp,
  /** Empty where the request was too broken to have one. */
  request_id: z.string(),
  platform: z.string().min(1),
});

/** Reply to `GET /kiro-metrics`. */
export const kiroMetricsSchema = z.object({
  platform: z.string().min(1),
  instance_id: z.string().min(1),
  timestamp,
  request_count: count,
  error_count: count,
  avg_response_time: measure,
  memory_usage: measure,
  cpu_usage: measure,
  platform_specific: values,
});

/** Reply to `GET /health` and `GET /ready`. */
export const healthReportSchema = z.object({
  status: z.enum(["healthy", "degraded"]),
  ready: z.boolean(),
  platform: z.string().min(1),
  instance_id: z.string().min(1),
  timestamp,
  uptime_seconds: measure,
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
});

/** Reply to `GET /info`. */
export const platformInfoSchema = z.object({
  platform: z.string().min(1),
  instance_id: z.string().min(1),
  version: z.string(),
  runtime: z.string(),
  started_at: timestamp,
  operations: z.array(z.string()),
  platform_specific: values,
});

export type KiroRequestWire = z.infer<typeof kiroRequestSchema>;
export type KiroResponseWire = z.infer<typeof kiroResponseSchema>;
export type KiroMetricsWire = z.infer<typeof kiroMetricsSchema>;
export type HealthReportWire = z.infer<typeof healthReportSchema>;
export type PlatformInfoWire = z.infer<typeof platformInfoSchema>;

/** One piece of work for the agent: what a client asked, with the request that carried it. */
export interface KiroRequest {
  readonly data: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
  readonly path: string;
  readonly queryParams: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly timestamp: string;
  /** 1 to 200 characters; the response repeats it. */
  readonly requestId: string;
}

export interface KiroResponse {
  /** The same as the HTTP status. */
  readonly statusCode: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestamp: string;
  readonly requestId: string;
  readonly platform: string;
}

export interface KiroMetrics {
  readonly platform: string;
  readonly instanceId: string;
  readonly timestamp: string;
  /** Requests to `POST /process` that have ended, since the instance started; probes are not counted. */
  readonly requestCount: number;
  /** Those of them that ended with a status of 500 or above. */
  readonly errorCount: number;
  /** Mean time of an ended request since the start, ms; 0 before the first. */
  readonly avgResponseTime: number;
  /** Resident memory, bytes. */
  readonly memoryUsage: number;
  /** Percent of one core over the last complete window of 5 s (since the start before that). */
  readonly cpuUsage: number;
  readonly platformSpecific: Readonly<Record<string, unknown>>;
}

export interface HealthReport {
  /** degraded: the instance serves, but a check is not well. */
  readonly status: "healthy" | "degraded";
  /** Whether new requests should come here; false from SIGTERM on. */
  readonly ready: boolean;
  readonly platform: string;
  readonly instanceId: string;
  readonly timestamp: string;
  readonly uptimeSeconds: number;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
}

export interface PlatformInfo {
  readonly platform: string;
  readonly instanceId: string;
  readonly version: string;
  /** node 24.21.0 */
  readonly runtime: string;
  readonly startedAt: string;
  /** Values that `data.operation` takes. */
  readonly operations: readonly string[];
  readonly platformSpecific: Readonly<Record<string, unknown>>;
}

export function kiroRequestFromWire(wire: KiroRequestWire): KiroRequest {
  const { query_params: queryParams, request_id: requestId, ...same } = wire;
  return { ...same, queryParams, requestId };
}

export function kiroRequestToWire(request: KiroRequest): KiroRequestWire {
  return {
    data: { ...request.data },
    headers: { ...request.headers },
    method: request.method,
    path: request.path,
    query_params: { ...request.queryParams },
    timestamp: request.timestamp,
    request_id: request.requestId,
  };
}

export function kiroResponseFromWire(wire: KiroResponseWire): KiroResponse {
  const { status_code: statusCode, request_id: requestId, ...same } = wire;
  return { ...same, statusCode, requestId };
}

export function kiroResponseToWire(response: KiroResponse): KiroResponseWire {
  return {
    status_code: response.statusCode,
    data: { ...response.data },
    headers: { ...response.headers },
    timestamp: response.timestamp,
    request_id: response.requestId,
    platform: response.platform,
  };
}

export function kiroMetricsFromWire(wire: KiroMetricsWire): KiroMetrics {
  return {
    platform: wire.platform,
    instanceId: wire.instance_id,
    timestamp: wire.timestamp,
    requestCount: wire.request_count,
    errorCount: wire.error_count,
    avgResponseTime: wire.avg_response_time,
    memoryUsage: wire.memory_usage,
    cpuUsage: wire.cpu_usage,
    platformSpecific: wire.platform_specific,
  };
}

export function kiroMetricsToWire(metrics: KiroMetrics): KiroMetricsWire {
  return {
    platform: metrics.platform,
    instance_id: metrics.instanceId,
    timestamp: metrics.timestamp,
    request_count: metrics.requestCount,
    error_count: metrics.errorCount,
    avg_response_time: metrics.avgResponseTime,
    memory_usage: metrics.memoryUsage,
    cpu_usage: metrics.cpuUsage,
    platform_specific: { ...metrics.platformSpecific },
  };
}

export function healthReportFromWire(wire: HealthReportWire): HealthReport {
  const { instance_id: instanceId, uptime_seconds: uptimeSeconds, ...same } = wire;
  return { ...same, instanceId, uptimeSeconds };
}

export function healthReportToWire(report: HealthReport): HealthReportWire {
  return {
    status: report.status,
    ready: report.ready,
    platform: report.platform,
    instance_id: report.instanceId,
    timestamp: report.timestamp,
    uptime_seconds: report.uptimeSeconds,
    checks: { ...report.checks },
  };
}

export function platformInfoFromWire(wire: PlatformInfoWire): PlatformInfo {
  return {
    platform: wire.platform,
    instanceId: wire.instance_id,
    version: wire.version,
    runtime: wire.runtime,
    startedAt: wire.started_at,
    operations: wire.operations,
    platformSpecific: wire.platform_specific,
  };
}

export function platformInfoToWire(info: PlatformInfo): PlatformInfoWire {
  return {
    platform: info.platform,
    instance_id: info.instanceId,
    version: info.version,
    runtime: info.runtime,
    started_at: info.startedAt,
    operations: [...info.operations],
    platform_specific: { ...info.platformSpecific },
  };
}
