/** Watches an environment's load and lets `decideBudget` say when it has to move to a cheaper platform. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { RequestFeed } from "../ports/request-feed.ts";
import type { TrafficRouter } from "../ports/traffic-router.ts";
import { afterBudgetDecision, type BudgetDecision, type BudgetSeen, decideBudget } from "./budget-decide.ts";
import type { BudgetSettings } from "./budget-settings.ts";
import type { BudgetMemory, BudgetStore } from "./budget-state.ts";
import { monthOf, nothingObserved, type Observation, watchLoad } from "./observed.ts";
import type { ObservedLoad } from "./usage.ts";

export interface BudgetPorts {
  readonly feed: RequestFeed;
  readonly router: Pick<TrafficRouter, "read">;
  readonly clock: Clock;
  readonly memory: Pick<BudgetStore, "remember" | "keep" | "veto">;
  /** Expected USD a month by platform, as far as it can be said; `load` is undefined where too little was watched. */
  readonly project: (load: ObservedLoad | undefined) => Readonly<Record<string, number>>;
  /** Whether a swap has not ended. */
  readonly swapOpen: () => Promise<boolean>;
  /** When swaps and failovers began, ms since the epoch, at least those from `since` on. */
  readonly moves: (since: number) => Promise<readonly number[]>;
  /** Moves the traffic; resolves when the swap has ended well. Errors: SwitchyardError when it has not. */
  readonly move: (from: string, to: string, decision: BudgetDecision) => Promise<void>;
}

export interface BudgetListener {
  onLook?(decision: BudgetDecision): void;
  /** A person should start the swap; told once per crossing. */
  onPropose?(decision: BudgetDecision): void;
  onMove?(decision: BudgetDecision): void;
  /** The swap did not end well; the watch goes on. */
  onMoveFailed?(decision: BudgetDecision, error: SwitchyardError): void;
  /** Requests cannot be seen in this look. */
  onBlind?(error: SwitchyardError): void;
}

export interface BudgetOptions {
  readonly settings: BudgetSettings;
  readonly thresholds: Readonly<Record<string, number>>;
  readonly possible: readonly string[];
  /** Whether the usage states requests and duration, so that nothing has to be watched. */
  readonly loadStated: boolean;
  /** How long one look watches, ms. */
  readonly everyMs: number;
  /** Ends after one look; a move that fails is then thrown. */
  readonly once: boolean;
  readonly listener?: BudgetListener;
}

export interface BudgetResult {
  readonly looks: number;
  readonly proposals: number;
  readonly moves: number;
  /** The last decision; undefined when it ended before the first. */
  readonly last: BudgetDecision | undefined;
}

/**
 * Runs until the signal is aborted, or with `once` for one look. What cannot be reached moves nothing and is tried again;
 * other errors end it.
 */
export async function watchBudget(
  options: BudgetOptions,
  ports: BudgetPorts,
  signal: AbortSignal,
): Promise<BudgetResult> {
  let result: BudgetResult = { looks: 0, proposals: 0, moves: 0, last: undefined };
  const { listener, once } = options;
  try {
    for (;;) {
      const { decision, memory } = await look(options, ports, signal);
      result = { ...result, looks: result.looks + 1, last: decision };
      listener?.onLook?.(decision);
      if (memory !== undefined) await keep(memory, decision, ports);
      if (decision.kind === "propose") {
        result = { ...result, proposals: result.proposals + 1 };
        listener?.onPropose?.(decision);
      }
      if (decision.kind === "switch" && (await move(decision, options, ports, signal)))
        result = { ...result, moves: result.moves + 1 };
      if (once) return result;
    }
  } catch (error) {
    if (signal.aborted && !once) return result;
    throw error;
  }
}

interface Look {
  readonly decision: BudgetDecision;
  /** undefined: the state store could not be read, so that nothing is kept either. */
  readonly memory: BudgetMemory | undefined;
}

async function look(options: BudgetOptions, ports: BudgetPorts, signal: AbortSignal): Promise<Look> {
  const { settings, thresholds, possible, loadStated } = options;
  const { clock } = ports;
  const now = await observe(options, ports, signal);
  const [weights, past] = await Promise.all([
    orUndefined(async () => (await ports.router.read(signal)).weights, signal),
    orUndefined(() => remembered(now, settings, ports), signal),
  ]);
  const load = past === undefined ? undefined : enoughFor(settings, past.memory.seen);
  const seen: BudgetSeen = {
    weights,
    thresholds,
    projected: ports.project(load),
    loadKnown: loadStated || load !== undefined,
    possible,
    swapOpen: past?.swapOpen,
    moves: past?.moves ?? [],
    veto: past?.veto,
    wall: clock.wall(),
  };
  const decision = decideBudget(settings, past?.memory.state ?? { proposed: undefined }, seen);
  const { watchedMs, requests } = past?.memory.seen ?? nothingObserved;
  return { decision: { ...decision, evidence: { ...decision.evidence, watchedMs, requests } }, memory: past?.memory };
}

/** A month of what was watched, if it was watched for long enough. */
function enoughFor({ minObservationMs }: BudgetSettings, seen: Observation): ObservedLoad | undefined {
  return seen.watchedMs < minObservationMs ? undefined : monthOf(seen);
}

/** Without a feed nothing is added: a gap is not silence. */
async function observe(
  { everyMs, listener }: BudgetOptions,
  { feed, clock }: BudgetPorts,
  signal: AbortSignal,
): Promise<Observation> {
  try {
    return await watchLoad({ feed, clock }, everyMs, signal);
  } catch (error) {
    if (!(error instanceof SwitchyardError) || signal.aborted) throw error;
    listener?.onBlind?.(error);
    await clock.sleep(everyMs, signal);
    return nothingObserved;
  }
}

async function remembered(
  now: Observation,
  { dwellMs }: BudgetSettings,
  { memory, clock, swapOpen, moves }: BudgetPorts,
) {
  return {
    memory: await memory.remember(now, clock.wall()),
    swapOpen: await swapOpen(),
    moves: await moves(clock.wall() - dwellMs),
    veto: await memory.veto(),
  };
}

async function keep({ state }: BudgetMemory, decision: BudgetDecision, { memory }: BudgetPorts): Promise<void> {
  const after = afterBudgetDecision(state, decision);
  if (after.proposed?.from !== state.proposed?.from || after.proposed?.to !== state.proposed?.to)
    await memory.keep(after);
}

async function move(
  decision: BudgetDecision,
  { once, listener }: BudgetOptions,
  ports: BudgetPorts,
  signal: AbortSignal,
): Promise<boolean> {
  const { from, to } = decision;
  if (from === undefined || to === undefined) return false;
  listener?.onMove?.(decision);
  try {
    await ports.move(from, to, decision);
    return true;
  } catch (error) {
    if (!(error instanceof SwitchyardError) || signal.aborted || once) throw error;
    listener?.onMoveFailed?.(decision, error);
    return false;
  }
}

async function orUndefined<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SwitchyardError) || signal.aborted) throw error;
    return undefined;
  }
}
