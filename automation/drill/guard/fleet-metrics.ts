/** Metrics of a simulated fleet: the documented noise without its tail, cheap, and worse where a fault was injected. Pure. */

import { fillQuery } from "../../guard/judge/queries.ts";
import { signalsOf } from "../../guard/judge/signals.ts";
import type { ClusterEntry } from "../../guard/registry/record.ts";
import type { MeshMetrics } from "../../guard/run/context.ts";
import type { GuardConfig } from "../../guard/settings.ts";
import type { MetricSource } from "../../ports/metric-source.ts";

/** What is wrong with a cluster from a time on. */
export interface Ailment {
  readonly from: number;
  /** 1.2: 20 % slower. */
  readonly latency: number;
  /** Added share of 5xx. */
  readonly errors: number;
}

/** Values of an ordinary minute: 100 requests/s. */
const ordinary: Readonly<Record<string, number>> = {
  p95: 80,
  p99: 140,
  error_share: 0.0004,
  requests: 6_000,
  istiod_cpu: 0.2,
  istiod_memory: 5e8,
  proxy_cpu: 0.05,
  proxy_memory: 6e7,
  xds_rejects: 0,
  push_errors: 0,
  convergence_p99: 0.4,
};

const minuteMs = 60_000;

/** -1 to 1, the same for the same minute. */
function wobble(seed: number, minute: number): number {
  let x = Math.imul(seed ^ minute, 0x9e3779b1) ^ minute;
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
}

export interface FleetMetrics extends MeshMetrics {
  ail(cluster: string, ailment: Ailment | undefined): void;
  isIll(cluster: string): boolean;
  /** A signal of a cluster has so much more a minute from a time on. */
  worsen(cluster: string, signal: string, from: number, by: number): void;
  /** Nothing of a cluster is measured any more. */
  silence(cluster: string): void;
}

export function createFleetMetrics(entries: readonly ClusterEntry[], settings: GuardConfig): FleetMetrics {
  const asked = new Map<string, { readonly cluster: string; readonly signal: string; readonly seed: number }>();
  const ailments = new Map<string, Ailment>();
  const worse = new Map<string, { readonly from: number; readonly by: number }>();
  const silent = new Set<string>();
  for (const [index, entry] of entries.entries())
    for (const signal of signalsOf(settings.metrics)) {
      const subject = { clusterName: entry.eksCluster ?? entry.clusterId, tags: entry.datadogTags };
      const query = signal.query === undefined ? undefined : fillQuery(signal.query, "prometheus", subject);
      if (query !== undefined) asked.set(query, { cluster: entry.clusterId, signal: signal.name, seed: index + 1 });
    }
  const source: MetricSource = {
    description: "simulated metrics",
    async query({ query, fromMs, toMs }) {
      // What is measured of one control plane is measured of each.
      const found = asked.get(query.replaceAll(/,pod=~"[^"]*"/g, ""));
      if (found === undefined || silent.has(found.cluster)) return [];
      const { cluster, signal, seed } = found;
      const ill = ailments.get(cluster);
      const more = worse.get(`${cluster} ${signal}`);
      const values: number[] = [];
      for (let at = fromMs; at < toMs; at += minuteMs)
        values.push(valueAt(signal, seed, at, ill) + (more !== undefined && at >= more.from ? more.by : 0));
      return values;
    },
    names: async () => undefined,
  };
  return {
    source,
    fresh: source,
    language: "prometheus",
    ail(cluster, ailment) {
      if (ailment === undefined) ailments.delete(cluster);
      else ailments.set(cluster, ailment);
    },
    isIll: (cluster) => ailments.has(cluster),
    worsen: (cluster, signal, from, by) => void worse.set(`${cluster} ${signal}`, { from, by }),
    silence: (cluster) => void silent.add(cluster),
  };
}

function valueAt(signal: string, seed: number, at: number, ill: Ailment | undefined): number {
  const minute = Math.floor(at / minuteMs);
  const day = (2 * Math.PI * minute) / 1_440;
  const noise = 1 + 0.03 * wobble(seed, minute);
  const value = (ordinary[signal] ?? 1) * noise * (signal === "requests" ? 1 + 0.3 * Math.sin(day) : 1);
  if (ill === undefined || at < ill.from) return value;
  if (signal === "p95" || signal === "p99") return value * ill.latency;
  return signal === "error_share" ? value + ill.errors : value;
}
