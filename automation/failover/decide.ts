/**
 * Whether traffic leaves the serving side: a pure function of what was seen, what was done before, and the time. It moves only
 * away from a side that failed through a whole window, only to one that is known to be well, and not often.
 */
import { countParts, coversWindow, noCounts, type SideCounts, type TrafficEvidence, windowStart } from "./evidence.ts";
import type { FailoverSettings } from "./settings.ts";

export interface StandbySeen {
  readonly platform: string;
  /** Since when it has answered every health check as ready, ms; undefined: not the last one. */
  readonly healthySince: number | undefined;
}

export interface FailoverSeen {
  /** The balancer's weights by platform, percent; undefined: they cannot be read. */
  readonly weights: Readonly<Record<string, number>> | undefined;
  readonly traffic: TrafficEvidence;
  /** Every platform but the serving one. */
  readonly standbys: readonly StandbySeen[];
  /**
   * Since when the serving side has answered no health check as ready, ms; undefined: it answered the last one. Alone it is
   * no failure, but clients that leave such a side count as failed: a side that hangs has no other requests that end.
   */
  readonly servingUnreadySince: number | undefined;
  /** A swap, or another failover, has not ended; undefined: nobody can say. */
  readonly swapOpen: boolean | undefined;
  /** When failovers began before, ms since the epoch by the calendar. */
  readonly moves: readonly number[];
  /** The calendar's time, ms since the epoch. */
  readonly wall: number;
}

/** What a watcher keeps between two decisions. */
export interface FailoverState {
  /** The platform that people have been told of. */
  readonly proposed: string | undefined;
}

export const nothingProposed: FailoverState = Object.freeze({ proposed: undefined });

/** Machine's name and people's words. */
export const failoverReasons = {
  "policy-off": "failover is switched off for this environment",
  "weights-unreadable": "the balancer's weights cannot be read",
  "traffic-split": "more than one platform has traffic, which is a swap's business",
  "window-not-covered": "requests have not been watched for a whole window yet",
  "too-few-requests": "there were fewer requests than min_requests, and silence is no failure",
  "serving-well": "the serving side does not fail through the whole window",
  "state-unreadable": "the state of swaps cannot be read",
  "swap-open": "a swap has not ended",
  "no-standby": "there is no other platform that could serve",
  "standby-not-ready": "no standby has been ready for standby_healthy_for",
  "standby-failing-too": "the standby's own requests fail as well",
  "moves-used-up": "max_moves failovers began within 24 hours",
  dwell: "the last failover is younger than dwell",
  proposed: "the failover was proposed already",
  "serving-fails": "the serving side fails through the whole window and a standby is ready",
} as const;

export type FailoverReason = keyof typeof failoverReasons;

export type FailoverEvidence = Readonly<Record<string, number | string | boolean>>;

/** nothing: the serving side is not known to fail. hold: it fails, and something forbids to move. */
export interface FailoverDecision {
  readonly kind: "nothing" | "hold" | "propose" | "move";
  readonly reason: FailoverReason;
  /** The serving platform, where one has all the traffic. */
  readonly from: string | undefined;
  /** Of propose and move. */
  readonly to: string | undefined;
  readonly evidence: FailoverEvidence;
}

const dayMs = 86_400_000;

export function decideFailover(
  settings: FailoverSettings,
  state: FailoverState,
  seen: FailoverSeen,
  now: number,
): FailoverDecision {
  const serving = judgeServing(settings, seen, now);
  if (!serving.fails) return decision("nothing", serving);
  const hold = (reason: FailoverReason, more: FailoverEvidence = {}): FailoverDecision =>
    decision("hold", { ...serving, reason, evidence: { ...serving.evidence, ...more } });

  if (seen.swapOpen === undefined) return hold("state-unreadable");
  if (seen.swapOpen) return hold("swap-open");
  if (seen.standbys.length === 0) return hold("no-standby");
  const standby = readiest(seen.standbys);
  const readyMs = standby?.healthySince === undefined ? 0 : now - standby.healthySince;
  if (standby?.healthySince === undefined || readyMs < settings.standbyHealthyMs)
    return hold("standby-not-ready", { standbyReadyMs: readyMs });
  const standbyReadyMs = Math.round(readyMs);
  const [own = noCounts] = countParts(seen.traffic, standby.platform, 1, now);
  if (own.requests > 0 && own.errors / own.requests >= settings.errorShare)
    return hold("standby-failing-too", { standbyRequests: own.requests, standbyErrors: own.errors });

  // A move in the future was written before somebody set the clock back: it counts as made now.
  const ages = seen.moves.map((at) => Math.max(0, seen.wall - at));
  const movesInADay = ages.filter((age) => age < dayMs).length;
  if (movesInADay >= settings.maxMoves) return hold("moves-used-up", { movesInADay });
  const sinceLastMoveMs = Math.min(...ages, Number.POSITIVE_INFINITY);
  if (sinceLastMoveMs < settings.dwellMs) return hold("dwell", { sinceLastMoveMs });

  const to = standby.platform;
  const evidence = { ...serving.evidence, standbyReadyMs };
  if (settings.policy === "automatic") return { ...decision("move", { ...serving, evidence }), to };
  if (state.proposed === to) return hold("proposed");
  return { ...decision("propose", { ...serving, evidence }), to };
}

