/**
 * The right to write: one holder per environment, for a short time that it renews. Nobody compares clocks of two machines. A
 * holder counts from the moment before it asked for its last renewal, by its own clock; who wants to take over has to see the
 * same version of the record for the whole time, by its own clock, and starts to look later than the holder starts to count.
 * A process that stood still finds out by its own clock; what it does in spite of that is fenced off by its token, which
 * rises with every acquisition for ever.
 */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { ProcessIdentity, ProcessTable } from "../ports/process-table.ts";
import type { StateStore, StoredValue } from "../ports/state-store.ts";

/** Default time of a lease without renewal, ms (shared research, hot swap 5: a new process goes on within it plus 5 s). */
export const defaultLeaseMs = 15_000;
/** Renewals per time of a lease: two may fail. */
const renewalsPerTtl = 3;
/** How often a renewal is tried again, and how often a waiting process looks, per time of a lease. */
const looksPerTtl = 15;

const identity = z.object({ pid: z.number(), startTime: z.string(), host: z.string() });

const leaseRecord = z.object({
  token: z.number().int().min(1),
  /** Of this acquisition: a write whose reply was lost is recognised by it. */
  id: z.string(),
  /** null: given back. */
  holder: identity.nullable(),
  /** What the holder does, `swap 3`. */
  purpose: z.string(),
  /** By the holder's wall clock, for people only. */
  since: z.number(),
  ttlMs: z.number().positive(),
});

type LeaseRecord = z.infer<typeof leaseRecord>;

/** Who holds a lease. */
export interface LeaseHolder extends ProcessIdentity {
  readonly purpose: string;
  /** ms since the epoch by the holder's wall clock. */
  readonly since: number;
  readonly token: number;
}

export interface Lease {
  /** Fencing token: rises with every acquisition, for ever. */
  readonly token: number;
  readonly purpose: string;
  /** Aborted with a lease-lost error when the lease is known to be lost. */
  readonly lost: AbortSignal;
  /** Errors: lease-lost, also when the time has run out and nobody has noticed yet. */
  assertHeld(): void;
  /** Gives it back, so that the next one need not wait. Does nothing when it belongs to another. Errors: none; an unreachable store keeps it until its time is over. */
  release(): Promise<void>;
}

export interface LeaseParts {
  readonly key: string;
  readonly clock: Clock;
  readonly processes: ProcessTable;
}

export interface LeaseOptions extends LeaseParts {
  /** What the holder does, for people: `swap 3`, `up traffic.local`. */
  readonly purpose: string;
  /** What the lease is of, for people: `environment local`. Default "this environment". */
  readonly scope?: string;
  /** Time without a renewal until another one may take it, ms. Default 15,000. */
  readonly ttlMs?: number;
  /** How long to wait for a lease that another one holds, ms. Default 0. */
  readonly waitMs?: number;
  /** The highest token that the world knows, for a store in which there never was a lease: its first token is above it. */
  readonly floor?: () => Promise<number>;
  /** What was seen of the lease so far, so that a watcher need not start again. */
  readonly watch?: LeaseWatch;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** What one look at a lease found. */
export type LeaseLook =
  | { readonly kind: "free"; readonly token: number; readonly version: number }
  /** `renewed`: its holder was seen to live, since this watch began to look. */
  | { readonly kind: "held"; readonly holder: LeaseHolder; readonly renewed: boolean };

/** Looks at a lease again and again, and says when it may be taken. */
export class LeaseWatch {
  readonly #store: StateStore;
  readonly #parts: LeaseParts;
  #seen: { readonly version: number; readonly since: number } | undefined;
  #renewed = false;

  constructor(store: StateStore, parts: LeaseParts) {
    this.#store = store;
    this.#parts = parts;
  }

