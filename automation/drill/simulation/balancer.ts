/** A balancer in memory whose data plane follows its API late: the ports that the engine sees, and handles to make it go wrong. */
import { SwitchyardError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ProbeResult, Prober } from "../../ports/prober.ts";
import type { RequestFeed } from "../../ports/request-feed.ts";
import type { SideLoad } from "../../ports/side-load.ts";
import type { SyntheticLoad } from "../../ports/synthetic-load.ts";
import type { TrafficRouter, TrafficState, Weights } from "../../ports/traffic-router.ts";
import { chooseSide, DataPlane, type Propagation } from "./plane.ts";
import { type Random, seeded } from "./random.ts";
import type { SideBehaviour } from "./side.ts";
import { type Arrivals, type SideTotals, Traffic } from "./traffic.ts";

export interface SimulatedBalancerOptions {
  readonly clock: Clock;
  readonly weights: Weights;
  /** Platforms that may have an entry; default those of `weights`. */
  readonly platforms?: readonly string[];
  /** Platforms that serve at the start; default all. */
  readonly serving?: readonly string[];
  /** Fencing token that the map has at the start; default 0. */
  readonly fence?: number;
  /** From an accepted write to its effect, ms; default 0. */
  readonly propagationDelayMs?: number;
  /** How the data plane follows beside that; default all workers at the same time, in order. */
  readonly propagation?: Partial<Propagation>;
  /** Workers of the data plane; default 1. */
  readonly workers?: number;
  /** User requests a second; default 200. */
  readonly requestsPerSecond?: number;
  /** Share of requests that fail on any side; default 0. */
  readonly backgroundErrors?: number;
  /** Default 1. */
  readonly seed?: number;
}

/**
 * How a call fails. refused: 503 at once, nothing done. throttled: the same with 429. timeout: an error after 30 s, nothing
 * done. lost-reply: done, and an error. conflict: somebody else changed the map in between.
 */
export type ApiTrouble = "refused" | "throttled" | "timeout" | "lost-reply" | "conflict";

export type ApiOperation = "read" | "write" | "feed" | "probe";

export interface SimulatedBalancer {
  readonly router: TrafficRouter;
  readonly prober: Prober;
  readonly feed: RequestFeed;
  readonly sideLoad: SideLoad;
  readonly syntheticLoad: SyntheticLoad;
  /** Every accepted write that changed the weights, oldest first. */
  readonly writes: readonly Weights[];
  /** The fencing tokens of accepted writes that left the weights as they were, oldest first. */
  readonly claims: readonly number[];
  /** The weights that the API shows. */
  accepted(): Weights;
  fence(): number;
  /** The weights that requests see now, on average over the workers. */
  applied(): Weights;
  /** The weights of each worker. */
  workers(): readonly Weights[];
  /** Every worker follows for good within so long, ms. */
  followsWithinMs(): number;
  /** What a worker is still going to show, in no order: weights that it has not followed yet, or falls back to. */
  coming(): readonly Weights[];
  setPropagationDelay(ms: number): void;
  setPropagation(changes: Partial<Propagation>): void;
  setRequestsPerSecond(count: number): void;
  setArrivals(arrivals: Arrivals): void;
  /** Ended requests become readable so much later, ms. */
  setFeedDelay(ms: number): void;
  setSide(platform: string, behaviour: Partial<SideBehaviour>): void;
  setServing(platform: string, serving: boolean): void;
  handOver(platform: string, target: string | undefined): void;
  inFlight(platform: string): number;
  /** When the first request ended that a declared fault had touched, and how many had ended by then; undefined: none. */
  firstTouched(): { readonly at: number; readonly requests: number } | undefined;
  /** What the sender of the requests counted; of all sides when none is named. */
  totals(platform?: string): SideTotals;
  /**
   * Somebody else changes the map: the fingerprint of every earlier read is void. With weights these are theirs; with a
   * fencing token it is another engine's that took the lease.
   */
  interfere(weights?: Weights, fence?: number): void;
  /** The next calls of that kind fail. */
  failNext(operation: ApiOperation, how?: ApiTrouble, times?: number): void;
  /** Nothing of the balancer can be reached from the engine: neither its API nor its feed nor its front. */
  setReachable(reachable: boolean): void;
}

