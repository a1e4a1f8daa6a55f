/** Collects what a gate needs from a source of metrics. Pure but for the port that it asks. */
import type { Baseline } from "./baseline.ts";
import type { Observations, Peer } from "./control.ts";
import type { QuerySubject } from "./queries.ts";
import { type MetricWindow, readWindow, type WindowRequest, wholeMinute } from "./window.ts";

const weekMs = 604_800_000;

export interface ObservedPeer {
  readonly cluster: string;
  readonly subject: Omit<QuerySubject, "service">;
}

/** More of them cost queries and add little: the noise of the difference is the cluster's own by then. */
export const mostPeers = 5;

export interface ObserveRequest extends Omit<WindowRequest, "fromMs" | "toMs" | "services"> {
  readonly baseline: Baseline;
  readonly soakStartedAt: number;
  /** Clusters in which nothing changed since the baseline began; the first five are asked. */
  readonly peers: readonly ObservedPeer[];
}

/** The minutes of the soak that are over. Errors: invalid-config; an abort's reason. What cannot be read is missing, with the reason. */
export async function observe(request: ObserveRequest, now: number, signal?: AbortSignal): Promise<Observations> {
  const { baseline, soakStartedAt } = request;
  const services = baseline.services;
  const fromMs = wholeMinute(soakStartedAt);
  const toMs = Math.max(fromMs, wholeMinute(now));
  const read = (subject: Omit<QuerySubject, "service">, from: number, to: number): Promise<MetricWindow> =>
    readWindow({ ...request, services, subject, fromMs: from, toMs: to }, signal);
  const peers: Peer[] = [];
  for (const { cluster, subject } of request.peers.slice(0, mostPeers))
    peers.push({
      cluster,
      before: await read(subject, baseline.window.fromMs, baseline.window.toMs),
      now: await read(subject, fromMs, toMs),
    });
  return {
    baseline,
    soak: await read(request.subject, fromMs, toMs),
    lastWeek: await read(request.subject, fromMs - weekMs, toMs - weekMs),
    peers,
  };
}
