/** User requests of an open loop: they arrive whether or not anybody answers, and each failure is counted with its cause. */
import type { RequestRecord } from "../../ports/request-feed.ts";
import type { Random } from "./random.ts";
import { type Cause, healthy, Side, type SideBehaviour } from "./side.ts";

/** When requests arrive. */
export interface Arrivals {
  /** Requests a second; 0: none. 1/60 is one a minute. */
  readonly perSecond: number;
  /** They only come in bursts of `lengthMs`, one every `everyMs`. */
  readonly bursts?: { readonly everyMs: number; readonly lengthMs: number };
}

/** What became of one side's requests, as the one who sent them counts. */
export interface SideTotals {
  readonly requests: number;
  readonly failed: Readonly<Record<Cause, number>>;
  /** By a declared fault. */
  readonly slowed: number;
}

interface InFlight {
  readonly endsAt: number;
  readonly beganAt: number;
  readonly side: string;
  readonly record: Omit<RequestRecord, "sequence" | "at">;
  readonly cause: Cause | undefined;
  readonly slowed: boolean;
}

const noTotals: SideTotals = Object.freeze({
  requests: 0,
  failed: { background: 0, fault: 0, swap: 0 },
  slowed: 0,
});

/** Records that are kept for readers of the feed. */
const recordsKept = 100_000;

