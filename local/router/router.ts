import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ClientConnection } from "./client-connection.ts";
import type { SideCounters } from "./counters.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeSurroundings } from "./exchange-surroundings.ts";
import type { RequestFeedLog } from "./feed.ts";
import { readRequestHead } from "./request-head.ts";
import { rejectionOf } from "./router-answer.ts";
import type { RoutingTable } from "./routing-table.ts";
import { createTraceIds } from "./trace-context.ts";
import { UpstreamPool } from "./upstream-pool.ts";

export interface RouterOptions {
  /** Names the listener in warnings. */
  readonly name: string;
  /** The routes as they are now; asked once per request. */
  readonly table: () => RoutingTable;
  readonly feed: RequestFeedLog;
  readonly counters: SideCounters;
  /** In [0, 1), decides between weights. Default Math.random. */
  readonly random?: () => number;
  /** ms since the epoch, for the feed. Default Date.now. */
  readonly now?: () => number;
  /** What X-Forwarded-Proto says. Default https: the listener stands for the 443 rule. */
  readonly scheme?: "https" | "http";
  /** Most bytes of a request's head; above it 431. Default 64 KiB, as Google's balancer. */
  readonly maxHeaderBytes?: number;
  /** Told of an exception of the table or a backend; the request got a 502. Default: a process warning. */
  readonly onFault?: (error: unknown) => void;
}

export interface Router {
  /** Listens on 127.0.0.1; 0 takes a free port. Rejects with the system's error, EADDRINUSE for one. */
  listen(port: number): Promise<{ readonly port: number; readonly url: string }>;
  /** Takes no more connections, lets requests under way end for up to graceMs, cuts the rest. */
  close(graceMs: number): Promise<void>;
  /** Requests under way on a side, probes and dark ones too. */
  inFlight(side: string): number;
}

/** Google's front end keeps an idle client connection for 610 s. */
const clientKeepAliveMs = 610_000;
const headTimeoutMs = 60_000;

/** One HTTP/1.1 listener in front of the local cloud's backends. */
export function createRouter(options: RouterOptions): Router {
  const underWay = new Map<string, number>();
  const connections = new Map<Duplex, ClientConnection>();
  const upstreams = new UpstreamPool();
  let closing = false;
  let onQuiet: (() => void) | undefined;

  const around: ExchangeSurroundings = {
    table: options.table,
    upstreams,
    feed: options.feed,
    counters: options.counters,
    underWay,
    scheme: options.scheme ?? "https",
    traceIds: createTraceIds(),
    random: options.random ?? Math.random,
    now: options.now ?? Date.now,
    elapsed: () => performance.now(),
    closing: () => closing,
    onFault: options.onFault ?? ((error) => warnOf(options.name, error)),
  };

  const server = createServer({
    keepAlive: true,
    keepAliveTimeout: clientKeepAliveMs,
    headersTimeout: headTimeoutMs,
    // An upload may take as long as its backend's timeout says.
    requestTimeout: 0,
    maxHeaderSize: options.maxHeaderBytes ?? 64 * 1024,
    insecureHTTPParser: false,
    // Checked with the rest of the head, so that the answer is the same.
    requireHostHeader: false,
    noDelay: true,
    optimizeEmptyRequests: true,
  });
  // The size is bounded; a bound on the count would drop headers silently.
  server.maxHeadersCount = 0;

  function handle(request: IncomingMessage, response: ServerResponse, withheldBody: boolean): void {
    const connection = connections.get(request.socket);
    if (connection === undefined || connection.refused) return;
    const { method = "", url = "", httpVersion, rawHeaders } = request;
    const head = readRequestHead({ method, url, httpVersion, rawHeaders });
    if (head.kind === "problem") connection.refuse(head.status, head.reason);
    else connection.add(new Exchange(around, connection, request, response, head, withheldBody));
  }

  server.on("request", (request, response) => handle(request, response, false));
  server.on("checkContinue", (request, response) => handle(request, response, true));
  server.on("checkExpectation", (request: IncomingMessage) => {
    connections.get(request.socket)?.refuse(417, "Only 'Expect: 100-continue' is understood.");
  });
  server.on("connect", (_request, socket) => {
    connections.get(socket)?.refuse(405, "The method CONNECT is not allowed.");
  });
  server.on("clientError", (error, socket) => {
    const connection = connections.get(socket);
    if (connection?.refused === true && !socket.destroyed) return;
    const rejection = rejectionOf(error);
    if (connection === undefined || rejection === undefined || !socket.writable) socket.destroy();
    else connection.refuse(rejection.status, rejection.reason);
  });
  server.on("connection", (socket: Socket) => {
    const connection = new ClientConnection(socket);
    connections.set(socket, connection);
    socket.once("close", () => {
      connections.delete(socket);
      connection.onSocketClose();
      if (connections.size === 0) onQuiet?.();
    });
    if (closing) connection.close();
  });

  return {
    listen: (port) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, "127.0.0.1", () => {
          server.off("error", reject);
          const { port: actual } = server.address() as AddressInfo;
          resolve({ port: actual, url: `http://127.0.0.1:${actual}` });
        });
      }),
    async close(graceMs) {
      closing = true;
      // http's own close destroys connections whose last response is still on its way out.
      const stopped = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
      for (const connection of connections.values()) connection.close();
      if (connections.size > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, graceMs);
          onQuiet = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      for (const connection of connections.values()) connection.cut();
      await stopped;
      // Only this ends http's own timer; there is nothing left that it could cut.
      server.close();
      await upstreams.close();
    },
    inFlight: (side) => underWay.get(side) ?? 0,
  };
}

function warnOf(name: string, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`Router ${name} answered 502 because routing a request failed: ${text}`);
}
