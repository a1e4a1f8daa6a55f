/** The agent's four operations over HTTP, the same for every platform; how a platform is reached is the caller's. */
import { errors, request } from "undici";
import type { z } from "zod";
import {
  healthReportFromWire,
  healthReportSchema,
  instanceHeader,
  kiroMetricsFromWire,
  kiroMetricsSchema,
  kiroRequestToWire,
  kiroResponseFromWire,
  kiroResponseSchema,
  platformInfoFromWire,
  platformInfoSchema,
} from "../../services/kiro/contract.ts";
import { SwitchyardError } from "../errors.ts";
import type { KiroAgent } from "../ports/agent.ts";
import { parseJson } from "./json-text.ts";
import { errorWithoutSecrets, withoutSecrets } from "./without-secrets.ts";

/** Statuses that say "no such operation here". */
const missing = [404, 405, 501];
/** The balancer's own statuses when no instance gave a reply. */
const gateway = [502, 503, 504];
/** More than the longest work that one request can ask for (60 s). */
const processTimeoutMs = 75_000;
const defaultTimeoutMs = 10_000;

export interface AgentHttpOptions {
  readonly platform: string;
  /** Where the requests are sent, http://127.0.0.1:PORT or https://DOMAIN. */
  readonly baseUrl: string;
  /** Called once per request: routing and authorisation headers, `host` among them. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  /** Time for health, metrics and info, ms; default 10,000. */
  readonly timeoutMs?: number;
}

interface Operation<Schema extends z.ZodType> {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly schema: Schema;
  readonly body?: unknown;
  readonly timeoutMs: number;
}

/** Never retries: how often is the caller's decision. */
export function createHttpAgent(options: AgentHttpOptions): KiroAgent {
  const { platform } = options;
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;

  const unreachable = (operation: string, why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("agent-unreachable", {
      message: `${operation} on ${platform} got no reply from an instance: ${why}`,
      cause,
      data: { platform, operation },
    });

  const call = async <Schema extends z.ZodType>(
    { method, path, schema, body, timeoutMs }: Operation<Schema>,
    signal: AbortSignal | undefined,
  ): Promise<z.infer<Schema>> => {
    const name = `${method} ${path}`;
    const deadline = AbortSignal.timeout(timeoutMs);
    let status: number;
    let marker: string | undefined;
    let text: string;
    let secrets: readonly string[] = [];
    try {
      const headers = await options.headers();
      secrets = [headers["authorization"] ?? ""];
      const reply = await request(new URL(path, options.baseUrl), {
        method,
        headers: {
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      status = reply.statusCode;
      marker = reply.headers[instanceHeader]?.toString();
      text = withoutSecrets(await reply.body.text(), secrets);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof SwitchyardError) throw error;
      const clean = errorWithoutSecrets(error, secrets);
      if (deadline.aborted) throw unreachable(name, `no complete reply within ${timeoutMs} ms`, clean);
      if (error instanceof errors.UndiciError || isSocketError(error)) {
        throw unreachable(name, withoutSecrets(describe(error), secrets), clean);
      }
      throw clean;
    }
    const data = { platform, operation: name, status, instance: marker };
    if (marker === undefined && gateway.includes(status)) {
      throw unreachable(name, `the balancer answered ${status}: ${shorten(text)}`);
    }
    if (missing.includes(status)) {
      throw new SwitchyardError("agent-operation-missing", {
        message: `the service on ${platform} does not have ${name}: it answered ${status}`,
        data,
      });
    }
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) {
      const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
      throw new SwitchyardError("agent-reply-invalid", {
        message: `the reply of ${name} on ${platform} (status ${status}) breaks the contract: ${problems.join("; ")}`,
        cause: parsed.error,
        data: { ...data, problems },
      });
    }
    return parsed.data;
  };

  const answeredBy = (name: string, answered: string): void => {
    if (answered === platform) return;
    throw new SwitchyardError("agent-reply-invalid", {
      message: `the reply of ${name} breaks the contract: platform: asked ${platform}, answered by ${answered}`,
      data: { platform, operation: name, answered },
    });
  };

  return {
    platform,
    async processRequest(kiroRequest, signal) {
      const body = kiroRequestToWire(kiroRequest);
      const wire = await call(
        { method: "POST", path: "/process", schema: kiroResponseSchema, body, timeoutMs: processTimeoutMs },
        signal,
      );
      answeredBy("POST /process", wire.platform);
      return kiroResponseFromWire(wire);
    },
    async healthCheck(signal) {
      const wire = await call({ method: "GET", path: "/health", schema: healthReportSchema, timeoutMs }, signal);
      answeredBy("GET /health", wire.platform);
      return healthReportFromWire(wire);
    },
    async getMetrics(signal) {
      const wire = await call({ method: "GET", path: "/kiro-metrics", schema: kiroMetricsSchema, timeoutMs }, signal);
      answeredBy("GET /kiro-metrics", wire.platform);
      return kiroMetricsFromWire(wire);
    },
    async getPlatformInfo(signal) {
      const wire = await call({ method: "GET", path: "/info", schema: platformInfoSchema, timeoutMs }, signal);
      answeredBy("GET /info", wire.platform);
      return platformInfoFromWire(wire);
    },
  };
}

function isSocketError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

function describe(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return error.message === "" ? code : `${error.message} (${code})`;
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
