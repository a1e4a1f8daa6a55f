/** Requests of two sides, drawn: the same ones for the same seed. */
import type { RequestRecord } from "../../../../automation/ports/request-feed.ts";
import { createGates, foldRecord, type GateState, newStep, stopNow } from "../../../../automation/swap/gates/stop.ts";
import {
  hotSwapConfig,
  platformConfig,
  type SwapSettings,
  toSwapSettings,
} from "../../../../automation/swap/settings.ts";

export const sides = { candidate: "gke", old: "cloud-run" } as const;

/** Settings as a user's file gives them. */
export function settingsOf(swap: object = {}, platform: object = {}): SwapSettings {
  return toSwapSettings(hotSwapConfig.parse(swap), platformConfig.parse(platform));
}

/** mulberry32, in [0, 1). */
export function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lognormal latencies around a median, ms. */
export function lognormal(random: () => number, medianMs: number, spread = 0.5): () => number {
  return () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return medianMs * Math.exp(spread * radius * Math.cos(2 * Math.PI * random()));
  };
}

/** `one`, but in `share` of the requests `times` as slow. */
export function slowTail(random: () => number, one: () => number, share: number, times: number): () => number {
  return () => one() * (random() < share ? times : 1);
}

export interface SideTraffic {
  readonly errorRate: number;
  /** What its errors are; default application. */
  readonly failsAs?: "application" | "gateway";
  readonly latencyMs: () => number;
}

export interface Stretch {
  /** The candidate's share that was asked for, percent, and the one that it really gets (default: the same). */
  readonly percent: number;
  readonly really?: number;
  readonly requests: number;
  readonly perSecond: number;
  readonly candidate: SideTraffic;
  readonly old: SideTraffic;
}

/** A swap's gates under drawn traffic, on a clock of its own. */
export class DrawnSwap {
  readonly gates: GateState;
  readonly settings: SwapSettings;
  readonly #random: () => number;
  at = 0;
  requests = 0;

  constructor(settings: SwapSettings, random: () => number, gates: GateState = createGates()) {
    this.gates = gates;
    this.settings = settings;
    this.#random = random;
  }

  /** One step; the number of the request (of both sides, in this step) at which the stop gate spoke. */
  step(stretch: Stretch): number | undefined {
    const { percent, really = percent, requests, perSecond, candidate, old } = stretch;
    newStep(this.gates, this.at);
    const share = percent / 100;
    const random = this.#random;
    const context = { sides, askedShare: share, settings: this.settings, at: this.at };
    for (let number = 1; number <= requests; number += 1) {
      this.at += 1_000 / perSecond;
      this.requests += 1;
      context.at = this.at;
      const onCandidate = random() < really / 100;
      foldRecord(this.gates, draw(this.requests, this.at, onCandidate, onCandidate ? candidate : old, random), context);
      if (stopNow(this.gates, this.settings) !== undefined) return number;
    }
    return undefined;
  }
}

function draw(
  sequence: number,
  at: number,
  onCandidate: boolean,
  { errorRate, failsAs = "application", latencyMs }: SideTraffic,
  random: () => number,
): RequestRecord {
  const outcome = random() < errorRate ? failsAs : "ok";
  const ms = latencyMs();
  return {
    sequence,
    at,
    side: onCandidate ? sides.candidate : sides.old,
    status: outcome === "ok" ? 200 : 500,
    firstByteMs: ms,
    durationMs: ms,
    outcome,
  };
}

export function record(side: string, outcome: RequestRecord["outcome"], firstByteMs = 5, sequence = 1): RequestRecord {
  return {
    sequence,
    at: sequence,
    side,
    status: outcome === "ok" ? 200 : 500,
    firstByteMs,
    durationMs: firstByteMs,
    outcome,
  };
}

/** The value below which `share` of the runs lie; a run that found nothing lies above all. */
export function quantileOfRuns(runs: readonly (number | undefined)[], share: number): number {
  const sorted = runs.map((run) => run ?? Number.POSITIVE_INFINITY).toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.POSITIVE_INFINITY;
}
