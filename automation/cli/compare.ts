/** One load, sent to one platform after the other by the dark route, so that no weight moves and no user is concerned. */
import type { Summary } from "../../tools/load-generator/messages.ts";
import { doubleRunningCost, type PlatformSize } from "../cost/double-running.ts";
import { SwitchyardError } from "../errors.ts";
import { type ComparedPlatform, comparePlatform, type LoadFigures } from "../metrics/comparison.ts";
import { figureOf } from "../metrics/readings.ts";
import { requestsBetween } from "../metrics/span.ts";
import type { KiroAgent } from "../ports/agent.ts";
import type { Clock } from "../ports/clock.ts";
import type { PlatformMetrics, PlatformSnapshot } from "../ports/platform-metrics.ts";
import { Load } from "./demo/load.ts";

export interface CompareOptions {
  readonly root: string;
  readonly environment: string;
  /** In this order, one after the other: together they would take the machine from each other. */
  readonly agents: Readonly<Record<string, KiroAgent>>;
  readonly metrics: PlatformMetrics;
  readonly clock: Clock;
  /** The dark route. */
  readonly url: string;
  readonly darkHost: string;
  /** Requests a second. */
  readonly rate: number;
  readonly durationMs: number;
  readonly seed: number;
  readonly region: string;
  readonly sizes: Readonly<Record<string, PlatformSize>>;
  readonly signal: AbortSignal;
  /** Whether the source counts at once; one that is late is not waited for. */
  readonly countsAtOnce: boolean;
  readonly onPlatform: (platform: string, place: number, of: number) => void;
}

export interface Comparison {
  readonly platforms: readonly ComparedPlatform[];
  /** Platforms that do not answer, and why. */
  readonly missing: Readonly<Record<string, string>>;
}

/** Between two looks at the instances, ms. */
const lookMs = 1_000;
/** For the last requests to be counted, ms. */
const settleMs = 5_000;
/** For one answer to whether a platform is there, ms. */
const askMs = 10_000;

/** Errors: not-deployed when no platform answers, metrics-unreachable, what the load generator ends with. */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const missing: Record<string, string> = {};
  const there: string[] = [];
  for (const [platform, agent] of Object.entries(options.agents)) {
    const why = await whyAbsent(agent, options.signal);
    if (why === undefined) there.push(platform);
    else missing[platform] = why;
  }
  if (there.length === 0) {
    throw new SwitchyardError("not-deployed", {
      message: `No platform of ${options.environment} answers by the dark route`,
      next: `To bring one up:   npx switchyard up cloud-run.${options.environment} && npx switchyard up traffic.${options.environment}`,
      data: { missing },
    });
  }
  const platforms: ComparedPlatform[] = [];
  for (const [index, platform] of there.entries()) {
    options.onPlatform(platform, index + 1, there.length);
    platforms.push(await loadOne(platform, options));
  }
  return { platforms, missing };
}

async function whyAbsent(agent: KiroAgent, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { ready } = await agent.healthCheck(AbortSignal.any([signal, AbortSignal.timeout(askMs)]));
    return ready ? undefined : "it says that it is not ready";
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SwitchyardError) return error.message;
    if (error instanceof DOMException && error.name === "TimeoutError") return `no answer within ${askMs / 1_000} s`;
    throw error;
  }
}

async function loadOne(platform: string, options: CompareOptions): Promise<ComparedPlatform> {
  const { metrics, clock, signal, durationMs, region, sizes } = options;
  const since = clock.wall();
  const before = await metrics.read(platform, since, signal);
  const load = await Load.start({
    root: options.root,
    url: options.url,
    host: options.darkHost,
    platform,
    rate: options.rate,
    seed: options.seed,
    durationSeconds: durationMs / 1_000,
  });
  const during: PlatformSnapshot[] = [];
  const ended = new AbortController();
  let summary: Summary;
  const looking = look(platform, since, options, during, ended.signal);
  // Its error is taken below; without this one that comes first would be nobody's.
  looking.catch(() => undefined);
  try {
    summary = await load.finished(signal);
  } finally {
    ended.abort();
    load.kill();
  }
  await looking;
  const after = await settled(platform, since, before, summary.ended, options);
  return comparePlatform({
    platform,
    load: loadFigures(summary, platform, durationMs),
    before,
    during,
    after,
    hourly(instances) {
      const cost = doubleRunningCost(region, { [platform]: { ...sizes[platform], instances } });
      return cost === undefined ? undefined : { usd: cost.perHour, confidence: cost.confidence };
    },
  });
}

/** Until the load has ended. */
async function look(
  platform: string,
  since: number,
  { metrics, clock, signal }: CompareOptions,
  during: PlatformSnapshot[],
  ended: AbortSignal,
): Promise<void> {
  const stop = AbortSignal.any([ended, signal]);
  while (!stop.aborted) {
    try {
      await clock.sleep(lookMs, stop);
      during.push(await metrics.read(platform, since, stop));
    } catch (error) {
      if (!stop.aborted) throw error;
    }
  }
}

/** The balancer counts a request when its connection is through with it, a moment after the client has its last byte. */
async function settled(
  platform: string,
  since: number,
  before: PlatformSnapshot,
  ended: number,
  { metrics, clock, signal, countsAtOnce }: CompareOptions,
): Promise<PlatformSnapshot> {
  const deadline = clock.now() + settleMs;
  for (;;) {
    const after = await metrics.read(platform, since, signal);
    const counted = figureOf(requestsBetween(before, after, "darkRequests"))?.requests;
    if (!countsAtOnce || counted === undefined || counted >= ended || clock.now() > deadline) return after;
    await clock.sleep(50, signal);
  }
}

function loadFigures(summary: Summary, platform: string, durationMs: number): LoadFigures {
  const { sent, ended, failed, failures, sides } = summary;
  const latency = sides[platform]?.latencyMs;
  return {
    sent,
    ended,
    failed,
    clientFailed: failures.client,
    latencyMs: latency && { p50: latency.p50, p95: latency.p95, p99: latency.p99 },
    durationMs,
  };
}
