/**
 * Drives one swap: observe, decide, write the intent, act, write the outcome, until it has ended or a person is needed.
 * A new process that opens the same journal goes on where the last one stopped.
 */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Prober } from "../ports/prober.ts";
import type { RequestFeed } from "../ports/request-feed.ts";
import type { SideLoad } from "../ports/side-load.ts";
import type { Weights } from "../ports/traffic-router.ts";
import { type Decision, decide, type Observation } from "./decide.ts";
import type { Effect } from "./effects.ts";
import { emptyGates, foldRecord, newStep } from "./gates/stop.ts";
import { addProbes } from "./gates/weight.ts";
import type { Journal } from "./journal.ts";
import { describeWeights, type PerformPorts, performEffect, sameWeights } from "./perform.ts";
import { applyEvent, foldEvents, type SwapEvent, type SwapState } from "./state.ts";
import type { SwapRequest } from "./store.ts";

export interface RunPorts extends PerformPorts {
  readonly feed: RequestFeed;
  readonly prober: Prober;
  readonly load: SideLoad;
  readonly clock: Clock;
  /** Wishes that other processes left after the given number. */
  readonly requests: (after: number) => Promise<readonly SwapRequest[]>;
}

/** What a watcher sees: each event, and the state of things in between. */
export interface RunListener {
  onEvent?(event: SwapEvent, state: SwapState, seen: Observation): void;
  onTick?(state: SwapState, seen: Observation, why: string): void;
}

/** Longest wait for the next request before the clock is looked at again, ms. */
const tickMs = 100;
/** How long one batch of probes may take at the prober's pace, ms, and how many it holds at most. */
const probeBatchMs = 200;
const probesAtMost = 200;
/** The feed may be unreadable for this long before the swap pauses, ms. */
const feedPatienceMs = 5_000;

const nothingSeen: Observation = { gates: emptyGates, probes: [], inFlight: undefined, lookedAt: undefined };

/**
 * Runs until the swap has ended or needs a person; returns the state it is left in. Aborting the signal stops safely: the
 * weights stay, the journal says where it stands. Errors: those of the journal's disk, and cancelled.
 */
export async function runSwap(
  journal: Journal,
  ports: RunPorts,
  self: { pid: number; host: string },
  signal: AbortSignal,
  listener: RunListener = {},
): Promise<SwapState> {
  const run = new SwapRun(journal, ports, signal, listener);
  return run.drive(self);
}

class SwapRun {
  readonly #journal: Journal;
  readonly #ports: RunPorts;
  readonly #signal: AbortSignal;
  readonly #listener: RunListener;
  #state: SwapState;
  #seen: Observation = nothingSeen;
  #cursor: number | undefined;
  #feedFailedAt: number | undefined;
  #probing = false;
  /** Rises with each written weight: probes that were sent before say nothing of it. */
  #weightEpoch = 0;
  /** What a batch of probes met that is no answer of the outside world. */
  #fault: { readonly error: unknown } | undefined;

  constructor(journal: Journal, ports: RunPorts, signal: AbortSignal, listener: RunListener) {
    const state = foldEvents(journal.events);
    if (state === undefined)
      throw new SwitchyardError("internal-error", { message: "A swap needs a start in its journal" });
    this.#journal = journal;
    this.#ports = ports;
    this.#signal = signal;
    this.#listener = listener;
    this.#state = state;
  }

