/** One request without credentials of ours, in time, of which no more is read than a limit. */

export interface BoundedReply {
  readonly status: number;
  readonly headers: Headers;
  /** undefined: it is longer than the limit. */
  readonly text: string | undefined;
}

export interface BoundedRequest {
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  /** Time for the whole of it, ms. */
  readonly timeoutMs: number;
  /** Most bytes that are read. */
  readonly mostBytes: number;
}

/** What went wrong before there was an answer, one line; for people. */
export class NoAnswer extends Error {}

/** Errors: NoAnswer; the signal's reason. */
export async function boundedRequest(
  url: URL,
  { method = "GET", headers = {}, timeoutMs, mostBytes }: BoundedRequest,
  signal: AbortSignal | undefined,
): Promise<BoundedReply> {
  signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const reply = await fetch(url, {
      method,
      headers,
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    return { status: reply.status, headers: reply.headers, text: await textOf(reply, mostBytes) };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (deadline.aborted) throw new NoAnswer(`no answer from ${url.host} within ${timeoutMs} ms`);
    // fetch reports every network failure as a TypeError whose cause says which.
    if (error instanceof TypeError)
      throw new NoAnswer(`${url.host}: ${String(error.cause ?? error.message).replace(/^\w*Error: /, "")}`);
    throw error;
  }
}

async function textOf(reply: Response, mostBytes: number): Promise<string | undefined> {
  if (reply.body === null) return "";
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of reply.body) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > mostBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
