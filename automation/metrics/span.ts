/** What happened between two snapshots of one platform. Pure. */
import {
  known,
  type LatencyHistogram,
  type PlatformSnapshot,
  type Reading,
  type RequestFigures,
  unreadable,
} from "../ports/platform-metrics.ts";
import { between } from "./latency.ts";

const began = "the source began to count anew in between";

/** Counts of the span alone, where both snapshots count from the same moment on. */
export function requestsBetween(
  earlier: PlatformSnapshot,
  later: PlatformSnapshot,
  which: "requests" | "darkRequests",
): Reading<RequestFigures> {
  const [before, after] = [earlier[which], later[which]];
  if (after.kind !== "value") return after;
  if (before.kind !== "value") return before;
  if (earlier.since !== later.since || after.value.requests < before.value.requests) return unreadable(began);
  const classes = Object.entries(after.value.errorsByClass);
  return known({
    requests: after.value.requests - before.value.requests,
    errors: after.value.errors - before.value.errors,
    errorsByClass: Object.fromEntries(
      classes.map(([name, count]) => [name, count - (before.value.errorsByClass[name] ?? 0)]),
    ),
  });
}

/** Times of the span alone. */
export function latencyBetween(
  earlier: PlatformSnapshot,
  later: PlatformSnapshot,
  which: "firstByte" | "latency",
): Reading<LatencyHistogram> {
  const [before, after] = [earlier[which], later[which]];
  if (after.kind !== "value") return after;
  if (before.kind !== "value") return before;
  const span = earlier.since === later.since ? between(before.value, after.value) : undefined;
  return span === undefined ? unreadable(began) : known(span);
}

/** Growth of a count; a count that fell began anew, and all of it is new. */
export function growth(before: Reading<number>, after: Reading<number>): Reading<number> {
  if (after.kind !== "value") return after;
  if (before.kind !== "value") return before;
  return known(after.value >= before.value ? after.value - before.value : after.value);
}
