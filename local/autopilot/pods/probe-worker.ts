import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Probe } from "../objects/pod.ts";
import type { ProbeState } from "./probe-result.ts";
import { UNPROBED, withResult } from "./probe-result.ts";
import type { ProbeTransport } from "./probe-transport.ts";

export interface ProbeWorkerOptions {
  readonly probe: Probe;
  readonly clock: Clock;
  readonly transport: ProbeTransport;
  /** Asked each time: a container may come up on another port. */
  readonly origin: () => string;
  /** When the container started, ms since the epoch: initialDelaySeconds counts from here. */
  readonly containerStartedAt: number;
  /** Called when the verdict changes. */
  readonly onVerdict: (success: boolean) => void;
  /** Called for every single failure, with the probe's message. */
  readonly onFailure: (message: string) => void;
}

/** Runs one probe of one container, on the period, never twice at the same time. */
export class ProbeWorker {
  readonly #options: ProbeWorkerOptions;
  readonly #stopped = new AbortController();
  #state: ProbeState = UNPROBED;
  #timer: Timer | undefined;

  constructor(options: ProbeWorkerOptions) {
    this.#options = options;
    const due = options.containerStartedAt + options.probe.initialDelaySeconds * 1000;
    this.#schedule(due - options.clock.now());
  }

  stop(): void {
    this.#stopped.abort();
    this.#timer?.cancel();
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#options.clock.setTimeout(() => void this.#look(), Math.max(0, delayMs));
  }

  async #look(): Promise<void> {
    const { clock, probe, transport, origin, onVerdict, onFailure } = this.#options;
    const began = clock.now();
    const timeout = new AbortController();
    const timer = clock.setTimeout(() => timeout.abort(), probe.timeoutSeconds * 1000);
    const outcome = await transport({
      origin: origin(),
      http:
        probe.httpGet === undefined
          ? undefined
          : {
              path: probe.httpGet.path,
              headers: Object.fromEntries(probe.httpGet.httpHeaders.map(({ name, value }) => [name, value])),
            },
      signal: AbortSignal.any([timeout.signal, this.#stopped.signal]),
    });
    timer.cancel();
    if (this.#stopped.signal.aborted) {
      return;
    }
    const before = this.#state.verdict;
    this.#state = withResult(this.#state, outcome.ok, probe);
    this.#schedule(began + probe.periodSeconds * 1000 - clock.now());
    if (!outcome.ok) {
      onFailure(outcome.message);
    }
    if (this.#state.verdict !== undefined && this.#state.verdict !== before) {
      onVerdict(this.#state.verdict);
    }
  }
}
