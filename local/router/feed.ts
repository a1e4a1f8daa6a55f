import type { Clock } from "../runtime/clock.ts";
import { systemClock } from "../runtime/system-clock.ts";

/**
 * ok: a complete response below 500. application: the service answered 500 or above, complete. gateway: the router or
 * the platform could not get a complete response from the service. client: the client went away first.
 */
export type RequestOutcome = "ok" | "application" | "gateway" | "client";

/** One finished request as the router saw it; times in ms. */
export interface RequestRecord {
  /** Rises by one per record, from 1; counted for all listeners, and for each one that is read alone. */
  readonly sequence: number;
  /** When the response ended or broke off, ms since the epoch. */
  readonly at: number;
  /** Name of the forwarding rule whose listener took the request. */
  readonly listener: string;
  /** The platform that was chosen; empty when none was. */
  readonly side: string;
  /** Status sent to the client; 0 when the client got none. */
  readonly status: number;
  /** From the arrival of the request to the first byte of the response; the whole duration when there was none. */
  readonly firstByteMs: number;
  /** From the arrival of the request to the last byte of the response. */
  readonly durationMs: number;
  readonly outcome: RequestOutcome;
}

export interface RequestBatch {
  readonly records: readonly RequestRecord[];
  /** Give it to the next read. */
  readonly cursor: number;
  /** Records that were dropped before they were read; 0 is a complete feed. */
  readonly lost: number;
}

export interface FeedReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Only requests of this listener, which have sequence numbers of their own, so that what is lost can be counted. */
  readonly listener?: string | undefined;
}

/** The last requests that the router finished, in rings of fixed size: one for all, one per listener. */
export interface RequestFeedLog {
  push(record: Omit<RequestRecord, "sequence">): void;
  /**
   * Records after a sequence number, oldest first, at most 20,000 at once. Without one: from now on. Waits up to waitMs
   * for the first record; an aborted signal ends the wait with an empty batch. A number above the newest is of an
   * earlier life of the feed: the read starts at the oldest record and reports at least 1 lost.
   */
  read(after: number | undefined, waitMs: number, options?: FeedReadOptions): Promise<RequestBatch>;
}

export interface RequestFeedOptions {
  /** Records kept per ring; default 200,000. */
  readonly capacity?: number;
  readonly clock?: Pick<Clock, "setTimeout">;
}

const outcomes = ["ok", "application", "gateway", "client"] as const satisfies readonly RequestOutcome[];
const outcomeCodes: Readonly<Record<RequestOutcome, number>> = { ok: 0, application: 1, gateway: 2, client: 3 };
const largestBatch = 20_000;

/** An empty feed. */
export function createRequestFeedLog({
  capacity = 200_000,
  clock = systemClock,
}: RequestFeedOptions = {}): RequestFeedLog {
  const all = createRing(capacity, clock);
  const rings = new Map<string, Ring>();

  function ringOf(listener: string): Ring {
    const known = rings.get(listener);
    if (known !== undefined) return known;
    const ring = createRing(capacity, clock);
    rings.set(listener, ring);
    return ring;
  }

  return {
    push(record) {
      all.push(record);
      ringOf(record.listener).push(record);
    },
    read: (after, waitMs, { signal, listener } = {}) =>
      (listener === undefined ? all : ringOf(listener)).read(after, waitMs, signal),
  };
}

interface Ring {
  push(record: Omit<RequestRecord, "sequence">): void;
  read(after: number | undefined, waitMs: number, signal: AbortSignal | undefined): Promise<RequestBatch>;
}

/** Columns of numbers, so that keeping 200,000 records gives the garbage collector nothing to do. */
function createRing(capacity: number, clock: Pick<Clock, "setTimeout">): Ring {
  const at = new Float64Array(capacity);
  const firstByteMs = new Float64Array(capacity);
  const durationMs = new Float64Array(capacity);
  const status = new Uint16Array(capacity);
  const outcome = new Uint8Array(capacity);
  const side = new Uint32Array(capacity);
  const listener = new Uint32Array(capacity);
  const names: string[] = [];
  const codes = new Map<string, number>();
  const waiting = new Set<() => void>();
  let last = 0;

  function codeOf(name: string): number {
    const known = codes.get(name);
    if (known !== undefined) return known;
    const code = names.push(name) - 1;
    codes.set(name, code);
    return code;
  }

  function recordAt(sequence: number): RequestRecord {
    const slot = sequence % capacity;
    return {
      sequence,
      at: at[slot] ?? 0,
      listener: names[listener[slot] ?? 0] ?? "",
      side: names[side[slot] ?? 0] ?? "",
      status: status[slot] ?? 0,
      firstByteMs: firstByteMs[slot] ?? 0,
      durationMs: durationMs[slot] ?? 0,
      outcome: outcomes[outcome[slot] ?? 0] ?? "ok",
    };
  }

  function collect(after: number): RequestBatch {
    const oldest = Math.max(1, last - capacity + 1);
    const stale = after > last;
    const from = stale ? oldest : Math.max(after + 1, oldest);
    const lost = stale ? Math.max(1, oldest - 1) : from - (after + 1);
    const until = Math.min(last, from + largestBatch - 1);
    const records: RequestRecord[] = [];
    for (let sequence = from; sequence <= until; sequence++) records.push(recordAt(sequence));
    return { records, cursor: until, lost };
  }

  function nextRecord(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        signal?.removeEventListener("abort", wake);
        waiting.delete(wake);
        resolve();
      };
      const timer = clock.setTimeout(wake, waitMs);
      signal?.addEventListener("abort", wake);
      waiting.add(wake);
    });
  }

  return {
    push(record) {
      last += 1;
      const slot = last % capacity;
      at[slot] = record.at;
      firstByteMs[slot] = record.firstByteMs;
      durationMs[slot] = record.durationMs;
      status[slot] = record.status;
      outcome[slot] = outcomeCodes[record.outcome];
      side[slot] = codeOf(record.side);
      listener[slot] = codeOf(record.listener);
      if (waiting.size > 0) for (const wake of waiting) wake();
    },
    async read(after, waitMs, signal) {
      const from = after ?? last;
      if (from === last && waitMs > 0 && signal?.aborted !== true) await nextRecord(waitMs, signal);
      return collect(from);
    },
  };
}
