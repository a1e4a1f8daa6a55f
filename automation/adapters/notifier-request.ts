/** One notice to one server: in time, without following where it points, and without secrets in what is said of it. */
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Delivery } from "../ports/notifier.ts";
import { isConfidential } from "./loopback.ts";
import { retryDelayMs } from "./metric-request.ts";
import { errorWithoutSecrets, secretsOfUrl, withoutSecrets } from "./without-secrets.ts";

const defaultTimeoutMs = 10_000;

export interface NotifierTiming {
  readonly clock: Pick<Clock, "wall">;
  /** Time for one answer, ms; default 10,000. */
  readonly timeoutMs?: number | undefined;
}

export interface Post {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** Never in what is said, besides what of the address lets anybody write. */
  readonly secrets?: readonly string[];
}

export function undelivered(why: string, more: Partial<Extract<Delivery, { delivered: false }>> = {}): Delivery {
  return { delivered: false, why, refused: false, retryAfterMs: undefined, ...more };
}

/** Posts JSON. A failure is a delivery that failed; rejects only with the signal's reason. */
export async function postNotice(
  { url, headers = {}, body, secrets: keys = [] }: Post,
  { clock, timeoutMs = defaultTimeoutMs }: NotifierTiming,
  signal: AbortSignal | undefined,
): Promise<Delivery> {
  signal?.throwIfAborted();
  if (!isConfidential(url)) return undelivered(`its secret would go over plain HTTP to ${url.host}; use https`);
  const secrets = [...keys, ...secretsOfUrl(url)];
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const reply = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      redirect: "error",
    });
    if (reply.ok) {
      await reply.body?.cancel();
      return { delivered: true };
    }
    const text = withoutSecrets(await reply.text(), secrets)
      .replaceAll(/\s+/g, " ")
      .trim();
    const said = text === "" ? "" : `: ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
    return undelivered(`it answered ${reply.status}${said}`, {
      // The notice itself is wrong. Wrong keys and addresses (401, 403, 404, 410) are repaired by people.
      refused: [400, 413, 415, 422].includes(reply.status),
      retryAfterMs: retryDelayMs((name) => reply.headers.get(name), clock.wall()),
    });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (deadline.aborted) return undelivered(`no answer within ${timeoutMs} ms`);
    // fetch reports every network failure as a TypeError whose cause says which.
    if (error instanceof TypeError)
      return undelivered(withoutSecrets(String(error.cause ?? error.message), secrets).replace(/^\w*Error: /, ""));
    throw errorWithoutSecrets(error, secrets);
  }
}

/** Errors: invalid-config. The address is not repeated: it is a secret. */
export function secretUrl(text: string, where: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ["http:", "https:"].includes(url.protocol)) return url;
  throw new SwitchyardError("invalid-config", { message: `${where} holds no http or https URL` });
}
