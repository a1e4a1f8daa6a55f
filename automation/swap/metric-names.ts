/** Metric names in queries, to tell a typo before a swap begins. */
import type { MetricSource } from "../ports/metric-source.ts";
import type { MetricChecks, MetricSourceName } from "./metric-checks.ts";
import { queryFor } from "./metric-gate.ts";

/**
 * Names that a query certainly asks for. An expression may name others too: what is not surely a name is not one, since a
 * correct query must never be refused.
 */
export function metricNamesIn(source: MetricSourceName, query: string): readonly string[] {
  return [...new Set(source === "datadog" ? datadogNames(query) : promqlNames(query))];
}

/** `avg:system.cpu.user{side:gke}` */
function datadogNames(query: string): readonly string[] {
  return [...query.matchAll(/\b[a-z0-9]+:([A-Za-z][\w.]*)\s*\{/g)].flatMap(([, name]) => name ?? []);
}

/** A name is what stands before a selector or a range, what is quoted in braces, or the whole query. */
function promqlNames(query: string): readonly string[] {
  const quoted = [...query.matchAll(/(?:\{\s*|__name__"?\s*=\s*)"([^"\\]+)"\s*(?=[,}])/g)];
  const bare = query.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, '""');
  const selected = [...bare.matchAll(/(?<![\w:.])([A-Za-z_:][\w:]*)\s*[{[]/g)];
  const whole = /^\s*([A-Za-z_:][\w:]*)\s*$/.exec(bare);
  return [...quoted, ...selected, ...(whole === null ? [] : [whole])].flatMap(([, name]) => name ?? []);
}

export interface UnknownMetric {
  /** Below `swap.metrics`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * Names that the sources do not know, for the side that serves: the candidate may not have reported yet. `hint` gives what is
 * added to the message, `; did you mean …?` or nothing. Sources that cannot list names are not asked. Errors: metric-unreadable.
 */
export async function unknownMetricProblems(
  checks: MetricChecks,
  sources: Readonly<Record<string, MetricSource>>,
  serving: { readonly platform: string; readonly environment: string },
  hint: (given: string, known: readonly string[]) => string,
  signal?: AbortSignal,
): Promise<readonly UnknownMetric[]> {
  const used = [...new Set(checks.checks.map(({ source }) => source))];
  const listed = await Promise.all(used.map(async (name) => [name, await sources[name]?.names(signal)] as const));
  const known = new Map(listed);
  return checks.checks.flatMap((check, index) => {
    const names = known.get(check.source);
    if (names === undefined) return [];
    const existing = new Set(names);
    return metricNamesIn(check.source, queryFor(check, serving.platform, serving.environment))
      .filter((name) => !existing.has(name))
      .map((name) => ({
        path: ["checks", index, "query"],
        message: `${check.source} has no metric ${name}${hint(name, names)}`,
      }));
  });
}
