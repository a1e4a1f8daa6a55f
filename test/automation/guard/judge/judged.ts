/** Observations of a cluster for tests: every signal steady unless a test says otherwise. */
import type { Observations } from "../../../../automation/guard/judge/control.ts";
import type { GateInput } from "../../../../automation/guard/judge/gates.ts";
import { normal, randomOf } from "../../../../automation/guard/judge/noise.ts";
import { countOf, type Series } from "../../../../automation/guard/judge/series.ts";
import { signalsOf } from "../../../../automation/guard/judge/signals.ts";
import { type MetricWindow, type SeriesRecord, stepMs } from "../../../../automation/guard/judge/window.ts";
import { guardConfig } from "../../../../automation/guard/settings.ts";

const minute = stepMs;
const week = 604_800_000;
export const baselineAt = Date.UTC(2026, 10, 24, 9);
export const soakAt = baselineAt + 5 * 60 * minute;

const level: Readonly<Record<string, number>> = {
  p95: 100,
  p99: 200,
  error_share: 0.0002,
  requests: 6_000,
  istiod_cpu: 0.5,
  istiod_memory: 500,
  proxy_cpu: 0.1,
  proxy_memory: 50,
  xds_rejects: 0,
  push_errors: 0.001,
  convergence_p99: 0.4,
};

/** What a signal's values become in a window, by minute; undefined leaves the signal out. */
export type Change = (signal: string, value: number, minute: number) => number | null | undefined;

export const steady: Change = (_, value) => value;

export function windowAt(
  fromMs: number,
  minutes: number,
  change: Change,
  seed: number,
  services: readonly (string | null)[] = [null],
): MetricWindow {
  const random = randomOf(seed);
  const series = Object.entries(level).flatMap(([signal, mean]) =>
    services.flatMap((service): readonly SeriesRecord[] => {
      const values: (number | null)[] = [];
      for (let index = 0; index < minutes; index += 1) {
        const value = change(signal, mean * Math.exp(0.02 * normal(random)), index);
        if (value !== undefined) values.push(value);
      }
      return values.length === 0 ? [] : [recordOf(signal, service, values)];
    }),
  );
  return { fromMs, toMs: fromMs + minutes * minute, stepMs, series };
}

export const recordOf = (signal: string, service: string | null, values: Series): SeriesRecord => ({
  signal,
  service,
  query: `query of ${signal}`,
  values: [...values],
  samples: countOf(values),
});

export interface World {
  readonly before?: Change;
  readonly now?: Change;
  readonly lastWeek?: Change;
  /** Clusters that are not upgraded, by what happens to them in the soak. */
  readonly peers?: readonly Change[];
  readonly minutes?: number;
  readonly services?: readonly string[];
}

export function observations(world: World = {}): Observations {
  const { before = steady, now = steady, lastWeek = steady, peers = [steady, steady], minutes = 60 } = world;
  const services = [null, ...(world.services ?? [])];
  const from = baselineAt - 180 * minute;
  return {
    baseline: {
      format: 1,
      cluster: "prod-1",
      at: baselineAt,
      source: "fake metrics",
      services: world.services ?? [],
      window: windowAt(from, 180, before, 1, services),
      lastWeek: windowAt(from - week, 180, lastWeek, 2, services),
    },
    soak: windowAt(soakAt, minutes, now, 3, services),
    lastWeek: windowAt(soakAt - week, minutes, lastWeek, 4, services),
    peers: peers.map((change, index) => ({
      cluster: `prod-${index + 2}`,
      before: windowAt(from, 180, steady, 10 + index, services),
      now: windowAt(soakAt, minutes, change, 20 + index, services),
    })),
  };
}

export function gateInput(world: World = {}, more: Partial<GateInput> = {}): GateInput {
  const { metrics, validation } = guardConfig.parse({ metrics: { source: "datadog" } });
  return {
    ...observations(world),
    thresholds: validation.thresholds,
    warmUpMs: validation.warm_up_minutes * minute,
    signals: signalsOf(metrics),
    monitors: undefined,
    baselineHours: validation.baseline_hours,
    ...more,
  };
}
