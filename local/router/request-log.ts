import type { RequestOutcome } from "./feed.ts";

/** One finished request as the balancer logs it: users', probes' and dark ones alike. Times in ms. */
export interface LoggedRequest {
  /** When it arrived, ms since the epoch. */
  readonly arrivedAt: number;
  readonly durationMs: number;
  /** Name of the forwarding rule whose listener took the request. */
  readonly listener: string;
  /** Name of the backend service; empty when none was chosen. */
  readonly backend: string;
  readonly method: string;
  readonly host: string;
  /** Path and query. */
  readonly path: string;
  readonly userAgent: string;
  /** Status sent to the client; 0 when the client got none. */
  readonly status: number;
  readonly outcome: RequestOutcome;
}

/** A logged request with the times at which its entry travels. */
export interface LogEntry extends LoggedRequest {
  /** Rises by one per entry, from 1. */
  readonly number: number;
  /** When the log service had it, ms since the epoch. */
  readonly receivedAt: number;
  /** When readers can see it: at receivedAt or later. */
  readonly visibleAt: number;
}

/** The last requests of all listeners, each readable some time after its end and out of order. */
export interface RequestLog {
  push(request: LoggedRequest): void;
  /** Oldest number first; to be used before the next push. */
  entries(): Iterable<LogEntry>;
}

export interface RequestLogOptions {
  /** Entries kept; default 100,000. */
  readonly capacity?: number;
  /** Longest time from a request's end until its entry can be read, ms; asked at each request. */
  readonly delayMs: () => number;
}

/** Texts that are kept once however often they come: hosts, agents, most paths. */
const internedTexts = 10_000;

export function createRequestLog({ capacity = 100_000, delayMs }: RequestLogOptions): RequestLog {
  // Entries are written over, so that a full ring gives the garbage collector nothing to do.
  const ring: { -readonly [Name in keyof LogEntry]: LogEntry[Name] }[] = [];
  const known = new Map<string, string>();
  let last = 0;

  function intern(text: string): string {
    const kept = known.get(text);
    if (kept !== undefined) return kept;
    if (known.size < internedTexts) known.set(text, text);
    return text;
  }

  return {
    push(request) {
      last += 1;
      const delay = delayMs();
      const end = request.arrivedAt + request.durationMs;
      const receivedAt = end + (delay / 2) * spread(last);
      const visibleAt = receivedAt + (end + delay - receivedAt) * spread(last + 0x9e3779b9);
      const { host, path, userAgent, ...rest } = request;
      const texts = { host: intern(host), path: intern(path), userAgent: intern(userAgent) };
      const entry = { ...rest, ...texts, number: last, receivedAt, visibleAt };
      const slot = ring[(last - 1) % capacity];
      if (slot === undefined) ring.push(entry);
      else Object.assign(slot, entry);
    },
    *entries() {
      for (let number = Math.max(1, last - capacity + 1); number <= last; number += 1) {
        const entry = ring[(number - 1) % capacity];
        if (entry !== undefined) yield entry;
      }
    },
  };
}

/** A number in [0, 1) for an entry's number, the same on every run: entries overtake each other, reproducibly. */
function spread(number: number): number {
  let mixed = Math.imul(number ^ (number >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}