/** People are told once of a failure; when the side was well in between, once more. */
export function afterDecision(state: FailoverState, { kind, reason, to }: FailoverDecision): FailoverState {
  if (kind === "propose") return { proposed: to };
  return kind === "nothing" && reason === "serving-well" ? nothingProposed : state;
}

interface ServingVerdict {
  readonly fails: boolean;
  readonly reason: FailoverReason;
  readonly from: string | undefined;
  readonly evidence: FailoverEvidence;
}

/** Whether the serving side fails; the rest of what is to be seen is needed only if it does. */
export function judgeServing(
  settings: FailoverSettings,
  seen: Pick<FailoverSeen, "weights" | "traffic" | "servingUnreadySince">,
  now: number,
): ServingVerdict {
  const from = servingOf(seen.weights);
  const well = (reason: FailoverReason, evidence: FailoverEvidence = {}): ServingVerdict => ({
    fails: false,
    reason,
    from,
    evidence,
  });
  if (settings.policy === "off") return well("policy-off");
  if (seen.weights === undefined) return well("weights-unreadable");
  if (from === undefined) return well("traffic-split");
  const unreadySince = seen.servingUnreadySince;
  const unready = unreadySince !== undefined && unreadySince <= windowStart(seen.traffic, now);
  const countsOf = (parts: number): readonly SideCounts[] => {
    const counts = countParts(seen.traffic, from, parts, now);
    return unready ? counts.map(withLeft) : counts;
  };
  const [total = noCounts] = countsOf(1);
  const { requests, errors, gatewayErrors } = total;
  const evidence = { requests, errors, gatewayErrors, servingReady: unreadySince === undefined };
  if (!coversWindow(seen.traffic, now)) return well("window-not-covered", evidence);
  if (requests < settings.minRequests) return well("too-few-requests", evidence);
  const parts = partsFor(requests, settings.minRequests);
  const lowest = Math.min(...countsOf(parts).map(shareOf));
  const judged = { ...evidence, parts, lowestShare: Number(lowest.toFixed(3)) };
  if (lowest < settings.errorShare) return well("serving-well", judged);
  return { fails: true, reason: "serving-fails", from, evidence: judged };
}

/** Of a side that was not ready through the whole window, clients that left count as failed. */
function withLeft(counts: SideCounts): SideCounts {
  return { ...counts, requests: counts.requests + counts.left, errors: counts.errors + counts.left };
}

/**
 * In how many parts a window is looked at: the more requests, the finer, so that a burst of errors is not taken for a failure,
 * and never so fine that chance decides over a part.
 */
function partsFor(requests: number, minRequests: number): number {
  return [12, 6, 4].find((parts) => requests >= parts * minRequests) ?? 3;
}

/** A part without requests shows no failure. */
function shareOf({ requests, errors }: SideCounts): number {
  return requests === 0 ? 0 : errors / requests;
}

/** The platform that has all the traffic. */
function servingOf(weights: FailoverSeen["weights"]): string | undefined {
  const serving = Object.entries(weights ?? {}).filter(([, share]) => share > 0);
  return serving.length === 1 ? serving[0]?.[0] : undefined;
}

/** The one that has been ready for longest. */
function readiest(standbys: readonly StandbySeen[]): StandbySeen | undefined {
  const since = (standby: StandbySeen): number => standby.healthySince ?? Number.POSITIVE_INFINITY;
  return standbys.toSorted((a, b) => since(a) - since(b))[0];
}

function decision(kind: FailoverDecision["kind"], { reason, from, evidence }: ServingVerdict): FailoverDecision {
  return { kind, reason, from, to: undefined, evidence };
}
