/** Small servers that answer as Prometheus, Cloud Monitoring and Datadog document, from the same stored series. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { z } from "zod";
import { createFakeMetrics, type FakeMetrics, type FakePoint } from "./fake-metric-source.ts";

export interface MetricServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly metrics: FakeMetrics;
  /** Path and query of every request. */
  readonly requests: readonly URL[];
  /** The next request gets this instead. */
  answerNext(status: number, body: string, headers?: Readonly<Record<string, string>>): void;
  /** Requests get no answer until it is closed. */
  hang(): void;
  /** Resolves when a request has arrived that gets no answer. */
  readonly hanging: Promise<void>;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

type Answer = (url: URL, headers: IncomingHttpHeaders, metrics: FakeMetrics) => Reply;
type Take = (url: URL, headers: IncomingHttpHeaders, body: unknown, metrics: FakeMetrics) => Reply;

/** `take` answers requests that have a body; without it there are none. */
export async function serveMetrics(answer: Answer, take?: Take): Promise<MetricServer> {
  const metrics = createFakeMetrics();
  const requests: URL[] = [];
  const prepared: ((response: ServerResponse) => void)[] = [];
  const { promise: hanging, resolve: arrived } = Promise.withResolvers<void>();
  let hangs = false;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://server");
    requests.push(url);
    if (hangs) {
      arrived();
      return;
    }
    const next = prepared.shift();
    if (next !== undefined) {
      next(response);
      return;
    }
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const { status, body } =
      request.method === "GET"
        ? answer(url, request.headers, metrics)
        : (take?.(url, request.headers, JSON.parse(text), metrics) ?? { status: 405, body: "only GET" });
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  let closed: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    metrics,
    requests,
    answerNext(status, body, headers = {}) {
      prepared.push((response) =>
        response.writeHead(status, { "content-type": "application/json", ...headers }).end(body),
      );
    },
    hang() {
      hangs = true;
    },
    hanging,
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

const range = z.object({
  query: z.string().min(1),
  start: z.coerce.number(),
  end: z.coerce.number(),
  step: z.coerce.number().gt(0),
});

/** As Prometheus writes floats. */
function prometheusNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}

function prometheusReply(path: string, url: URL, metrics: FakeMetrics): Reply {
  if (path === "api/v1/label/__name__/values") return { status: 200, body: { status: "success", data: metrics.names } };
  const parsed = range.safeParse(Object.fromEntries(url.searchParams));
  if (path !== "api/v1/query_range" || !parsed.success)
    return { status: 400, body: { status: "error", errorType: "bad_data", error: `invalid request ${path}` } };
  const { query, start, end, step } = parsed.data;
  const result = [...(metrics.series.get(query) ?? new Map<string, readonly FakePoint[]>())].map(([name, points]) => {
    const at = new Map(points);
    const values: [number, string][] = [];
    // Its end is inclusive.
    for (let index = 0; start + index * step <= end; index += 1) {
      const value = at.get((start + index * step) * 1_000);
      if (value !== undefined) values.push([start + index * step, prometheusNumber(value)]);
    }
    return { metric: { __name__: name, side: "gke" }, values };
  });
  return { status: 200, body: { status: "success", data: { resultType: "matrix", result } } };
}

/** With a path before /api, and a bearer token. */
export function servePrometheus(token: string): Promise<MetricServer> {
  return serveMetrics((url, headers, metrics) => {
    if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: "unauthorized" };
    return prometheusReply(url.pathname.replace(/^\/prometheus\//, ""), url, metrics);
  });
}

export function serveCloudMonitoring(token: string, project: string): Promise<MetricServer> {
  return serveMetrics((url, headers, metrics) => {
    const prefix = `/v1/projects/${project}/location/global/prometheus/`;
    if (headers.authorization !== `Bearer ${token}` || !url.pathname.startsWith(prefix))
      return { status: 403, body: { error: { code: 403, message: "permission denied", status: "PERMISSION_DENIED" } } };
    return prometheusReply(url.pathname.slice(prefix.length), url, metrics);
  });
}

const datadogRange = z.object({ query: z.string().min(1), from: z.coerce.number().int(), to: z.coerce.number().int() });

/** Points every `intervalS` seconds, whatever is asked for: Datadog chooses. */
export function serveDatadog(apiKey: string, applicationKey: string, intervalS: () => number): Promise<MetricServer> {
  return serveMetrics((url, headers, metrics) => {
    if (headers["dd-api-key"] !== apiKey || headers["dd-application-key"] !== applicationKey)
      return { status: 403, body: { errors: ["Forbidden"] } };
    if (url.pathname === "/api/v1/metrics" && /^\d+$/.test(url.searchParams.get("from") ?? ""))
      return { status: 200, body: { from: url.searchParams.get("from"), metrics: metrics.names } };
    const parsed = datadogRange.safeParse(Object.fromEntries(url.searchParams));
    if (url.pathname !== "/api/v1/query" || !parsed.success)
      return { status: 400, body: { status: "error", error: "The request is not valid" } };
    const { query, from, to } = parsed.data;
    const series = [...(metrics.series.get(query) ?? new Map<string, readonly FakePoint[]>())].map(
      ([name, points]) => ({
        metric: name,
        expression: `avg:${name}{side:gke}`,
        scope: "side:gke",
        interval: intervalS(),
        length: points.length,
        // It has no numbers that are not finite. Both ends are inclusive.
        pointlist: points
          .filter(([at]) => at >= from * 1_000 && at <= to * 1_000)
          .map(([at, value]) => [at, Number.isFinite(value) ? value : null]),
      }),
    );
    return { status: 200, body: { status: "ok", res_type: "time_series", from_date: from * 1_000, query, series } };
  });
}
