/** What a request's head says once it is known to be sound. Header lists are flat: name, value, name, value. */
export interface RequestHead {
  readonly kind: "head";
  /** As the client sent it, lower case, with its port. */
  readonly host: string;
  /** Path and query; an absolute-form target is reduced to it. */
  readonly path: string;
  /** For the backend, lower-case names: nothing of this hop, nothing that the router sets itself. */
  readonly headers: string[];
  readonly contentLength: string | undefined;
  readonly hasBody: boolean;
  readonly forwardedFor: string | undefined;
  readonly traceparent: string | undefined;
  readonly cloudTrace: string | undefined;
  /** Marked x-switchyard-probe. */
  readonly probe: boolean;
  /** A WebSocket handshake: the connection is to become one of its own (RFC 6455, section 4.1). */
  readonly upgrade: boolean;
}

/** Why a request is not served; the connection is closed after the answer. */
export interface HeadProblem {
  readonly kind: "problem";
  readonly status: 400 | 405;
  readonly reason: string;
}

export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

const digits = /^\d{1,15}$/;
const hostForm = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d{0,5})?$/i;
const webSocket = /(?:^|,)[\t ]*websocket[\t ]*(?:,|$)/i;
/** Names that end a message or choose its route; a Connection header cannot take them away. */
const keptHeaders = new Set(["host", "content-length", "transfer-encoding"]);

const problem = (reason: string, status: HeadProblem["status"] = 400): HeadProblem => ({
  kind: "problem",
  status,
  reason,
});

/**
 * Checks a parsed request head for everything that two servers in a row could read differently, and sorts its headers.
 * The parser before it has refused what breaks the grammar.
 */
export function readRequestHead(request: RawRequest): RequestHead | HeadProblem {
  const { method, rawHeaders } = request;
  if (request.httpVersion !== "1.1" && request.httpVersion !== "1.0") {
    return problem(`HTTP/${request.httpVersion} is not spoken here; use HTTP/1.1.`);
  }
  if (method === "TRACE") return problem("The method TRACE is not allowed.", 405);

  const headers: string[] = [];
  let host: string | undefined;
  let contentLength: string | undefined;
  let chunked = false;
  let listed: Set<string> | undefined;
  let forwardedFor: string | undefined;
  let traceparent: string | undefined;
  let cloudTrace: string | undefined;
  let probe = false;
  let upgrade = false;

  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? "").toLowerCase();
    const value = rawHeaders[i + 1] ?? "";
    switch (name) {
      case "host":
        if (host !== undefined) return problem("There is more than one Host header.");
        host = value.toLowerCase();
        break;
      case "content-length":
        if (contentLength !== undefined) return problem("There is more than one Content-Length header.");
        if (!digits.test(value)) return problem("Content-Length is not a number.");
        contentLength = value;
        break;
      case "transfer-encoding":
        if (chunked || value.toLowerCase() !== "chunked") return problem("Transfer-Encoding is not just 'chunked'.");
        chunked = true;
        break;
      case "connection":
        listed = listedHeaders(value, listed);
        break;
      case "upgrade":
        // Any other protocol is ignored, as a server may (RFC 9110, section 7.8).
        upgrade ||= asksForWebSocket(value);
        break;
      case "x-forwarded-for":
        forwardedFor = forwardedFor === undefined ? value : `${forwardedFor},${value}`;
        break;
      case "traceparent":
        traceparent = traceparent === undefined ? value : "";
        break;
      case "x-cloud-trace-context":
        cloudTrace = cloudTrace === undefined ? value : "";
        break;
      case "expect":
      case "http2-settings":
      case "keep-alive":
      case "proxy-authenticate":
      case "proxy-authorization":
      case "proxy-connection":
      case "te":
      case "trailer":
      case "x-forwarded-host":
      case "x-forwarded-proto":
        break;
      case "x-switchyard-probe":
        probe = true;
        headers.push(name, value);
        break;
      default:
        headers.push(name, value);
    }
  }

  if (chunked && contentLength !== undefined) return problem("There is both a Content-Length and a Transfer-Encoding.");
  if (chunked && request.httpVersion === "1.0") return problem("HTTP/1.0 knows no Transfer-Encoding.");
  if (host === undefined || host === "") return problem("There is no Host header.");
  if (!hostForm.test(host)) return problem("The Host header is not a host name.");
  const path = originForm(request.url, host);
  if (path === undefined) return problem("The request target is not a path on the host of the Host header.");
  const hasBody = chunked || (contentLength !== undefined && Number(contentLength) > 0);
  // Without the Connection option, or from HTTP/1.0, the header means nothing.
  upgrade &&= listed?.has("upgrade") === true && request.httpVersion === "1.1";
  if (upgrade && method !== "GET") return problem("A WebSocket handshake is a GET.");
  if (upgrade && (chunked || contentLength !== undefined)) return problem("A WebSocket handshake has no body.");

  return {
    kind: "head",
    host,
    path,
    headers: listed === undefined ? headers : withoutNames(headers, listed),
    contentLength,
    hasBody,
    forwardedFor,
    traceparent,
    cloudTrace,
    probe,
    upgrade,
  };
}

/** Whether an Upgrade header names the one protocol that connections can change to. */
export function asksForWebSocket(upgrade: string): boolean {
  return webSocket.test(upgrade);
}

/** The header names that a Connection header lists beside its own options. */
export function listedHeaders(connection: string, before?: Set<string>): Set<string> | undefined {
  let listed = before;
  if (connection.length <= 10 && /^(?:keep-alive|close)$/i.test(connection)) return listed;
  for (const token of connection.toLowerCase().split(",")) {
    const name = token.trim();
    if (name === "" || keptHeaders.has(name)) continue;
    listed ??= new Set();
    listed.add(name);
  }
  return listed;
}

function withoutNames(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (!names.has(name)) kept.push(name, headers[i + 1] ?? "");
  }
  return kept;
}

/** The path of a target; an absolute-form one must name the same host as the Host header. */
function originForm(target: string, host: string): string | undefined {
  if (target.startsWith("/")) return target;
  const scheme = /^https?:\/\//i.exec(target)?.[0];
  if (scheme === undefined) return undefined;
  const rest = target.slice(scheme.length);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  if (authority.toLowerCase() !== host) return undefined;
  const path = end < 0 ? "/" : rest.slice(end);
  return path.startsWith("/") ? path : `/${path}`;
}
