/**
 * Drives one swap: observe, decide, write the intent, act, write the outcome, until it has ended or a person is needed.
 * A new process that opens the same journal goes on where the last one stopped.
 */
import { SwitchyardError } from "../errors.ts";
import type { Weights } from "../ports/traffic-router.ts";
import { decide, mustStop } from "./decide.ts";
import type { Decision, Observation, WaitDecision } from "./decision.ts";
import type { Effect } from "./effects.ts";
import { applyEvent, foldEvents } from "./fold.ts";
import type { Journal } from "./journal.ts";
import { claimMap, describeWeights, type PerformResult, performEffect } from "./perform.ts";
import type { RunPorts } from "./run-ports.ts";
import { type SwapEvent, type SwapState, sameWeights } from "./state.ts";
import type { SwapRequest } from "./store.ts";
import { SwapWatch } from "./watch.ts";

/** After these nothing may be written any more, not even that it failed. */
function endsTheProcess({ code }: SwitchyardError): boolean {
  return code.startsWith("disk-") || code === "state-unreachable" || code === "lease-lost";
}

/** What a watcher sees: each event, and the state of things in between. */
export interface RunListener {
  onEvent?(event: SwapEvent, state: SwapState, seen: Observation): void;
  onTick?(state: SwapState, seen: Observation, why: string): void;
}

/** Between two looks for wishes and findings while an effect is under way, ms. */
const watchEveryMs = 250;

/** The effect was given up, because something more urgent has to be decided. */
class Overtaken extends Error {}

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
  try {
    return await run.drive(self);
  } catch (error) {
    // Whatever broke off, this is why.
    throw ports.lease.lost.aborted ? ports.lease.lost.reason : error;
  }
}

class SwapRun {
  readonly #journal: Journal;
  readonly #ports: RunPorts;
  readonly #signal: AbortSignal;
  readonly #listener: RunListener;
  #state: SwapState;
  readonly #watch: SwapWatch;

  constructor(journal: Journal, ports: RunPorts, signal: AbortSignal, listener: RunListener) {
    const state = foldEvents(journal.events);
    if (state === undefined)
      throw new SwitchyardError("internal-error", { message: "A swap needs a start in its journal" });
    this.#journal = journal;
    this.#ports = ports;
    // Whoever lost the lease has to let go of what it began, too.
    this.#signal = AbortSignal.any([signal, ports.lease.lost]);
    this.#listener = listener;
    this.#state = state;
    this.#watch = new SwapWatch(ports, this.#signal, () => this.#state);
  }

