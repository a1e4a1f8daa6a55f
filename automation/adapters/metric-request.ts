/** One request for metrics: authorised, in time, repeated once when the source says when, and without secrets in its errors. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { parseJson } from "./json-text.ts";
import { isConfidential } from "./loopback.ts";
import { errorWithoutSecrets, secretsOfLogin, withoutSecrets } from "./without-secrets.ts";

const defaultTimeoutMs = 30_000;
/** A source that asks for more patience than that is unreadable for now; the gate asks again. */
const longestWaitMs = 60_000;

export interface MetricReply {
  readonly status: number;
  /** Without secrets, which a server may repeat; undefined when the text is no JSON. */
  readonly body: unknown;
  /** Beginning of the text, one line, without secrets. */
  readonly excerpt: string;
}

type Header = (name: string) => string | null | undefined;

/**
 * Waits until a request may be sent, and gives what wants to hear of its reply: its headers, which may say what is left, or nothing when none came.
 * An abort rejects with its reason.
 */
export type RequestTurn = (signal: AbortSignal | undefined) => Promise<(headers: Header | undefined) => void>;

export interface MetricEndpoint {
  /** `Prometheus at https://…`, begins every error. */
  readonly description: string;
  /** Ends with a slash. */
  readonly base: URL;
  /** Authorisation. Every value is a secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** Time for one reply, ms; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Default: no limit. */
  readonly turn?: RequestTurn | undefined;
}

/** Errors: credentials-over-http. Plain HTTP beyond this machine is for servers that ask for no secret. */
export function assertConfidential({ base, headers, description }: MetricEndpoint): void {
  if (Object.keys(headers).length === 0 || isConfidential(base)) return;
  throw new SwitchyardError("credentials-over-http", {
    message: `the secret for ${description} would go over plain HTTP to ${base.host}`,
  });
}

export function unreadable(description: string, why: string, cause?: unknown): SwitchyardError {
  return new SwitchyardError("metric-unreadable", { message: `${description}: ${why}`, cause });
}

/** Ms until a source that answered 429 may be asked again, by its headers; undefined when it does not say. */
export function retryDelayMs(header: (name: string) => string | null | undefined, wallMs: number): number | undefined {
  // Datadog does not send Retry-After but the seconds to the end of its period.
  const text = header("retry-after") ?? header("x-ratelimit-reset");
  if (text === null || text === undefined) return undefined;
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - wallMs;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** Whether it waited: then the request may be sent once more. Longer than a minute is not waited for. */
export async function waitForTurn(
  header: (name: string) => string | null | undefined,
  clock: Pick<Clock, "wall" | "sleep">,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const delayMs = retryDelayMs(header, clock.wall());
  if (delayMs === undefined || delayMs > longestWaitMs) return false;
  await clock.sleep(delayMs, signal);
  return true;
}

/** A GET, or with `body` a POST of JSON. Errors: metric-unreadable when there is no reply; a reply of any status is returned. */
export async function requestMetrics(
  endpoint: MetricEndpoint,
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
  body?: unknown,
): Promise<MetricReply> {
  const url = new URL(path, endpoint.base);
  url.search = new URLSearchParams(query).toString();
  const first = await send(endpoint, url, signal, body);
  const again = first.status === 429 && (await waitForTurn((name) => first.headers.get(name), endpoint.clock, signal));
  const { status, text } = again ? await send(endpoint, url, signal, body) : first;
  const clean = withoutSecrets(text, Object.values(endpoint.headers));
  return { status, body: parseJson(clean), excerpt: excerptOf(clean) };
}

async function send(
  { description, headers, timeoutMs = defaultTimeoutMs, turn }: MetricEndpoint,
  url: URL,
  signal: AbortSignal | undefined,
  body: unknown,
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  signal?.throwIfAborted();
  const heard = await turn?.(signal);
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const reply = await fetch(url, {
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      // A secret is for the server that is configured, not for where it points.
      redirect: "error",
    });
    const text = await reply.text();
    heard?.((name) => reply.headers.get(name));
    return { status: reply.status, headers: reply.headers, text };
  } catch (error) {
    heard?.(undefined);
    if (signal?.aborted) throw signal.reason;
    const secrets = [...Object.values(headers), ...secretsOfLogin(url)];
    const clean = errorWithoutSecrets(error, secrets);
    if (deadline.aborted) throw unreadable(description, `no answer within ${timeoutMs} ms`, clean);
    // fetch reports every network failure as a TypeError whose cause says which.
    if (error instanceof TypeError)
      throw unreadable(description, withoutSecrets(String(error.cause ?? error.message), secrets), clean);
    throw clean;
  }
}

function excerptOf(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 300 ? `${line.slice(0, 300)}...` : line;
}
