/** Metrics of Datadog, over its API v1. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import { onGrid } from "./metric-grid.ts";
import { assertConfidential, type MetricEndpoint, requestMetrics, unreadable } from "./metric-request.ts";
import { misunderstood, severalSeries } from "./prometheus-replies.ts";

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
const failureSchema = z.union([
  z.object({ errors: z.array(z.string()).min(1) }).transform(({ errors }) => errors.join("; ")),
  z.object({ error: z.string().min(1) }).transform(({ error }) => error),
]);

export interface DatadogMetricsOptions {
  /** `datadoghq.com`, `datadoghq.eu` … */
  readonly site: string;
  readonly apiKey: string;
  readonly applicationKey: string;
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** Base instead of https://api.SITE/. */
  readonly endpoint?: string | undefined;
  /** Time for one reply, ms; default 30,000. */
  readonly timeoutMs?: number;
}

/** Errors: invalid-config, credentials-over-http. */
export function createDatadogMetrics(options: DatadogMetricsOptions): MetricSource {
  const address = options.endpoint ?? `https://api.${options.site}/`;
  if (!URL.canParse(address))
    throw new SwitchyardError("invalid-config", {
      message: `the address of Datadog is '${address}', which is not a URL`,
    });
  const endpoint: MetricEndpoint = {
    description: `Datadog at ${options.endpoint === undefined ? options.site : new URL(address).origin}`,
    base: new URL(address.endsWith("/") ? address : `${address}/`),
    headers: { "dd-api-key": options.apiKey, "dd-application-key": options.applicationKey },
    clock: options.clock,
    timeoutMs: options.timeoutMs,
  };
  const { description } = endpoint;
  assertConfidential(endpoint);

  const get = async <Schema extends z.ZodType>(
    path: string,
    query: Readonly<Record<string, string>>,
    schema: Schema,
    signal: AbortSignal | undefined,
  ): Promise<z.infer<Schema>> => {
    const reply = await requestMetrics(endpoint, path, query, signal);
    const failure = failureSchema.safeParse(reply.body);
    if (reply.status !== 200 || failure.success)
      throw unreadable(description, `it answered ${reply.status}: ${failure.success ? failure.data : reply.excerpt}`);
    const parsed = schema.safeParse(reply.body);
    if (!parsed.success) throw misunderstood(parsed.error, description);
    return parsed.data;
  };

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
