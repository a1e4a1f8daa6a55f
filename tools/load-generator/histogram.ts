/** Counts of times in buckets that are 1 % wide, so that memory does not grow with the length of a run. */
import type { Latency } from "./messages.ts";

const ratio = Math.log(1.01);
/** Below this all times share a bucket, ms. */
const floorMs = 0.05;

export class Histogram {
  readonly #buckets = new Map<number, number>();
  #count = 0;
  #max = 0;

  get max(): number {
    return this.#max;
  }

  add(ms: number): void {
    const bucket = ms <= floorMs ? 0 : Math.ceil(Math.log(ms / floorMs) / ratio);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count += 1;
    this.#max = Math.max(this.#max, ms);
  }

  /** Undefined when nothing was added. Each value is the upper end of its bucket, never above the maximum. */
  summary(): Latency | undefined {
    if (this.#count === 0) return undefined;
    const sorted = [...this.#buckets].sort(([a], [b]) => a - b);
    const quantile = (share: number): number => {
      let left = Math.ceil(share * this.#count);
      for (const [bucket, count] of sorted) {
        left -= count;
        if (left <= 0) return Math.min(this.#max, floorMs * Math.exp(bucket * ratio));
      }
      return this.#max;
    };
    const rounded = (ms: number): number => Math.round(ms * 100) / 100;
    return {
      p50: rounded(quantile(0.5)),
      p95: rounded(quantile(0.95)),
      p99: rounded(quantile(0.99)),
      max: rounded(this.#max),
    };
  }
}
