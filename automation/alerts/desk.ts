/**
 * Keeps and sends. What comes in is written into the environment's state store together with what is to be sent, then it is
 * sent; what a target does not take stays there for whoever comes next. Nothing here makes its caller wait or fails it.
 */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Delivery, Notice, Notifier } from "../ports/notifier.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { AlertInput } from "./alert.ts";
import { type AlertBook, alertBook, emptyBook, type QueuedNotice } from "./book.ts";
import { decide } from "./decide.ts";
import { queued, settled, swept, type TargetTrouble, taken, troubles } from "./outbox.ts";
import type { AlertSettings } from "./settings.ts";

export const bookKey = "alerts/book";

/** Between two looks while a command runs, and between two readings of the store, ms. */
const lookMs = 1_000;
const tickMs = 15_000;
/** For the store to note what became of the last notices, ms. */
const noteMs = 1_000;
/** Writers that come in between: more at once there are not. */
const triesAtMost = 50;

export interface AlertDeskOptions {
  readonly store: Pick<StateStore, "read" | "write" | "description">;
  readonly settings: AlertSettings;
  /** By name of the target. */
  readonly notifiers: Readonly<Record<string, Notifier>>;
  readonly clock: Pick<Clock, "now" | "sleep">;
}

export interface DeskReport {
  /** Notices that targets took from this process. */
  readonly delivered: number;
  /** Targets that did not take what waits for them. */
  readonly troubles: readonly TargetTrouble[];
  /** Why alerts could not be kept; undefined: they were. */
  readonly unkept: string | undefined;
}

export class AlertDesk {
  readonly settings: AlertSettings;
  /** By name of the target; for a test, everything else goes through the desk. */
  readonly notifiers: Readonly<Record<string, Notifier>>;
  readonly #options: AlertDeskOptions;
  readonly #stop = new AbortController();
  /** As it was read or written last. */
  #book: AlertBook = emptyBook;
  #waiting: AlertInput[] = [];
  /** What the store did not take; it is offered again with what comes next. */
  #unkept: readonly AlertInput[] = [];
  #unkeptWhy: string | undefined;
  /** Which target took what of that already. */
  readonly #saidUnkept = new Set<string>();
  #work: Promise<void> | undefined;
  #watch: Promise<void> | undefined;
  #tickedAt = Number.NEGATIVE_INFINITY;
  #used = false;
  #delivered = 0;

  constructor(options: AlertDeskOptions) {
    this.#options = options;
    this.settings = options.settings;
    this.notifiers = options.notifiers;
  }

  /** Whether anything was asked of it: else there is nothing to close. */
  get used(): boolean {
    return this.#used;
  }

  /** Returns at once. */
  readonly take = (inputs: readonly AlertInput[]): void => {
    if (inputs.length === 0) return;
    this.#used = true;
    this.#waiting.push(...inputs);
    this.#pump();
  };

  /** Sends, escalates and repeats from now on, until it is closed. */
  watch(): void {
    this.#used = true;
    this.#watch ??= this.#look();
  }

  /** Everything that is due once, waited for: nothing else runs it. `eager`: targets that are down are not waited for. */
  async round(eager = false): Promise<DeskReport> {
    this.#used = true;
    await this.#work;
    this.#tickedAt = Number.NEGATIVE_INFINITY;
    await this.#step(eager);
    return this.#report();
  }

  /** Ends: what is under way has so long to come to its end, ms. */
  async close(withinMs: number): Promise<DeskReport> {
    const { clock } = this.#options;
    const done = new AbortController();
    const finish = async (): Promise<void> => {
      await this.#work;
      await this.#step(false);
    };
    const deadline = clock.sleep(withinMs, done.signal).catch(() => undefined);
    const finishing = finish();
    await Promise.race([finishing, deadline]);
    this.#stop.abort(new SwitchyardError("cancelled", { message: "the command ended" }));
    // What was cut off is noted, so that the next command does not wait for the same target again.
    await Promise.race([finishing, clock.sleep(noteMs, done.signal).catch(() => undefined)]);
    done.abort();
    await this.#watch;
    return this.#report();
  }

  /** As the store has it now. Errors: state-damaged, those of the store. */
  async read(): Promise<AlertBook> {
    const stored = await this.#options.store.read(bookKey);
    return stored === undefined ? emptyBook : this.#parse(stored.value);
  }

  /** Changes what is kept; the new one. Errors: state-damaged, those of the store. */
  async change(next: (book: AlertBook) => AlertBook): Promise<AlertBook> {
    const { store } = this.#options;
    for (let tries = 0; tries < triesAtMost; tries += 1) {
      const stored = await store.read(bookKey);
      const before = stored === undefined ? emptyBook : this.#parse(stored.value);
      const after = next(before);
      if (after === before || (await store.write(bookKey, JSON.stringify(after), stored?.version ?? 0)) !== undefined) {
        // Not before it is written: what could not be kept is told from what was.
        this.#book = after;
        return after;
      }
    }
    throw new SwitchyardError("state-unreachable", {
      message: `${store.description}: ${bookKey} was changed by others ${triesAtMost} times in a row`,
    });
  }

