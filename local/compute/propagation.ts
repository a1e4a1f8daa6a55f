import type { Clock, Timer } from "../runtime/clock.ts";

/** Hands values from the API to the data plane some time after the API has said that it is done. */
export interface Propagation<T> {
  /** The data plane applies the value when the delay has passed; at once when it is 0. undefined: it is gone. */
  publish(key: string, value: T | undefined): void;
  /** Drops what is still on its way. */
  close(): void;
}

export interface PropagationOptions<T> {
  readonly clock: Clock;
  /** ms; asked at each publication. */
  readonly delayMs: () => number;
  readonly apply: (key: string, value: T | undefined) => void;
}

export function createPropagation<T>(options: PropagationOptions<T>): Propagation<T> {
  const timers = new Set<Timer>();
  const applied = new Map<string, number>();
  let sequence = 0;

  function apply(key: string, value: T | undefined, number: number): void {
    // A shorter delay may let a younger value overtake; the older one must not come after it.
    if ((applied.get(key) ?? 0) > number) return;
    applied.set(key, number);
    options.apply(key, value);
  }

  return {
    publish(key, value) {
      sequence += 1;
      const number = sequence;
      const delay = options.delayMs();
      if (delay <= 0) return apply(key, value, number);
      const timer = options.clock.setTimeout(() => {
        timers.delete(timer);
        apply(key, value, number);
      }, delay);
      timers.add(timer);
    },
    close() {
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}
