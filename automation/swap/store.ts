/** Where the swaps of an environment are kept: a folder each, numbered from 1, and one owner at a time. */
import { join } from "node:path";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { ProcessIdentity, ProcessTable } from "../ports/process-table.ts";
import { type Journal, openJournal, parseJournal } from "./journal.ts";
import { foldEvents, type SwapEvent, type SwapState, type Verb, verbs } from "./state.ts";

const owner = z.object({ pid: z.number(), startTime: z.string(), host: z.string(), swap: z.string() });

export interface SwapRecord {
  readonly state: SwapState;
  readonly events: readonly SwapEvent[];
}

export interface SwapRequest {
  readonly number: number;
  readonly verb: Verb;
  readonly by: string;
}

const request = z.object({ verb: z.enum(verbs), by: z.string() });

/** The swaps of one environment on disk. */
export class SwapStore {
  readonly #files: FileSystem;
  readonly #processes: ProcessTable;
  readonly #folder: string;
  readonly environment: string;

  constructor(files: FileSystem, processes: ProcessTable, root: string, environment: string) {
    this.#files = files;
    this.#processes = processes;
    this.environment = environment;
    this.#folder = join(root, ".switchyard", "environments", environment);
  }

  journalPath(id: string): string {
    return join(this.#folder, "swaps", id, "journal.jsonl");
  }

  async ids(): Promise<readonly string[]> {
    const names = await this.#files.list(join(this.#folder, "swaps"));
    return names.filter((name) => /^\d+$/.test(name)).toSorted((a, b) => Number(a) - Number(b));
  }

  /** Errors: journal-corrupt. */
  async read(id: string): Promise<SwapRecord | undefined> {
    const path = this.journalPath(id);
    const text = await this.#files.read(path);
    if (text === undefined) return undefined;
    const { events } = parseJournal(text, path);
    const state = foldEvents(events);
    return state === undefined ? undefined : { state, events };
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
    return String(Number((await this.ids()).at(-1) ?? "0") + 1);
  }

  journal(id: string): Promise<Journal> {
    return openJournal(this.#files, this.journalPath(id));
  }

  /** Who drives the environment's swap now; undefined when nobody does. */
  async owner(): Promise<(ProcessIdentity & { swap: string }) | undefined> {
    return (await this.#lastOwner()).holder;
  }

  /**
   * Makes this process the only one that drives the environment's swap; the result gives that up again. Owners are numbered
   * files of which the highest counts: whoever creates the next number has it, so that of two processes that find a dead
   * owner at the same moment only one goes on. Errors: swap-in-progress.
   */
  async claim(swap: string): Promise<() => Promise<void>> {
    const { number, holder } = await this.#lastOwner();
    if (holder !== undefined) {
      const record = await this.read(holder.swap);
      throw swapInProgress(this.environment, record?.state, holder);
    }
    const self = await this.#processes.self();
    const path = this.#ownerPath(number + 1);
    if (!(await this.#files.createExclusive(path, JSON.stringify({ ...self, swap })))) throw this.#takenOver();
    // One that came and went meanwhile may have taken a higher number after ours was free again.
    if (((await this.#numbers(join(this.#folder, "owners"))).at(-1) ?? 0) !== number + 1) {
      await this.#files.remove(path);
      throw this.#takenOver();
    }
    if (number > 0) await this.#files.remove(this.#ownerPath(number));
    return () => this.#files.writeAtomic(path, JSON.stringify({ released: true }));
  }

  /** The highest number, 0 when there was none, and who holds it if that process lives. */
  async #lastOwner(): Promise<{ number: number; holder: (ProcessIdentity & { swap: string }) | undefined }> {
    const number = (await this.#numbers(join(this.#folder, "owners"))).at(-1) ?? 0;
    if (number === 0) return { number, holder: undefined };
    const text = await this.#files.read(this.#ownerPath(number));
    // Removed since by one who has a higher number now.
    if (text === undefined) return this.#lastOwner();
    const parsed = owner.safeParse(JSON.parse(text));
    if (!parsed.success || (await this.#processes.isAlive(parsed.data)) === false) return { number, holder: undefined };
    return { number, holder: parsed.data };
  }

  #takenOver(): SwitchyardError {
    return new SwitchyardError("swap-in-progress", {
      message: `Another process is taking over the swap of environment ${this.environment} at this moment`,
      next: `To follow it:   npx switchyard swap watch --env ${this.environment}`,
    });
  }

  /** Leaves a wish for the process that drives the swap. */
  async request(id: string, verb: Verb, by: string): Promise<number> {
    const folder = join(this.#folder, "swaps", id, "requests");
    for (;;) {
      const number = ((await this.#numbers(folder)).at(-1) ?? 0) + 1;
      if (await this.#files.createExclusive(join(folder, `${number}.json`), JSON.stringify({ verb, by })))
        return number;
    }
  }

  /** Wishes after the given number, in order. */
  async requests(id: string, after: number): Promise<readonly SwapRequest[]> {
    const folder = join(this.#folder, "swaps", id, "requests");
    const found: SwapRequest[] = [];
    for (const number of (await this.#numbers(folder)).filter((one) => one > after)) {
      const text = await this.#files.read(join(folder, `${number}.json`));
      const parsed = request.safeParse(JSON.parse(text ?? "null"));
      if (parsed.success) found.push({ number, ...parsed.data });
    }
    return found;
  }

  /** Of `<number>.json` files, in order. */
  async #numbers(folder: string): Promise<readonly number[]> {
    const names = await this.#files.list(folder);
    return names
      .filter((name) => /^\d+\.json$/.test(name))
      .map((name) => Number.parseInt(name, 10))
      .toSorted((a, b) => a - b);
  }

  #ownerPath(number: number): string {
    return join(this.#folder, "owners", `${number}.json`);
  }
}

export function swapInProgress(
  environment: string,
  state: SwapState | undefined,
  holder: ProcessIdentity | undefined,
): SwitchyardError {
  const which =
    state === undefined ? "" : ` (id ${state.id}, ${state.from} -> ${state.to}, ${describePosition(state)})`;
  const who = holder === undefined ? "" : `, driven by process ${holder.pid} on ${holder.host}`;
  return new SwitchyardError("swap-in-progress", {
    message: `A swap of environment ${environment} is running${which}${who}`,
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
