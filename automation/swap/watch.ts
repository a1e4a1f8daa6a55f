/** What a swap's decisions are made of: the request feed, probes, metrics, and what else has to be asked of the world. */
import { SwitchyardError } from "../errors.ts";
import type { ProbeResult } from "../ports/prober.ts";
import { findingText } from "../stateless/finding-text.ts";
import { scan } from "../stateless/scan.ts";
import { complianceEvidence } from "./compliance.ts";
import type { Observation, WaitDecision } from "./decision.ts";
import { restoreGates, snapshotGates } from "./gates/snapshot.ts";
import { addLost, createGates, foldProbe, foldRecord, type GateState, newStep } from "./gates/stop.ts";
import { addProbes, createProbeWindow } from "./gates/weight.ts";
import { measure } from "./metric-gate.ts";
import type { RunPorts } from "./run-ports.ts";
import { type Phase, type SwapEvent, type SwapState, weightsSince } from "./state.ts";

/** Longest wait for the next request before the clock is looked at again, ms. */
const tickMs = 100;
/** How long one batch of probes may take at the prober's pace, ms, and how many it holds at most. */
const probeBatchMs = 200;
const probesAtMost = 200;
/** The feed may be unreadable for this long before the swap pauses, ms. */
const feedPatienceMs = 5_000;
/** Phases in which the gates decide. */
const judging: readonly Phase[] = ["shifting", "baking", "retaining"];
/** A snapshot of the gates goes into the journal this often while users' requests come, ms. */
const snapshotEveryMs = 10_000;
/** The candidate's instance is asked for its age this often, ms. */
const ageEveryMs = 10_000;

/** Writes nothing: what belongs into the journal it hands to the one who does. */
export class SwapWatch {
  readonly #ports: RunPorts;
  readonly #signal: AbortSignal;
  readonly #state: () => SwapState;
  readonly #gates: GateState;
  readonly #working = new Set<string>();
  #seen: Observation;
  #cursor: number | undefined;
  #snapshotCursor: number | undefined;
  #snapshotAt: number;
  #feedFailedAt: number | undefined;
  #ageAskedAt: number | undefined;
  /** When the candidate's instance that answered last had started, by the calendar. */
  #instanceSince: number | undefined;
  #toppedUpAt: number | undefined;
  #measured: { readonly phaseSince: number; readonly event: SwapEvent } | undefined;
  #complied: { readonly phaseSince: number; readonly event: SwapEvent } | undefined;
  #overProbes = new AbortController();
  /** Rises when probes that were sent before say nothing any more. */
  #probeEpoch = 0;
  #fault: { readonly error: unknown } | undefined;
  /** The candidate's shares that this process wrote, oldest first. */
  readonly #shares: { readonly since: number; readonly share: number }[] = [];

  /** Goes on from the gates' last snapshot in the journal. */
  constructor(ports: RunPorts, signal: AbortSignal, state: () => SwapState) {
    this.#ports = ports;
    this.#signal = signal;
    this.#state = state;
    const { observed, stepBegan } = state();
    this.#gates = observed === undefined ? createGates() : restoreGates(observed.gates);
    if (stepBegan) newStep(this.#gates, ports.clock.now());
    this.#cursor = observed?.cursor;
    this.#snapshotCursor = this.#cursor;
    this.#snapshotAt = ports.clock.now();
    this.#seen = {
      gates: this.#gates,
      probes: createProbeWindow(),
      probesSince: ports.clock.now(),
      inFlight: undefined,
      ready: undefined,
      lookedAt: undefined,
      heardAt: undefined,
      blind: false,
      instanceAgeMs: undefined,
      wall: ports.clock.wall(),
    };
  }

  /** With the calendar's time of now. */
  get seen(): Observation {
    const wall = this.#ports.clock.wall();
    const since = this.#instanceSince;
    this.#seen = { ...this.#seen, wall, instanceAgeMs: since === undefined ? undefined : Math.max(0, wall - since) };
    return this.#seen;
  }

  /** What work beside the loop met that is no answer of the outside world. */
  get fault(): { readonly error: unknown } | undefined {
    return this.#fault;
  }

  newPhase(): void {
    this.#seen = { ...this.#seen, inFlight: undefined, ready: undefined, lookedAt: undefined };
  }

