/** The agent over HTTP/1.1: routes, limits, streaming, and an end that breaks no request. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Agent } from "./agent.ts";
import { bodyLimit, parseBody, readBody } from "./body.ts";
import {
  healthReportToWire,
  instanceHeader,
  kiroMetricsToWire,
  kiroResponseToWire,
  platformInfoToWire,
  probeHeader,
} from "./contract.ts";
import { type HandBack, HandBackBrokenError } from "./hand-back.ts";
import type { Log } from "./log.ts";
import { parseTraceparent } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { RequestSpans } from "./request-span.ts";

/** Google's balancer keeps idle connections for 600 s; whoever closes first must not be the agent. */
const keepAliveMs = 620_000;
const headersMs = 625_000;
const requestMs = 630_000;
/** Quiet time that counts as idle while draining: a request may be on its way on a connection that is open. */
const quietMs = 200;

/** The client has gone away before the answer was complete. */
class ClientGoneError extends Error {
  constructor() {
    super("The client closed the connection before the answer was complete.");
    this.name = "ClientGoneError";
  }
}

export interface AgentServer {
  /** http://HOST:PORT */
  readonly url: string;
  readonly port: number;
  /**
   * Serves on until the lame-duck time has passed and nothing is in flight, then closes. What is still in flight at
   * the deadline is cut; the result is how many requests that were.
   */
  drain(options: { readonly deadlineMs: number; readonly lameDuckMs: number }): Promise<number>;
  /** Closes at once. */
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly agent: Agent;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Hands requests to another side when it is told to; absent: never. */
  readonly handBack?: HandBack | undefined;
  /** Tells of requests whose trace is sampled; absent: nobody is told. */
  readonly spans?: RequestSpans | undefined;
}

/** What a route does with a request whose body may have been read already. */
type Route = (request: IncomingMessage, response: ServerResponse, body?: Buffer | "too-large") => void | Promise<void>;

