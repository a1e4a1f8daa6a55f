/** The local router's feed of finished requests, read from the daemon's control API by long polling. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { RequestFeed } from "../ports/request-feed.ts";
import { parseJson } from "./json-text.ts";
import { isConfidential } from "./loopback.ts";

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
  if (!isConfidential(url)) {
    throw new SwitchyardError("credentials-over-http", {
      message: `the control token would go over plain HTTP to ${url.host}`,
    });
  }
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
      const deadline = AbortSignal.timeout(waitMs + (options.timeoutMs ?? 5_000));
      let text: string;
      try {
        const reply = await fetch(query, {
          headers: { authorization: `Bearer ${options.token}` },
          signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
          redirect: "error",
        });
        text = await reply.text();
        if (!reply.ok) throw unreachable(`it answered ${reply.status}: ${text.slice(0, 200)}`);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (deadline.aborted) throw unreachable("no answer in time", error);
        // fetch reports every network failure as a TypeError whose cause says which.
        if (error instanceof TypeError) throw unreachable(String(error.cause ?? error.message), error);
        throw error;
      }
      const parsed = batchSchema.safeParse(parseJson(text));
      if (parsed.success) return parsed.data;
      const problems = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
      throw unreachable(`its answer has not the form of a batch: ${problems.join("; ")}`, parsed.error);
    },
  };
}
