/** Turns for requests to a source of metrics, within a rate and within half of what the source says is left. */
import type { Clock } from "../ports/clock.ts";
import { type RequestTurn, unreadable } from "./metric-request.ts";
import { allowanceOf } from "./request-budget.ts";
import { createRequestTurns } from "./request-turns.ts";

/** A source that is busy for longer than that is unreadable for now. */
const patienceMs = 60_000;

/** One for all requests to one source. Errors of a turn: metric-unreadable (it would take more than a minute); an abort's reason. */
export function metricTurn(description: string, perMinute: number, clock: Clock): RequestTurn {
  const turns = createRequestTurns({ perMinute }, clock);
  return async (signal) => {
    const sentAt = await turns.turn(patienceMs, signal);
    if (sentAt === undefined)
      throw unreadable(description, `its limit of requests leaves none within ${patienceMs / 1_000} s`);
    return (headers) => turns.answered(sentAt, headers === undefined ? undefined : allowanceOf(headers, clock.wall()));
  };
}
