/** Replies of Prometheus' HTTP API, which Cloud Monitoring speaks too. */
import { z } from "zod";
import type { SwitchyardError } from "../errors.ts";
import type { MetricQuery } from "../ports/metric-source.ts";
import { gridSize, onGrid } from "./metric-grid.ts";
import { unreadable } from "./metric-request.ts";

/** A number as Prometheus writes it. JavaScript reads Inf as NaN, and the grid counts both as missing. */
const sample = z
  .string()
  .regex(/^(NaN|[+-]?Inf|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$/, "must be a number")
  .transform(Number);

const series = z.object({
  metric: z.record(z.string(), z.string()),
  /** Absent for a series of native histograms. */
  values: z.array(z.tuple([z.number(), sample])).optional(),
});
const matrixSchema = z.object({
  status: z.literal("success"),
  data: z.object({ resultType: z.literal("matrix"), result: z.array(series) }),
});
const namesSchema = z.object({ status: z.literal("success"), data: z.array(z.string()) });
const failureSchema = z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() });

/** Parameters of query_range. Its end is inclusive, ours is not. */
export function rangeParameters(query: MetricQuery): Readonly<Record<string, string>> {
  const lastMs = query.fromMs + Math.max(0, gridSize(query) - 1) * query.stepMs;
  return {
    query: query.query,
    start: String(query.fromMs / 1_000),
    end: String(lastMs / 1_000),
    step: String(query.stepMs / 1_000),
  };
}

/** Errors: metric-unreadable. */
export function readMatrix(body: unknown, query: MetricQuery, description: string): readonly number[] {
  const parsed = matrixSchema.safeParse(body);
  if (!parsed.success) throw misunderstood(parsed.error, description);
  const [only, ...others] = parsed.data.data.result;
  if (only === undefined) return [];
  if (others.length > 0)
    throw severalSeries(
      [only, ...others].map(({ metric }) => seriesText(metric)),
      query.query,
      description,
      "aggregate it, for example with sum()",
    );
  if (only.values === undefined)
    throw unreadable(description, `the query ${query.query} gives histograms: ask for histogram_quantile() of them`);
  return onGrid(
    only.values.map(([seconds, value]) => [seconds * 1_000, value]),
    query,
  );
}

/** Names of all metrics. Errors: metric-unreadable. */
export function readNames(body: unknown, description: string): readonly string[] {
  const parsed = namesSchema.safeParse(body);
  if (!parsed.success) throw misunderstood(parsed.error, description);
  return parsed.data.data;
}

/** `bad_data: parse error …` of a refusal; undefined when it is none of Prometheus'. */
export function prometheusErrorText(body: unknown): string | undefined {
  const parsed = failureSchema.safeParse(body);
  return parsed.success ? `${parsed.data.errorType}: ${parsed.data.error}` : undefined;
}

export function severalSeries(
  names: readonly string[],
  query: string,
  description: string,
  advice: string,
): SwitchyardError {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return unreadable(
    description,
    `the query ${query} gives ${names.length} series (${names.slice(0, 3).join(", ")}${more}) instead of one: ${advice}`,
  );
}

export function misunderstood(error: z.ZodError, description: string): SwitchyardError {
  const problems = error.issues.slice(0, 3).map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
  return unreadable(description, `its answer was not understood: ${problems.join("; ")}`, error);
}

function seriesText(labels: Readonly<Record<string, string>>): string {
  const { __name__: name = "", ...others } = labels;
  const text = Object.entries(others).map(([label, value]) => `${label}="${value}"`);
  return `${name}{${text.join(",")}}`;
}
