/** Points in time on the grid that was asked for. */
import type { MetricQuery } from "../ports/metric-source.ts";

export type MetricPoint = readonly [atMs: number, value: number];

/** Steps between from (inclusive) and to (exclusive). */
export function gridSize({ fromMs, toMs, stepMs }: Omit<MetricQuery, "query">): number {
  return Math.max(0, Math.ceil((toMs - fromMs) / stepMs));
}

/** One value per step; NaN where there is no point, or none that is finite. */
export function onGrid(points: Iterable<MetricPoint>, window: Omit<MetricQuery, "query">): readonly number[] {
  const values = new Array<number>(gridSize(window)).fill(Number.NaN);
  for (const [atMs, value] of points) {
    const index = Math.floor((Math.round(atMs) - window.fromMs) / window.stepMs);
    if (index >= 0 && index < values.length && Number.isFinite(value)) values[index] = value;
  }
  return values;
}