  /**
   * free: nobody has it, its holder on this machine is dead, or it was not renewed for its whole time while this object
   * looked. Errors: those of the store, state-damaged.
   */
  async look(): Promise<LeaseLook> {
    const { key, clock, processes } = this.#parts;
    const stored = await this.#store.read(key);
    if (stored === undefined) return { kind: "free", token: 0, version: 0 };
    // After the reply: the version was that old at least.
    const now = clock.now();
    const record = parseRecord(stored, key, this.#store);
    const free = { kind: "free", token: record.token, version: stored.version } as const;
    if (record.holder === null) return free;
    if (this.#seen?.version !== stored.version) {
      this.#renewed = this.#seen !== undefined;
      this.#seen = { version: stored.version, since: now };
    }
    if (now - this.#seen.since >= record.ttlMs) return free;
    if ((await processes.isAlive(record.holder)) === false) return free;
    const { token, purpose, since } = record;
    return { kind: "held", holder: { ...record.holder, token, purpose, since }, renewed: this.#renewed };
  }
}

function parseRecord(stored: StoredValue, key: string, store: StateStore): LeaseRecord {
  const parsed = leaseRecord.safeParse(parseJson(stored.value));
  if (parsed.success) return parsed.data;
  throw new SwitchyardError("state-damaged", {
    message: `The value ${key} (version ${stored.version}) of ${store.description} is no lease: ${z.prettifyError(parsed.error)}`,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Takes the lease and renews it in the background until it is given back. Errors: swap-in-progress (another one holds it;
 * `data.holder` says who), those of the store, state-damaged, and the signal's reason.
 */
export async function acquireLease(store: StateStore, options: LeaseOptions): Promise<Lease> {
  const { key, clock, processes, purpose, ttlMs = defaultLeaseMs, waitMs = 0, signal } = options;
  const watch = options.watch ?? new LeaseWatch(store, options);
  const self = await processes.self();
  const startedAt = clock.now();
  for (;;) {
    signal?.throwIfAborted();
    const look = await watch.look();
    if (look.kind === "free") {
      const token = 1 + (look.version === 0 ? ((await options.floor?.()) ?? 0) : look.token);
      const record: LeaseRecord = { token, id: randomUUID(), holder: self, purpose, since: clock.wall(), ttlMs };
      const begunAt = clock.now();
      const version = await writeRecord(store, key, record, look.version);
      if (version !== undefined) return new HeldLease(store, options, record, version, begunAt);
      // Another one was quicker: look who it is.
      continue;
    }
    if (clock.now() - startedAt >= waitMs) throw leaseHeld(look.holder, options.scope);
    await clock.sleep(Math.min(ttlMs / looksPerTtl, waitMs), signal);
  }
}

/** The new version; undefined when another record is there. A write of ours whose reply was lost counts. */
async function writeRecord(
  store: StateStore,
  key: string,
  record: LeaseRecord,
  expected: number,
): Promise<number | undefined> {
  const text = JSON.stringify(record);
  const version = await store.write(key, text, expected);
  if (version !== undefined) return version;
  const now = await store.read(key);
  return now?.value === text && now.version > expected ? now.version : undefined;
}

/** Somebody else works on the environment. */
function leaseHeld(holder: LeaseHolder, scope = "this environment"): SwitchyardError {
  return new SwitchyardError("swap-in-progress", {
    message: `Another process works on ${scope}: ${holder.purpose}, process ${holder.pid} on ${holder.host}`,
    next: [
      "Wait until it has ended, then run the command again.",
      `A holder that is gone for good is replaced when it was silent for ${defaultLeaseMs / 1_000} s.`,
    ],
    data: { holder },
  });
}

class HeldLease implements Lease {
  readonly token: number;
  readonly purpose: string;
  readonly #store: StateStore;
  readonly #options: LeaseOptions;
  readonly #record: LeaseRecord;
  readonly #lost = new AbortController();
  readonly #stop = new AbortController();
  readonly #renewing: Promise<void>;
  #version: number;
  /** By the clock of this process. */
  #validUntil: number;

  constructor(store: StateStore, options: LeaseOptions, record: LeaseRecord, version: number, begunAt: number) {
    this.#store = store;
    this.#options = options;
    this.#record = record;
    this.token = record.token;
    this.purpose = record.purpose;
    this.#version = version;
    this.#validUntil = begunAt + record.ttlMs;
    // A fault of ours is not kept for the end.
    this.#renewing = this.#renewUntilStopped().catch((error: unknown) => this.#lost.abort(error));
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  assertHeld(): void {
    if (!this.#lost.signal.aborted && this.#options.clock.now() >= this.#validUntil)
      this.#lose("it was not renewed in time");
    this.#lost.signal.throwIfAborted();
    if (this.#stop.signal.aborted)
      throw new SwitchyardError("internal-error", { message: "A lease was used after it had been given back" });
  }

  async release(): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    const { clock } = this.#options;
    const done = new AbortController();
    // After that time it has run out by itself.
    const overdue = clock.sleep(this.#record.ttlMs, done.signal).catch(() => undefined);
    await Promise.race([this.#giveBack().finally(() => done.abort()), overdue]);
  }

  async #giveBack(): Promise<void> {
    const released = { ...this.#record, holder: null };
    try {
      const version = await writeRecord(this.#store, this.#options.key, released, this.#version);
      if (version !== undefined) return;
      // A renewal whose reply never came may have raised the version.
      const now = await this.#store.read(this.#options.key);
      if (now !== undefined && now.value === JSON.stringify(this.#record))
        await this.#store.write(this.#options.key, JSON.stringify(released), now.version);
    } catch (error) {
      // Unreachable: it runs out by itself.
      if (!(error instanceof SwitchyardError)) throw error;
    }
  }

  async #renewUntilStopped(): Promise<void> {
    const { clock } = this.#options;
    const { ttlMs } = this.#record;
    let pauseMs = ttlMs / renewalsPerTtl;
    while (!this.#over()) {
      const left = this.#validUntil - clock.now();
      if (left <= 0) return this.#lose("it was not renewed in time");
      if (!(await this.#sleep(Math.min(pauseMs, left)))) return;
      const renewed = await this.#renew();
      if (renewed === "taken") return this.#lose("another process has taken it");
      pauseMs = renewed === "done" ? ttlMs / renewalsPerTtl : ttlMs / looksPerTtl;
    }
  }

  /** One renewal, given up when the time of the lease is over. */
  async #renew(): Promise<"done" | "taken" | "unknown"> {
    const { clock, key } = this.#options;
    const begunAt = clock.now();
    const settled = new AbortController();
    const attempt = this.#attempt(key).finally(() => settled.abort());
    const end = AbortSignal.any([settled.signal, this.#stop.signal]);
    const overdue = clock.sleep(Math.max(0, this.#validUntil - begunAt), end).then(
      () => undefined,
      () => (this.#stop.signal.aborted ? undefined : attempt),
    );
    const result = await Promise.race([attempt, overdue]);
    if (result === undefined) {
      // Whatever comes of it now comes too late; a fault of ours is still told.
      attempt.catch((error: unknown) => this.#lost.abort(error));
      return "unknown";
    }
    if (result === "taken" || result === "unreachable") return result === "taken" ? "taken" : "unknown";
    this.#version = result;
    this.#validUntil = begunAt + this.#record.ttlMs;
    return "done";
  }

  async #attempt(key: string): Promise<number | "taken" | "unreachable"> {
    try {
      return (await writeRecord(this.#store, key, this.#record, this.#version)) ?? "taken";
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      return "unreachable";
    }
  }

  /** false when the lease was given back meanwhile. */
  async #sleep(ms: number): Promise<boolean> {
    try {
      await this.#options.clock.sleep(ms, this.#stop.signal);
      return true;
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      throw error;
    }
  }

  #over(): boolean {
    return this.#lost.signal.aborted || this.#stop.signal.aborted;
  }

  #lose(why: string): void {
    this.#lost.abort(
      new SwitchyardError("lease-lost", {
        message: `This process lost the right to write (lease ${this.token}, ${this.purpose}): ${why}. It changed nothing since; weights stay as they are`,
      }),
    );
  }
}
