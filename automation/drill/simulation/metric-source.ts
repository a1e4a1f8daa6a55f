/** A metrics system outside the balancer: a latency per platform, its values drawn anew for each point of time. */
import { SwitchyardError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { MetricSource } from "../../ports/metric-source.ts";
import { logNormal, seeded } from "./random.ts";

export interface SimulatedMetrics extends MetricSource {
  /** Queries that failed, of both sides. */
  failures(): number;
  /** undefined: it can be read. */
  failWith(words: string | undefined): void;
  /** Median of the platform's series from now on; undefined: it has no series any more. */
  setLevel(platform: string, level: number | undefined): void;
}

/** As much as latencies vary from point to point: the logarithm's deviation. */
const spread = 0.2;
const usualLevel = 100;

/** Queries are `drill_latency{platform="NAME"}`. */
export function createSimulatedMetrics(clock: Clock, platforms: readonly string[], seed: number): SimulatedMetrics {
  const levels = new Map<string, { readonly since: number; readonly level: number | undefined }[]>(
    platforms.map((platform) => [platform, [{ since: Number.NEGATIVE_INFINITY, level: usualLevel }]]),
  );
  let failure: string | undefined;
  let failures = 0;
  const enter = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (failure === undefined) return;
    failures += 1;
    throw new SwitchyardError("metric-unreadable", { message: `simulated metrics: ${failure}` });
  };
  return {
    description: "simulated metrics",
    failures: () => failures,
    failWith(words) {
      failure = words;
    },
    setLevel(platform, level) {
      levels.get(platform)?.push({ since: clock.wall(), level });
    },
    async query({ query, fromMs, toMs, stepMs }, signal) {
      enter(signal);
      const platform = /\{platform="([^"]+)"\}$/.exec(query)?.[1] ?? "";
      const known = levels.get(platform);
      // What no platform has is no series.
      if (known === undefined || known.at(-1)?.level === undefined) return [];
      return Array.from({ length: Math.ceil((toMs - fromMs) / stepMs) }, (_, index) => {
        const at = fromMs + index * stepMs;
        const level = known.findLast(({ since }) => since <= at)?.level;
        // A point is the same whenever it is asked for.
        const random = seeded(seed + platforms.indexOf(platform) * 7_919 + Math.floor(at / 1_000));
        return level === undefined ? Number.NaN : logNormal(random, level, spread);
      });
    },
    async names(signal) {
      enter(signal);
      return ["drill_latency"];
    },
  };
}
