/**
 * Drives one swap: observe, decide, write the intent, act, write the outcome, until it has ended or a person is needed.
 * A new process that opens the same journal goes on where the last one stopped.
 */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import type { ProbeResult, Prober } from "../ports/prober.ts";
import type { RequestFeed } from "../ports/request-feed.ts";
import type { SideLoad } from "../ports/side-load.ts";
import type { SyntheticLoad } from "../ports/synthetic-load.ts";
import type { Weights } from "../ports/traffic-router.ts";
import { decide, mustStop } from "./decide.ts";
import type { Decision, Observation } from "./decision.ts";
import type { Effect } from "./effects.ts";
import { restoreGates, snapshotGates } from "./gates/snapshot.ts";
import { addLost, createGates, foldProbe, foldRecord, type GateState, newStep } from "./gates/stop.ts";
import { addProbes, createProbeWindow } from "./gates/weight.ts";
import type { Journal } from "./journal.ts";
import { measure } from "./metric-gate.ts";
import { claimMap, describeWeights, type PerformPorts, type PerformResult, performEffect } from "./perform.ts";
import { applyEvent, foldEvents, type Phase, type SwapEvent, type SwapState, sameWeights } from "./state.ts";
import type { SwapRequest } from "./store.ts";

export interface RunPorts extends PerformPorts {
  readonly feed: RequestFeed;
  readonly prober: Prober;
  readonly load: SideLoad;
  /** Absent where no synthetic requests can be sent: then silence stays silence. */
  readonly synthetic?: SyntheticLoad;
  /** By source name; asked only for checks that the settings name. */
  readonly metrics: Readonly<Record<string, MetricSource>>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
  /** Wishes that other processes left after the given number. */
  readonly requests: (after: number) => Promise<readonly SwapRequest[]>;
}

