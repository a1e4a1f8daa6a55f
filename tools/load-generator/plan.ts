/** The schedule: which request is to start when. A pure function of seed and index, so that a run can be repeated. */

export const requestKinds = ["short", "slow", "stream", "long"] as const;
export type RequestKind = (typeof requestKinds)[number];

export interface PlannedRequest {
  readonly index: number;
  /** When it is to start, ms after the start of the run. It does not depend on how earlier requests fare. */
  readonly startMs: number;
  readonly kind: RequestKind;
  /** A connection of its own, closed afterwards; otherwise one that is kept. */
  readonly fresh: boolean;
  /** slow and half of the long ones: how long the agent is to take, ms; 0 for the others. */
  readonly durationMs: number;
  /** stream and the other half of the long ones: number of events; 0 for the others. */
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

/** Beside the plan: one long request after another begins every so often, so that some are in flight at any time. */
export interface LongPlan {
  readonly everyMs: number;
  /** ms, up to 60,000 (what the agent takes). */
  readonly durationMs: number;
}

/** Long requests have indices of their own, from here. */
const longIndices = 1_000_000_000;
const longEventMs = 1_000;

/** The long requests take turns: one answer at the end, one stream with an event a second. */
export function planLongRequest(number: number, { everyMs, durationMs }: LongPlan): PlannedRequest {
  const streams = number % 2 === 1;
  return {
    index: longIndices + number,
    startMs: (number + 0.5) * everyMs,
    kind: "long",
    fresh: number % 4 < 2,
    durationMs: streams ? 0 : durationMs,
    events: streams ? Math.max(1, Math.round(durationMs / longEventMs)) : 0,
    intervalMs: streams ? longEventMs : 0,
    text: `long ${number}`,
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
