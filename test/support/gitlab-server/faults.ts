/** How the server fails: throttling with and without headers, errors, delays, and answers that get lost after the work was done. */
import type { ApiReply } from "./http.ts";

export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly at: number;
  readonly body: unknown;
}

type Which = (request: SeenRequest) => boolean;

export interface GitLabFaults {
  /** As many of the next requests get 429, and nothing is done. */
  storm(count: number, options?: { readonly headers?: Readonly<Record<string, string>>; readonly which?: Which }): void;
  /** As many of the next requests get this status, and nothing is done. */
  fail(
    status: number,
    count: number,
    options?: {
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly which?: Which;
    },
  ): void;
  /** As many of the next requests do their work and lose the answer: "before" the work is not done either. */
  lose(count: number, options?: { readonly when?: "before" | "after"; readonly which?: Which }): void;
  /** So many requests in each period; others get 429. `headers`: it says what is left. */
  quota(quota: { readonly limit: number; readonly periodMs: number; readonly headers: boolean } | undefined): void;
  /** ms before each answer, by the machine's clock. */
  delay(ms: number): void;
}

interface Planned {
  left: number;
  readonly which: Which;
  readonly verdict: Verdict;
}

type Verdict =
  | { readonly kind: "reply"; readonly reply: ApiReply }
  | { readonly kind: "lose"; readonly when: "before" | "after" };

export interface FaultBox extends GitLabFaults {
  /** What happens to a request instead of its answer, or what is added to that. */
  judge(request: SeenRequest): {
    readonly verdict: Verdict | undefined;
    readonly headers: Readonly<Record<string, string>>;
  };
  readonly delayMs: number;
  /** Requests that were over the quota. */
  readonly overQuota: number;
  /** The most of a period's quota that was used, 0 to 1. */
  readonly mostUsed: number;
}

const tooMany = (headers: Readonly<Record<string, string>>): Verdict => ({
  kind: "reply",
  reply: { status: 429, body: "Retry later\n", headers: { "content-type": "text/plain", ...headers } },
});

export function createFaults(now: () => number): FaultBox {
  const planned: Planned[] = [];
  let quota: Parameters<GitLabFaults["quota"]>[0];
  let period = Number.NaN;
  let used = 0;
  let overQuota = 0;
  let mostUsed = 0;
  let delayMs = 0;
  const any: Which = () => true;

  /** Counts one, and says what is left. */
  const count = (): { readonly headers: Readonly<Record<string, string>>; readonly over: boolean } => {
    if (quota === undefined) return { headers: {}, over: false };
    const { limit, periodMs, headers } = quota;
    const current = Math.floor(now() / periodMs);
    if (current !== period) [period, used] = [current, 0];
    used += 1;
    mostUsed = Math.max(mostUsed, used / limit);
    const over = used > limit;
    if (over) overQuota += 1;
    const reset = Math.ceil(((current + 1) * periodMs) / 1_000);
    const said = {
      date: new Date(now()).toUTCString(),
      "ratelimit-limit": String(limit),
      "ratelimit-observed": String(used),
      "ratelimit-remaining": String(Math.max(0, limit - used)),
      "ratelimit-reset": String(reset),
      ...(over ? { "retry-after": String(Math.max(1, reset - Math.floor(now() / 1_000))) } : {}),
    };
    return { headers: headers ? said : {}, over };
  };

  return {
    storm(left, { headers = {}, which = any } = {}) {
      planned.push({ left, which, verdict: tooMany(headers) });
    },
    fail(status, left, { body = "Something went wrong", headers = {}, which = any } = {}) {
      const reply = { status, body, headers: { "content-type": "text/plain", ...headers } };
      planned.push({ left, which, verdict: { kind: "reply", reply } });
    },
    lose(left, { when = "after", which = any } = {}) {
      planned.push({ left, which, verdict: { kind: "lose", when } });
    },
    quota(next) {
      quota = next;
    },
    delay(ms) {
      delayMs = ms;
    },
    judge(request) {
      const { headers, over } = count();
      const fault = planned.find(({ left, which }) => left > 0 && which(request));
      if (fault !== undefined) fault.left -= 1;
      return { verdict: over ? tooMany(headers) : fault?.verdict, headers };
    },
    get delayMs() {
      return delayMs;
    },
    get overQuota() {
      return overQuota;
    },
    get mostUsed() {
      return mostUsed;
    },
  };
}
