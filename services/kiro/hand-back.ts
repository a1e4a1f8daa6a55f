/**
 * The agent's front: while the fail-back flag names a platform, requests are handed to it instead of being served here,
 * through the balancer's dark route, which chooses the platform by header whatever the weights are.
 */
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { readBody } from "./body.ts";
import { handedBackByHeader, handedBackHeader, instanceHeader, platformHeader } from "./contract.ts";

/** Paths that speak of this instance; the platform would end it if another one answered them. */
const ownPaths = new Set(["/health", "/ready", "/metrics", "/kiro-metrics", "/info"]);
/** Headers of one hop, and those that are set anew. */
const hopHeaders = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Without an instance's marker these say that nobody took the request (balancer: no backend; Cloud Run: no instance). */
const notTakenStatuses = new Set([429, 503]);
/** A target that does not take the connection by then is not there, ms. */
const connectMs = 1_000;
/** Idle connections are ours to close before the balancer does, ms. */
const idleMs = 4_000;

export interface HandBackOptions {
  /** Where requests go now; undefined: nowhere. */
  readonly target: () => string | undefined;
  /** The balancer, http://127.0.0.1:PORT or https://dark.DOMAIN. */
  readonly routeUrl: string;
  /** Host of the balancer's dark route. */
  readonly routeHost: string;
  /** `<platform>/<instance>` of this instance. */
  readonly marker: string;
  /** Whether responses should end their connection. */
  readonly closing: () => boolean;
  /** Told of each request that was handed back, with the status that its client got (499: it went away first). */
  readonly onHandedBack: (target: string, status: number) => void;
}

/** What became of a request: answered, or to be served here after all, with its body as it was read. */
export type HandBackResult =
  | { readonly kind: "answered" }
  | { readonly kind: "serve-here"; readonly body?: Buffer | "too-large" };

export interface HandBack {
  /**
   * Hands one request back if it is to be. Served here are the instance's own paths, requests that were handed back to this
   * side, and those that the target did not take. Errors: HandBackBrokenError, when the target may have done the work and
   * its answer did not come.
   */
  take(request: IncomingMessage, response: ServerResponse): Promise<HandBackResult>;
  close(): void;
}

/** The target broke off before it answered; it may have done the work, so nobody does it again. */
export class HandBackBrokenError extends Error {
  constructor(target: string, cause: unknown) {
    super(`${target}, to which the request was handed back, did not answer it.`, { cause });
    this.name = "HandBackBrokenError";
  }
}

/** Nothing of the request has reached the target. */
class NotTakenError extends Error {
  constructor(cause: unknown) {
    super("The request was not taken.", { cause });
    this.name = "NotTakenError";
  }
}

export function createHandBack(options: HandBackOptions): HandBack {
  const route = new URL(options.routeUrl);
  const secure = route.protocol === "https:";
  const agentOptions = { keepAlive: true, timeout: idleMs };
  const agent = secure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);

  /** The head of the target's answer. Errors: NotTakenError; others when the target may have begun the work. */
  const send = (
    request: IncomingMessage,
    body: Buffer,
    target: string,
    signal: AbortSignal,
  ): Promise<IncomingMessage> => {
    const call = (secure ? httpsRequest : httpRequest)({
      protocol: route.protocol,
      hostname: route.hostname.replace(/^\[|\]$/g, ""),
      port: route.port === "" ? undefined : Number(route.port),
      method: request.method,
      path: request.url,
      headers: requestHeaders(request.headers, body, options, target),
      agent,
      signal,
      ...(secure ? { servername: options.routeHost.replace(/:\d+$/, "") } : {}),
    });
    return exchange(call, body, secure ? "secureConnect" : "connect");
  };

  const forward = async (
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    target: string,
  ): Promise<HandBackResult> => {
    const gone = new AbortController();
    let answer: IncomingMessage | undefined;
    // The pipeline closes the client's connection itself when the answer breaks off.
    const leave = (): void => {
      if (!response.writableFinished && !answer?.errored) gone.abort();
    };
    response.once("close", leave);
    if (response.closed) leave();
    let status = 502;
    try {
      answer = await send(request, body, target, gone.signal);
      if (answer.headers[instanceHeader] === undefined && notTakenStatuses.has(answer.statusCode ?? 0)) {
        answer.resume();
        return { kind: "serve-here", body };
      }
      status = answer.statusCode ?? 502;
      response.writeHead(status, answer.statusMessage, responseHeaders(answer, options));
      // A stream's client waits for the head, not for the first event.
      response.flushHeaders();
      await pipeline(answer, response);
    } catch (error) {
      if (gone.signal.aborted) status = 499;
      else if (error instanceof NotTakenError) return { kind: "serve-here", body };
      // Once the head is out the pipeline has broken the connection off: the client must not take it for a complete answer.
      else if (!response.headersSent) throw new HandBackBrokenError(target, error);
    } finally {
      response.off("close", leave);
    }
    options.onHandedBack(target, status);
    return { kind: "answered" };
  };

  return {
    async take(request, response) {
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const target = options.target();
      if (target === undefined || ownPaths.has(path) || request.headers[handedBackHeader] !== undefined)
        return { kind: "serve-here" };
      let body: Buffer | "too-large";
      try {
        body = await readBody(request);
      } catch (error) {
        // The client went away while it sent.
        if (request.errored !== null) return { kind: "answered" };
        throw error;
      }
      return body === "too-large" ? { kind: "serve-here", body } : forward(request, response, body, target);
    },
    close() {
      agent.destroy();
    },
  };
}

/** Sends the body and waits for the head of the answer. Until `ready` nothing of the request has left. */
function exchange(call: ClientRequest, body: Buffer, ready: "connect" | "secureConnect"): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let sent = false;
    call.once("socket", (socket) => {
      if (call.reusedSocket) {
        sent = true;
        return;
      }
      const late = setTimeout(() => call.destroy(new Error(`no connection within ${connectMs} ms`)), connectMs);
      socket.once("close", () => clearTimeout(late));
      socket.once(ready, () => {
        sent = true;
        clearTimeout(late);
      });
    });
    call.once("response", resolve);
    call.once("error", (error) => reject(sent ? error : new NotTakenError(error)));
    call.end(body);
  });
}

function requestHeaders(
  given: IncomingHttpHeaders,
  body: Buffer,
  options: HandBackOptions,
  target: string,
): OutgoingHttpHeaders {
  const kept = Object.entries(given).filter(([name]) => !hopHeaders.has(name));
  return {
    ...Object.fromEntries(kept),
    host: options.routeHost,
    ...(body.length > 0 ? { "content-length": body.length } : {}),
    [platformHeader]: target,
    [handedBackHeader]: options.marker,
  };
}

/** Those of the target, its instance's marker among them, and who handed the request over. */
function responseHeaders(answer: IncomingMessage, options: HandBackOptions): OutgoingHttpHeaders {
  const kept = Object.entries(answer.headersDistinct).filter(
    ([name]) => name === "content-length" || !hopHeaders.has(name),
  );
  return {
    ...Object.fromEntries(kept.map(([name, values]) => [name, values?.length === 1 ? values[0] : values])),
    [handedBackByHeader]: options.marker,
    ...(options.closing() ? { connection: "close" } : {}),
  };
}
