/** The fail-back flags of a local cloud, set and read through the daemon's control API. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { FailBack } from "../ports/fail-back.ts";
import { parseJson } from "./json-text.ts";
import { isConfidential } from "./loopback.ts";

/** Target by `<scope>/<platform>`. */
const flagsSchema = z.object({ flags: z.record(z.string(), z.string()) });
/** Below it lie the flags, for the agents: `<url>/<scope>/<platform>`. */
const listenerSchema = z.object({ url: z.url() });

export interface FailBackHttpOptions {
  /** http://127.0.0.1:PORT of the daemon's control API. */
  readonly controlUrl: string;
  readonly token: string;
  /** Keeps the environments of one local cloud apart: the environment's prefix. */
  readonly scope: string;
  /** Time for one call, ms; default 5,000. */
  readonly timeoutMs?: number;
}

export interface HttpFailBack extends FailBack {
  /** Where the instances of a platform read their flag. Errors: fail-back-unreachable. */
  flagUrl(platform: string, signal?: AbortSignal): Promise<string>;
}

export function createFailBack(options: FailBackHttpOptions): HttpFailBack {
  const url = new URL("/fail-back", options.controlUrl);
  if (!isConfidential(url)) {
    throw new SwitchyardError("credentials-over-http", {
      message: `the control token would go over plain HTTP to ${url.host}`,
    });
  }
  const unreachable = (why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("fail-back-unreachable", {
      message: `the fail-back flags at ${url.href} failed: ${why}`,
      cause,
    });

  const call = async <Schema extends z.ZodType>(
    method: "GET" | "PUT" | "POST",
    path: string,
    schema: Schema,
    signal: AbortSignal | undefined,
    body?: object,
  ): Promise<z.infer<Schema>> => {
    const deadline = AbortSignal.timeout(options.timeoutMs ?? 5_000);
    let text: string;
    try {
      const reply = await fetch(new URL(path, url), {
        method,
        headers: { authorization: `Bearer ${options.token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
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
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const problems = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw unreachable(`its answer has not the form that is needed: ${problems.join("; ")}`, parsed.error);
  };

  const { scope } = options;
  return {
    async set(platform, target, signal) {
      await call("PUT", "/fail-back", flagsSchema, signal, { scope, platform, target: target ?? null });
    },
    async read(platform, signal) {
      const { flags } = await call("GET", "/fail-back", flagsSchema, signal);
      return flags[`${scope}/${platform}`];
    },
    async flagUrl(platform, signal) {
      return `${(await call("POST", "/fail-back/listener", listenerSchema, signal)).url}/${scope}/${platform}`;
    },
  };
}
