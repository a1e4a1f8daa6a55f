import type { Clock, Timer } from "../runtime/clock.ts";

/** Hands values from the API to the data plane's workers some time after the API has said that it is done. */
export interface Propagation<T> {
  /** Every target has this value already, as after a restart. */
  seed(key: string, value: T): void;
  /** Each target applies the value when its delay has passed; at once when it is 0. undefined: it is gone. */
  publish(key: string, value: T | undefined): void;
  /** Drops what is still on its way. */
  close(): void;
}

export interface PropagationOptions<T> {
  readonly clock: Clock;
  /** Workers of the data plane, 1 or more; each follows for itself. */
  readonly targets: number;
  /** ms; asked per target at each publication. */
  readonly delayMs: (target: number) => number;
  /**
   * false: within its delay a target takes the new value, falls back to the one before, and takes the new one again for
   * good. Asked at each publication; default true.
   */
  readonly inOrder?: () => boolean;
  readonly apply: (key: string, value: T | undefined, target: number) => void;
}

/** When, as shares of the delay, a target out of order shows the new value for the first time and the older one again. */
const firstSight = 1 / 3;
const relapse = 2 / 3;

interface Published<T> {
  readonly number: number;
  readonly value: T | undefined;
}

export function createPropagation<T>(options: PropagationOptions<T>): Propagation<T> {
  const timers = new Set<Timer>();
  const newest = new Map<string, Published<T>>();
  /** Per target: the youngest value that it has taken for good, by its number. */
  const settled = Array.from({ length: options.targets }, () => new Map<string, number>());
  let sequence = 0;

  function next(value: T | undefined): Published<T> {
    sequence += 1;
    return { number: sequence, value };
  }

  function later(delayMs: number, run: () => void): void {
    if (delayMs <= 0) {
      run();
      return;
    }
    const timer = options.clock.setTimeout(() => {
      timers.delete(timer);
      run();
    }, delayMs);
    timers.add(timer);
  }

  function send(key: string, target: number, published: Published<T>, before: Published<T> | undefined): void {
    const done = settled[target] ?? new Map<string, number>();
    const show = ({ number, value }: Published<T>, forGood: boolean): void => {
      // A shorter delay may let a younger value overtake; the older one must not come after it.
      if ((done.get(key) ?? 0) > number) return;
      if (forGood) done.set(key, number);
      options.apply(key, value, target);
    };
    const delay = options.delayMs(target);
    if (delay > 0 && options.inOrder?.() === false && published.value !== undefined && before?.value !== undefined) {
      later(delay * firstSight, () => show(published, false));
      later(delay * relapse, () => show(before, false));
    }
    later(delay, () => show(published, true));
  }

  return {
    seed(key, value) {
      newest.set(key, next(value));
    },
    publish(key, value) {
      const before = newest.get(key);
      const published = next(value);
      newest.set(key, published);
      for (let target = 0; target < options.targets; target += 1) send(key, target, published, before);
    },
    close() {
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
}
