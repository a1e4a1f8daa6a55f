import type { Reservation } from "../router/backend.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Instance, InstanceExit, InstanceSpec, Runtime } from "../runtime/runtime.ts";
import { sleep } from "../runtime/sleep.ts";
import { awaitStartup, type ProbeAttempt, watchProbe } from "./probe.ts";
import type { Probe } from "./probe-settings.ts";

/** SIGTERM to SIGKILL, ms; not configurable on Cloud Run (statement 11). */
export const terminationGraceMs = 10_000;

export interface InstanceSurroundings {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly attempt: ProbeAttempt;
  /** Simulated time until the platform begins to start the process, ms. */
  readonly coldStartDelayMs: number;
  /** It became ready (undefined) or failed to; called before `onChange`. */
  readonly onStarted: (instance: ServiceInstance, failure: StartFailure | undefined) => void;
  /** A slot is free, or the instance has come or gone as a place for requests. */
  readonly onChange: (instance: ServiceInstance) => void;
}

export interface InstanceSettings {
  readonly spec: InstanceSpec;
  readonly concurrency: number;
  /** Longest that a request may keep a draining instance, ms. */
  readonly timeoutMs: number;
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe | undefined;
  readonly readinessProbe: Probe | undefined;
}

/** Why an instance did not become ready. */
export interface StartFailure {
  readonly reason: string;
  /** Whether the startup probe failed, while the process ran. */
  readonly isProbe: boolean;
  readonly lastOutput: string;
  readonly cause: unknown;
}

export type InstanceState = "starting" | "ready" | "draining" | "ended";

/** One instance of a revision: its start with probes, its slots, its end. */
export class ServiceInstance {
  readonly name: string;
  readonly createdAt: number;
  /** Resolves once: undefined when it became ready, else why not. */
  readonly started: Promise<StartFailure | undefined>;
  /** Resolves when no process is left. */
  readonly ended: Promise<void>;
  readonly #around: InstanceSurroundings;
  readonly #settings: InstanceSettings;
  readonly #life = new AbortController();
  #state: InstanceState = "starting";
  #instance: Instance | undefined;
  #inFlight = 0;
  #probes = 0;
  #idleSince: number | undefined;
  #readyAt: number | undefined;
  #isAvailable = true;
  #exit: InstanceExit | undefined;

  constructor(settings: InstanceSettings, around: InstanceSurroundings) {
    this.name = settings.spec.name;
    this.createdAt = around.clock.now();
    this.#settings = settings;
    this.#around = around;
    const starting = this.#start();
    this.started = starting.then(({ failure }) => failure);
    this.ended = starting.then(async ({ failure }) => {
      if (failure === undefined) await this.#instance?.exited;
    });
  }

  get state(): InstanceState {
    return this.#state;
  }

  /** Requests in it, probes not counted. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Slots in use, probes counted. */
  get load(): number {
    return this.#inFlight + this.#probes;
  }

  /** Since when it has had no request (probes do not count), ms since the epoch. */
  get idleSince(): number | undefined {
    return this.#idleSince;
  }

  /** When it became ready, ms since the epoch. */
  get readyAt(): number | undefined {
    return this.#readyAt;
  }

  /** Its end, once the process has exited. */
  get exit(): InstanceExit | undefined {
    return this.#exit;
  }

  /** Whether it takes one more request now. */
  get hasFreeSlot(): boolean {
    return this.#state === "ready" && this.#isAvailable && this.load < this.#settings.concurrency;
  }

