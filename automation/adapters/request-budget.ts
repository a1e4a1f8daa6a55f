/**
 * How often a server may be asked: a rate per minute, never more than a share of what it says is left, and pauses that it asks for.
 * Pure; times are ms of one clock. Kept as values, so that every rule can be tested over thousands of orders of events.
 */

export interface BudgetLimits {
  /** Requests in any 60 s. */
  readonly perMinute: number;
  /** Of what the server says is left that may be used; default 0.5. */
  readonly share?: number;
}

/** What a reply says of limits. */
export interface Allowance {
  readonly remaining?: number | undefined;
  /** ms to the end of the period. */
  readonly resetInMs?: number | undefined;
  /** ms that the server wants to be left alone. */
  readonly retryAfterMs?: number | undefined;
}

interface Quota {
  /** Requests that may still be sent in this period. */
  readonly left: number;
  readonly resetAt: number;
  /** When it began, or was first heard of. */
  readonly since: number;
  /** It has begun, and the server has not yet said anything in it: one request at a time asks. */
  readonly guessed: boolean;
}

export interface Budget {
  /** When the next request would be due at an even pace. */
  readonly due: number;
  readonly pausedUntil: number;
  readonly quota: Quota | undefined;
  /** Sent and not answered. */
  readonly inFlight: number;
  /** Whether the server has answered yet: until then one request at a time asks what it allows. */
  readonly heard: boolean;
}

const minuteMs = 60_000;

export const startBudget: Budget = { due: 0, pausedUntil: 0, quota: undefined, inFlight: 0, heard: false };

/** A tenth of a minute's requests may go at once; the rest is spread so that no 60 s have more than `perMinute`. */
function pace({ perMinute }: BudgetLimits): { readonly burst: number; readonly everyMs: number } {
  const burst = Math.max(1, Math.floor(perMinute / 10));
  return { burst, everyMs: minuteMs / (perMinute - burst + 1) };
}

/** A period that has ended is followed by one of which nothing is known. */
function quotaAt({ quota }: Budget, now: number): Quota | undefined {
  if (quota === undefined || now < quota.resetAt) return quota;
  return { left: 1, resetAt: now + minuteMs, since: now, guessed: true };
}

export type Taken =
  | { readonly kind: "go"; readonly budget: Budget }
  | { readonly kind: "wait"; readonly ms: number }
  /** Until a reply has come. */
  | { readonly kind: "listen" };

/** Takes one request, or says how long to wait before asking again. */
export function take(budget: Budget, limits: BudgetLimits, now: number): Taken {
  const { burst, everyMs } = pace(limits);
  const quota = quotaAt(budget, now);
  const asks = !budget.heard || quota?.guessed === true;
  if (asks && budget.inFlight > 0) return { kind: "listen" };
  const waits = [
    budget.pausedUntil - now,
    budget.due - (burst - 1) * everyMs - now,
    quota !== undefined && !quota.guessed && quota.left < 1 ? quota.resetAt - now : 0,
  ];
  const ms = Math.ceil(Math.max(...waits));
  if (ms > 0) return { kind: "wait", ms };
  return {
    kind: "go",
    budget: {
      ...budget,
      due: Math.max(now, budget.due) + everyMs,
      quota: quota && { ...quota, left: quota.left - 1 },
      inFlight: budget.inFlight + 1,
    },
  };
}

/** A request that was sent at `sentAt` was answered, or never will be. */
export function learn(
  budget: Budget,
  limits: BudgetLimits,
  now: number,
  sentAt: number,
  said: Allowance | undefined,
): Budget {
  const inFlight = Math.max(0, budget.inFlight - 1);
  if (said === undefined) return { ...budget, inFlight };
  return {
    ...budget,
    inFlight,
    heard: true,
    pausedUntil: Math.max(budget.pausedUntil, now + (said.retryAfterMs ?? 0)),
    quota: quotaAfter({ ...budget, inFlight }, limits, now, sentAt, said),
  };
}

function quotaAfter(
  { quota, inFlight }: Budget,
  { share = 0.5 }: BudgetLimits,
  now: number,
  sentAt: number,
  { remaining, resetInMs = minuteMs }: Allowance,
): Quota | undefined {
  // What a reply of an earlier period says of that one is of no use in this.
  if (quota !== undefined && (sentAt < quota.since || now >= quota.resetAt)) return quota;
  if (remaining === undefined) return quota?.guessed === true ? undefined : quota;
  // Those that are under way will be counted by the server as well.
  const left = Math.max(0, Math.floor(remaining * share) - inFlight);
  // Within a period it never becomes more.
  if (quota !== undefined && !quota.guessed) return { ...quota, left: Math.min(quota.left, left) };
  const since = quota?.since ?? sentAt;
  return { left, resetAt: now + resetInMs, since, guessed: false };
}

export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Doubles with each attempt (from 0), and half of it is chance, so that many do not come back at once. `random` in [0, 1). */
export function backoffMs({ firstMs, longestMs }: Backoff, attempt: number, random: number): number {
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 40));
  return whole / 2 + (whole / 2) * random;
}

/** An hour: what says more is a wrong clock. */
const longestResetMs = 3_600_000;

/** From the headers `Retry-After`, `RateLimit-*` and `X-RateLimit-*`. `wallMs`: the machine's time, where the server does not send its own. */
export function allowanceOf(header: (name: string) => string | null | undefined, wallMs: number): Allowance {
  const number = (...names: string[]): number | undefined => {
    const text = names.map(header).find((one) => one !== null && one !== undefined);
    return text !== null && text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
  };
  const sent = Date.parse(header("date") ?? "");
  const serverMs = Number.isNaN(sent) ? wallMs : sent;
  const until = (seconds: number): number =>
    // Epochs are absolute, by the server's clock; small numbers are seconds to go.
    Math.min(longestResetMs, Math.max(0, seconds > 1e9 ? seconds * 1_000 - serverMs : seconds * 1_000));
  const reset = number("ratelimit-reset", "x-ratelimit-reset");
  const seconds = number("retry-after");
  const date = Date.parse(header("retry-after") ?? "");
  const retryAfterMs =
    seconds !== undefined ? seconds * 1_000 : Number.isNaN(date) ? undefined : Math.max(0, date - serverMs);
  return {
    remaining: number("ratelimit-remaining", "x-ratelimit-remaining"),
    resetInMs: reset === undefined ? undefined : until(reset),
    retryAfterMs,
  };
}
