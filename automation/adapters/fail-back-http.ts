/** The fail-back flags of a local cloud, set and read through the daemon's control API. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { FailBack } from "../ports/fail-back.ts";
import { assertControlConfidential, callControl } from "./control-api.ts";

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
  assertControlConfidential(url);
  const unreachable = (why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("fail-back-unreachable", {
      message: `the fail-back flags at ${url.href} failed: ${why}`,
      cause,
    });

  const call = <Schema extends z.ZodType>(
    method: "GET" | "PUT" | "POST",
    path: string,
    schema: Schema,
    signal: AbortSignal | undefined,
    body?: object,
  ): Promise<z.infer<Schema>> =>
    callControl({
      url: new URL(path, url),
      token: options.token,
      schema,
      form: "that is needed",
      timeoutMs: options.timeoutMs ?? 5_000,
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
      unreachable,
    });

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
