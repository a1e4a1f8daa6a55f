import { createHash } from "node:crypto";
import { z } from "zod";
import type { LogEntry, RequestLog } from "../router/request-log.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Compute } from "./compute.ts";
import { type FieldReader, invalidArgument, parseLogFilter } from "./log-filter.ts";

/** Cloud Logging's entries:list over the balancer's request log. */
export interface LogReader {
  /** The answer to a request body. Errors: GoogleError 400 INVALID_ARGUMENT. */
  list(body: unknown): object;
}

export interface LogReaderOptions {
  readonly log: RequestLog;
  readonly compute: Pick<Compute, "routing">;
  readonly clock: Clock;
}

/** Larger pages are cut to this, as the API does. */
const largestPage = 1000;

const requestSchema = z.strictObject({
  resourceNames: z.array(z.string().regex(/^projects\/[^/]+$/)).min(1),
  filter: z.string().max(20_000).default(""),
  orderBy: z.enum(["timestamp asc", "timestamp desc"]).default("timestamp asc"),
  pageSize: z.int().min(1).default(50),
  pageToken: z.string().optional(),
});

/** Where the page before ended, and what it was a page of. */
const tokenSchema = z.strictObject({ query: z.string(), micros: z.number(), number: z.number() });

type Position = Pick<z.infer<typeof tokenSchema>, "micros" | "number">;

export function createLogReader({ log, compute, clock }: LogReaderOptions): LogReader {
  const insertIds = createHash("sha256").update(String(clock.now())).digest("hex").slice(0, 8);

  return {
    list(body) {
      const parsed = requestSchema.safeParse(body);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        throw invalidArgument(`Invalid value at '${issue?.path.join(".") || "request"}': ${issue?.message}`);
      }
      const { resourceNames, filter, orderBy, pageToken } = parsed.data;
      const pageSize = Math.min(largestPage, parsed.data.pageSize);
      const matches = parseLogFilter(filter);
      const query = createHash("sha256")
        .update(JSON.stringify([resourceNames, filter, orderBy]))
        .digest("base64url");
      const start = pageToken === undefined ? undefined : readToken(pageToken, query);
      const direction = orderBy === "timestamp asc" ? 1 : -1;
      const now = clock.now();

      const found: { readonly entry: LogEntry; readonly position: Position }[] = [];
      for (const entry of log.entries()) {
        if (entry.visibleAt > now) continue;
        const route = compute.routing(entry.listener);
        if (route === undefined || !resourceNames.includes(`projects/${route.project}`)) continue;
        const position = { micros: microsOf(entry.arrivedAt), number: entry.number };
        if (start !== undefined && direction * compare(position, start) <= 0) continue;
        if (matches(fieldReader(entry, () => print(entry)))) found.push({ entry, position });
      }
      found.sort((a, b) => direction * compare(a.position, b.position));
      const page = found.slice(0, pageSize);
      const last = page.at(-1);
      return {
        ...(page.length > 0 && { entries: page.map(({ entry }) => print(entry)) }),
        ...(last !== undefined &&
          found.length > pageSize && { nextPageToken: writeToken({ query, ...last.position }) }),
      };
    },
  };

  /** A LogEntry of type http_load_balancer. */
  function print(entry: LogEntry): object {
    const route = compute.routing(entry.listener);
    const severity = entry.status >= 500 || entry.status === 0 ? "WARNING" : "INFO";
    return {
      insertId: `${insertIds}${entry.number.toString(36)}`,
      logName: `projects/${route?.project ?? ""}/logs/requests`,
      timestamp: timeText(entry.arrivedAt),
      receiveTimestamp: timeText(entry.receivedAt),
      severity,
      resource: {
        type: "http_load_balancer",
        labels: {
          project_id: route?.project ?? "",
          forwarding_rule_name: entry.listener,
          target_proxy_name: route?.targetProxy ?? "",
          url_map_name: route?.urlMap ?? "",
          backend_service_name: entry.backend,
          zone: "global",
        },
      },
      httpRequest: {
        requestMethod: entry.method,
        requestUrl: `${route?.scheme ?? "https"}://${entry.host}${entry.path}`,
        // proto3's JSON leaves out what is zero or empty.
        ...(entry.status !== 0 && { status: entry.status }),
        ...(entry.userAgent !== "" && { userAgent: entry.userAgent }),
        remoteIp: "127.0.0.1",
        latency: `${(entry.durationMs / 1000).toFixed(6)}s`,
      },
      jsonPayload: {
        "@type": "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry",
        statusDetails: statusDetails(entry),
      },
    };
  }
}

/** What the balancer says of a request's end, in the words of its documentation. */
function statusDetails({ outcome, status, backend }: LogEntry): string {
  if (outcome === "client") {
    return status === 0 ? "client_disconnected_before_any_response" : "client_disconnected_after_partial_response";
  }
  // Cloud Run's own 429 comes from behind the balancer, which cannot tell it from the service's.
  if (outcome === "ok" || outcome === "application" || status === 429) return "response_sent_by_backend";
  if (status === 504) return "backend_timeout";
  if (backend === "" || status === 503) return "failed_to_pick_backend";
  if (status >= 500 || status === 0) return "backend_connection_closed_before_data_sent_to_client";
  return "backend_connection_closed_after_partial_response_sent";
}

/** Times are read without printing the entry: they turn most entries down. */
function fieldReader(entry: LogEntry, print: () => object): FieldReader {
  let printed: object | undefined;
  return (path) => {
    if (path === "timestamp") return microsOf(entry.arrivedAt);
    if (path === "receiveTimestamp") return microsOf(entry.receivedAt);
    printed ??= print();
    const value = path.split(".").reduce<unknown>(valueAt, printed);
    return value === undefined || typeof value === "object" ? undefined : String(value);
  };
}

function valueAt(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function compare(a: Position, b: Position): number {
  return a.micros - b.micros || a.number - b.number;
}

function microsOf(ms: number): number {
  return Math.floor(ms * 1000);
}

/** RFC 3339 with microseconds. */
function timeText(ms: number): string {
  const micros = microsOf(ms);
  const text = new Date(Math.floor(micros / 1000)).toISOString();
  return `${text.slice(0, -1)}${String(micros % 1000).padStart(3, "0")}Z`;
}

function writeToken(token: z.infer<typeof tokenSchema>): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function readToken(text: string, query: string): Position {
  const parsed = tokenSchema.safeParse(decode(text));
  if (!parsed.success || parsed.data.query !== query) {
    throw invalidArgument("page_token doesn't match arguments from the request");
  }
  return parsed.data;
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
