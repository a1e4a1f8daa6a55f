import type { Clock, Timer } from "../runtime/clock.ts";
import { startBackoffMs } from "./scaling.ts";

/** A process that ends sooner after it was ready counts as a failed start, ms. */
export const crashLoopMs = 10_000;

/** Holds back starts after failed ones. */
export class StartThrottle {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #failures = 0;
  #until = 0;
  #timer: Timer | undefined;

  /** `onOver` is called when a start that was held back may be tried. */
  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  failed(): void {
    this.#failures += 1;
    this.#until = this.#clock.now() + startBackoffMs(this.#failures);
  }

  /** An instance has stayed up for a while, or another revision serves. */
  reset(): void {
    this.#failures = 0;
    this.#until = 0;
    this.#timer?.cancel();
  }

  /** How many of the wanted starts may be made now: after a failure one at a time; if none, `onOver` follows. */
  allowed(wanted: number, starting: number): number {
    if (this.#failures === 0) return wanted;
    const wait = this.#until - this.#clock.now();
    if (wait <= 0) return Math.min(wanted, Math.max(0, 1 - starting));
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimeout(this.#onOver, wait);
    return 0;
  }

  close(): void {
    this.#timer?.cancel();
  }
}
