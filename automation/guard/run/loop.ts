/** Drives a batch: decides on what is stored, writes moves on condition, carries effects out, and decides again. */
import { SwitchyardError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { Unreadable } from "../facts/objects.ts";
import type { ClusterRecord } from "../registry/record.ts";
import type { EventName } from "../registry/state.ts";
import { type BatchView, type Decision, decide, type Effect, type Move, type Wait } from "./decide.ts";
import type { Outcome } from "./outcomes.ts";

/** A record with what a write must expect. */
export interface Held {
  readonly record: ClusterRecord;
  readonly version: number;
}

export interface LoopPorts {
  /** Members of the run, as they are stored now. */
  load(): Promise<readonly Held[]>;
  /** The move as one conditional write; undefined when somebody else wrote meanwhile. Errors: guard-locked when fenced. */
  write(held: Held, move: Move): Promise<Held | undefined>;
  /** Errors of one effect do not end the others: those that are SwitchyardErrors or Unreadable become waits. */
  carryOut(effect: Effect, view: BatchView, signal: AbortSignal): Promise<Outcome>;
  readonly clock: Pick<Clock, "wall" | "sleep">;
}

export interface LoopOptions {
  readonly plan: BatchView["plan"];
  readonly settings: BatchView["settings"];
  /** merge-request: until every merge request is open. once: one look at everything. end: until nothing is under way. */
  readonly until: "merge-request" | "once" | "end";
  readonly signal: AbortSignal;
  /** What happened, for people. */
  onMove?(record: ClusterRecord, move: Move): void;
  onWaits?(waits: readonly Wait[]): void;
}

export interface LoopEnd {
  readonly clusters: readonly ClusterRecord[];
  readonly waits: readonly Wait[];
}

/** Others may have written meanwhile. */
const longestSleepMs = 600_000;

const leftToMonitor: readonly Effect["kind"][] = ["look-merge-request", "prove", "judge", "restart", "look-rollback"];

/** Errors: guard-locked; those of the store. */
export async function driveBatch(ports: LoopPorts, options: LoopOptions): Promise<LoopEnd> {
  const { plan, settings, signal } = options;
  let held = await ports.load();
  for (;;) {
    signal.throwIfAborted();
    const view: BatchView = { plan, settings, now: ports.clock.wall(), clusters: held.map(({ record }) => record) };
    const decision = decide(view);
    if (decision.moves.length > 0) {
      held = await applied(ports, options, held, decision.moves);
      continue;
    }
    const effects = wanted(decision, options.until);
    const outcomes = await carriedOut(ports, options, effects, view);
    const moves = outcomes.flatMap((outcome) => outcome.moves);
    const waits = [...decision.waits, ...outcomes.flatMap((outcome) => outcome.waits)];
    if (moves.length > 0) {
      held = await applied(ports, options, held, moves);
      const goesOn = moves.some(({ event }) => !unhurried.includes(event));
      if (goesOn && options.until !== "once") continue;
    }
    options.onWaits?.(waits);
    const until = effects.length > 0 ? view.now : soonest(waits);
    if (until === undefined || options.until !== "end") return { clusters: held.map(({ record }) => record), waits };
    const poll = settings.execution.poll_seconds * 1_000;
    await ports.clock.sleep(Math.min(Math.max(until - view.now, poll), longestSleepMs), signal);
    held = await ports.load();
  }
}

/** What follows takes time: looking again at once would see nothing new. */
const unhurried: readonly EventName[] = ["workloads_restarted"];

/** When a wait that time ends is over; undefined: a person has to act. */
function soonest(waits: readonly Wait[]): number | undefined {
  const ends = waits.flatMap(({ until }) => until ?? []);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function wanted({ effects }: Decision, until: LoopOptions["until"]): readonly Effect[] {
  return until === "merge-request" ? effects.filter(({ kind }) => !leftToMonitor.includes(kind)) : effects;
}

/** They change nothing, and are made again. */
const looks: readonly Effect["kind"][] = ["check", "prove", "judge", "look-merge-request"];

const goingBack: readonly EventName[] = ["gate_failed", "sync_failed", "restart_failed"];
const nothing: Outcome = { moves: [], waits: [] };

/**
 * All of a look, so many at a time. When one finds that its cluster has to go back, what only looks is not waited for: metrics of a large
 * wave take minutes where a source allows few queries.
 */
async function carriedOut(
  ports: LoopPorts,
  { settings, signal }: LoopOptions,
  effects: readonly Effect[],
  view: BatchView,
): Promise<readonly Outcome[]> {
  const urgent = new AbortController();
  const looking = AbortSignal.any([signal, urgent.signal]);
  return inParallel(settings.execution.max_parallel_clusters, effects, async (effect) => {
    const isLook = looks.includes(effect.kind);
    if (isLook && urgent.signal.aborted) return nothing;
    const outcome = await outcomeOf(ports, effect, view, { signal, looking: isLook ? looking : signal });
    if (outcome.moves.some(({ event }) => goingBack.includes(event))) urgent.abort();
    return outcome;
  });
}

async function outcomeOf(
  ports: LoopPorts,
  effect: Effect,
  view: BatchView,
  { signal, looking }: { readonly signal: AbortSignal; readonly looking: AbortSignal },
): Promise<Outcome> {
  try {
    return await ports.carryOut(effect, view, looking);
  } catch (error) {
    signal.throwIfAborted();
    if (looking.aborted) return nothing;
    const clusters = "clusters" in effect ? effect.clusters : [effect.cluster];
    // An object of the cluster that is not as it should be; the next look may find it so.
    if (error instanceof Unreadable)
      return { moves: [], waits: clusters.map((cluster) => ({ cluster, why: `cannot be read: ${error.message}` })) };
    if (!(error instanceof SwitchyardError)) throw error;
    return {
      moves: [],
      waits: clusters.map((cluster) => ({ cluster, why: `${error.code}: ${error.message}`, code: error.code })),
    };
  }
}

/** One write each; where somebody else wrote meanwhile everything is read again. */
async function applied(
  ports: LoopPorts,
  options: LoopOptions,
  held: readonly Held[],
  moves: readonly Move[],
): Promise<readonly Held[]> {
  const now = new Map(held.map((one) => [one.record.entry.clusterId, one]));
  let stale = false;
  for (const move of moves) {
    const one = now.get(move.cluster);
    if (one === undefined) continue;
    const written = await ports.write(one, move);
    if (written === undefined) stale = true;
    else {
      now.set(move.cluster, written);
      options.onMove?.(written.record, move);
    }
  }
  return stale ? ports.load() : [...now.values()];
}

/** In their order, at most so many at a time. */
export async function inParallel<Item, Result>(
  most: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}
