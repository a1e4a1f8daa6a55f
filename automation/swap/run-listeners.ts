/** Several who listen to one run. */
import type { RunListener } from "./run.ts";

/** Each hears everything, in the order given. */
export function combineListeners(...listeners: readonly RunListener[]): RunListener {
  return {
    onEvent: (event, state, seen) => {
      for (const listener of listeners) listener.onEvent?.(event, state, seen);
    },
    onTick: (state, seen, why) => {
      for (const listener of listeners) listener.onTick?.(state, seen, why);
    },
  };
}
