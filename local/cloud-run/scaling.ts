/** What the autoscaler looks at when it decides (statements 31-37). */
export interface ScalingObservation {
  /** Average requests in flight over the last minute and the last ten minutes, the waiting ones included. */
  readonly inFlight: { readonly oneMinute: number; readonly tenMinutes: number };
  /** vCPU used per second by all instances, average over the last minute; undefined when it is not known. */
  readonly cpuUsed: number | undefined;
}

export interface ScalingLimits {
  /** Most requests that one instance takes at once. */
  readonly concurrency: number;
  /** vCPU of one instance. */
  readonly cpu: number;
  readonly min: number;
  readonly max: number;
}

/** Share of an instance's concurrency and CPU that scaling aims at (statements 32, 33). */
export const targetUtilization = 0.6;
/** Statement 36. */
export const evaluationIntervalMs = 5000;
/** Statement 37. */
export const idleLimitMs = 15 * 60 * 1000;

export interface Recommendation {
  readonly instances: number;
  /** What decided: the larger driver, or the bound that it met. */
  readonly reason: "concurrency" | "cpu" | "min" | "max";
}

/** Instances that the steady, metrics-based driver asks for; starting from zero is the queue's work. */
export function recommend({ inFlight, cpuUsed }: ScalingObservation, limits: ScalingLimits): Recommendation {
  const busiest = Math.max(inFlight.oneMinute, inFlight.tenMinutes);
  const byConcurrency = ceil(busiest / (limits.concurrency * targetUtilization));
  const byCpu = cpuUsed === undefined ? 0 : ceil(cpuUsed / limits.cpu / targetUtilization);
  const wanted = Math.max(byConcurrency, byCpu);
  if (wanted > limits.max) return { instances: limits.max, reason: "max" };
  if (wanted < limits.min) return { instances: limits.min, reason: "min" };
  return { instances: wanted, reason: byCpu > byConcurrency ? "cpu" : "concurrency" };
}

/** Division leaves dust: 30 / (10 x 0.6) must be 5, not 6. */
function ceil(value: number): number {
  return Math.ceil(Number(value.toFixed(6)));
}

export interface WaitingRequests {
  /** Requests without an instance; probes are not among them. */
  readonly waiting: number;
  /** Whether only probes wait: they may wake a service that has no instance, but never add one. */
  readonly probesWait: boolean;
  /** Instances that start. */
  readonly starting: number;
  /** Instances that are ready and not draining. */
  readonly ready: number;
}

/** Instances to start at once because requests wait (the on-demand driver, statement 31). */
export function startsForQueue(
  { waiting, probesWait, starting, ready }: WaitingRequests,
  limits: Pick<ScalingLimits, "concurrency" | "max">,
): number {
  const forProbes = probesWait && starting + ready === 0 ? 1 : 0;
  const wanted = Math.max(Math.ceil(waiting / limits.concurrency) - starting, forProbes);
  return Math.max(0, Math.min(wanted, limits.max - starting - ready));
}

export interface ScaleInCandidate {
  readonly name: string;
  readonly inFlight: number;
  /** Since when it has had no request, ms since the epoch; undefined while it has one. */
  readonly idleSince: number | undefined;
}

/**
 * Instances to retire: those idle for 15 minutes, and what is above the most that was recommended in the last 15 minutes, the
 * emptiest first. Never below the minimum.
 */
export function chooseScaleIn(
  candidates: readonly ScaleInCandidate[],
  now: number,
  { min, mostRecommended }: { readonly min: number; readonly mostRecommended: number },
): readonly string[] {
  const surplus = Math.max(0, candidates.length - Math.max(min, mostRecommended));
  const expired = candidates.filter(({ idleSince }) => idleSince !== undefined && now - idleSince >= idleLimitMs);
  const count = Math.min(Math.max(surplus, expired.length), Math.max(0, candidates.length - min));
  return [...candidates]
    .sort((a, b) => a.inFlight - b.inFlight || (a.idleSince ?? now) - (b.idleSince ?? now))
    .slice(0, count)
    .map(({ name }) => name);
}

/** How long a request may wait for an instance, ms (statement 40). */
export function pendingLimitMs(averageStartMs: number): number {
  return Math.max(10_000, 3.5 * averageStartMs);
}

/**
 * Wait before the next start after failed ones, ms (statement 10, "throttled"): none after the first, then 1 s doubling to 5 s, so that
 * a request sees at least one attempt before its pending limit.
 */
export function startBackoffMs(consecutiveFailures: number): number {
  return consecutiveFailures < 2 ? 0 : Math.min(5000, 1000 * 2 ** (consecutiveFailures - 2));
}
