/** Metrics of Datadog, over its API v1. */
import { z } from "zod";
import type { MetricSource } from "../ports/metric-source.ts";
import { type DatadogOptions, datadogApi } from "./datadog-api.ts";
import { onGrid } from "./metric-grid.ts";
import { unreadable } from "./metric-request.ts";
import { severalSeries } from "./prometheus-replies.ts";

/** A metric that reported within that time exists. */
const activeWithinMs = 86_400_000;

const seriesSchema = z.object({
  expression: z.string().optional(),
  scope: z.string().optional(),
  /** Seconds between points. */
  interval: z.number(),
  pointlist: z.array(z.tuple([z.number(), z.number().nullable()])),
});
const querySchema = z.object({ status: z.literal("ok"), series: z.array(seriesSchema) });
const namesSchema = z.object({ metrics: z.array(z.string()) });
/** Errors: invalid-config, credentials-over-http. */
export function createDatadogMetrics(options: DatadogOptions): MetricSource {
  const { description, get } = datadogApi(options);
  return {
    description,
    async query(query, signal) {
      const window = { from: String(Math.floor(query.fromMs / 1_000)), to: String(Math.ceil(query.toMs / 1_000)) };
      const { series } = await get("api/v1/query", { ...window, query: query.query }, querySchema, signal);
      const [only, ...others] = series;
      if (only === undefined) return [];
      if (others.length > 0)
        throw severalSeries(
          series.map(({ expression, scope }) => expression ?? scope ?? "?"),
          query.query,
          description,
          "leave out `by {…}`",
        );
      const stepS = query.stepMs / 1_000;
      // Points that Datadog never made would look as if they were missing.
      if (only.interval !== stepS)
        throw unreadable(
          description,
          `the query ${query.query} gives a point every ${only.interval} s, but step is ${stepS} s: add .rollup(avg, ${stepS}) to the query, or set step: ${only.interval}`,
        );
      return onGrid(
        only.pointlist.map(([atMs, value]) => [atMs, value ?? Number.NaN]),
        query,
      );
    },
    async names(signal) {
      const from = String(Math.floor((options.clock.wall() - activeWithinMs) / 1_000));
      return (await get("api/v1/metrics", { from }, namesSchema, signal)).metrics;
    },
  };
}
