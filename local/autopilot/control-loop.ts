import type { Clock, Timer } from "../runtime/clock.ts";

/** Brings one kind of thing closer to what is declared. It reads the store afresh each time, so it may be called at any time. */
export interface Controller {
  reconcile(): void;
}

export interface ControlLoop {
  /** Runs the controllers soon, after the calling code. */
  trigger(): void;
  /** Asks for a run at that time, ms since the epoch. To be asked again in every run. */
  wakeAt(at: number): void;
  close(): void;
}

/** More passes than that mean that two controllers undo each other's work. */
const MAX_PASSES = 10_000;

/**
 * Runs all controllers, in their order, until none changes anything any more. A cluster on one machine has tens of objects, so whole
 * passes cost less than knowing what may be affected, and nothing is ever missed.
 */
export function createControlLoop(clock: Clock, controllers: readonly Controller[]): ControlLoop {
  let scheduled = false;
  let dirty = false;
  let closed = false;
  let next: number | undefined;
  let timer: Timer | undefined;

  function run(): void {
    scheduled = false;
    let passes = 0;
    while (dirty && !closed) {
      dirty = false;
      next = undefined;
      passes += 1;
      if (passes > MAX_PASSES) throw new Error("The cluster's controllers do not come to rest.");
      for (const controller of controllers) controller.reconcile();
    }
    timer?.cancel();
    timer = next === undefined || closed ? undefined : clock.setTimeout(loop.trigger, Math.max(0, next - clock.now()));
  }

  const loop: ControlLoop = {
    trigger() {
      dirty = true;
      if (!scheduled && !closed) {
        scheduled = true;
        queueMicrotask(run);
      }
    },
    wakeAt(at) {
      next = next === undefined ? at : Math.min(next, at);
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
  return loop;
}
