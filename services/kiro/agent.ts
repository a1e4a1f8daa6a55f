/** The agent without its transport: the four operations of the requirement's KiroAgentInterface on one instance. */
import type { HealthReport, KiroMetrics, KiroRequest, KiroResponse, PlatformInfo } from "./contract.ts";
import { instanceHeader, kiroRequestFromWire, kiroRequestSchema } from "./contract.ts";
import type { Metrics } from "./metrics.ts";
import type { Outcome, Problem, Process, WorkContext } from "./work.ts";
import { checkWork, operations, problemsOf } from "./work.ts";

/** Share of the memory limit above which the health report says degraded. */
const memoryCeiling = 0.95;
/** Delay of the event loop above which the health report says degraded, ms. */
const eventLoopCeilingMs = 1_000;

export interface AgentOptions {
  readonly platform: string;
  readonly instanceId: string;
  readonly version: string;
  /** What the platform alone knows, for info and metrics. */
  readonly platformSpecific: Readonly<Record<string, unknown>>;
  /** The work; the service's own is `processRequest` of work.ts. */
  readonly process: Process;
  readonly metrics: Metrics;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Bytes that the instance may use, undefined where there is no limit. */
  readonly memoryLimitBytes: number | undefined;
  /** The platform that requests are handed back to now; undefined: they are served here. */
  readonly handingBackTo: () => string | undefined;
}

/** What a body of `POST /process` came to. */
export type Reply =
  | { readonly kind: "response"; readonly response: KiroResponse }
  | {
      readonly kind: "events";
      readonly events: AsyncIterable<Readonly<Record<string, unknown>>>;
      readonly last: () => KiroResponse;
    };

export interface Agent {
  /** `<platform>/<instance>`, the value of the x-kiro-instance header. */
  readonly marker: string;
  readonly platform: string;
  readonly instanceId: string;
  /** Checks the JSON body and does the work. Errors of the work are thrown as they are. */
  processRequest(body: unknown, context: WorkContext): Promise<Reply>;
  healthCheck(): HealthReport;
  getMetrics(): KiroMetrics;
  getPlatformInfo(): PlatformInfo;
  /** An error in the form of a response, so that every body names platform and instance. */
  refusal(
    statusCode: number,
    error: { readonly code: string; readonly message: string; readonly problems?: readonly Problem[] },
    requestId: string,
  ): KiroResponse;
  readonly ready: boolean;
  /** From now on the instance says that it wants no new requests; it goes on serving those that come. */
  beginDrain(): void;
}

function requestIdOf(body: unknown): string {
  const id = typeof body === "object" && body !== null && "request_id" in body ? body.request_id : "";
  return typeof id === "string" ? id.slice(0, 200) : "";
}

/** Problems of the envelope and of its data, all at once. */
function findProblems(body: unknown): { readonly request: KiroRequest } | { readonly problems: readonly Problem[] } {
  const parsed = kiroRequestSchema.safeParse(body);
  const data = typeof body === "object" && body !== null && "data" in body ? body.data : undefined;
  const ofData = typeof data === "object" && data !== null && !Array.isArray(data) ? checkWork(data) : [];
  if (parsed.success && ofData.length === 0) return { request: kiroRequestFromWire(parsed.data) };
  return { problems: [...(parsed.success ? [] : problemsOf(parsed.error, "")), ...ofData] };
}

export function createAgent(options: AgentOptions): Agent {
  const { platform, instanceId, now } = options;
  const marker = `${platform}/${instanceId}`;
  const startedAt = now();
  let ready = true;

  const respond = (statusCode: number, data: Readonly<Record<string, unknown>>, requestId: string): KiroResponse => ({
    statusCode,
    data: { ...data, instance_id: instanceId },
    headers: { [instanceHeader]: marker },
    timestamp: new Date(now()).toISOString(),
    requestId,
    platform,
  });

  const refusal: Agent["refusal"] = (statusCode, error, requestId) => respond(statusCode, { error }, requestId);

  const reply = (outcome: Outcome, requestId: string): Reply =>
    outcome.kind === "answer"
      ? { kind: "response", response: respond(outcome.statusCode, outcome.data, requestId) }
      : { kind: "events", events: outcome.events, last: () => respond(200, outcome.data, requestId) };

  return {
    marker,
    platform,
    instanceId,
    refusal,
    get ready() {
      return ready;
    },
    beginDrain() {
      ready = false;
    },

    async processRequest(body, context) {
      const found = findProblems(body);
      if ("problems" in found) {
        const message = `The request has ${found.problems.length} ${found.problems.length === 1 ? "problem" : "problems"}.`;
        return {
          kind: "response",
          response: refusal(400, { code: "bad-request", message, problems: found.problems }, requestIdOf(body)),
        };
      }
      return reply(await options.process(found.request, context), found.request.requestId);
    },

    healthCheck() {
      const usage = options.metrics.usage();
      const limit = options.memoryLimitBytes;
      const checks = {
        event_loop: {
          ok: usage.eventLoopDelayMs < eventLoopCeilingMs,
          detail: `longest delay ${usage.eventLoopDelayMs.toFixed(0)} ms, ceiling ${eventLoopCeilingMs} ms`,
        },
        memory: {
          ok: limit === undefined || usage.memoryBytes < limit * memoryCeiling,
          detail: `${usage.memoryBytes} bytes of ${limit ?? "no limit"}`,
        },
      };
      return {
        status: checks.event_loop.ok && checks.memory.ok ? "healthy" : "degraded",
        ready,
        platform,
        instanceId,
        timestamp: new Date(now()).toISOString(),
        uptimeSeconds: (now() - startedAt) / 1_000,
        checks,
      };
    },

    getMetrics() {
      const usage = options.metrics.usage();
      const handingBackTo = options.handingBackTo();
      return {
        platform,
        instanceId,
        timestamp: new Date(now()).toISOString(),
        requestCount: usage.requestCount,
        errorCount: usage.errorCount,
        avgResponseTime: usage.avgResponseTime,
        memoryUsage: usage.memoryBytes,
        cpuUsage: usage.cpuPercent,
        platformSpecific: {
          ...options.platformSpecific,
          in_flight: usage.inFlight,
          instance_age_seconds: (now() - startedAt) / 1_000,
          draining: !ready,
          ...(handingBackTo !== undefined && { handing_back_to: handingBackTo }),
          ...(options.memoryLimitBytes !== undefined && { memory_limit_bytes: options.memoryLimitBytes }),
        },
      };
    },

    getPlatformInfo: () => ({
      platform,
      instanceId,
      version: options.version,
      runtime: `node ${process.versions.node}`,
      startedAt: new Date(startedAt).toISOString(),
      operations,
      platformSpecific: options.platformSpecific,
    }),
  };
}
