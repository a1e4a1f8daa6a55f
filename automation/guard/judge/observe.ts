/** Collects what a gate needs from a source of metrics. Pure but for the port that it asks. */
import type { Baseline } from "./baseline.ts";
import type { Observations, Peer } from "./control.ts";
import type { QuerySubject } from "./queries.ts";
import type { Signal } from "./signals.ts";
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

/** Only what has a limit of its own: what it does less than before is no failure. */
const limited = ({ gate, kind }: Signal): boolean => gate === "a" && (kind === "count" || kind === "share");

async function leftOf(
  request: ObserveRequest,
  subject: ObserveRequest["subject"],
  fromMs: number,
  toMs: number,
  signal: AbortSignal | undefined,
): Promise<Pick<Observations, "left">> {
  const { istiod } = subject;
  if (istiod === undefined || istiod === request.subject.istiod) return {};
  const signals = request.signals.filter(limited);
  return {
    left: { istiod, soak: await readWindow({ ...request, signals, services: [], subject, fromMs, toMs }, signal) },
  };
}

/** The minutes of the soak that are over. Errors: invalid-config; an abort's reason. What cannot be read is missing, with the reason. */
export async function observe(request: ObserveRequest, now: number, signal?: AbortSignal): Promise<Observations> {
  const { baseline, soakStartedAt } = request;
  const services = baseline.services;
  const fromMs = wholeMinute(soakStartedAt);
  const toMs = Math.max(fromMs, wholeMinute(now));
  const read = (subject: Omit<QuerySubject, "service">, from: number, to: number): Promise<MetricWindow> =>
    readWindow({ ...request, services, subject, fromMs: from, toMs: to }, signal);
  const { istiod: old } = baseline;
  const before = { ...request.subject, ...(old === undefined ? {} : { istiod: old }) };
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
    lastWeek: await read(before, fromMs - weekMs, toMs - weekMs),
    peers,
    ...(await leftOf(request, before, fromMs, toMs, signal)),
  };
}
