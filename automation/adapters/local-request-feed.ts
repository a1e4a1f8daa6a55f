/** The local router's feed of finished requests, read from the daemon's control API by long polling. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { RequestFeed } from "../ports/request-feed.ts";
import { assertControlConfidential, callControl } from "./control-api.ts";

const count = z.int().min(0);

const batchSchema = z.object({
  records: z.array(
    z.object({
      sequence: count,
      at: z.number(),
      side: z.string(),
      status: count,
      firstByteMs: z.number().min(0),
      durationMs: z.number().min(0),
      outcome: z.enum(["ok", "application", "gateway", "client"]),
    }),
  ),
  cursor: count,
  lost: count,
});

export interface LocalRequestFeedOptions {
  /** http://127.0.0.1:PORT of the daemon's control API. */
  readonly controlUrl: string;
  readonly token: string;
  /** Name of the forwarding rule whose requests are wanted; default those of all listeners. A cursor belongs to its listener. */
  readonly listener?: string;
  /** Time beyond the wait that a read may take, ms; default 5,000. */
  readonly timeoutMs?: number;
}

export function createLocalRequestFeed(options: LocalRequestFeedOptions): RequestFeed {
  const url = new URL("/feed", options.controlUrl);
  assertControlConfidential(url);
  const unreachable = (why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("feed-unreachable", { message: `the request feed at ${url.href} failed: ${why}`, cause });

  return {
    description: {
      source: `request feed of the local router${options.listener === undefined ? "" : `, listener ${options.listener}`}`,
      fields: ["sequence", "at", "side", "status", "firstByteMs", "durationMs", "outcome"],
      complete: true,
      delayMs: 100,
    },
    async read(cursor, waitMs, signal) {
      const query = new URL(url);
      if (options.listener !== undefined) query.searchParams.set("listener", options.listener);
      if (cursor !== undefined) query.searchParams.set("after", String(cursor));
      query.searchParams.set("wait_ms", String(Math.round(waitMs)));
      return callControl({
        url: query,
        token: options.token,
        schema: batchSchema,
        form: "of a batch",
        timeoutMs: waitMs + (options.timeoutMs ?? 5_000),
        signal,
        unreachable,
      });
    },
  };
}
