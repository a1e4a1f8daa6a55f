import type { RequestRecord } from "../../ports/request-feed.ts";

export type Outcome = RequestRecord["outcome"];

/** What one side did in a step. Clients that went away first say nothing about a side and are left out. Changed in place. */
export interface SideWindow {
  requests: number;
  errors: number;
  /** Gateway errors in a row up to now. */
  gatewayRun: number;
}

export function createWindow(): SideWindow {
  return { requests: 0, errors: 0, gatewayRun: 0 };
}

export function isError(outcome: Outcome): boolean {
  return outcome === "application" || outcome === "gateway";
}

export function addOutcome(window: SideWindow, outcome: Exclude<Outcome, "client">): void {
  window.requests += 1;
  if (outcome !== "ok") window.errors += 1;
  window.gatewayRun = outcome === "gateway" ? window.gatewayRun + 1 : 0;
}

/** Nearest-rank quantile; undefined without samples (no data is never zero). */
export function quantile(values: readonly number[], q: number): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}
