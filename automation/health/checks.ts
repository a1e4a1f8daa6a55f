/** What one observation of a platform says to each of the four checks. Pure. */
import { quantile } from "../metrics/latency.ts";
import { figureOf, within } from "../metrics/readings.ts";
import { growth, latencyBetween } from "../metrics/span.ts";
import type { PlatformSnapshot, Reading } from "../ports/platform-metrics.ts";
import type { CheckKind, Look } from "./judge.ts";
import type { HealthSettings } from "./settings.ts";

/** What the agent answered to the check's own request. */
export type Answer =
  | { readonly kind: "ready"; readonly degraded: boolean; readonly tookMs: number }
  | { readonly kind: "not-ready"; readonly tookMs: number }
  | { readonly kind: "none"; readonly why: string };

export interface Observation {
  /** ms since the epoch. */
  readonly at: number;
  readonly answer: Answer;
  /** undefined where there is no source of metrics. */
  readonly snapshot: PlatformSnapshot | undefined;
  /** Of the look before. */
  readonly earlier: PlatformSnapshot | undefined;
}

type Found = Pick<Look, "found" | "detail">;

export function look(check: CheckKind, seen: Observation, settings: HealthSettings): Look {
  return { at: seen.at, ...finders[check](seen, settings) };
}

const finders: Readonly<Record<CheckKind, (seen: Observation, settings: HealthSettings) => Found>> = {
  endpoint,
  "response-time": responseTime,
  resources,
  platform,
};

function endpoint({ answer }: Observation): Found {
  switch (answer.kind) {
    case "none":
      return { found: "bad", detail: answer.why };
    case "not-ready":
      return { found: "bad", detail: "the agent says that it is not ready" };
    case "ready":
      return answer.degraded
        ? { found: "strained", detail: "the agent is ready, and says that it is degraded" }
        : { found: "good", detail: `ready, answered in ${Math.round(answer.tookMs)} ms` };
  }
}

/** Users' p95 where there are enough requests: to the first byte, or the whole where the source knows no other. */
function responseTime({ answer, snapshot, earlier }: Observation, settings: HealthSettings): Found {
  const users = snapshot && earlier && usersP95(earlier, snapshot, settings.minRequests);
  if (users !== undefined) return limited(users, settings.responseMs, `p95 of users' requests ${Math.round(users)} ms`);
  if (answer.kind === "none") return { found: "unreadable", detail: `no request to measure: ${answer.why}` };
  return limited(answer.tookMs, settings.responseMs, `the check's own request took ${Math.round(answer.tookMs)} ms`);
}

function usersP95(earlier: PlatformSnapshot, later: PlatformSnapshot, least: number): number | undefined {
  for (const which of ["firstByte", "latency"] as const) {
    const span = figureOf(latencyBetween(earlier, later, which));
    if (span !== undefined && span.count >= least) return quantile(span, 0.95);
  }
  return undefined;
}

function limited(value: number, most: number, detail: string): Found {
  const found = value >= most ? "bad" : value >= 0.8 * most ? "strained" : "good";
  return { found, detail: `${detail}, limit ${Math.round(most)} ms` };
}

const noMetrics = "the platform's metrics cannot be read";

function resources({ snapshot }: Observation, settings: HealthSettings): Found {
  if (snapshot === undefined) return { found: "unreadable", detail: noMetrics };
  const share = (name: "cpuShare" | "memoryShare", limits: HealthSettings["cpu"], what: string): Found => {
    const reading = within(snapshot.resources, (figures) => figures[name]);
    if (reading.kind === "absent") return { found: "good", detail: `${what} -` };
    if (reading.kind === "unreadable") return { found: "unreadable", detail: `${what}: ${reading.why}` };
    const found = reading.value >= limits.unhealthy ? "bad" : reading.value >= limits.degraded ? "strained" : "good";
    return { found, detail: `${what} ${(reading.value * 100).toFixed(0)} % of the limit` };
  };
  return together([share("cpuShare", settings.cpu, "CPU"), share("memoryShare", settings.memory, "memory")]);
}

/** What the platform says of itself: instances against what is wanted and against the most, restarts, failed starts, queue. */
function platform({ snapshot, earlier }: Observation, settings: HealthSettings): Found {
  if (snapshot === undefined) return { found: "unreadable", detail: noMetrics };
  const { instances } = snapshot;
  const parts: Found[] = [instancesFound(instances)];
  const grown = (name: "restarts" | "startFailures", what: string, found: "bad" | "strained"): void => {
    if (earlier === undefined) return;
    const more = growth(earlier[name], snapshot[name]);
    if (more.kind === "value" && more.value > 0)
      parts.push({ found, detail: `${more.value} ${what} since the last look` });
    if (more.kind === "unreadable") parts.push({ found: "unreadable", detail: `${what}: ${more.why}` });
  };
  grown("restarts", "restarts", "strained");
  grown("startFailures", "failed starts", "bad");
  if (snapshot.queued.kind === "unreadable") parts.push({ found: "unreadable", detail: snapshot.queued.why });
  const queued = figureOf(snapshot.queued) ?? 0;
  if (queued >= settings.queue) parts.push({ found: "strained", detail: `${queued} requests wait for an instance` });
  return together(parts);
}

function instancesFound(instances: PlatformSnapshot["instances"]): Found {
  if (instances.kind !== "value") return { found: "unreadable", detail: `instances: ${instances.why}` };
  const { ready } = instances.value;
  const [wanted, most] = [number(instances.value.wanted), number(instances.value.most)];
  if (ready === 0 && (wanted ?? 1) > 0) return { found: "bad", detail: "no instance is ready" };
  if (wanted !== undefined && ready < wanted) {
    return { found: "strained", detail: `${ready} of ${wanted} instances are ready` };
  }
  if (most !== undefined && most > 0 && ready >= most) {
    return { found: "strained", detail: `at the most that it may have, ${most} instances` };
  }
  return { found: "good", detail: `${ready} instances ready` };
}

function number(reading: Reading<number>): number | undefined {
  return figureOf(reading);
}

const badness: readonly Look["found"][] = ["good", "unreadable", "strained", "bad"];

/** The worst of several, with the reasons of that. */
function together(parts: readonly Found[]): Found {
  const found = badness.findLast((one) => parts.some((part) => part.found === one)) ?? "unreadable";
  const told = parts.filter((part) => part.found === found).map(({ detail }) => detail);
  return { found, detail: told.join(", ") };
}
