/** Metrics of a Prometheus server, over its HTTP API. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import { assertConfidential, type MetricEndpoint, requestMetrics, unreadable } from "./metric-request.ts";
import { prometheusErrorText, rangeParameters, readMatrix, readNames } from "./prometheus-replies.ts";

export interface PrometheusMetricsOptions {
  /** Base of the server; a path before /api is kept. */
  readonly url: string;
  /** Bearer token. */
  readonly token?: string | undefined;
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** Time for one reply, ms; default 30,000. */
  readonly timeoutMs?: number;
}

/** Errors: invalid-config, credentials-over-http (a token over plain HTTP, except to this machine). */
export function createPrometheusMetrics({ url, token, clock, timeoutMs }: PrometheusMetricsOptions): MetricSource {
  if (!URL.canParse(url))
    throw new SwitchyardError("invalid-config", { message: "the address of Prometheus is not a URL" });
  const base = new URL(url.endsWith("/") ? url : `${url}/`);
  const endpoint: MetricEndpoint = {
    description: `Prometheus at ${base.origin}${base.pathname.slice(0, -1)}`,
    base,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    clock,
    timeoutMs,
  };
  const { description } = endpoint;
  assertConfidential(endpoint);

  const get = async (
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<unknown> => {
    const reply = await requestMetrics(endpoint, path, query, signal);
    if (reply.status === 200) return reply.body;
    throw unreadable(description, `it answered ${reply.status}: ${prometheusErrorText(reply.body) ?? reply.excerpt}`);
  };

  return {
    description,
    async query(query, signal) {
      return readMatrix(await get("api/v1/query_range", rangeParameters(query), signal), query, description);
    },
    async names(signal) {
      return readNames(await get("api/v1/label/__name__/values", {}, signal), description);
    },
  };
}
