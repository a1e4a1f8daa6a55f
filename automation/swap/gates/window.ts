import type { RequestRecord } from "../../ports/request-feed.ts";

/** What one side did in a step. Clients that went away first say nothing about a side and are left out. */
export interface SideWindow {
  readonly requests: number;
  readonly errors: number;
  /** Gateway errors in a row up to now. */
  readonly gatewayRun: number;
  /** Times to the first byte, ms, of the last requests (bounded), unordered. */
  readonly latenciesMs: readonly number[];
}

export const emptyWindow: SideWindow = Object.freeze({ requests: 0, errors: 0, gatewayRun: 0, latenciesMs: [] });

/** Enough for a p99 with ten samples above it. */
const latenciesKept = 1_000;

export function isError(record: RequestRecord): boolean {
  return record.outcome === "application" || record.outcome === "gateway";
}

export function addRecord(window: SideWindow, record: RequestRecord): SideWindow {
  if (record.outcome === "client") return window;
  const latenciesMs =
    window.latenciesMs.length < latenciesKept
      ? [...window.latenciesMs, record.firstByteMs]
      : window.latenciesMs.with(window.requests % latenciesKept, record.firstByteMs);
  return {
    requests: window.requests + 1,
    errors: window.errors + (isError(record) ? 1 : 0),
    gatewayRun: record.outcome === "gateway" ? window.gatewayRun + 1 : 0,
    latenciesMs,
  };
}

/** Nearest-rank quantile; undefined without samples (no data is never zero). */
export function quantile(values: readonly number[], q: number): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}
