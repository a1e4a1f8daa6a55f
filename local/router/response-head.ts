import { listedHeaders } from "./request-head.ts";

/** Header names of one response that the router adds, and their flat form. */
export interface ResponseHead {
  /** Flat: name, value, name, value. */
  readonly headers: string[];
  /** Bytes of the body by Content-Length; -1 when it is not known or there is none. */
  readonly contentLength: number;
}

type HeaderList = readonly (readonly [string, string])[];

/** A trailer may not speak of the framing or the routing of its message. */
const neverTrailers = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
]);

/** Names under this prefix are the router's to say; a service cannot claim a side. */
const routerPrefix = "x-switchyard-";

/**
 * The headers of a service's response for the client: nothing of the hop behind the router, then the route's own ones.
 * `status` decides which responses have no body, and so no length to trust.
 */
export function responseHead(
  upstream: Readonly<Record<string, string | string[] | undefined>>,
  status: number,
  method: string,
  added: HeaderList,
): ResponseHead {
  const headers: string[] = [];
  let contentLength = -1;
  const { connection } = upstream;
  const listed = connection === undefined ? undefined : listedHeaders(String(connection));
  for (const name in upstream) {
    const value = upstream[name];
    if (value === undefined || listed?.has(name) === true || name.startsWith(routerPrefix)) continue;
    switch (name) {
      case "connection":
      case "keep-alive":
      case "proxy-authenticate":
      case "proxy-connection":
      case "te":
      case "transfer-encoding":
      case "upgrade":
        continue;
      case "content-length":
        if (status === 204 || status === 101) continue;
        if (method !== "HEAD" && status !== 304) contentLength = Number(value);
        break;
    }
    if (typeof value === "string") headers.push(name, value);
    else for (const one of value) headers.push(name, one);
  }
  for (const [name, value] of added) headers.push(name, value);
  return { headers, contentLength };
}

/**
 * The headers, flat, of a 101 for the client: the service's without those of its hop, the route's own, and the change to
 * WebSocket. Nothing when the service changes to another protocol, which no one asked for.
 */
export function switchingHeaders(
  upstream: Readonly<Record<string, string | string[] | undefined>>,
  added: HeaderList,
): readonly string[] | undefined {
  const { upgrade } = upstream;
  if (typeof upgrade !== "string" || upgrade.toLowerCase() !== "websocket") return undefined;
  const { headers } = responseHead(upstream, 101, "GET", added);
  return [...headers, "connection", "Upgrade", "upgrade", "websocket"];
}

/** The trailers of a service's response that go on to the client, as name and value. */
export function forwardedTrailers(
  upstream: Readonly<Record<string, string | string[] | undefined>>,
): [string, string][] {
  const trailers: [string, string][] = [];
  for (const name in upstream) {
    const value = upstream[name];
    if (value === undefined || neverTrailers.has(name) || name.startsWith(routerPrefix)) continue;
    trailers.push([name, typeof value === "string" ? value : value.join(", ")]);
  }
  return trailers;
}
