/** Answers of a source of metrics, kept for a while; not while a soak wants to see the present. */
import type { Clock } from "../ports/clock.ts";
import type { MetricSource } from "../ports/metric-source.ts";

export interface CacheOptions {
  /** How long an answer is kept, ms; 0: not at all. */
  readonly keepMs: number;
  readonly clock: Pick<Clock, "now">;
  /** Whether a soak runs: then every question is asked. */
  readonly soaking: () => boolean;
}

/** Answers that are kept at most; the oldest goes. */
const mostKept = 5_000;

/** Only answers are kept, never errors. */
export function cachedMetrics(source: MetricSource, { keepMs, clock, soaking }: CacheOptions): MetricSource {
  const kept = new Map<string, { readonly at: number; readonly values: readonly number[] }>();
  return {
    description: source.description,
    names: (signal) => source.names(signal),
    async query(query, signal) {
      if (keepMs <= 0 || soaking()) return source.query(query, signal);
      signal?.throwIfAborted();
      const key = JSON.stringify([query.query, query.fromMs, query.toMs, query.stepMs]);
      const found = kept.get(key);
      if (found !== undefined && clock.now() - found.at < keepMs) return found.values;
      const values = await source.query(query, signal);
      kept.delete(key);
      kept.set(key, { at: clock.now(), values });
      const oldest = kept.keys().next();
      if (kept.size > mostKept && !oldest.done) kept.delete(oldest.value);
      return values;
    },
  };
}