export interface TrafficOptions {
  readonly now: () => number;
  readonly random: Random;
  /** The side that the data plane chooses at a time. */
  readonly choose: (at: number) => string;
  readonly platforms: readonly string[];
  /** Platforms that serve at the start. */
  readonly serving: readonly string[];
  readonly arrivals: Arrivals;
  /** Share of requests that fail on any side; default 0. */
  readonly backgroundErrors?: number;
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #sides: ReadonlyMap<string, Side>;
  /** Where a side's requests are handed to. */
  readonly #handed = new Map<string, string>();
  readonly #totals = new Map<string, SideTotals>();
  /** The first request that a declared fault touched. */
  firstTouched: { readonly at: number; readonly requests: number } | undefined;
  #arrivals: Arrivals;
  /** Sorted by their end. */
  #inFlight: InFlight[] = [];
  #records: RequestRecord[] = [];
  #sequence = 0;
  #generatedUntil: number;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#arrivals = options.arrivals;
    this.#generatedUntil = options.now();
    this.#sides = new Map(
      options.platforms.map((platform) => [platform, new Side(platform, options.serving.includes(platform))]),
    );
  }

  get arrivals(): Arrivals {
    return this.#arrivals;
  }

  setArrivals(arrivals: Arrivals): void {
    this.advance();
    this.#arrivals = arrivals;
    // The new rhythm begins now: nothing is made up for.
    this.#generatedUntil = this.#options.now();
  }

  behaviour(platform: string): SideBehaviour {
    return this.#sides.get(platform)?.behaviour ?? healthy;
  }

  setBehaviour(platform: string, changes: Partial<SideBehaviour>): void {
    this.advance();
    const side = this.#sides.get(platform);
    if (side !== undefined) side.behaviour = { ...side.behaviour, ...changes };
  }

  /** Whether the platform has an instance that takes requests. One that goes breaks what is in flight on it. */
  setServing(platform: string, serving: boolean): void {
    this.advance();
    const side = this.#sides.get(platform);
    if (side === undefined || side.serving === serving) return;
    side.serving = serving;
    side.restart();
    if (serving) return;
    const now = this.#options.now();
    const broken = this.#inFlight.filter((request) => request.side === platform);
    this.#inFlight = this.#inFlight.filter((request) => request.side !== platform);
    for (const request of broken) {
      const record = { ...request.record, status: 0, outcome: "gateway" as const, durationMs: now - request.beganAt };
      this.#finish({ ...request, endsAt: now, record, cause: "swap" });
    }
  }

  /** Its requests are handed to another platform's instances; undefined ends that. */
  handOver(platform: string, target: string | undefined): void {
    this.advance();
    if (target === undefined) this.#handed.delete(platform);
    else this.#handed.set(platform, target);
  }

  /** Requests of ours beside the users', all at once. */
  send(count: number): void {
    this.advance();
    for (let sent = 0; sent < count; sent += 1) this.#begin(this.#options.now());
  }

  /** Lets everything happen that happens until now. */
  advance(): void {
    const now = this.#options.now();
    for (;;) {
      const at = nextArrival(this.#arrivals, this.#generatedUntil);
      if (at > now) break;
      this.#generatedUntil = at;
      this.#settle(at);
      this.#begin(at);
    }
    // Without arrivals the time is not made up for when they begin.
    if (this.#arrivals.perSecond === 0) this.#generatedUntil = now;
    this.#settle(now);
  }

  /** Of one side, or of all. */
  totals(platform?: string): SideTotals {
    this.advance();
    if (platform !== undefined) return this.#totals.get(platform) ?? noTotals;
    return [...this.#totals.values()].reduce(sum, noTotals);
  }

  inFlight(platform: string): number {
    this.advance();
    return this.#inFlight.filter((request) => request.side === platform).length;
  }

  /** When the next request ends or arrives, at the earliest; Infinity when none will. */
  nextEvent(): number {
    return Math.min(nextArrival(this.#arrivals, this.#generatedUntil), this.#inFlight[0]?.endsAt ?? Infinity);
  }

  /** Ended requests after a number, of those that ended by a time. */
  recordsAfter(after: number, until: number): { records: readonly RequestRecord[]; last: number; lost: number } {
    const first = this.#records[0]?.sequence ?? this.#sequence + 1;
    const begin = Math.max(0, after + 1 - first);
    let end = this.#records.length;
    while (end > begin && (this.#records[end - 1]?.at ?? 0) > until) end -= 1;
    const records = this.#records.slice(begin, end);
    return { records, last: records.at(-1)?.sequence ?? after, lost: Math.max(0, first - 1 - after) };
  }

  /** Number of the newest record that ended by a time. */
  newestBy(until: number): number {
    return this.#records.findLast((record) => record.at <= until)?.sequence ?? (this.#records[0]?.sequence ?? 1) - 1;
  }

  #begin(at: number): void {
    const { random, choose, backgroundErrors = 0 } = this.#options;
    const chosen = choose(at);
    const side = this.#sides.get(this.#handed.get(chosen) ?? chosen);
    const served = side?.serve(at, random, backgroundErrors);
    const { cause, slowed, ...rest } = served ?? {
      outcome: "gateway" as const,
      status: 503,
      firstByteMs: 0,
      durationMs: 0,
      cause: "swap" as const,
      slowed: false,
    };
    const request = { endsAt: at + rest.durationMs, beganAt: at, side: chosen, record: { side: chosen, ...rest } };
    let place = this.#inFlight.length;
    while (place > 0 && (this.#inFlight[place - 1]?.endsAt ?? 0) > request.endsAt) place -= 1;
    this.#inFlight.splice(place, 0, { ...request, cause, slowed });
  }

  #settle(until: number): void {
    let ended = 0;
    while ((this.#inFlight[ended]?.endsAt ?? Infinity) <= until) ended += 1;
    if (ended === 0) return;
    for (const request of this.#inFlight.splice(0, ended)) this.#finish(request);
  }

  #finish(request: InFlight): void {
    this.#sequence += 1;
    this.#records.push({ sequence: this.#sequence, at: request.endsAt, ...request.record });
    if (this.#records.length > 2 * recordsKept) this.#records = this.#records.slice(-recordsKept);
    if (this.firstTouched === undefined && (request.cause === "fault" || request.slowed))
      this.firstTouched = { at: request.endsAt, requests: this.#sequence };
    const before = this.#totals.get(request.side) ?? noTotals;
    const failed =
      request.cause === undefined
        ? before.failed
        : { ...before.failed, [request.cause]: before.failed[request.cause] + 1 };
    this.#totals.set(request.side, {
      requests: before.requests + 1,
      failed,
      slowed: before.slowed + (request.slowed ? 1 : 0),
    });
  }
}

function nextArrival({ perSecond, bursts }: Arrivals, after: number): number {
  if (perSecond <= 0) return Infinity;
  const next = after + 1_000 / perSecond;
  if (bursts === undefined) return next;
  const into = next % bursts.everyMs;
  return into < bursts.lengthMs ? next : next - into + bursts.everyMs;
}

function sum(a: SideTotals, b: SideTotals): SideTotals {
  return {
    requests: a.requests + b.requests,
    failed: {
      background: a.failed.background + b.failed.background,
      fault: a.failed.fault + b.failed.fault,
      swap: a.failed.swap + b.failed.swap,
    },
    slowed: a.slowed + b.slowed,
  };
}