/** After these nothing may be written any more, not even that it failed. */
function endsTheProcess({ code }: SwitchyardError): boolean {
  return code.startsWith("disk-") || code === "state-unreachable" || code === "lease-lost";
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
/** Phases in which the gates decide. */
const judging: readonly Phase[] = ["shifting", "baking", "retaining"];
/** Between two looks for wishes and findings while an effect is under way, ms. */
const watchEveryMs = 250;

/** The effect was given up, because something more urgent has to be decided. */
class Overtaken extends Error {}

/** A snapshot of the gates goes into the journal this often while users' requests come, ms. */
const snapshotEveryMs = 10_000;
/** The candidate's instance is asked for its age this often, ms. */
const ageEveryMs = 10_000;

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
  #seen: Observation;
  #cursor: number | undefined;
  readonly #gates: GateState;
  #snapshotAt: number;
  #snapshotCursor: number | undefined;
  #ageAskedAt: number | undefined;
  #toppedUpAt: number | undefined;
  #measured: { readonly phaseSince: number; readonly event: SwapEvent } | undefined;
  #overProbes = new AbortController();
  readonly #working = new Set<string>();
  #feedFailedAt: number | undefined;
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
    // Whoever lost the lease has to let go of what it began, too.
    this.#signal = AbortSignal.any([signal, ports.lease.lost]);
    this.#listener = listener;
    this.#state = state;
    this.#gates = state.observed === undefined ? createGates() : restoreGates(state.observed.gates);
    if (state.stepBegan) newStep(this.#gates, ports.clock.now());
    this.#cursor = state.observed?.cursor;
    this.#snapshotCursor = this.#cursor;
    this.#snapshotAt = ports.clock.now();
    this.#seen = {
      gates: this.#gates,
      probes: createProbeWindow(),
      inFlight: undefined,
      lookedAt: undefined,
      heardAt: undefined,
      instanceAgeMs: undefined,
      wall: ports.clock.wall(),
    };
  }

  async drive(self: { pid: number; host: string }): Promise<SwapState> {
    const { source, complete, delayMs } = this.#ports.feed.description;
    const feed = `${source}, ${complete ? "complete" : "a sample"}, delay ${delayMs} ms`;
    await this.#record({ kind: "engine", at: this.#ports.clock.now(), ...self, feed });
    if (this.#state.end === undefined) await claimMap(this.#ports, this.#signal);
    await this.#reconcile();
    // What happened while nobody drove comes before any effect.
    if (this.#state.observed !== undefined && this.#state.end === undefined) await this.#readFeed(0);
    for (;;) {
      this.#signal.throwIfAborted();
      if (this.#fault !== undefined) throw this.#fault.error;
      const { paused } = this.#state;
      await this.#takeRequests();
      // A person says that it may go on: is the map as the swap left it?
      if (paused?.reason === "weights-moved-elsewhere" && this.#state.paused === undefined) await this.#reconcile();
      const { clock } = this.#ports;
      const now = clock.now();
      this.#seen = { ...this.#seen, wall: clock.wall() };
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
        await this.#snapshot();
        await this.#record({ kind: "entered", at: now, phase, step, reason, evidence });
        this.#seen = { ...this.#seen, inFlight: undefined, lookedAt: undefined };
        return;
      }
      case "verified":
        await this.#pushLeverBack();
        return this.#record({ kind: "verified", at: now, weight: decision.weight, evidence: decision.evidence });
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
    // What was observed before belongs to the weights before.
    if (effect.kind !== "write-weights") return;
    this.#weightEpoch += 1;
    this.#overProbes.abort();
    this.#overProbes = new AbortController();
    newStep(this.#gates, clock.now());
    this.#seen = { ...this.#seen, probes: createProbeWindow(), lookedAt: undefined };
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
      await this.#readFeed(0);
      await this.#takeRequests();
      if (this.#state.wish === undefined && !mustStop(this.#state, this.#seen)) continue;
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

  /** Everything that a decision needs, read at the same time. */
  async #observe(decision: Extract<Decision, { kind: "wait" }>, now: number): Promise<void> {
    if (decision.looked) this.#seen = { ...this.#seen, lookedAt: now };
    this.#listener.onTick?.(this.#state, this.#seen, decision.why);
    // Beside the loop: a candidate that hangs makes probes slow, and must not blind the stop gate.
    if (decision.probe) this.#beside("probe", () => this.#probe());
    if (decision.measure) this.#beside("measure", () => this.#measure(now));
    if (!decision.topUp) this.#toppedUpAt = undefined;
    if (decision.topUp) this.#beside("top-up", () => this.#topUp(now));
    if (decision.looked) this.#beside("age", () => this.#askAge(now));
    await Promise.all([this.#readFeed(tickMs), decision.drain ? this.#readInFlight() : undefined]);
    // Written here, so that the journal has one writer.
    const measured = this.#measured;
    this.#measured = undefined;
    // A window of a step that is over says nothing of this one.
    if (measured !== undefined && measured.phaseSince === this.#state.phaseSince) await this.#record(measured.event);
    const { aliveAt, settings } = this.#state;
    if (now - aliveAt >= settings.deadMan.afterMs / 3) await this.#record({ kind: "alive", at: now });
    if (now - this.#snapshotAt >= snapshotEveryMs) await this.#snapshot();
  }

  /** Beside the loop, one of a kind at a time: what hangs must not blind the stop gate. */
  #beside(kind: string, work: () => Promise<void>): void {
    if (this.#working.has(kind)) return;
    this.#working.add(kind);
    work()
      .catch((error: unknown) => {
        if (!this.#signal.aborted) this.#fault = { error };
      })
      .finally(() => this.#working.delete(kind));
  }

  /** Writes down what the gates know, if they have heard anything since: whoever takes over goes on from there. */
  async #snapshot(when: "changed" | "always" = "changed"): Promise<void> {
    this.#snapshotAt = this.#ports.clock.now();
    if (this.#cursor === undefined || (when === "changed" && this.#cursor === this.#snapshotCursor)) return;
    this.#snapshotCursor = this.#cursor;
    await this.#record({
      kind: "observed",
      at: this.#snapshotAt,
      cursor: this.#cursor,
      gates: snapshotGates(this.#gates),
    });
  }

  async #measure(now: number): Promise<void> {
    const { metrics, random } = this.#ports;
    const { settings, environment, from, to, acceptedAt, phaseSince } = this.#state;
    const context = {
      candidate: to,
      old: from,
      environment,
      fromMs: Math.max(phaseSince, acceptedAt ?? phaseSince),
      toMs: now,
      random,
    };
    const { verdict, evidence } = await measure(settings.metrics, metrics, context, this.#signal);
    this.#measured = { phaseSince, event: { kind: "measured", at: this.#ports.clock.now(), verdict, evidence } };
  }

  /** As many as the time since the last ones asks for. */
  async #topUp(now: number): Promise<void> {
    const { synthetic } = this.#ports;
    if (synthetic === undefined) return;
    const { topUpPerSecond } = this.#state.settings.gates;
    // Of a second at most: a sender that cannot keep up must not fall behind for ever.
    const seconds = Math.min(1, (now - (this.#toppedUpAt ?? now - 1_000)) / 1_000);
    const count = Math.floor(seconds * topUpPerSecond);
    if (count < 1) return;
    this.#toppedUpAt = now;
    try {
      await synthetic.send(count, this.#signal);
    } catch (error) {
      // The balancer may be gone: the gates and probes say so themselves.
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
    }
  }

  /** A young instance explains a slow answer. What cannot be asked is not known. */
  async #askAge(now: number): Promise<void> {
    if (this.#ageAskedAt !== undefined && now - this.#ageAskedAt < ageEveryMs) return;
    this.#ageAskedAt = now;
    const { platforms, clock } = this.#ports;
    try {
      const info = await platforms[this.#state.to]?.agent().getPlatformInfo(this.#signal);
      const startedAt = info === undefined ? Number.NaN : Date.parse(info.startedAt);
      this.#seen = {
        ...this.#seen,
        instanceAgeMs: Number.isNaN(startedAt) ? undefined : Math.max(0, clock.wall() - startedAt),
      };
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      this.#seen = { ...this.#seen, instanceAgeMs: undefined };
    }
  }

  /** What a record or probe is folded with. */
  #context() {
    const { from, to, accepted, settings } = this.#state;
    const askedShare = (accepted?.[to] ?? 0) / 100;
    return { sides: { candidate: to, old: from }, askedShare, settings, at: this.#ports.clock.now() };
  }

  async #readFeed(waitMs: number): Promise<void> {
    const { feed, clock } = this.#ports;
    try {
      const batch = await feed.read(this.#cursor, waitMs, this.#signal);
      this.#cursor = batch.cursor;
      this.#feedFailedAt = undefined;
      const context = this.#context();
      for (const record of batch.records) foldRecord(this.#gates, record, context);
      if (batch.lost > 0) addLost(this.#gates, batch.lost);
      if (batch.records.length > 0) this.#seen = { ...this.#seen, heardAt: context.at };
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      // Blindness is an error, not a failure of the candidate: hold, and tell a person when it lasts.
      this.#feedFailedAt ??= clock.now();
      const { mode, phase, paused } = this.#state;
      const needed = mode === "swap" && judging.includes(phase) && paused === undefined;
      if (clock.now() - this.#feedFailedAt >= feedPatienceMs && needed) {
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
    let results: readonly ProbeResult[];
    try {
      results = await prober.sample(count, AbortSignal.any([this.#signal, this.#overProbes.signal]));
    } catch (error) {
      // Sent under the weight before: a side that hangs must not keep the new ones waiting.
      if (epoch !== this.#weightEpoch) return;
      // Unreachable for the probes: nothing was seen, so nothing is verified.
      if (!(error instanceof SwitchyardError)) throw error;
      return;
    }
    if (epoch !== this.#weightEpoch) return;
    addProbes(
      this.#seen.probes,
      results.map((result) => result.side),
    );
    for (const result of results) foldProbe(this.#gates, result, this.#context());
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
    this.#listener.onEvent?.(event, this.#state, this.#seen);
  }
}
