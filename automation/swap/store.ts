/** Where the swaps of an environment are kept: a journal each, numbered from 1, wishes beside it, and one lease for all. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { ProcessTable } from "../ports/process-table.ts";
import type { StateStore } from "../ports/state-store.ts";
import { foldEvents } from "./fold.ts";
import { type Journal, type JournalPlace, openJournal, readJournal } from "./journal.ts";
import { acquireLease, type Lease, type LeaseHolder, type LeaseOptions, LeaseWatch } from "./lease.ts";
import { type SwapEvent, type SwapState, type Verb, verbs } from "./state.ts";
import { assertStoreFormat, markStoreFormat } from "./store-format.ts";

export interface SwapRecord {
  readonly state: SwapState;
  readonly events: readonly SwapEvent[];
}

export interface SwapRequest {
  readonly number: number;
  readonly verb: Verb;
  readonly by: string;
  /** Of extend-bake, ms. */
  readonly amountMs?: number;
}

const request = z.object({ verb: z.enum(verbs), by: z.string(), amountMs: z.number().positive().optional() });

export const leaseKey = "lease";

/** What the lease of a process that drives a swap says. */
export function swapPurpose(id: string): string {
  return `swap ${id}`;
}

export interface SwapStoreOptions {
  readonly store: StateStore;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly environment: string;
  /**
   * The fencing token that the world has seen last, asked for when a new store gives its first lease: somebody's store was
   * lost, or is on another machine, and a lower token could change nothing.
   */
  readonly floor?: () => Promise<number>;
}

export type ClaimOptions = Pick<LeaseOptions, "ttlMs" | "waitMs" | "watch" | "signal">;

/**
 * The swaps of one environment. Errors of all: those of the state store, state-format when the store was written by another
 * version.
 */
export class SwapStore {
  readonly #store: StateStore;
  readonly #processes: ProcessTable;
  readonly #clock: Clock;
  readonly #floor: (() => Promise<number>) | undefined;
  readonly environment: string;
  /** Once found right it stays so. */
  #formatChecked = false;

  constructor({ store, processes, clock, environment, floor }: SwapStoreOptions) {
    this.#store = store;
    this.#processes = processes;
    this.#clock = clock;
    this.environment = environment;
    this.#floor = floor;
  }

  /** Where a swap's journal is, for messages. */
  journalPlace(id: string): JournalPlace {
    return {
      text: `${journalKey(id)} in ${this.#store.description}`,
      setAside: `npx switchyard state set-aside ${id} --env ${this.environment}`,
    };
  }

