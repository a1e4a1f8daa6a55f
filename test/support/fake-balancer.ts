import { SwitchyardError } from "../../automation/errors.ts";
import type { Clock } from "../../automation/ports/clock.ts";
import type { ProbeResult, Prober } from "../../automation/ports/prober.ts";
import type { RequestFeed, RequestRecord } from "../../automation/ports/request-feed.ts";
import type { SideLoad } from "../../automation/ports/side-load.ts";
import type { TrafficRouter, TrafficState, Weights } from "../../automation/ports/traffic-router.ts";

/** How a platform behaves. */
export interface SideBehaviour {
  /** Share of requests that the agent answers with 500, 0 to 1. */
  readonly applicationErrors: number;
  /** Share of requests for which the balancer gets no complete reply, 0 to 1. */
  readonly gatewayErrors: number;
  /** First byte and duration of every request, ms. */
  readonly latencyMs: number;
}

export interface FakeBalancerOptions {
  readonly clock: Clock;
  readonly weights: Weights;
  /** Platforms that may have an entry; default those of `weights`. */
  readonly platforms?: readonly string[];
  /** From an accepted write to its effect, ms; default 0. */
  readonly propagationDelayMs?: number;
  /** User requests a second; default 200. */
  readonly requestsPerSecond?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** A balancer in memory whose data plane follows its API late: the ports that the engine sees, and handles for tests. */
export interface FakeBalancer {
  readonly router: TrafficRouter;
  readonly prober: Prober;
  readonly feed: RequestFeed;
  readonly sideLoad: SideLoad;
  /** Every accepted write, oldest first. */
  readonly writes: readonly Weights[];
  /** The weights that requests see now. */
  applied(): Weights;
  setPropagationDelay(ms: number): void;
  setRequestsPerSecond(count: number): void;
  setSide(platform: string, behaviour: Partial<SideBehaviour>): void;
  /** Somebody else changes the map: the fingerprint of every earlier read is void; with weights these are theirs. */
  interfere(weights?: Weights): void;
  /**
   * The next call of that kind fails with traffic-unreachable; "lost-reply" lets a write take effect first, as when the
   * answer is lost on the way.
   */
  failNext(operation: "read" | "write" | "feed" | "probe", how?: "refused" | "lost-reply"): void;
}

const healthy: SideBehaviour = { applicationErrors: 0, gatewayErrors: 0, latencyMs: 5 };

/** A linear congruential generator; good enough to spread requests, and the same on every run. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function createFakeBalancer(options: FakeBalancerOptions): FakeBalancer {
  const { clock } = options;
  const random = generator(options.seed ?? 1);
  const sides = new Map<string, SideBehaviour>();
  const failures = new Map<string, "refused" | "lost-reply">();
  const writes: Weights[] = [];
  const records: RequestRecord[] = [];
  let delayMs = options.propagationDelayMs ?? 0;
  let perSecond = options.requestsPerSecond ?? 200;
  let accepted: Weights = { ...options.weights };
  let version = 1;
  /** What the data plane applied since when, oldest first. */
  let plane: { at: number; weights: Weights }[] = [{ at: clock.now(), weights: accepted }];
  let generatedUntil = clock.now();
  let sequence = 0;

  const fingerprint = (): string => `fingerprint-${version}`;
  const state = (): TrafficState => ({ weights: { ...accepted }, fingerprint: fingerprint() });
  const behaviour = (side: string): SideBehaviour => sides.get(side) ?? healthy;
  const appliedAt = (at: number): Weights => plane.findLast((entry) => entry.at <= at)?.weights ?? accepted;

  const unreachable = (what: string): SwitchyardError =>
    new SwitchyardError("traffic-unreachable", { message: `${what} was made to fail by the test` });
  const failing = (operation: string): "refused" | "lost-reply" | undefined => {
    const how = failures.get(operation);
    failures.delete(operation);
    return how;
  };

