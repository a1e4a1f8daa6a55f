import type { BackendRequest, Refusal, Reservation } from "../router/backend.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import { refusals } from "./refusals.ts";

interface Waiting {
  readonly probe: boolean;
  readonly settle: (answer: Reservation | Refusal) => void;
}

/** Requests that wait for an instance, first come first served. */
export class RequestQueue {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #waiting = new Set<Waiting>();
  #probes = 0;
  #isRefusing = false;

  /** `onChange` is called after each change of the number of requests that wait. */
  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Requests that wait, probes not counted. */
  get requests(): number {
    return this.#waiting.size - this.#probes;
  }

  get probes(): number {
    return this.#probes;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Resolves with a place, or after `limitMs` with what `onExpiry` says. */
  wait(request: BackendRequest, limitMs: number, onExpiry: () => Refusal): Promise<Reservation | Refusal> {
    const { signal, probe } = request;
    if (signal?.aborted === true) return Promise.resolve(refusals.clientGone);
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const onAbort = (): void => waiting.settle(refusals.clientGone);
      const waiting: Waiting = {
        probe,
        settle: (answer) => {
          if (!this.#waiting.delete(waiting)) return;
          if (probe) this.#probes -= 1;
          timer?.cancel();
          signal?.removeEventListener("abort", onAbort);
          if (!this.#isRefusing) this.#onChange();
          resolve(answer);
        },
      };
      this.#waiting.add(waiting);
      if (probe) this.#probes += 1;
      timer = this.#clock.setTimeout(() => waiting.settle(onExpiry()), limitMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#onChange();
    });
  }

  /** Gives places to those that wait, as long as `take` has one. */
  serve(take: (probe: boolean) => Reservation | undefined): void {
    for (const waiting of this.#waiting) {
      const place = take(waiting.probe);
      if (place === undefined) return;
      waiting.settle(place);
    }
  }

  /** Answers those that wait longest, at most so many; the change is told once, after the last. */
  refuse(refusal: Refusal, most: number): void {
    this.#isRefusing = true;
    let left = most;
    for (const waiting of this.#waiting) {
      if (left <= 0) break;
      left -= 1;
      waiting.settle(refusal);
    }
    this.#isRefusing = false;
    this.#onChange();
  }
}