  async drive(self: { pid: number; host: string }): Promise<SwapState> {
    const { source, complete, delayMs } = this.#ports.feed.description;
    const feed = `${source}, ${complete ? "complete" : "a sample"}, delay ${delayMs} ms`;
    await this.#record({ kind: "engine", at: this.#ports.clock.now(), ...self, feed });
    await this.#reconcile();
    for (;;) {
      this.#signal.throwIfAborted();
      if (this.#fault !== undefined) throw this.#fault.error;
      await this.#takeRequests();
      const now = this.#ports.clock.now();
      const decision = decide(this.#state, this.#seen, now);
      if (decision.kind === "leave") return this.#state;
      await this.#carryOut(decision, now);
    }
  }

  /**
   * Reads the real weights before anything is decided on the journal's. Where somebody moved them while nobody drove the
   * swap, a person decides; traffic that is going back is sent back again. An effect without an outcome reads for itself.
   */
  async #reconcile(): Promise<void> {
    const { accepted, pending, end, phase, step, rollback } = this.#state;
    if (accepted === undefined || pending !== undefined || end !== undefined) return;
    const { router, clock } = this.#ports;
    let weights: Weights;
    try {
      weights = (await router.read(this.#signal)).weights;
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      // Unreachable now: the next write reads again.
      return;
    }
    if (sameWeights(weights, accepted)) return;
    const at = clock.now();
    const evidence = { found: describeWeights(weights), left: describeWeights(accepted) };
    if (phase === "returning" && rollback !== undefined)
      await this.#record({
        kind: "entered",
        at,
        phase,
        step,
        reason: rollback.reason,
        evidence: { ...rollback.evidence, ...evidence },
      });
    else await this.#record({ kind: "paused", at, reason: "weights-moved-elsewhere", evidence });
  }

  async #carryOut(decision: Exclude<Decision, { kind: "leave" }>, now: number): Promise<void> {
    switch (decision.kind) {
      case "act":
        return this.#act(decision.effect);
      case "wait":
        return this.#observe(decision, now);
      case "enter": {
        const { phase, step, reason, evidence } = decision;
        await this.#record({ kind: "entered", at: now, phase, step, reason, evidence });
        this.#seen = { ...this.#seen, inFlight: undefined, lookedAt: undefined };
        return;
      }
      case "verified":
        return this.#record({ kind: "verified", at: now, weight: decision.weight, evidence: decision.evidence });
      case "pause":
        return this.#record({ kind: "paused", at: now, reason: decision.reason, evidence: decision.evidence });
      case "end":
        return this.#record({
          kind: "ended",
          at: now,
          as: decision.as,
          reason: decision.reason,
          evidence: decision.evidence,
        });
    }
  }

  /** Intent, effect, outcome. A process that dies in between leaves the intent; the next one reads the world first. */
  async #act(effect: Effect): Promise<void> {
    const { clock } = this.#ports;
    const startedAt = clock.now();
    if (this.#state.pending === undefined) await this.#record({ kind: "intent", at: startedAt, effect });
    const settle = (fields: Pick<Extract<SwapEvent, { kind: "outcome" }>, "ok" | "found" | "facts" | "failure">) => {
      const at = clock.now();
      return this.#record({ kind: "outcome", at, durationMs: at - startedAt, ...fields });
    };
    try {
      const result = await performEffect(effect, this.#state, this.#ports, this.#signal);
      await settle({ ok: true, found: result.found, facts: result.facts });
    } catch (error) {
      // Cancelled in the middle: the intent stays open, as after a crash.
      if (this.#signal.aborted) throw error;
      if (!(error instanceof SwitchyardError)) throw error;
      if (error.code.startsWith("disk-")) throw error;
      await settle({ ok: false, found: false, facts: {}, failure: { code: error.code, message: error.message } });
      return;
    }
    // What was observed before belongs to the weights before.
    if (effect.kind !== "write-weights") return;
    this.#weightEpoch += 1;
    this.#seen = { ...this.#seen, gates: newStep(this.#seen.gates), probes: [], lookedAt: undefined };
  }

  /** Everything that a decision needs, read at the same time. */
  async #observe(decision: Extract<Decision, { kind: "wait" }>, now: number): Promise<void> {
    if (decision.looked) this.#seen = { ...this.#seen, lookedAt: now };
    this.#listener.onTick?.(this.#state, this.#seen, decision.why);
    // Beside the loop: a candidate that hangs makes probes slow, and must not blind the stop gate.
    if (decision.probe && !this.#probing) void this.#probe();
    await Promise.all([this.#readFeed(tickMs), decision.drain ? this.#readInFlight() : undefined]);
  }

  async #readFeed(waitMs: number): Promise<void> {
    const { feed, clock } = this.#ports;
    const { from, to, accepted, settings } = this.#state;
    try {
      const batch = await feed.read(this.#cursor, waitMs, this.#signal);
      this.#cursor = batch.cursor;
      this.#feedFailedAt = undefined;
      const share = (accepted?.[to] ?? 0) / 100;
      let { gates } = this.#seen;
      for (const record of batch.records)
        gates = foldRecord(gates, record, { candidate: to, old: from }, share, settings.rollbackThreshold);
      this.#seen = { ...this.#seen, gates: { ...gates, lost: gates.lost + batch.lost } };
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      // Blindness is an error, not a failure of the candidate: hold, and tell a person when it lasts.
      this.#feedFailedAt ??= clock.now();
      if (clock.now() - this.#feedFailedAt >= feedPatienceMs && this.#state.paused === undefined) {
        const evidence = { message: error.message };
        await this.#record({ kind: "paused", at: clock.now(), reason: "feed-unreadable", evidence });
      }
      await clock.sleep(tickMs, this.#signal);
    }
  }

  async #probe(): Promise<void> {
    const { prober } = this.#ports;
    const epoch = this.#weightEpoch;
    const count = Math.min(probesAtMost, Math.max(1, Math.round((prober.perSecond * probeBatchMs) / 1_000)));
    this.#probing = true;
    try {
      const results = await prober.sample(count, this.#signal);
      if (epoch !== this.#weightEpoch) return;
      const probes = addProbes(
        this.#seen.probes,
        results.map((result) => result.side),
      );
      this.#seen = { ...this.#seen, probes };
    } catch (error) {
      // Unreachable for the probes: nothing was seen, so nothing is verified.
      if (!(error instanceof SwitchyardError) && !this.#signal.aborted) this.#fault = { error };
    } finally {
      this.#probing = false;
    }
  }

  async #readInFlight(): Promise<void> {
    const { load, clock } = this.#ports;
    const left = this.#state.rollback === undefined ? this.#state.from : this.#state.to;
    try {
      this.#seen = { ...this.#seen, inFlight: await load.inFlight(left, this.#signal) };
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      this.#seen = { ...this.#seen, inFlight: "unknown" };
      await clock.sleep(tickMs, this.#signal);
    }
  }

  async #takeRequests(): Promise<void> {
    for (const { verb, by, number } of await this.#ports.requests(this.#state.requestsSeen)) {
      await this.#record({ kind: "requested", at: this.#ports.clock.now(), verb, by, number });
    }
  }

  /** On disk first, then true. */
  async #record(event: SwapEvent): Promise<void> {
    await this.#journal.append(event);
    this.#state = applyEvent(this.#state, event);
    this.#listener.onEvent?.(event, this.#state, this.#seen);
  }
}