  async drive(self: { pid: number; host: string }): Promise<SwapState> {
    const { source, complete, delayMs } = this.#ports.feed.description;
    const feed = `${source}, ${complete ? "complete" : "a sample"}, delay ${delayMs} ms`;
    await this.#record({ kind: "engine", at: this.#ports.clock.now(), ...self, feed });
    if (this.#state.end === undefined) await claimMap(this.#ports, this.#signal);
    await this.#reconcile();
    // What happened while nobody drove comes before any effect.
    if (this.#state.observed !== undefined && this.#state.end === undefined) await this.#readFeed();
    for (;;) {
      this.#signal.throwIfAborted();
      if (this.#watch.fault !== undefined) throw this.#watch.fault.error;
      const { paused } = this.#state;
      await this.#takeRequests();
      // A person says that it may go on: is the map as the swap left it?
      if (paused?.reason === "weights-moved-elsewhere" && this.#state.paused === undefined) await this.#reconcile();
      const now = this.#ports.clock.now();
      const decision = decide(this.#state, this.#watch.seen, now);
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
        await this.#snapshot("changed");
        await this.#record({ kind: "entered", at: now, phase, step, reason, evidence });
        this.#watch.newPhase();
        return;
      }
      case "verified":
        await this.#pushLeverBack();
        return this.#record({
          kind: "verified",
          at: now,
          since: decision.since,
          weight: decision.weight,
          evidence: decision.evidence,
        });
      case "recheck":
        this.#watch.newProbes();
        return this.#record({ kind: "recheck", at: now });
      case "pause":
        return this.#record({ kind: "paused", at: now, reason: decision.reason, evidence: decision.evidence });
      case "notice":
        return this.#record({ kind: "noticed", at: now, reason: decision.reason, evidence: decision.evidence });
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
      const result = await this.#watched(effect);
      await settle({ ok: true, found: result.found, facts: result.facts });
    } catch (error) {
      // Cancelled in the middle: the intent stays open, as after a crash.
      if (this.#signal.aborted) throw error;
      if (error instanceof Overtaken) return;
      if (!(error instanceof SwitchyardError)) throw error;
      if (endsTheProcess(error)) throw error;
      await settle({ ok: false, found: false, facts: {}, failure: { code: error.code, message: error.message } });
      return;
    }
    if (effect.kind !== "write-weights") return;
    this.#watch.newWeight();
    await this.#snapshot("always");
  }

  /**
   * Carries an effect out, and keeps looking: a wish to go back, or a finding of the stop gate, must not wait for an acceptance
   * suite or a balancer that hangs. Stacks are brought up and down to the end, or they would be left half-way. Errors:
   * Overtaken, and those of the effect.
   */
  async #watched(effect: Effect): Promise<PerformResult> {
    const interruptible =
      effect.kind === "accept" || (effect.kind === "write-weights" && this.#state.phase === "shifting");
    if (!interruptible) return performEffect(effect, this.#state, this.#ports, this.#signal);
    const overtaken = new AbortController();
    const settled = new AbortController();
    const signal = AbortSignal.any([this.#signal, overtaken.signal]);
    const work = performEffect(effect, this.#state, this.#ports, signal).finally(() => settled.abort());
    // Told below; until then nobody listens.
    work.catch(() => undefined);
    const { clock } = this.#ports;
    for (;;) {
      await clock.sleep(watchEveryMs, settled.signal).catch(() => undefined);
      if (settled.signal.aborted) return work;
      await this.#readFeed();
      await this.#takeRequests();
      if (this.#state.wish === undefined && !mustStop(this.#state, this.#watch.seen)) continue;
      overtaken.abort(new Overtaken());
      // Not awaited: what hangs may hang on. Its write, if it comes, is void by the next one's.
      throw new Overtaken();
    }
  }

  /** Traffic is back: the candidate serves what reaches it again. A lever that cannot be reached is pushed back by the next swap. */
  async #pushLeverBack(): Promise<void> {
    const { failBack } = this.#ports;
    const { phase, settings, to } = this.#state;
    if (phase !== "returning" || !settings.failBack || failBack === undefined) return;
    try {
      await failBack.set(to, undefined, this.#signal);
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
    }
  }

  async #observe(decision: WaitDecision, now: number): Promise<void> {
    this.#listener.onTick?.(this.#state, this.#watch.seen, decision.why);
    // Written here, so that the journal has one writer.
    for (const event of await this.#watch.look(decision, now)) await this.#record(event);
    const { aliveAt, settings } = this.#state;
    if (now - aliveAt >= settings.deadMan.afterMs / 3) await this.#record({ kind: "alive", at: now });
  }

  async #snapshot(when: "changed" | "always"): Promise<void> {
    const event = this.#watch.snapshot(when);
    if (event !== undefined) await this.#record(event);
  }

  async #readFeed(): Promise<void> {
    const event = await this.#watch.readFeed(0);
    if (event !== undefined) await this.#record(event);
  }

  async #takeRequests(): Promise<void> {
    for (const request of await this.#newRequests()) {
      await this.#record({ kind: "requested", at: this.#ports.clock.now(), ...request });
    }
  }

  /** A store that cannot be read now may be readable before the lease is over. */
  async #newRequests(): Promise<readonly SwapRequest[]> {
    try {
      return await this.#ports.requests(this.#state.requestsSeen);
    } catch (error) {
      if (!(error instanceof SwitchyardError) || error.code !== "state-unreachable") throw error;
      return [];
    }
  }

  /** On disk first, then true. Errors: lease-lost, and those of the disk. */
  async #record(event: SwapEvent): Promise<void> {
    this.#ports.lease.assertHeld();
    await this.#journal.append(event);
    this.#state = applyEvent(this.#state, event);
    this.#listener.onEvent?.(event, this.#state, this.#watch.seen);
  }
}
