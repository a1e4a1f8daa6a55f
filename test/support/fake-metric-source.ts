import { SwitchyardError } from "../../automation/errors.ts";
import type { MetricQuery, MetricSource } from "../../automation/ports/metric-source.ts";

export type FakePoint = readonly [atMs: number, value: number];

/** What a metrics system holds: the series that each query gives, and the names of all metrics. */
export interface FakeMetrics {
  /** Series by name, for a query that is matched as a whole. */
  readonly series: Map<string, ReadonlyMap<string, readonly FakePoint[]>>;
  names: readonly string[];
}

export function createFakeMetrics(): FakeMetrics {
  return { series: new Map(), names: [] };
}

export interface FakeMetricSource extends MetricSource {
  readonly metrics: FakeMetrics;
  /** Every query so far. */
  readonly asked: readonly MetricQuery[];
  /** The next answers fail with these words until it is called with undefined. */
  failWith(words: string | undefined): void;
  /** Queries wait for ever; only an abort ends them. */
  hang(): void;
}

/** A source in memory; `listsNames` false is a source that cannot list names. */
export function createFakeMetricSource({
  listsNames = true,
}: {
  readonly listsNames?: boolean;
} = {}): FakeMetricSource {
  const metrics = createFakeMetrics();
  const asked: MetricQuery[] = [];
  let failure: string | undefined;
  let hangs = false;
  const unreadable = (why: string): SwitchyardError =>
    new SwitchyardError("metric-unreadable", { message: `fake metrics: ${why}` });
  const enter = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    if (failure !== undefined) throw unreadable(failure);
    if (hangs)
      await new Promise<never>((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true }),
      );
  };
  return {
    description: "fake metrics",
    metrics,
    asked,
    failWith(words) {
      failure = words;
    },
    hang() {
      hangs = true;
    },
    async query(query, signal) {
      asked.push(query);
      await enter(signal);
      const found = [...(metrics.series.get(query.query) ?? new Map<string, readonly FakePoint[]>())];
      const [only, ...others] = found;
      if (only === undefined) return [];
      if (others.length > 0)
        throw unreadable(
          `the query ${query.query} gives ${found.length} series: ${found.map(([name]) => name).join(", ")}`,
        );
      const points = new Map(only[1]);
      return Array.from({ length: Math.ceil((query.toMs - query.fromMs) / query.stepMs) }, (_, index) => {
        const value = points.get(query.fromMs + index * query.stepMs) ?? Number.NaN;
        return Number.isFinite(value) ? value : Number.NaN;
      });
    },
    async names(signal) {
      await enter(signal);
      return listsNames ? metrics.names : undefined;
    },
  };
}
