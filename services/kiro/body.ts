/** The body of one request: read whole, because the agent needs it whole and may have to hand it on. */
import type { IncomingMessage } from "node:http";

/** Bytes. */
export const bodyLimit = 1024 * 1024;

/** Errors: those of a connection that broke off. */
export async function readBody(request: IncomingMessage): Promise<Buffer | "too-large"> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop would destroy the connection and the client would never read the 413.
    if (size <= bodyLimit) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size > bodyLimit ? "too-large" : Buffer.concat(chunks);
}

export type JsonBody =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "bad"; readonly why: string };

export function parseBody(bytes: Buffer): JsonBody {
  if (bytes.length === 0) return { kind: "bad", why: "The body is empty; it must be a JSON object." };
  try {
    return { kind: "json", value: JSON.parse(bytes.toString("utf8")) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: "bad", why: `The body is not JSON: ${error.message}` };
  }
}
