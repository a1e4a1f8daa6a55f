/** Echo requests to the agent through the balancer's default route: to the balancer and its feed they are a user's. */
import { randomUUID } from "node:crypto";
import { SwitchyardError } from "../errors.ts";
import type { SyntheticLoad } from "../ports/synthetic-load.ts";
import { openBalancerPool } from "./balancer-pool.ts";
import { systemClock } from "./system-clock.ts";

export interface SyntheticLoadOptions {
  /** The balancer, http://127.0.0.1:PORT or https://DOMAIN. */
  readonly baseUrl: string;
  /** Host of the main route. */
  readonly host: string;
  /** Default /process. */
  readonly path?: string;
  /** Requests a second, evenly spaced. Default 50. */
  readonly perSecond?: number;
  /** Time for one request, ms; default 30,000. */
  readonly timeoutMs?: number;
  /** Headers that name the trace a request belongs to. Default none. */
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
}

export interface HttpSyntheticLoad extends SyntheticLoad {
  close(): Promise<void>;
}

/**
 * Whatever the agent answers is a request sent: the feed tells its outcome. A request without any reply cannot be known to
 * have reached the balancer, so one such is an error, after all have ended.
 */
export function createSyntheticLoad(options: SyntheticLoadOptions): HttpSyntheticLoad {
  const perSecond = options.perSecond ?? 50;
  const timeoutMs = options.timeoutMs ?? 30_000;
  const path = options.path ?? "/process";
  const pool = openBalancerPool(options.baseUrl, timeoutMs);

  /** Undefined when a reply came, else why none did. */
  async function send(signal: AbortSignal | undefined): Promise<unknown> {
    const id = `synthetic-${randomUUID()}`;
    const body = {
      data: { operation: "echo", value: "synthetic" },
      headers: {},
      method: "POST",
      path,
      query_params: {},
      timestamp: new Date().toISOString(),
      request_id: id,
    };
    try {
      const reply = await pool.request({
        path,
        method: "POST",
        headers: {
          host: options.host,
          "content-type": "application/json",
          "user-agent": "switchyard-synthetic",
          ...options.traceHeaders?.(),
        },
        body: JSON.stringify(body),
        ...(signal !== undefined && { signal }),
      });
      // A body that breaks off is the side's failure, and the feed has it.
      await reply.body.dump().catch(() => undefined);
      return undefined;
    } catch (error) {
      return error ?? new Error("no reason was given");
    }
  }

  return {
    async send(count, signal) {
      signal?.throwIfAborted();
      const sent: Promise<unknown>[] = [];
      const startedAt = performance.now();
      while (sent.length < count) {
        const ahead = startedAt + (sent.length * 1_000) / perSecond - performance.now();
        if (ahead > 0) await systemClock.sleep(ahead, signal);
        sent.push(send(signal));
      }
      const failures = (await Promise.all(sent)).filter((failure) => failure !== undefined);
      signal?.throwIfAborted();
      if (failures.length === 0) return;
      const [first] = failures;
      throw new SwitchyardError("traffic-unreachable", {
        message: `${failures.length} of ${count} synthetic requests to ${options.baseUrl} (host ${options.host}) got no reply: ${first instanceof Error ? first.message : String(first)}`,
        cause: first,
      });
    },
    async close() {
      await pool.destroy();
    },
  };
}
