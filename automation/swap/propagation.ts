/** How long the balancer took to follow weights in earlier swaps. Pure. */
import type { SwapEvent } from "./state.ts";

/**
 * The median time from an accepted weight to the data plane's following it, ms, over the journals given; undefined when none
 * has a whole pair. The time that probing itself takes is taken off: the probes that were judged, at the rate they were sent.
 */
export function measuredPropagationMs(
  journals: readonly (readonly SwapEvent[])[],
  probesPerSecond: number,
): number | undefined {
  return median(journals.flatMap((events) => followingTimes(events, probesPerSecond)));
}

function followingTimes(events: readonly SwapEvent[], probesPerSecond: number): readonly number[] {
  const times: number[] = [];
  let writing = false;
  let acceptedAt: number | undefined;
  for (const event of events) {
    // What happened while another process, or none, looked is no measure.
    if (event.kind === "engine") acceptedAt = undefined;
    if (event.kind === "intent") {
      writing = event.effect.kind === "write-weights";
      acceptedAt = undefined;
    }
    if (event.kind === "outcome") acceptedAt = writing && event.ok && !event.found ? event.at : undefined;
    if (event.kind === "verified" && acceptedAt !== undefined) {
      const { samples } = event.evidence;
      const probingMs = typeof samples === "number" ? (samples / probesPerSecond) * 1_000 : 0;
      times.push(Math.max(0, event.at - acceptedAt - probingMs));
      acceptedAt = undefined;
    }
  }
  return times;
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1];
  const high = sorted[Math.floor(middle)];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