  /** Takes a slot; only where `hasFreeSlot`. */
  reserve(probe: boolean): Reservation {
    const origin = this.#instance?.origin;
    if (origin === undefined) throw new Error(`Instance ${this.name} was given a request before it was started.`);
    if (probe) this.#probes += 1;
    else {
      this.#inFlight += 1;
      this.#idleSince = undefined;
    }
    let isHeld = true;
    return {
      kind: "reservation",
      origin,
      instance: this.name,
      requestHeaders: [],
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#release(probe);
      },
    };
  }

  #release(probe: boolean): void {
    if (probe) this.#probes -= 1;
    else this.#inFlight -= 1;
    if (this.#inFlight === 0 && !probe) this.#idleSince = this.#around.clock.now();
    if (this.#state === "draining" && this.load === 0) void this.#instance?.stop(terminationGraceMs);
    this.#around.onChange(this);
  }

  /** Takes no more requests; the running ones finish, then SIGTERM and 10 s (statements 11, 12). Resolves when it has ended. */
  drain(): Promise<void> {
    if (this.#state === "starting") this.#life.abort();
    if (this.#state === "ready") {
      this.#state = "draining";
      this.#life.abort();
      if (this.load === 0) void this.#instance?.stop(terminationGraceMs);
      else {
        const deadline = this.#around.clock.setTimeout(
          () => void this.#instance?.stop(terminationGraceMs),
          this.#settings.timeoutMs,
        );
        void this.#instance?.exited.then(() => deadline.cancel());
      }
    }
    return this.ended;
  }

  /** SIGTERM now, whatever runs in it. Resolves when it has ended. */
  stop(graceMs: number): Promise<void> {
    if (this.#state === "ready") this.#state = "draining";
    this.#life.abort();
    void this.#instance?.stop(graceMs);
    return this.ended;
  }

  /** Ends it at once for a fault of its own; the requests in it break off. */
  kill(reason: string): void {
    void this.#instance?.stop(0, reason);
  }

  async #start(): Promise<{ readonly failure: StartFailure | undefined }> {
    const failure = await this.#becomeReady();
    if (failure === undefined && this.#instance !== undefined) {
      const now = this.#around.clock.now();
      this.#state = "ready";
      this.#readyAt = now;
      this.#idleSince = now;
      void this.#instance.exited.then((exit) => this.#gone(exit));
      this.#watch(this.#instance);
    } else {
      this.#state = "ended";
    }
    this.#around.onStarted(this, failure);
    this.#around.onChange(this);
    return { failure };
  }

  async #becomeReady(): Promise<StartFailure | undefined> {
    const { clock, runtime, attempt, coldStartDelayMs } = this.#around;
    const signal = this.#life.signal;
    const cancelled: StartFailure = {
      reason: "The start was cancelled.",
      isProbe: false,
      lastOutput: "",
      cause: undefined,
    };
    if (coldStartDelayMs > 0 && !(await sleep(clock, coldStartDelayMs, signal))) return cancelled;
    if (signal.aborted) return cancelled;
    let instance: Instance;
    try {
      instance = await runtime.start(this.#settings.spec);
    } catch (error) {
      return { ...cancelled, reason: error instanceof Error ? error.message : String(error), cause: error };
    }
    this.#instance = instance;
    const probing = new AbortController();
    const outcome = await Promise.race([
      awaitStartup(instance, this.#settings.startupProbe, attempt, clock, AbortSignal.any([signal, probing.signal])),
      instance.exited,
    ]);
    probing.abort();
    if (outcome === undefined && !instance.hasExited && !signal.aborted) return undefined;
    const probeFault =
      typeof outcome === "string" && !signal.aborted ? `The startup probe failed: ${outcome}.` : undefined;
    const exit = await instance.stop(0, probeFault);
    this.#exit = exit;
    if (signal.aborted) return cancelled;
    const reason = exit.reason ?? exitText(exit);
    return { reason, isProbe: probeFault !== undefined, lastOutput: exit.lastOutput, cause: undefined };
  }

  #gone(exit: InstanceExit): void {
    this.#exit = exit;
    this.#state = "ended";
    this.#life.abort();
    this.#around.onChange(this);
  }

  #watch(instance: Instance): void {
    const { attempt, clock } = this.#around;
    const { livenessProbe, readinessProbe } = this.#settings;
    const signal = this.#life.signal;
    if (livenessProbe !== undefined) {
      void watchProbe(instance, livenessProbe, attempt, clock, signal, (reason) => {
        if (reason !== undefined) this.kill(`The liveness probe failed: ${reason}.`);
      });
    }
    if (readinessProbe !== undefined) {
      void watchProbe(instance, readinessProbe, attempt, clock, signal, (reason) => {
        this.#isAvailable = reason === undefined;
        this.#around.onChange(this);
      });
    }
  }
}

/** Statement 62. */
function exitText({ code, signal }: InstanceExit): string {
  return code === null ? `Container terminated on signal ${signal}.` : `Container called exit(${code}).`;
}
