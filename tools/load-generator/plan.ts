/** The schedule: which request is to start when. A pure function of seed and index, so that a run can be repeated. */

export type RequestKind = "short" | "slow" | "stream";

export interface PlannedRequest {
  readonly index: number;
  /** When it is to start, ms after the start of the run. It does not depend on how earlier requests fare. */
  readonly startMs: number;
  readonly kind: RequestKind;
  /** A connection of its own, closed afterwards; otherwise one that is kept. */
  readonly fresh: boolean;
  /** slow: how long the agent is to take, ms; 0 for the others. */
  readonly durationMs: number;
  /** stream: number of events; 0 for the others. */
  readonly events: number;
  /** stream: time before each event, ms. */
  readonly intervalMs: number;
  /** What the agent is to digest. */
  readonly text: string;
}

export interface PlanOptions {
  /** Requests a second. */
  readonly rate: number;
  /** 0 to 2^32 - 1. */
  readonly seed: number;
}

const slowShare = 0.08;
const streamShare = 0.02;
const freshShare = 0.5;

/** splitmix32: well mixed from any seed, so that neighbouring indices have nothing in common. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** 90 % short, 8 % of 3 to 5 s, 2 % streams of 10 to 20 events; one slot of 1/rate s each, at a random moment within it. */
export function planRequest(index: number, options: PlanOptions): PlannedRequest {
  const random = generator(Math.imul(options.seed + 1, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35));
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const startMs = ((index + random()) * 1_000) / options.rate;
  const draw = random();
  const fresh = random() < freshShare;
  const kind = draw < slowShare ? "slow" : draw < slowShare + streamShare ? "stream" : "short";
  const durationMs = kind === "slow" ? between(3_000, 5_000) : 0;
  const events = kind === "stream" ? between(10, 20) : 0;
  const intervalMs = kind === "stream" ? between(100, 250) : 0;
  const words = Array.from({ length: between(8, 40) }, () => between(0, 0xffffff).toString(16));
  return { index, startMs, kind, fresh, durationMs, events, intervalMs, text: words.join(" ") };
}