  /** What was observed before belongs to the weights before. */
  newWeight(): void {
    const { acceptedAt, accepted, to } = this.#state();
    this.#shares.push({ since: acceptedAt ?? 0, share: (accepted?.[to] ?? 0) / 100 });
    newStep(this.#gates, this.#ports.clock.now());
    this.#seen = { ...this.#seen, lookedAt: undefined };
    this.newProbes();
  }

  /** What was probed before says nothing any more; a batch under way is given up. */
  newProbes(): void {
    this.#probeEpoch += 1;
    this.#overProbes.abort();
    this.#overProbes = new AbortController();
    this.#seen = { ...this.#seen, probes: createProbeWindow(), probesSince: this.#ports.clock.now() };
  }

  /** Everything that the next decision needs, read at the same time. What has to be written because of it. */
  async look(decision: WaitDecision, now: number): Promise<readonly SwapEvent[]> {
    if (decision.looked) this.#seen = { ...this.#seen, lookedAt: now };
    if (decision.probe) this.#beside("probe", () => this.#probe());
    if (decision.measure) this.#beside("measure", () => this.#measure(now));
    if (decision.comply) this.#beside("comply", () => this.#comply());
    if (!decision.topUp) this.#toppedUpAt = undefined;
    if (decision.topUp) this.#beside("top-up", () => this.#topUp(now));
    if (judging.includes(this.#state().phase)) this.#beside("age", () => this.#askAge(now));
    const [blind] = await Promise.all([
      this.readFeed(tickMs),
      decision.drain ? this.#readInFlight() : undefined,
      decision.count ? this.#countInstances() : undefined,
    ]);
    const measured = this.#measured;
    this.#measured = undefined;
    // A window of a step that is over says nothing of this one.
    const judged = measured?.phaseSince === this.#state().phaseSince ? measured.event : undefined;
    const complied = this.#complied;
    this.#complied = undefined;
    const checked = complied?.phaseSince === this.#state().phaseSince ? complied.event : undefined;
    const snapshot = now - this.#snapshotAt >= snapshotEveryMs ? this.snapshot("changed") : undefined;
    return [blind, judged, checked, snapshot].filter((event) => event !== undefined);
  }

  /** What the gates know, and up to where the feed was read: whoever takes over goes on from there. undefined: nothing new. */
  snapshot(when: "changed" | "always"): SwapEvent | undefined {
    this.#snapshotAt = this.#ports.clock.now();
    if (this.#cursor === undefined || (when === "changed" && this.#cursor === this.#snapshotCursor)) return undefined;
    this.#snapshotCursor = this.#cursor;
    return { kind: "observed", at: this.#snapshotAt, cursor: this.#cursor, gates: snapshotGates(this.#gates) };
  }

  /** Reads what users' requests did. The event that has to be written when the feed stays unreadable, if any. */
  async readFeed(waitMs: number): Promise<SwapEvent | undefined> {
    const { feed, clock } = this.#ports;
    try {
      const batch = await feed.read(this.#cursor, waitMs, this.#signal);
      this.#cursor = batch.cursor;
      this.#feedFailedAt = undefined;
      const context = this.#context();
      const since = this.#state().acceptedAt ?? 0;
      for (const record of batch.records) {
        const earlier = record.at < since ? { askedShare: this.#shareAt(record.at), earlier: true } : {};
        foldRecord(this.#gates, record, { ...context, ...earlier });
      }
      if (batch.lost > 0) addLost(this.#gates, batch.lost);
      this.#seen = { ...this.#seen, blind: false, ...(batch.records.length > 0 ? { heardAt: context.at } : {}) };
      return undefined;
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      await clock.sleep(tickMs, this.#signal);
      return this.#blind(error.message);
    }
  }

  /** Blindness is an error, not a failure of the candidate: hold, and tell a person when it lasts. */
  #blind(message: string): SwapEvent | undefined {
    const now = this.#ports.clock.now();
    this.#feedFailedAt ??= now;
    this.#seen = { ...this.#seen, blind: true };
    const { mode, phase, paused } = this.#state();
    const needed = mode === "swap" && judging.includes(phase) && paused === undefined;
    if (now - this.#feedFailedAt < feedPatienceMs || !needed) return undefined;
    return { kind: "paused", at: now, reason: "feed-unreadable", evidence: { message } };
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

  async #measure(now: number): Promise<void> {
    const { metrics, random } = this.#ports;
    const { settings, environment, from, to, phaseSince } = this.#state();
    const context = {
      candidate: to,
      old: from,
      environment,
      fromMs: weightsSince(this.#state()),
      toMs: now,
      random,
    };
    const { verdict, evidence } = await measure(settings.metrics, metrics, context, this.#signal);
    this.#measured = { phaseSince, event: { kind: "measured", at: this.#ports.clock.now(), verdict, evidence } };
  }

  /** What cannot be read is said to be unreadable: no look is no good verdict. */
  async #comply(): Promise<void> {
    const { live, clock } = this.#ports;
    const { to, phaseSince } = this.#state();
    const tell = (fields: Pick<Extract<SwapEvent, { kind: "complied" }>, "verdict" | "evidence">): void => {
      this.#complied = { phaseSince, event: { kind: "complied", at: clock.now(), ...fields } };
    };
    try {
      const { verdict, findings } = scan(await live.read(to, this.#signal));
      tell({ verdict, evidence: complianceEvidence(verdict, findings, findingText) });
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      tell({ verdict: "unreadable", evidence: { verdict: "unreadable", message: error.message } });
    }
  }

  /** As many as the time since the last ones asks for. */
  async #topUp(now: number): Promise<void> {
    const { synthetic } = this.#ports;
    if (synthetic === undefined) return;
    const { topUpPerSecond } = this.#state().settings.gates;
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
    const { platforms } = this.#ports;
    try {
      const info = await platforms[this.#state().to]?.agent().getPlatformInfo(this.#signal);
      const startedAt = info === undefined ? Number.NaN : Date.parse(info.startedAt);
      this.#instanceSince = Number.isNaN(startedAt) ? undefined : startedAt;
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      this.#instanceSince = undefined;
    }
  }

  /** Of a time before the last change of weights; what another process wrote is known from the ramp. */
  #shareAt(at: number): number {
    const known = this.#shares.findLast(({ since }) => since <= at);
    if (known !== undefined) return known.share;
    const { settings, step } = this.#state();
    return (settings.ramp[step - 1] ?? 0) / 100;
  }

  /** What a record or probe is folded with. */
  #context() {
    const { from, to, accepted, settings } = this.#state();
    const askedShare = (accepted?.[to] ?? 0) / 100;
    return { sides: { candidate: to, old: from }, askedShare, settings, at: this.#ports.clock.now() };
  }

  async #probe(): Promise<void> {
    const { prober } = this.#ports;
    const epoch = this.#probeEpoch;
    const count = Math.min(probesAtMost, Math.max(1, Math.round((prober.perSecond * probeBatchMs) / 1_000)));
    let results: readonly ProbeResult[];
    try {
      results = await prober.sample(count, AbortSignal.any([this.#signal, this.#overProbes.signal]));
    } catch (error) {
      // Sent under the weight before: a side that hangs must not keep the new ones waiting.
      if (epoch !== this.#probeEpoch) return;
      // Unreachable for the probes: nothing was seen, so nothing is verified.
      if (!(error instanceof SwitchyardError)) throw error;
      return;
    }
    if (epoch !== this.#probeEpoch) return;
    addProbes(
      this.#seen.probes,
      results.map((result) => result.side),
    );
    for (const result of results) foldProbe(this.#gates, result, this.#context());
  }

  async #readInFlight(): Promise<void> {
    const { load, clock } = this.#ports;
    const left = this.#state().rollback === undefined ? this.#state().from : this.#state().to;
    try {
      this.#seen = { ...this.#seen, inFlight: await load.inFlight(left, this.#signal) };
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      this.#seen = { ...this.#seen, inFlight: "unknown" };
      await clock.sleep(tickMs, this.#signal);
    }
  }

  async #countInstances(): Promise<void> {
    const { capacity } = this.#ports;
    let ready: number | "unknown" = "unknown";
    try {
      ready = (await capacity?.ready(this.#state().to, this.#signal)) ?? "unknown";
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
    }
    this.#seen = { ...this.#seen, ready };
  }
}