/** Starts to listen. Errors: those of `listen`, for example EADDRINUSE. */
export async function startServer(options: ServerOptions): Promise<AgentServer> {
  const { agent, metrics, log, now } = options;
  const responses = new Set<ServerResponse>();
  let lastActivity = now();
  const infoText = JSON.stringify(platformInfoToWire(agent.getPlatformInfo()));

  const headersFor = (extra: Readonly<Record<string, string | number>>): Record<string, string | number> => ({
    ...extra,
    [instanceHeader]: agent.marker,
    // So that the balancer's connections end by themselves before the listener closes.
    ...(agent.ready ? {} : { connection: "close" }),
  });

  const send = (
    response: ServerResponse,
    status: number,
    text: string,
    headers: Readonly<Record<string, string | number>> = {},
  ): void => {
    const base = { "content-type": "application/json; charset=utf-8", "content-length": Buffer.byteLength(text) };
    response.writeHead(status, headersFor({ ...base, ...headers }));
    response.end(text);
  };

  const refuse = (
    response: ServerResponse,
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ): void => {
    const body = kiroResponseToWire(agent.refusal(status, { code, message }, ""));
    send(response, status, JSON.stringify(body), headers);
  };

  /** A wait that ends early when the client goes away. */
  const waitUnlessGone = async (ms: number, signal: AbortSignal): Promise<void> => {
    try {
      await wait(ms, undefined, { signal });
    } catch (error) {
      if (signal.aborted) throw new ClientGoneError();
      throw error;
    }
  };

  const stream = async (
    response: ServerResponse,
    events: AsyncIterable<unknown>,
    last: () => string,
    signal: AbortSignal,
  ): Promise<void> => {
    response.writeHead(
      200,
      headersFor({ "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" }),
    );
    response.flushHeaders();
    const write = async (text: string): Promise<void> => {
      if (signal.aborted) throw new ClientGoneError();
      if (response.write(text)) return;
      await new Promise<void>((resolve, reject) => {
        const gone = () => reject(new ClientGoneError());
        signal.addEventListener("abort", gone, { once: true });
        response.once("drain", () => {
          signal.removeEventListener("abort", gone);
          resolve();
        });
      });
    };
    for await (const event of events) await write(`event: progress\ndata: ${JSON.stringify(event)}\n\n`);
    await write(`event: done\ndata: ${last()}\n\n`);
    response.end();
  };

  const process: Route = async (request, response, read) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const wantsStream = (request.headers.accept ?? "").includes("text/event-stream");
    const ended =
      request.headers[probeHeader] === undefined ? metrics.start(wantsStream ? "stream" : "request") : undefined;
    let status = 500;
    try {
      const bytes = read ?? (await readBody(request));
      if (bytes === "too-large") {
        status = 413;
        refuse(
          response,
          status,
          "body-too-large",
          `The body is larger than ${bodyLimit} bytes, the most that is accepted.`,
        );
        return;
      }
      const body = parseBody(bytes);
      if (body.kind === "bad") {
        status = 400;
        refuse(response, status, "bad-request", body.why);
        return;
      }
      const reply = await agent.processRequest(body.value, {
        stream: wantsStream,
        wait: (ms) => waitUnlessGone(ms, gone.signal),
      });
      if (reply.kind === "response") {
        status = reply.response.statusCode;
        send(response, status, JSON.stringify(kiroResponseToWire(reply.response)));
        return;
      }
      await stream(response, reply.events, () => JSON.stringify(kiroResponseToWire(reply.last())), gone.signal);
      status = 200;
    } catch (error) {
      if (error instanceof ClientGoneError || (gone.signal.aborted && request.errored !== null)) {
        status = 499;
        return;
      }
      throw error;
    } finally {
      ended?.(status);
      lastActivity = now();
      const trace = parseTraceparent(request.headers.traceparent?.toString());
      log(status >= 500 ? "ERROR" : "DEBUG", `POST /process ${status}`, { status }, trace);
    }
  };

  const routes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
    "/process": { POST: process },
    "/health": { GET: (_, response) => send(response, 200, JSON.stringify(healthReportToWire(agent.healthCheck()))) },
    "/ready": {
      GET: (_, response) =>
        send(response, agent.ready ? 200 : 503, JSON.stringify(healthReportToWire(agent.healthCheck()))),
    },
    "/info": { GET: (_, response) => send(response, 200, infoText) },
    "/kiro-metrics": {
      GET: (_, response) => send(response, 200, JSON.stringify(kiroMetricsToWire(agent.getMetrics()))),
    },
    "/metrics": {
      GET: async (_, response) => {
        const { contentType, body } = await metrics.expose();
        send(response, 200, body, { "content-type": contentType });
      },
    },
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const handed = await options.handBack?.take(request, response);
    if (handed?.kind === "answered") {
      lastActivity = now();
      return;
    }
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) {
      refuse(response, 404, "not-found", `There is no ${path}. There are ${Object.keys(routes).join(", ")}.`);
      return;
    }
    // HEAD is GET without the body, which node:http leaves out by itself.
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "");
    const handler = Object.hasOwn(route, method) ? route[method] : undefined;
    if (handler === undefined) {
      const allowed = Object.keys(route).flatMap((name) => (name === "GET" ? ["GET", "HEAD"] : [name]));
      const allow = allowed.join(", ");
      refuse(response, 405, "method-not-allowed", `${path} does not take ${request.method}; it takes ${allow}.`, {
        allow,
      });
      return;
    }
    await handler(request, response, handed?.body);
  };

  const server = createServer(
    { keepAliveTimeout: keepAliveMs, headersTimeout: headersMs, requestTimeout: requestMs },
    (request, response) => {
      responses.add(response);
      options.spans?.begin(request, response);
      response.once("close", () => responses.delete(response));
      handle(request, response).catch((error: unknown) => {
        const trace = parseTraceparent(request.headers.traceparent?.toString());
        if (error instanceof HandBackBrokenError) {
          log("ERROR", error.message, { cause: String(error.cause) }, trace);
          refuse(response, 502, "hand-back-broken", error.message);
          return;
        }
        const stack = error instanceof Error ? error.stack : String(error);
        log("ERROR", `${request.method} ${request.url} failed`, { stack_trace: stack }, trace);
        // A stream that has begun can only be broken off: the client must not take it for a complete one.
        if (response.headersSent) response.destroy();
        else refuse(response, 500, "internal-error", "The agent met an error that it did not foresee; see its log.");
      });
    },
  );

  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const status =
      error.code === "HPE_HEADER_OVERFLOW"
        ? "431 Request Header Fields Too Large"
        : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
          ? "408 Request Timeout"
          : "400 Bad Request";
    if (socket.writable && error.code !== "ECONNRESET") {
      socket.end(
        `HTTP/1.1 ${status}\r\n${instanceHeader}: ${agent.marker}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
      );
    } else {
      socket.destroy();
    }
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;

  const close = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.close((error) => (error ? reject(error) : resolve()));
      server.closeAllConnections();
    });

  return {
    url: `http://${options.host}:${port}`,
    port,
    close,
    async drain({ deadlineMs, lameDuckMs }) {
      agent.beginDrain();
      const begun = now();
      lastActivity = Math.max(lastActivity, begun);
      for (;;) {
        const time = now();
        if (time - begun >= deadlineMs) break;
        const idle = responses.size === 0 && time - lastActivity >= Math.min(quietMs, lameDuckMs + 1);
        if (idle && time - begun >= lameDuckMs) break;
        await wait(Math.min(20, Math.max(1, deadlineMs - (time - begun))));
      }
      const cut = responses.size;
      await close();
      return cut;
    },
  };
}
