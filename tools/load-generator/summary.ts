/** Adds up observations: totals, one entry a second, phases. Attribution is done again at the end, when all crashes are known. */
import { Histogram } from "./histogram.ts";
import type { Failure, Failures, Progress, Side, Summary } from "./messages.ts";
import { type Attribution, attribute, type Crash, type Observation } from "./outcome.ts";
import type { PlannedRequest, RequestKind } from "./plan.ts";

/** Failures that are listed one by one; all are counted. */
const listedFailures = 1_000;

interface Tally {
  sent: number;
  readonly sides: Map<string, { ended: number; failed: number; latency: Histogram }>;
  readonly failed: Observation[];
}

const newTally = (): Tally => ({ sent: 0, sides: new Map(), failed: [] });

function count(tally: Tally, observation: Observation): void {
  let side = tally.sides.get(observation.side);
  if (side === undefined) {
    side = { ended: 0, failed: 0, latency: new Histogram() };
    tally.sides.set(observation.side, side);
  }
  side.ended += 1;
  if (observation.problem !== undefined) {
    side.failed += 1;
    tally.failed.push(observation);
  } else if (observation.request.kind === "short") {
    side.latency.add(observation.endedAt - observation.intendedAt);
  }
}

function sidesOf(tally: Tally): Record<string, Side> {
  return Object.fromEntries(
    [...tally.sides].map(([name, side]) => {
      const latencyMs = side.latency.summary();
      return [name, { ended: side.ended, failed: side.failed, ...(latencyMs && { latencyMs }) }];
    }),
  );
}

function failuresOf(observations: readonly Observation[], crashes: readonly Crash[]): Failures {
  const failures: Failures = { swap: 0, client: 0, agent: {}, crash: {} };
  for (const observation of observations) {
    const cause = attribute(observation, crashes);
    if (cause === "swap" || cause === "client") failures[cause] += 1;
    else if (cause !== undefined) failures[cause][observation.side] = (failures[cause][observation.side] ?? 0) + 1;
  }
  return failures;
}

function endedOf(tally: Tally): number {
  return [...tally.sides.values()].reduce((sum, side) => sum + side.ended, 0);
}

function toFailure(observation: Observation, attribution: Attribution): Failure {
  return {
    index: observation.request.index,
    kind: observation.request.kind,
    fresh: observation.request.fresh,
    intendedAt: observation.intendedAt,
    endedAt: observation.endedAt,
    status: observation.status,
    side: observation.side,
    marker: observation.marker,
    problem: observation.problem?.kind ?? "",
    detail: observation.problem?.detail ?? "",
    attribution,
  };
}

export class Recorder {
  readonly #startedAt: number;
  readonly #all = newTally();
  readonly #kinds: Record<RequestKind, { sent: number; failed: number }> = {
    short: { sent: 0, failed: 0 },
    slow: { sent: 0, failed: 0 },
    stream: { sent: 0, failed: 0 },
    long: { sent: 0, failed: 0 },
  };
  readonly #seconds = new Map<number, Tally>();
  readonly #phases: { name: string; from: number; tally: Tally }[] = [];
  readonly #crashes: Crash[] = [];
  readonly #lag = new Histogram();
  #lagSinceProgress = 0;
  #ended = 0;
  #longestStallMs = 0;

  /** `startedAt` is ms since the epoch. */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  get inFlight(): number {
    return this.#all.sent - this.#ended;
  }

  phase(name: string, at: number): void {
    this.#phases.push({ name, from: at, tally: newTally() });
  }

  crash(crash: Crash): void {
    this.#crashes.push(crash);
  }

  sent(request: PlannedRequest, intendedAt: number, sentAt: number): void {
    this.#all.sent += 1;
    this.#kinds[request.kind].sent += 1;
    this.#second(intendedAt).sent += 1;
    const phase = this.#phaseAt(intendedAt);
    if (phase) phase.tally.sent += 1;
    const lag = Math.max(0, sentAt - intendedAt);
    this.#lag.add(lag);
    this.#lagSinceProgress = Math.max(this.#lagSinceProgress, lag);
  }

  /** Returns the failure as it looks now, undefined when all is well or the list is full. */
  ended(observation: Observation): Failure | undefined {
    this.#ended += 1;
    count(this.#all, observation);
    count(this.#second(observation.endedAt), observation);
    const phase = this.#phaseAt(observation.intendedAt);
    if (phase) count(phase.tally, observation);
    this.#longestStallMs = Math.max(this.#longestStallMs, observation.stallMs);
    const attribution = attribute(observation, this.#crashes);
    if (attribution === undefined) return undefined;
    this.#kinds[observation.request.kind].failed += 1;
    return this.#all.failed.length > listedFailures ? undefined : toFailure(observation, attribution);
  }

  progress(now: number): Progress {
    const lagMs = this.#lagSinceProgress;
    this.#lagSinceProgress = 0;
    const lastSecond = this.#seconds.get(Math.floor((now - this.#startedAt) / 1_000) - 1);
    return {
      type: "progress",
      at: now,
      sent: this.#all.sent,
      ended: this.#ended,
      failed: this.#all.failed.length,
      failures: failuresOf(this.#all.failed, this.#crashes),
      inFlight: this.inFlight,
      lagMs,
      sides: lastSecond === undefined ? {} : sidesOf(lastSecond),
    };
  }

  summary(endedAt: number, generator: Summary["generator"]): Summary {
    const totals = (tally: Tally) => ({
      sent: tally.sent,
      ended: endedOf(tally),
      failed: tally.failed.length,
      failures: failuresOf(tally.failed, this.#crashes),
      sides: sidesOf(tally),
    });
    return {
      type: "summary",
      startedAt: this.#startedAt,
      endedAt,
      ...totals(this.#all),
      kinds: this.#kinds,
      longestStallMs: this.#longestStallMs,
      lagMs: this.#lag.summary() ?? { p50: 0, p95: 0, p99: 0, max: 0 },
      generator,
      seconds: [...this.#seconds]
        .sort(([a], [b]) => a - b)
        .map(([second, tally]) => ({
          at: this.#startedAt + second * 1_000,
          sent: tally.sent,
          failures: failuresOf(tally.failed, this.#crashes),
          sides: sidesOf(tally),
        })),
      phases: this.#phases.map(({ name, from, tally }, index) => ({
        name,
        from,
        to: this.#phases[index + 1]?.from ?? endedAt,
        ...totals(tally),
      })),
      failureList: this.#all.failed
        .slice(0, listedFailures)
        .map((observation) => toFailure(observation, attribute(observation, this.#crashes) ?? "swap")),
    };
  }

  #second(at: number): Tally {
    const second = Math.max(0, Math.floor((at - this.#startedAt) / 1_000));
    let tally = this.#seconds.get(second);
    if (tally === undefined) {
      tally = newTally();
      this.#seconds.set(second, tally);
    }
    return tally;
  }

  #phaseAt(at: number): { tally: Tally } | undefined {
    return this.#phases.findLast((phase) => phase.from <= at);
  }
}
