/** Metrics of a Prometheus server, over its HTTP API. */
import type { MetricSource } from "../ports/metric-source.ts";
import { type PrometheusOptions, prometheusApi } from "./prometheus-api.ts";
import { rangeParameters, readMatrix, readNames } from "./prometheus-replies.ts";

/** Errors: invalid-config, credentials-over-http (a token over plain HTTP, except to this machine). */
export function createPrometheusMetrics(options: PrometheusOptions): MetricSource {
  const { description, get } = prometheusApi(options);
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