/** As the error says it. */
const inWords: Readonly<Record<ApiTrouble, string>> = {
  refused: "503 Service Unavailable",
  throttled: "429 Too Many Requests",
  timeout: "no answer within 30 s",
  "lost-reply": "the connection was reset",
  conflict: "412 Precondition Failed",
};

/** How long a call waits for a reply that does not come, ms. */
const timeoutMs = 30_000;

export function createSimulatedBalancer(options: SimulatedBalancerOptions): SimulatedBalancer {
  const { clock } = options;
  const seed = options.seed ?? 1;
  const platforms = options.platforms ?? Object.keys(options.weights);
  // Draws of their own for each, so that a probe more does not change what becomes of users' requests.
  const ofTraffic = seeded(seed);
  const ofProbes = seeded(seed + 1);
  const plane = new DataPlane(
    { ...options.weights },
    clock.now(),
    options.workers ?? 1,
    {
      delayMs: options.propagationDelayMs ?? 0,
      spreadMs: 0,
      follows: true,
      relapse: false,
      ...options.propagation,
    },
    seeded(seed + 2),
  );
  const choose = (at: number, random: Random): string => chooseSide(plane.weightsFor(at, random), random);
  const traffic = new Traffic({
    now: () => clock.now(),
    random: ofTraffic,
    choose: (at) => choose(at, ofTraffic),
    platforms,
    serving: options.serving ?? platforms,
    arrivals: { perSecond: options.requestsPerSecond ?? 200 },
    backgroundErrors: options.backgroundErrors ?? 0,
  });
  const troubles = new Map<ApiOperation, { readonly how: ApiTrouble; readonly left: number }>();
  const writes: Weights[] = [];
  const claims: number[] = [];
  let accepted: Weights = { ...options.weights };
  let fence = options.fence ?? 0;
  let version = 1;
  let feedDelayMs = 0;
  let reachable = true;

  const fingerprint = (): string => `fingerprint-${version}`;
  const state = (): TrafficState => ({ weights: { ...accepted }, fingerprint: fingerprint(), fence });

  const unreachable = (what: string, how: ApiTrouble = "refused"): SwitchyardError =>
    new SwitchyardError("traffic-unreachable", { message: `${what} failed: ${inWords[how]}, as the drill declared` });

  const takeTrouble = (operation: ApiOperation): ApiTrouble | undefined => {
    if (!reachable) return "refused";
    const trouble = troubles.get(operation);
    if (trouble === undefined) return undefined;
    if (trouble.left <= 1) troubles.delete(operation);
    else troubles.set(operation, { ...trouble, left: trouble.left - 1 });
    return trouble.how;
  };

  const change = (weights: Weights, token: number): void => {
    version += 1;
    fence = token;
    // A map that says the same of the weights changes nothing on the data plane.
    if (sameEntries(weights, accepted)) return;
    traffic.advance();
    accepted = { ...weights };
    plane.change(accepted, clock.now());
  };

  return {
    writes,
    claims,
    accepted: () => ({ ...accepted }),
    fence: () => fence,
    applied: () => average(plane.at(clock.now())),
    workers: () => plane.at(clock.now()),
    followsWithinMs: () => plane.followsWithinMs,
    coming: () => plane.after(clock.now()),
    setPropagationDelay(ms) {
      plane.propagation = { ...plane.propagation, delayMs: ms };
    },
    setPropagation(changes) {
      const stood = plane.propagation.follows;
      plane.propagation = { ...plane.propagation, ...changes };
      // What was accepted meanwhile is followed from now on.
      if (!stood && plane.propagation.follows) plane.change(accepted, clock.now());
    },
    setRequestsPerSecond: (count) => traffic.setArrivals({ perSecond: count }),
    setArrivals: (arrivals) => traffic.setArrivals(arrivals),
    setFeedDelay(ms) {
      feedDelayMs = ms;
    },
    setSide: (platform, behaviour) => traffic.setBehaviour(platform, behaviour),
    setServing: (platform, serving) => traffic.setServing(platform, serving),
    handOver: (platform, target) => traffic.handOver(platform, target),
    inFlight: (platform) => traffic.inFlight(platform),
    firstTouched: () => traffic.firstTouched,
    totals: (platform) => traffic.totals(platform),
    interfere(weights, token) {
      change(weights ?? accepted, token ?? fence);
    },
    failNext(operation, how = "refused", times = 1) {
      troubles.set(operation, { how, left: times });
    },
    setReachable(value) {
      reachable = value;
    },

    router: {
      async read(signal) {
        signal?.throwIfAborted();
        const trouble = takeTrouble("read");
        if (trouble === "timeout") await clock.sleep(timeoutMs, signal);
        if (trouble !== undefined) throw unreachable("reading the weights", trouble);
        return state();
      },
      async write(weights, quoted, token, signal) {
        signal?.throwIfAborted();
        assertWritable(weights, platforms);
        const trouble = takeTrouble("write");
        if (trouble === "timeout") await clock.sleep(timeoutMs, signal);
        if (trouble === "refused" || trouble === "throttled" || trouble === "timeout")
          throw unreachable("writing the weights", trouble);
        if (trouble === "conflict") version += 1;
        if (quoted !== fingerprint()) {
          throw new SwitchyardError("fingerprint-conflict", { message: "the map was changed since it was read" });
        }
        if (sameEntries(weights, accepted)) claims.push(token);
        else writes.push({ ...weights });
        change(weights, token);
        if (trouble === "lost-reply") throw unreachable("the reply to a write of weights", trouble);
        return state();
      },
    },

    prober: {
      perSecond: 1_000,
      async sample(count, signal) {
        signal?.throwIfAborted();
        if (takeTrouble("probe") !== undefined) throw unreachable("a probe");
        const results: ProbeResult[] = [];
        while (results.length < count) {
          const batch = Math.min(50, count - results.length);
          await clock.sleep(batch, signal);
          for (let sent = 0; sent < batch; sent += 1) {
            const side = choose(clock.now(), ofProbes);
            results.push({ side, status: 200, durationMs: traffic.behaviour(side).latencyMs });
          }
        }
        return results;
      },
    },

    feed: {
      description: {
        source: "simulated balancer",
        fields: ["sequence", "at", "side", "status", "firstByteMs", "durationMs", "outcome"],
        complete: true,
        delayMs: 0,
      },
      async read(cursor, waitMs, signal) {
        signal?.throwIfAborted();
        if (takeTrouble("feed") !== undefined)
          throw new SwitchyardError("feed-unreachable", { message: "reading the feed failed, as the drill declared" });
        traffic.advance();
        const after = cursor ?? traffic.newestBy(clock.now() - feedDelayMs);
        let found = traffic.recordsAfter(after, clock.now() - feedDelayMs);
        if (found.records.length === 0) {
          const until = traffic.nextEvent() + feedDelayMs - clock.now();
          await clock.sleep(Math.min(waitMs, Math.max(0, until)), signal);
          traffic.advance();
          found = traffic.recordsAfter(after, clock.now() - feedDelayMs);
        }
        return { records: found.records, cursor: found.last, lost: found.lost };
      },
    },

    sideLoad: {
      async inFlight(platform) {
        if (!reachable)
          throw new SwitchyardError("feed-unreachable", {
            message: "the balancer cannot be reached, as the drill declared",
          });
        return traffic.inFlight(platform);
      },
    },

    syntheticLoad: {
      async send(count, signal) {
        signal?.throwIfAborted();
        if (!reachable) throw unreachable("a synthetic request");
        traffic.send(count);
      },
    },
  };
}

/** Errors: traffic-weights-invalid. */
function assertWritable(weights: Weights, platforms: readonly string[]): void {
  const shares = Object.values(weights);
  const sum = shares.reduce((total, weight) => total + weight, 0);
  const tooFine = shares.some((weight) => weight < 0 || Math.abs(weight * 10 - Math.round(weight * 10)) > 1e-6);
  const unknown = Object.keys(weights).some((platform) => !platforms.includes(platform));
  if (Math.abs(sum - 100) > 1e-6 || tooFine || unknown)
    throw new SwitchyardError("traffic-weights-invalid", { message: `${JSON.stringify(weights)} cannot be set` });
}

export function sameEntries(a: Weights, b: Weights): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((platform) => a[platform] === b[platform]);
}

function average(workers: readonly Weights[]): Weights {
  const [first = {}] = workers;
  if (workers.every((worker) => sameEntries(worker, first))) return { ...first };
  const platforms = [...new Set(workers.flatMap((worker) => Object.keys(worker)))];
  return Object.fromEntries(
    platforms.map((platform) => [
      platform,
      workers.reduce((sum, worker) => sum + (worker[platform] ?? 0), 0) / workers.length,
    ]),
  );
}
