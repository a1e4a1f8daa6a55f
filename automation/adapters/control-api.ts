/** One call of the local cloud's control API, for the adapters that have a part of it to themselves. */
import type { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { parseJson } from "./json-text.ts";
import { isConfidential } from "./loopback.ts";
import { errorWithoutSecrets, withoutSecrets } from "./without-secrets.ts";

/** Errors: credentials-over-http. */
export function assertControlConfidential(url: URL): void {
  if (isConfidential(url)) return;
  throw new SwitchyardError("credentials-over-http", {
    message: `the control token would go over plain HTTP to ${url.host}`,
  });
}

export interface ControlCall<Schema extends z.ZodType> {
  readonly url: URL;
  readonly token: string;
  readonly schema: Schema;
  /** What the answer has to be, in words: `of a batch`. */
  readonly form: string;
  readonly timeoutMs: number;
  /** Default GET. */
  readonly method?: "GET" | "PUT" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal | undefined;
  /** The caller's own error for an answer that cannot be used. */
  readonly unreachable: (why: string, cause?: unknown) => SwitchyardError;
}

/** Errors: the caller's, and the signal's reason. */
export async function callControl<Schema extends z.ZodType>(call: ControlCall<Schema>): Promise<z.infer<Schema>> {
  const { signal, unreachable } = call;
  const deadline = AbortSignal.timeout(call.timeoutMs);
  let text: string;
  try {
    const reply = await fetch(call.url, {
      method: call.method ?? "GET",
      headers: { authorization: `Bearer ${call.token}`, ...call.headers },
      ...(call.body === undefined ? {} : { body: call.body }),
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      redirect: "error",
    });
    text = await reply.text();
    if (!reply.ok)
      throw unreachable(`it answered ${reply.status}: ${withoutSecrets(text, [call.token]).slice(0, 200)}`);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const clean = errorWithoutSecrets(error, [call.token]);
    if (deadline.aborted) throw unreachable("no answer in time", clean);
    // fetch reports every network failure as a TypeError whose cause says which.
    if (error instanceof TypeError)
      throw unreachable(withoutSecrets(String(error.cause ?? error.message), [call.token]), clean);
    throw clean;
  }
  const parsed = call.schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw unreachable(`its answer has not the form ${call.form}: ${problems.join("; ")}`, parsed.error);
}
