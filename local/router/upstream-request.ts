import type { RequestHead } from "./request-head.ts";
import { type TraceIds, traceHeaders } from "./trace-context.ts";

type HeaderList = readonly (readonly [string, string])[];

/** What the router says of the hop in front of it. */
export interface Hop {
  /** Appended to X-Forwarded-For: the client's address, a comma, the router's own. */
  readonly forwardedFor: string;
  readonly scheme: "http" | "https";
  readonly traceIds: TraceIds;
  /** Said instead of what the client said, where the router's span stands between. */
  readonly traceparent: string | undefined;
}

/**
 * The flat header list of the request to the backend. The route's and the platform's headers replace the client's and
 * the router's of the same name; of two lists the later wins.
 */
export function upstreamHeaders(head: RequestHead, hop: Hop, route: HeaderList, platform: HeaderList): string[] {
  const { traceparent, cloudTrace } = traceHeaders(hop.traceparent ?? head.traceparent, head.cloudTrace, hop.traceIds);
  const headers = head.headers.slice();
  if (head.contentLength !== undefined) headers.push("content-length", head.contentLength);
  headers.push(
    "host",
    head.host,
    "x-forwarded-for",
    head.forwardedFor === undefined ? hop.forwardedFor : `${head.forwardedFor},${hop.forwardedFor}`,
    "x-forwarded-proto",
    hop.scheme,
    "x-forwarded-host",
    head.host,
    "traceparent",
    traceparent,
    "x-cloud-trace-context",
    cloudTrace,
  );
  for (const [name, value] of route) replace(headers, name, value);
  for (const [name, value] of platform) replace(headers, name, value);
  return headers;
}

/** Puts the value where the name was first and takes the other occurrences away. */
function replace(headers: string[], name: string, value: string): void {
  let found = false;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    if (found) {
      headers.splice(i, 2);
      i -= 2;
    } else {
      headers[i + 1] = value;
      found = true;
    }
  }
  if (!found) headers.push(name, value);
}