  /** Numbers of the swaps, oldest first, without those that were set aside. */
  async ids(): Promise<readonly string[]> {
    const [all, aside] = await Promise.all([this.#allIds(), this.#list(asideKey)]);
    return all.filter((id) => !aside.includes(id));
  }

  /** Errors: journal-corrupt, journal-format. */
  async read(id: string): Promise<SwapRecord | undefined> {
    if (!/^\d+$/.test(id)) return undefined;
    await this.#assertFormat();
    const journal = await readJournal(this.#store, journalKey(id), this.journalPlace(id));
    if (journal === undefined) return undefined;
    const state = foldEvents(journal.events);
    return state === undefined ? undefined : { state, events: journal.events };
  }

  /** The newest swap; undefined when there was none. */
  async latest(): Promise<SwapRecord | undefined> {
    const ids = await this.ids();
    for (const id of ids.toReversed()) {
      const record = await this.read(id);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /** The swap that has not ended; undefined when there is none. */
  async open(): Promise<SwapRecord | undefined> {
    const latest = await this.latest();
    return latest === undefined || latest.state.end !== undefined ? undefined : latest;
  }

  async nextId(): Promise<string> {
    return String(Number((await this.#allIds()).at(-1) ?? "0") + 1);
  }

  /** Leaves a swap out of everything from now on; its journal stays where it is. Errors: no-swap. */
  async setAside(id: string, by: string): Promise<void> {
    if (!(await this.#allIds()).includes(id))
      throw new SwitchyardError("no-swap", { message: `Environment ${this.environment} has no swap ${id}` });
    await this.#store.write(`${asideKey}/${id}`, JSON.stringify({ by, at: this.#clock.wall() }), 0);
  }

  /** Opens a swap's journal for writing. Errors: journal-corrupt, journal-format, lease-lost. */
  async journal(id: string, fence: number): Promise<Journal> {
    await this.#markFormat();
    return openJournal(this.#store, journalKey(id), fence, this.journalPlace(id));
  }

  /** Who may write now; undefined when nobody does. It may have stood still for some time: see `watch`. */
  async owner(): Promise<LeaseHolder | undefined> {
    await this.#assertFormat();
    const look = await this.watch().look();
    return look.kind === "held" ? look.holder : undefined;
  }

  /** Looks at the lease again and again, and finds out when its holder is gone, also one on another machine. */
  watch(): LeaseWatch {
    return new LeaseWatch(this.#store, { key: leaseKey, clock: this.#clock, processes: this.#processes });
  }

  /**
   * Makes this process the only one that writes. Errors: swap-in-progress, with what is
   * going on.
   */
  async claim(purpose: string, options: ClaimOptions = {}): Promise<Lease> {
    await this.#markFormat();
    try {
      return await acquireLease(this.#store, {
        ...options,
        key: leaseKey,
        clock: this.#clock,
        processes: this.#processes,
        purpose,
        scope: `environment ${this.environment}`,
        ...(this.#floor === undefined ? {} : { floor: this.#floor }),
      });
    } catch (error) {
      if (!(error instanceof SwitchyardError) || error.code !== "swap-in-progress") throw error;
      const [owner, open] = [await this.owner(), await this.open()];
      if (owner === undefined || open === undefined || owner.purpose !== swapPurpose(open.state.id)) throw error;
      throw swapInProgress(this.environment, open.state, owner);
    }
  }

  /** Leaves a wish for the process that drives the swap; its number. */
  async request(id: string, verb: Verb, by: string, amountMs?: number): Promise<number> {
    await this.#markFormat();
    const text = JSON.stringify({ verb, by, amountMs } satisfies z.input<typeof request>);
    for (;;) {
      const number = ((await this.#requestNumbers(id)).at(-1) ?? 0) + 1;
      if ((await this.#store.write(requestKey(id, number), text, 0)) !== undefined) return number;
    }
  }

  /** Wishes after the given number, in order. Errors: state-damaged. */
  async requests(id: string, after: number): Promise<readonly SwapRequest[]> {
    const found: SwapRequest[] = [];
    for (const number of (await this.#requestNumbers(id)).filter((one) => one > after)) {
      const stored = await this.#store.read(requestKey(id, number));
      if (stored === undefined) continue;
      const parsed = request.safeParse(parseJson(stored.value));
      if (!parsed.success) {
        throw new SwitchyardError("state-damaged", {
          message: `The value ${requestKey(id, number)} of ${this.#store.description} is no wish: ${z.prettifyError(parsed.error)}`,
        });
      }
      const { verb, by, amountMs } = parsed.data;
      found.push({ number, verb, by, ...(amountMs === undefined ? {} : { amountMs }) });
    }
    return found;
  }

  async #requestNumbers(id: string): Promise<readonly number[]> {
    return numbers(await this.#store.list(`swaps/${id}/requests`));
  }

  async #allIds(): Promise<readonly string[]> {
    return numbers(await this.#list("swaps")).map(String);
  }

  async #list(key: string): Promise<readonly string[]> {
    await this.#assertFormat();
    return this.#store.list(key);
  }

  /** Before anything is written. */
  async #markFormat(): Promise<void> {
    if (this.#formatChecked) return;
    await markStoreFormat(this.#store, this.environment);
    this.#formatChecked = true;
  }

  async #assertFormat(): Promise<void> {
    if (this.#formatChecked) return;
    this.#formatChecked = await assertStoreFormat(this.#store, this.environment);
  }
}

const asideKey = "set-aside";
export const journalKey = (id: string): string => `swaps/${id}/journal`;
const requestKey = (id: string, number: number): string => `swaps/${id}/requests/${number}`;

function numbers(names: readonly string[]): readonly number[] {
  return names
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function swapInProgress(
  environment: string,
  state: SwapState,
  holder: Pick<LeaseHolder, "pid" | "host"> | undefined,
): SwitchyardError {
  const who = holder === undefined ? "" : `, driven by process ${holder.pid} on ${holder.host}`;
  return new SwitchyardError("swap-in-progress", {
    message: `A swap of environment ${environment} is running (id ${state.id}, ${state.from} -> ${state.to}, ${describePosition(state)})${who}`,
    next: [
      `To follow it:   npx switchyard swap watch --env ${environment}`,
      `To stop it:     npx switchyard swap abort --env ${environment}`,
    ],
  });
}

/** "step 3 of 5, 25 %" or the phase's name. */
export function describePosition(state: SwapState): string {
  return state.phase === "shifting"
    ? `step ${state.step + 1} of ${state.settings.ramp.length}, ${state.settings.ramp[state.step] ?? 0} %`
    : state.phase.replaceAll("-", " ");
}
