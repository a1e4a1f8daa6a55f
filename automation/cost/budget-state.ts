/** What the budget keeps in the environment's state store: what it has seen and said, and a person's veto. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { SwapStore } from "../swap/store.ts";
import type { BudgetState } from "./budget-decide.ts";
import { addObservations, nothingObserved, type Observation } from "./observed.ts";

const stateKey = "cost/budget";
const vetoKey = "cost/veto";

const observation = z.object({
  watchedMs: z.number().min(0),
  requests: z.number().min(0),
  timed: z.number().min(0),
  durationMs: z.number().min(0),
  durationSquares: z.number().min(0),
});

const storedState = z.object({
  format: z.literal(1),
  proposed: z.object({ from: z.string(), to: z.string() }).optional(),
  /** By hour, oldest first. */
  hours: z.array(z.object({ hour: z.number().int(), seen: observation })),
});

const storedVeto = z.object({ format: z.literal(1), by: z.string(), at: z.number(), until: z.number().optional() });

type StoredState = z.infer<typeof storedState>;

const hourMs = 3_600_000;
/** Hours that are kept: a week, so that nights and weekends are in it. */
const keptHours = 168;

export interface BudgetMemory {
  readonly state: BudgetState;
  /** Of the last week, all hours together. */
  readonly seen: Observation;
}

export interface BudgetVeto {
  readonly by: string;
  readonly at: number;
  readonly until: number | undefined;
}

/** Errors of all: those of the state store, state-damaged. */
export class BudgetStore {
  readonly #store: StateStore;

  constructor(store: StateStore) {
    this.#store = store;
  }

  /** Adds what was seen now, and hands out all of the last week. */
  async remember(seen: Observation, wall: number): Promise<BudgetMemory> {
    const stored = await this.#update((before) => {
      const hour = Math.floor(wall / hourMs);
      const others = before.hours.filter((one) => one.hour !== hour && one.hour > hour - keptHours);
      const same = before.hours.find((one) => one.hour === hour)?.seen ?? nothingObserved;
      return { ...before, hours: [...others, { hour, seen: addObservations(same, seen) }] };
    });
    const all = stored.hours.reduce((sum, one) => addObservations(sum, one.seen), nothingObserved);
    return { state: { proposed: stored.proposed }, seen: all };
  }

  async keep({ proposed }: BudgetState): Promise<void> {
    await this.#update(({ proposed: _, ...rest }) => (proposed === undefined ? rest : { ...rest, proposed }));
  }

  async veto(): Promise<BudgetVeto | undefined> {
    const found = await this.#read(vetoKey, storedVeto.or(z.object({ lifted: z.literal(true) })));
    if (found === undefined || "lifted" in found.value) return undefined;
    const { by, at, until } = found.value;
    return { by, at, until };
  }

  /** Lays a veto, in place of one that is there; undefined lifts it. Whether there was one. */
  async setVeto(veto: BudgetVeto | undefined): Promise<boolean> {
    for (;;) {
      const before = await this.#store.read(vetoKey);
      const value = veto === undefined ? { lifted: true } : { format: 1, ...veto };
      const there = (await this.veto()) !== undefined;
      if (veto === undefined && !there) return false;
      if ((await this.#store.write(vetoKey, JSON.stringify(value), before?.version ?? 0)) !== undefined) return there;
    }
  }

  /** Two watchers may write at the same time: who comes late reads again. */
  async #update(change: (before: StoredState) => StoredState): Promise<StoredState> {
    for (;;) {
      const before = await this.#read(stateKey, storedState);
      const after = change(before?.value ?? { format: 1, hours: [] });
      const written = await this.#store.write(stateKey, JSON.stringify(after), before?.version ?? 0);
      if (written !== undefined) return after;
    }
  }

  async #read<T>(
    key: string,
    schema: z.ZodType<T>,
  ): Promise<{ readonly value: T; readonly version: number } | undefined> {
    const stored = await this.#store.read(key);
    if (stored === undefined) return undefined;
    const parsed = schema.safeParse(parseJson(stored.value));
    if (parsed.success) return { value: parsed.data, version: stored.version };
    throw new SwitchyardError("state-damaged", {
      message: `The value ${key} of ${this.#store.description} is not what the budget writes: ${z.prettifyError(parsed.error)}`,
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** When swaps and failovers younger than that began, ms since the epoch, also those that failed. */
export async function recentMoves(store: Pick<SwapStore, "ids" | "read">, since: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (const id of (await store.ids()).toReversed()) {
    const record = await store.read(id);
    if (record === undefined) continue;
    const { startedAt } = record.state;
    if (startedAt < since) break;
    found.push(startedAt);
  }
  return found;
}
