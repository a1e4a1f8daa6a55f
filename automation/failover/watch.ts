/** Watches an environment outside swaps and lets `decide` say when its traffic has to leave the serving side. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Platform } from "../ports/platform.ts";
import type { RequestFeed } from "../ports/request-feed.ts";
import type { TrafficRouter, Weights } from "../ports/traffic-router.ts";
import {
  afterDecision,
  decideFailover,
  type FailoverDecision,
  type FailoverEvidence,
  type FailoverReason,
  type FailoverState,
  judgeServing,
  nothingProposed,
} from "./decide.ts";
import { addRecords, freshEvidence, type TrafficEvidence } from "./evidence.ts";
import { HealthWatch } from "./health-watch.ts";
import type { FailoverSettings } from "./settings.ts";

export interface WatchPorts {
  readonly feed: RequestFeed;
  readonly router: Pick<TrafficRouter, "read">;
  /** Every platform that could serve, by name. Their agents are asked for their health, whatever the weights are. */
  readonly platforms: Readonly<Record<string, Pick<Platform, "agent">>>;
  readonly clock: Clock;
  /** Whether a swap or a failover has not ended. Asked only when the serving side fails. */
  readonly swapOpen: () => Promise<boolean>;
  /** When failovers began, ms since the epoch; at least those of the last 24 hours. Asked only when the serving side fails. */
  readonly moves: () => Promise<readonly number[]>;
  /** Moves the traffic; resolves when it was seen on the data plane. Errors: SwitchyardError when it was not moved. */
  readonly move: (from: string, to: string, evidence: FailoverEvidence) => Promise<void>;
}

export interface WatchListener {
  /** Each look, about one a second. */
  onLook?(decision: FailoverDecision): void;
  /** A person should run the failover; told once per failure. */
  onPropose?(decision: FailoverDecision): void;
  /** Before the move begins. */
  onMove?(decision: FailoverDecision): void;
  /** The traffic was not moved; the watch goes on, with a new window. */
  onMoveFailed?(decision: FailoverDecision, error: SwitchyardError): void;
  /** Requests cannot be seen; told once until they can. */
  onBlind?(error: SwitchyardError): void;
}

export interface WatchResult {
  readonly looks: number;
  readonly proposals: number;
  readonly moves: number;
  /** The last decision; undefined when it ended before the first. */
  readonly last: FailoverDecision | undefined;
}

/** What another look may change soon. */
const waiting: ReadonlySet<FailoverReason> = new Set([
  "window-not-covered",
  "weights-unreadable",
  "state-unreadable",
  "standby-not-ready",
]);

/** Between two looks, ms; a short window is looked at more often. */
const lookMs = 1_000;

export interface WatchOptions {
  readonly settings: FailoverSettings;
  /** Ends after the first decision on a whole window that does not wait for a standby; at the latest after two windows. */
  readonly once?: boolean;
  readonly listener?: WatchListener;
}

/**
 * Runs until the signal is aborted, or with `once` until one window was judged. What cannot be reached is waited for, and
 * nothing moves meanwhile; other errors end it.
 */
export async function watchFailover(
  options: WatchOptions,
  ports: WatchPorts,
  signal: AbortSignal,
): Promise<WatchResult> {
  const watch = new FailoverWatch(options, ports, signal);
  try {
    return await watch.run();
  } catch (error) {
    if (signal.aborted) return watch.result;
    throw error;
  } finally {
    watch.close();
  }
}

class FailoverWatch {
  readonly #options: WatchOptions;
  readonly #ports: WatchPorts;
  readonly #signal: AbortSignal;
  readonly #health: HealthWatch;
  #traffic: TrafficEvidence;
  #state: FailoverState = nothingProposed;
  #cursor: number | undefined;
  #blind = false;
  result: WatchResult = { looks: 0, proposals: 0, moves: 0, last: undefined };

  constructor(options: WatchOptions, ports: WatchPorts, signal: AbortSignal) {
    this.#options = options;
    this.#ports = ports;
    this.#signal = signal;
    this.#traffic = freshEvidence(options.settings.windowMs, ports.clock.now());
    this.#health = new HealthWatch(ports.platforms, ports.clock, signal);
  }

