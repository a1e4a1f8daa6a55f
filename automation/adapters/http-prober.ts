/** Probes through the balancer's default route, evenly spaced, over a few kept connections. */
import { SwitchyardError } from "../errors.ts";
import type { ProbeResult, Prober } from "../ports/prober.ts";
import { openBalancerPool } from "./balancer-pool.ts";
import { systemClock } from "./system-clock.ts";

const sideHeader = "x-switchyard-side";
export const probeAgent = "switchyard-probe";
/** Failures in a row from the start that say that there is nothing to probe. */
const hopeless = 20;

export interface HttpProberOptions {
  /** The balancer, http://127.0.0.1:PORT or https://DOMAIN. */
  readonly baseUrl: string;
  /** Host of the main route; or rehearsal.<domain>, whose route goes evenly to all platforms. */
  readonly host: string;
  /** Default 1,000, which suits the local router; on a cloud a setting. */
  readonly perSecond?: number;
  /** Time for one probe, ms; default 5,000. */
  readonly timeoutMs?: number;
  /** Headers that name the trace a probe belongs to, on one probe a second: all of them would be a thousand spans. Default none. */
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
}

export interface HttpProber extends Prober {
  close(): Promise<void>;
}

type Probe = ProbeResult | { readonly failure: Error };

/** A probe that gets no reply counts as side "" and status 0; the sample fails when none at all gets one. */
export function createHttpProber(options: HttpProberOptions): HttpProber {
  const perSecond = options.perSecond ?? 1_000;
  const timeoutMs = options.timeoutMs ?? 5_000;
  const pool = openBalancerPool(options.baseUrl, timeoutMs);
  const headers = {
    host: options.host,
    "x-switchyard-probe": "1",
    // Google's balancer logs no header but this one: its feed of requests tells probes by it.
    "user-agent": probeAgent,
    accept: "application/json",
  };

  let sentEver = 0;
  const nextHeaders = (): Readonly<Record<string, string>> => {
    sentEver += 1;
    const traced = options.traceHeaders !== undefined && sentEver % perSecond === 1 % perSecond;
    return traced ? { ...headers, ...options.traceHeaders() } : headers;
  };

  // `dispatch` with a plain handler costs a third of `request`: no stream, no promise, no body for each probe.
  const probe = (done: (result: Probe) => void): void => {
    const startedAt = performance.now();
    let found: ProbeResult | undefined;
    pool.dispatch(
      { path: "/info", method: "GET", headers: nextHeaders() },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, replyHeaders) {
          const side = replyHeaders[sideHeader]?.toString() ?? "";
          found = { side, status, durationMs: performance.now() - startedAt };
        },
        onResponseData() {},
        onResponseEnd() {
          done(found ?? { failure: new Error("the reply had no head") });
        },
        onResponseError(_controller, failure) {
          done({ failure });
        },
      },
    );
  };

  const unreachable = (failed: number, cause: Error | undefined): SwitchyardError =>
    new SwitchyardError("traffic-unreachable", {
      message: `none of ${failed} probes of ${options.baseUrl} (host ${options.host}) got a reply: ${cause?.message ?? "unknown"}`,
      cause,
    });

  return {
    perSecond,
    async sample(count, signal) {
      signal?.throwIfAborted();
      const results: ProbeResult[] = [];
      let sent = 0;
      let failed = 0;
      let lastFailure: Error | undefined;
      let finished: (() => void) | undefined;
      const isHopeless = (): boolean => failed === results.length && failed >= Math.min(hopeless, count);
      const done = (result: Probe): void => {
        if ("failure" in result) {
          failed += 1;
          lastFailure = result.failure;
          results.push({ side: "", status: 0, durationMs: timeoutMs });
        } else {
          results.push(result);
        }
        if (results.length === sent) finished?.();
      };
      const startedAt = performance.now();
      while (sent < count && !isHopeless()) {
        // Probes that are due by now, at most two spacings at once: a late timer must not turn into a burst.
        const due = Math.min(count, Math.floor(((performance.now() - startedAt) * perSecond) / 1_000) + 1);
        for (const until = Math.min(due, sent + Math.max(2, Math.ceil(perSecond / 250))); sent < until; ) {
          sent += 1;
          probe(done);
        }
        if (sent < count) await systemClock.sleep(Math.max(1, 1_000 / perSecond), signal);
      }
      if (results.length < sent) {
        await new Promise<void>((resolve, reject) => {
          const abort = (): void => reject(signal?.reason);
          signal?.addEventListener("abort", abort, { once: true });
          finished = () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          };
        });
      }
      if (count > 0 && failed === sent) throw unreachable(failed, lastFailure);
      return results;
    },
    async close() {
      // Probes that are still under way have nobody left to report to.
      await pool.destroy();
    },
  };
}
