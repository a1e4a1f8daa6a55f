/** How one platform answers requests, and how it goes wrong. */
import type { RequestRecord } from "../../ports/request-feed.ts";
import { logNormal, type Random } from "./random.ts";

/** What runs out on a side. */
export type SideLimit =
  /** Every so many requests an instance is killed, and nothing is served until it has started again. */
  | { readonly kind: "memory"; readonly requests: number; readonly restartMs: number }
  /** More requests a second than that queue; what would wait for longer than 10 s is refused. */
  | { readonly kind: "cpu"; readonly perSecond: number }
  /** Each request leaks a descriptor; after so many every connection is refused. */
  | { readonly kind: "descriptors"; readonly requests: number }
  /** More requests a second than that are refused with 429. */
  | { readonly kind: "quota"; readonly perSecond: number };

export interface SideBehaviour {
  /** Share of requests that the agent answers with 500, 0 to 1. */
  readonly applicationErrors: number;
  /** Share of requests for which the balancer gets no complete reply, 0 to 1. */
  readonly gatewayErrors: number;
  /** First byte and duration of a usual request, ms. */
  readonly latencyMs: number;
  /** Deviation of the latency's logarithm; 0: every request takes `latencyMs`. */
  readonly latencySpread: number;
  /** A share of requests takes so long instead. */
  readonly slowTail: { readonly share: number; readonly latencyMs: number } | undefined;
  /** The first requests after a start take so long. */
  readonly slowStart: { readonly requests: number; readonly latencyMs: number } | undefined;
  /** A share of requests whose reply goes on for so long after its first byte: streams, agents that think. */
  readonly longReplies: { readonly share: number; readonly durationMs: number } | undefined;
  readonly limit: SideLimit | undefined;
}

export const healthy: SideBehaviour = Object.freeze({
  applicationErrors: 0,
  gatewayErrors: 0,
  latencyMs: 5,
  latencySpread: 0,
  slowTail: undefined,
  slowStart: undefined,
  longReplies: undefined,
  limit: undefined,
});

/**
 * Why a request failed. background: the base rate that both sides have. fault: what the campaign declared of the side.
 * swap: nothing that was declared explains it, so the swap did it.
 */
export type Cause = "background" | "fault" | "swap";

export interface Served {
  readonly outcome: RequestRecord["outcome"];
  readonly status: number;
  readonly firstByteMs: number;
  readonly durationMs: number;
  /** Of a failure. */
  readonly cause: Cause | undefined;
  /** A declared fault made it slow. */
  readonly slowed: boolean;
}

/** What waits for longer than that on a side without free CPU is refused, ms. */
const queueAtMostMs = 10_000;
/** How long a refusal takes, ms. */
const refusalMs = 1;

export class Side {
  readonly platform: string;
  behaviour: SideBehaviour = healthy;
  /** Whether it has an instance that takes requests. */
  serving: boolean;
  #served = 0;
  #downUntil = Number.NEGATIVE_INFINITY;
  /** When the CPU has worked off what it was given. */
  #busyUntil = Number.NEGATIVE_INFINITY;
  #second = { begins: Number.NEGATIVE_INFINITY, requests: 0 };

  constructor(platform: string, serving: boolean) {
    this.platform = platform;
    this.serving = serving;
  }

  /** Its instances are new: what leaked is given back, caches are cold. */
  restart(): void {
    this.#served = 0;
    this.#downUntil = Number.NEGATIVE_INFINITY;
    this.#busyUntil = Number.NEGATIVE_INFINITY;
  }

  /** One request that begins at `at`. `backgroundErrors` is the share that fails on any side. */
  serve(at: number, random: Random, backgroundErrors: number): Served {
    if (!this.serving) return refused("gateway", 503, "swap");
    this.#served += 1;
    const limited = this.#limited(at);
    if (limited !== undefined && typeof limited !== "number") return limited;
    const waitedMs = limited ?? 0;
    const { applicationErrors, gatewayErrors, slowTail, slowStart, longReplies } = this.behaviour;
    const { latencyMs, latencySpread } = this.behaviour;
    const draw = random();
    if (draw < gatewayErrors) return refused("gateway", 502, "fault");
    let firstByteMs = latencySpread === 0 ? latencyMs : logNormal(random, latencyMs, latencySpread);
    let slowed = waitedMs > 0;
    if (slowStart !== undefined && this.#served <= slowStart.requests) {
      firstByteMs = slowStart.latencyMs;
      slowed = true;
    } else if (slowTail !== undefined && random() < slowTail.share) {
      firstByteMs = slowTail.latencyMs;
      slowed = true;
    }
    firstByteMs += waitedMs;
    const replyMs = longReplies !== undefined && random() < longReplies.share ? longReplies.durationMs : 0;
    const took = { firstByteMs, durationMs: firstByteMs + replyMs, slowed };
    if (draw < gatewayErrors + applicationErrors)
      return { ...took, outcome: "application", status: 500, cause: "fault" };
    if (backgroundErrors > 0 && random() < backgroundErrors)
      return { ...took, outcome: "application", status: 500, cause: "background" };
    return { ...took, outcome: "ok", status: 200, cause: undefined };
  }

  /** A refusal, or how long the request has to wait first, ms. */
  #limited(at: number): Served | number | undefined {
    const { limit } = this.behaviour;
    switch (limit?.kind) {
      case undefined:
        return undefined;
      case "memory":
        if (at < this.#downUntil) return refused("gateway", 503, "fault");
        if (this.#served % limit.requests !== 0) return undefined;
        this.#downUntil = at + limit.restartMs;
        return refused("gateway", 502, "fault");
      case "descriptors":
        return this.#served > limit.requests ? refused("gateway", 502, "fault") : undefined;
      case "quota": {
        if (at - this.#second.begins >= 1_000) this.#second = { begins: at, requests: 0 };
        this.#second.requests += 1;
        // The balancer counts a platform's "no instance free" as a failure like a 503.
        return this.#second.requests > limit.perSecond ? refused("gateway", 429, "fault") : undefined;
      }
      case "cpu": {
        const waitMs = Math.max(0, this.#busyUntil - at);
        if (waitMs > queueAtMostMs) return refused("gateway", 503, "fault");
        this.#busyUntil = Math.max(at, this.#busyUntil) + 1_000 / limit.perSecond;
        return waitMs;
      }
    }
  }
}

function refused(outcome: "gateway", status: number, cause: Cause): Served {
  return { outcome, status, firstByteMs: refusalMs, durationMs: refusalMs, cause, slowed: false };
}