  close(): void {
    this.#health.close();
  }

  async run(): Promise<WatchResult> {
    const { settings, once } = this.#options;
    const { clock } = this.#ports;
    const begun = clock.now();
    const intervalMs = Math.min(lookMs, settings.windowMs / 12);
    await this.#read();
    for (;;) {
      await clock.sleep(intervalMs, this.#signal);
      await this.#read();
      const decision = await this.#decide();
      this.result = { ...this.result, looks: this.result.looks + 1, last: decision };
      this.#options.listener?.onLook?.(decision);
      this.#state = afterDecision(this.#state, decision);
      if (decision.kind === "propose") {
        this.result = { ...this.result, proposals: this.result.proposals + 1 };
        this.#options.listener?.onPropose?.(decision);
      }
      if (decision.kind === "move") await this.#move(decision);
      const longestMs = 2 * Math.max(settings.windowMs, settings.standbyHealthyMs);
      if (once && (!waiting.has(decision.reason) || clock.now() - begun >= longestMs)) return this.result;
    }
  }

  /** What was finished since the last read. After a gap the window begins anew: nobody knows what was in it. */
  async #read(): Promise<void> {
    const { feed, clock } = this.#ports;
    const { windowMs } = this.#options.settings;
    try {
      const batch = await feed.read(this.#cursor, 0, this.#signal);
      const gap = batch.lost > 0 || this.#cursor === undefined;
      this.#cursor = batch.cursor;
      this.#blind = false;
      const before = gap ? freshEvidence(windowMs, clock.now()) : this.#traffic;
      this.#traffic = addRecords(before, batch.records, clock.now());
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      if (!this.#blind) this.#options.listener?.onBlind?.(error);
      this.#blind = true;
      this.#cursor = undefined;
      this.#traffic = freshEvidence(windowMs, clock.now());
    }
  }

  async #decide(): Promise<FailoverDecision> {
    const { settings } = this.#options;
    const { clock, platforms } = this.#ports;
    const weights = await this.#weights();
    const now = clock.now();
    const traffic = this.#traffic;
    const serving = Object.entries(weights ?? {}).find(([, share]) => share > 0)?.[0];
    const servingUnreadySince = serving === undefined ? undefined : this.#health.unreadySince(serving, now);
    const { fails } = judgeServing(settings, { weights, traffic, servingUnreadySince }, now);
    // Both read the state store, which is nothing to do every second for years.
    const past = fails ? await this.#past() : { swapOpen: false, moves: [] };
    const standbys = Object.keys(platforms)
      .filter((platform) => platform !== serving)
      .map((platform) => ({ platform, healthySince: this.#health.readySince(platform, now) }));
    const seen = { weights, traffic, standbys, servingUnreadySince, ...past, wall: clock.wall() };
    return decideFailover(settings, this.#state, seen, now);
  }

  /** Without it nothing moves: another one may be at it. */
  async #past(): Promise<{ readonly swapOpen: boolean | undefined; readonly moves: readonly number[] }> {
    try {
      const [swapOpen, moves] = await Promise.all([this.#ports.swapOpen(), this.#ports.moves()]);
      return { swapOpen, moves };
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      return { swapOpen: undefined, moves: [] };
    }
  }

  async #weights(): Promise<Weights | undefined> {
    try {
      return (await this.#ports.router.read(this.#signal)).weights;
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      return undefined;
    }
  }

  async #move(decision: FailoverDecision): Promise<void> {
    const { from, to, evidence } = decision;
    if (from === undefined || to === undefined) return;
    this.#options.listener?.onMove?.(decision);
    try {
      await this.#ports.move(from, to, evidence);
      this.result = { ...this.result, moves: this.result.moves + 1 };
    } catch (error) {
      if (!(error instanceof SwitchyardError) || this.#signal.aborted) throw error;
      this.#options.listener?.onMoveFailed?.(decision, error);
    }
    // What was seen belongs to the weights before.
    this.#cursor = undefined;
    await this.#read();
  }
}
