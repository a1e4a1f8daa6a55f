/** Requests to Datadog's API v1. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import {
  assertConfidential,
  type MetricEndpoint,
  type RequestTurn,
  requestMetrics,
  unreadable,
} from "./metric-request.ts";
import { misunderstood } from "./prometheus-replies.ts";

const failureSchema = z.union([
  z.object({ errors: z.array(z.string()).min(1) }).transform(({ errors }) => errors.join("; ")),
  z.object({ error: z.string().min(1) }).transform(({ error }) => error),
]);

export interface DatadogOptions {
  /** `datadoghq.com`, `datadoghq.eu` … */
  readonly site: string;
  readonly apiKey: string;
  readonly applicationKey: string;
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** Base instead of https://api.SITE/. */
  readonly endpoint?: string | undefined;
  /** Time for one reply, ms; default 30,000. */
  readonly timeoutMs?: number;
  /** Default: no limit of its own. */
  readonly turn?: RequestTurn | undefined;
}

export interface DatadogApi {
  /** `Datadog at …` */
  readonly description: string;
  /** Errors: metric-unreadable; an abort's reason. */
  get<Schema extends z.ZodType>(
    path: string,
    query: Readonly<Record<string, string>>,
    schema: Schema,
    signal: AbortSignal | undefined,
  ): Promise<z.infer<Schema>>;
  /** Likewise. */
  post(path: string, body: unknown, signal: AbortSignal | undefined): Promise<void>;
}

/** Errors: invalid-config, credentials-over-http. */
export function datadogApi(options: DatadogOptions): DatadogApi {
  const address = options.endpoint ?? `https://api.${options.site}/`;
  if (!URL.canParse(address))
    throw new SwitchyardError("invalid-config", {
      message: `the address of Datadog is '${address}', which is not a URL`,
    });
  const endpoint: MetricEndpoint = {
    description: `Datadog at ${options.endpoint === undefined ? options.site : new URL(address).origin}`,
    base: new URL(address.endsWith("/") ? address : `${address}/`),
    headers: { "dd-api-key": options.apiKey, "dd-application-key": options.applicationKey },
    clock: options.clock,
    timeoutMs: options.timeoutMs,
    turn: options.turn,
  };
  const { description } = endpoint;
  assertConfidential(endpoint);
  const ask = async (
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
    body?: unknown,
  ): Promise<unknown> => {
    const reply = await requestMetrics(endpoint, path, query, signal, body);
    const failure = failureSchema.safeParse(reply.body);
    // An event is accepted (202), everything else is answered (200).
    if (reply.status > 202 || reply.status < 200 || failure.success)
      throw unreadable(description, `it answered ${reply.status}: ${failure.success ? failure.data : reply.excerpt}`);
    return reply.body;
  };
  return {
    description,
    async get(path, query, schema, signal) {
      const parsed = schema.safeParse(await ask(path, query, signal));
      if (!parsed.success) throw misunderstood(parsed.error, description);
      return parsed.data;
    },
    async post(path, body, signal) {
      await ask(path, {}, signal, body);
    },
  };
}
