/** Requests to the HTTP API of a Prometheus server. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import {
  assertConfidential,
  type MetricEndpoint,
  type RequestTurn,
  requestMetrics,
  unreadable,
} from "./metric-request.ts";
import { prometheusErrorText } from "./prometheus-replies.ts";

export interface PrometheusOptions {
  /** Base of the server; a path before /api is kept. */
  readonly url: string;
  /** Bearer token. */
  readonly token?: string | undefined;
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** Time for one reply, ms; default 30,000. */
  readonly timeoutMs?: number;
  /** Default: no limit of its own. */
  readonly turn?: RequestTurn | undefined;
}

export interface PrometheusApi {
  /** `Prometheus at …` */
  readonly description: string;
  /** The body of a reply. Errors: metric-unreadable; an abort's reason. */
  get(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal | undefined): Promise<unknown>;
}

/** Errors: invalid-config, credentials-over-http (a token over plain HTTP, except to this machine). */
export function prometheusApi({ url, token, clock, timeoutMs, turn }: PrometheusOptions): PrometheusApi {
  if (!URL.canParse(url))
    throw new SwitchyardError("invalid-config", { message: "the address of Prometheus is not a URL" });
  const base = new URL(url.endsWith("/") ? url : `${url}/`);
  const endpoint: MetricEndpoint = {
    description: `Prometheus at ${base.origin}${base.pathname.slice(0, -1)}`,
    base,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    clock,
    timeoutMs,
    turn,
  };
  const { description } = endpoint;
  assertConfidential(endpoint);

  return {
    description,
    async get(path, query, signal) {
      const reply = await requestMetrics(endpoint, path, query, signal);
      if (reply.status === 200) return reply.body;
      throw unreadable(description, `it answered ${reply.status}: ${prometheusErrorText(reply.body) ?? reply.excerpt}`);
    },
  };
}