  const choose = (at: number): string => {
    const entries = Object.entries(appliedAt(at));
    let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [platform, weight] of entries) {
      left -= weight;
      if (left < 0) return platform;
    }
    return entries.at(-1)?.[0] ?? "";
  };

  const change = (weights: Weights): void => {
    accepted = { ...weights };
    version += 1;
    const at = clock.now() + delayMs;
    // A younger change never takes effect before an older one.
    plane = [...plane.filter((entry) => entry.at <= at), { at, weights: accepted }];
  };

  const record = (at: number): RequestRecord => {
    const side = choose(at);
    const { applicationErrors, gatewayErrors, latencyMs } = behaviour(side);
    const draw = random();
    const outcome =
      draw < applicationErrors ? "application" : draw < applicationErrors + gatewayErrors ? "gateway" : "ok";
    const status = outcome === "ok" ? 200 : outcome === "application" ? 500 : 502;
    sequence += 1;
    return { sequence, at, side, status, firstByteMs: latencyMs, durationMs: latencyMs, outcome };
  };

  const generate = (): void => {
    const now = clock.now();
    if (perSecond > 0) {
      const spacing = 1_000 / perSecond;
      while (generatedUntil + spacing <= now) {
        generatedUntil += spacing;
        records.push(record(generatedUntil));
      }
    } else {
      generatedUntil = now;
    }
    if (records.length > 100_000) records.splice(0, records.length - 100_000);
  };

  return {
    writes,
    applied: () => appliedAt(clock.now()),
    setPropagationDelay(ms) {
      delayMs = ms;
    },
    setRequestsPerSecond(count) {
      generate();
      perSecond = count;
    },
    setSide(platform, changes) {
      generate();
      sides.set(platform, { ...behaviour(platform), ...changes });
    },
    interfere(weights) {
      change(weights ?? accepted);
    },
    failNext(operation, how = "refused") {
      failures.set(operation, how);
    },

    router: {
      async read(signal) {
        signal?.throwIfAborted();
        if (failing("read")) throw unreachable("the read");
        return state();
      },
      async write(weights, quoted, signal) {
        signal?.throwIfAborted();
        const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
        const tooFine = Object.values(weights).some(
          (weight) => weight < 0 || Math.abs(weight * 10 - Math.round(weight * 10)) > 1e-6,
        );
        const unknown = Object.keys(weights).some(
          (platform) => !(options.platforms ?? Object.keys(options.weights)).includes(platform),
        );
        if (Math.abs(sum - 100) > 1e-6 || tooFine || unknown) {
          throw new SwitchyardError("traffic-weights-invalid", { message: `${JSON.stringify(weights)} cannot be set` });
        }
        const how = failing("write");
        if (how === "refused") throw unreachable("the write");
        if (quoted !== fingerprint()) {
          throw new SwitchyardError("fingerprint-conflict", { message: "the map was changed since it was read" });
        }
        change(weights);
        writes.push({ ...weights });
        if (how === "lost-reply") throw unreachable("the reply of the write");
        return state();
      },
    },

    prober: {
      perSecond: 1_000,
      async sample(count, signal) {
        signal?.throwIfAborted();
        if (failing("probe")) throw unreachable("the probes");
        const results: ProbeResult[] = [];
        while (results.length < count) {
          const batch = Math.min(50, count - results.length);
          await clock.sleep(batch, signal);
          for (let sent = 0; sent < batch; sent += 1) {
            const side = choose(clock.now());
            results.push({ side, status: 200, durationMs: behaviour(side).latencyMs });
          }
        }
        return results;
      },
    },

    feed: {
      description: { source: "fake balancer", fields: ["side", "outcome", "firstByteMs"], complete: true, delayMs: 0 },
      async read(cursor, waitMs, signal) {
        signal?.throwIfAborted();
        if (failing("feed"))
          throw new SwitchyardError("feed-unreachable", { message: "the read was made to fail by the test" });
        generate();
        const after = cursor ?? sequence;
        if (sequence <= after) {
          const untilNext = perSecond > 0 ? generatedUntil + 1_000 / perSecond - clock.now() : waitMs;
          await clock.sleep(Math.min(waitMs, Math.max(0, untilNext)), signal);
          generate();
        }
        const found = records.filter((entry) => entry.sequence > after);
        const oldest = records[0]?.sequence ?? sequence + 1;
        return { records: found, cursor: Math.max(after, sequence), lost: Math.max(0, oldest - 1 - after) };
      },
    },

    sideLoad: {
      async inFlight(platform) {
        const weights = appliedAt(clock.now());
        const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
        return Math.round(((weights[platform] ?? 0) / sum) * perSecond * (behaviour(platform).latencyMs / 1_000));
      },
    },
  };
}