  #parse(value: string): AlertBook {
    const parsed = alertBook.safeParse(parseJson(value));
    if (parsed.success) return parsed.data;
    throw new SwitchyardError("state-damaged", {
      message: `The value ${bookKey} of ${this.#options.store.description} does not have the form that Switchyard writes`,
    });
  }

  #report(): DeskReport {
    return { delivered: this.#delivered, troubles: troubles(this.#book), unkept: this.#unkeptWhy };
  }

  /** One at a time; what comes meanwhile is taken by the next one. */
  #pump(): void {
    if (this.#work !== undefined || this.#stop.signal.aborted) return;
    this.#work = this.#step(false)
      // Nobody waits for this; it is said at the end.
      .catch((error: unknown) => {
        this.#unkeptWhy = error instanceof Error ? error.message : String(error);
      })
      .finally(() => {
        this.#work = undefined;
        if (this.#waiting.length > 0) this.#pump();
      });
  }

  async #look(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(lookMs, signal).catch(() => undefined);
      const now = clock.now();
      const due = taken(this.#book, Object.keys(this.#options.notifiers), now).notices.length > 0;
      if (due || this.#unkept.length > 0 || now - this.#tickedAt >= tickMs) this.#pump();
    }
  }

  /** Keeps what came in, then sends what is due. */
  async #step(eager: boolean): Promise<void> {
    const { clock, settings } = { ...this.#options };
    const fresh = this.#waiting.splice(0);
    const inputs = [...this.#unkept, ...fresh];
    const names = settings.targets.map(({ name }) => name);
    const tick = clock.now() - this.#tickedAt >= tickMs;
    try {
      const apply = (book: AlertBook): AlertBook => {
        const now = clock.now();
        const before = tick ? swept(book, names, now) : book;
        const after = told(before, tick ? [{ kind: "tick" }, ...inputs] : inputs, settings, now);
        return this.#withoutSaid(after, before);
      };
      if (inputs.length > 0 || tick) await this.change(apply);
      this.#unkept = [];
      this.#unkeptWhy = undefined;
      this.#saidUnkept.clear();
      if (tick) this.#tickedAt = clock.now();
      for (let first = true; await this.#sendDue(eager && first); ) first = false;
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      this.#unkept = inputs;
      this.#unkeptWhy = error.message;
      this.#tickedAt = clock.now();
      await this.#sendUnkept(fresh);
    }
  }

  /** Sends one notice per target that may be sent now; whether there was one that went out. */
  async #sendDue(eager: boolean): Promise<boolean> {
    const { clock, notifiers } = this.#options;
    const names = Object.keys(notifiers);
    if (this.#stop.signal.aborted || taken(this.#book, names, clock.now(), eager).notices.length === 0) return false;
    let notices: readonly QueuedNotice[] = [];
    const book = await this.change((before) => {
      const take = taken(before, names, clock.now(), eager);
      notices = take.notices;
      return take.book;
    });
    const sent = await Promise.all(
      notices.map(async (queuedNotice) => ({ queuedNotice, delivery: await this.#send(book, queuedNotice) })),
    );
    await this.change((before) =>
      sent.reduce((all, { queuedNotice, delivery }) => settled(all, queuedNotice, delivery, clock.now()), before),
    );
    return sent.some(({ delivery }) => delivery.delivered || delivery.refused);
  }

  async #send(book: AlertBook, { id, target, record: recordId, kind, why }: QueuedNotice): Promise<Delivery> {
    const record = book.records.find((one) => one.id === recordId);
    const notifier = this.#options.notifiers[target];
    // An alert that is no longer in the book has nothing to say.
    if (record === undefined || notifier === undefined) return { delivered: true };
    const { alert, until } = record;
    const notice: Notice = { id, kind, why, alert, momentary: until === "momentary" };
    const { signal } = this.#stop;
    try {
      const delivery = await notifier.notify(notice, signal);
      if (delivery.delivered) this.#delivered += 1;
      return delivery;
    } catch (error) {
      if (!signal.aborted) throw error;
      return { delivered: false, why: "no answer before the command ended", refused: false, retryAfterMs: undefined };
    }
  }

  /** The store takes nothing: people are told at once and without a second attempt, by the same keys as later. */
  async #sendUnkept(inputs: readonly AlertInput[]): Promise<void> {
    const { clock, settings } = this.#options;
    const before = this.#book;
    const known = new Set(before.outbox.map(({ id }) => id));
    const book = told(before, inputs, settings, clock.now());
    this.#book = book;
    const fresh = book.outbox.filter(({ id }) => !known.has(id));
    await Promise.all(
      fresh.map(async (one) => {
        if ((await this.#send(book, one)).delivered) this.#saidUnkept.add(saidOf(book, one));
      }),
    );
  }

  /** What a target was told while nothing could be kept is not told again now that it is. */
  #withoutSaid(after: AlertBook, before: AlertBook): AlertBook {
    if (this.#saidUnkept.size === 0) return after;
    const old = new Set(before.outbox.map(({ id }) => id));
    return {
      ...after,
      outbox: after.outbox.filter((one) => old.has(one.id) || !this.#saidUnkept.has(saidOf(after, one))),
    };
  }
}

function saidOf({ records }: AlertBook, { target, kind, record }: QueuedNotice): string {
  const key = records.find(({ id }) => id === record)?.alert.dedupKey ?? "";
  return `${target} ${kind} ${key}`;
}

/** Pure: the book after these inputs, with what is to be sent. */
export function told(
  book: AlertBook,
  inputs: readonly (AlertInput | { readonly kind: "tick" })[],
  settings: AlertSettings,
  now: number,
): AlertBook {
  return inputs.reduce((before, input) => {
    const { book: after, effects } = decide(before, input, settings, now);
    return queued(after, effects, now);
  }, book);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
