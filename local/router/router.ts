import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ClientConnection, listenAddress } from "./client-connection.ts";
import { ClientUpgrade } from "./client-upgrade.ts";
import type { SideCounters } from "./counters.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeSurroundings } from "./exchange-surroundings.ts";
import type { RequestFeedLog } from "./feed.ts";
import { asksForWebSocket, type HeadProblem, type RequestHead, readRequestHead } from "./request-head.ts";
import type { RequestLog } from "./request-log.ts";
import { rejectionOf } from "./router-answer.ts";
import type { RoutingTable } from "./routing-table.ts";
import type { RouterTracing } from "./server-span.ts";
import { createTraceIds } from "./trace-context.ts";
import { UpstreamPool } from "./upstream-pool.ts";

export interface RouterOptions {
  /** Names the listener, in warnings, in the feed's records and in the counters. */
  readonly name: string;
  /** The routes that a worker (from 0) has now; asked once per request. */
  readonly table: (worker: number) => RoutingTable;
  /** Workers, 1 or more; default 1. */
  readonly workers?: number;
  readonly feed: RequestFeedLog;
  readonly counters: SideCounters;
  /** Takes the requests of the dark route. Default: they are not counted. */
  readonly darkCounters?: SideCounters;
  /** Takes every request, probes and dark ones too. Default: none is logged. */
  readonly log?: RequestLog;
  /** In [0, 1), decides between weights. Default Math.random. */
  readonly random?: () => number;
  /** ms since the epoch, for the feed. Default Date.now. */
  readonly now?: () => number;
  /** What X-Forwarded-Proto says. Default https: the listener stands for the 443 rule. */
  readonly scheme?: "https" | "http";
  /** Takes a span of each request of a sampled trace. Default: nobody is told. */
  readonly tracing?: RouterTracing | undefined;
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

/**
 * One HTTP/1.1 listener in front of the local cloud's backends. As Google's balancer is many proxies that learn of a
 * change one after another, it has workers: each accepted connection belongs to one, in turn, and is routed by that
 * worker's table over that worker's connections to the backends. They are logical, in one process: what differs between
 * real proxies is what they know, and processes would split the counts, the feed and the places at the backends, which
 * the local cloud keeps exact. RangeError for a number of workers that is not 1 or more.
 */
export function createRouter(options: RouterOptions): Router {
  const underWay = new Map<string, number>();
  const connections = new Map<Duplex, ClientConnection>();
  let closing = false;
  let onQuiet: (() => void) | undefined;

  const shared: Omit<ExchangeSurroundings, "table" | "upstreams"> = {
    listener: options.name,
    feed: options.feed,
    counters: options.counters,
    darkCounters: options.darkCounters,
    log: options.log,
    underWay,
    scheme: options.scheme ?? "https",
    traceIds: createTraceIds(),
    tracing: options.tracing,
    random: options.random ?? Math.random,
    now: options.now ?? Date.now,
    elapsed: () => performance.now(),
    closing: () => closing,
    onFault: options.onFault ?? ((error) => warnOf(options.name, error)),
  };
  const { workers: count = 1 } = options;
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`A router cannot have ${count} workers.`);
  const worker = (number: number): ExchangeSurroundings => {
    return { ...shared, table: () => options.table(number), upstreams: new UpstreamPool() };
  };
  const first = worker(0);
  const workers = [first, ...Array.from({ length: count - 1 }, (_, i) => worker(i + 1))];
  let accepted = 0;

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
    shouldUpgradeCallback: (request) =>
      asksForWebSocket(request.headers.upgrade ?? "") && connections.get(request.socket)?.mayUpgrade === true,
  });
  // The size is bounded; a bound on the count would drop headers silently.
  server.maxHeadersCount = 0;

  function handle(request: IncomingMessage, response: ServerResponse, withheldBody: boolean): void {
    const connection = connections.get(request.socket);
    if (connection === undefined || connection.refused) return;
    const head = headOf(request);
    if (head.kind === "problem") connection.refuse(head.status, head.reason);
    else if (head.upgrade) connection.refuse(400, "A WebSocket handshake waits for the response before it.");
    else connection.add(new Exchange(connection, { request, response, head, withheldBody, upgrade: undefined }));
  }

  function handleUpgrade(request: IncomingMessage, socket: Duplex, rest: Buffer): void {
    const connection = connections.get(socket);
    // http's own listener is gone; the close that follows an error says enough.
    socket.on("error", ignore);
    const head = headOf(request);
    if (connection === undefined || connection.refused) {
      socket.destroy();
    } else if (head.kind === "problem") {
      connection.refuse(head.status, head.reason);
    } else if (!head.upgrade) {
      connection.refuse(400, "The WebSocket handshake is not well-formed.");
    } else {
      const upgrade = new ClientUpgrade(request, connection.socket, rest);
      const { response } = upgrade;
      connection.add(new Exchange(connection, { request, response, head, withheldBody: false, upgrade }));
    }
  }

  server.on("upgrade", handleUpgrade);
  server.on("request", (request, response) => handle(request, response, false));
  server.on("checkContinue", (request, response) => handle(request, response, true));
  server.on("checkExpectation", (request: IncomingMessage) => {
    connections.get(request.socket)?.refuse(417, "Only 'Expect: 100-continue' is understood.");
  });
  server.on("connect", (_request, socket) => {
    socket.on("error", ignore);
    connections.get(socket)?.refuse(405, "The method CONNECT is not allowed.");
  });
  server.on("clientError", (error, socket) => {
    const connection = connections.get(socket);
    if (connection?.refused === true && !socket.destroyed) return;
    const rejection = rejectionOf(error);
    if (connection === undefined || rejection === undefined || !socket.writable) socket.destroy();
    else connection.refuse(rejection.status, rejection.reason);
  });
  /** One function for all sockets: a closure and a once of its own would be a good part of what an idle connection costs. */
  function onClose(this: Socket): void {
    const connection = connections.get(this);
    connections.delete(this);
    connection?.onSocketClose();
    if (connections.size === 0) onQuiet?.();
  }

  server.on("connection", (socket: Socket) => {
    const connection = new ClientConnection(socket, workers[accepted % count] ?? first);
    accepted += 1;
    connections.set(socket, connection);
    socket.on("close", onClose);
    if (closing) connection.close();
  });

  return {
    listen: (port) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, listenAddress, () => {
          server.off("error", reject);
          const { port: actual } = server.address() as AddressInfo;
          resolve({ port: actual, url: `http://${listenAddress}:${actual}` });
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
      await Promise.all(workers.map(({ upstreams }) => upstreams.close()));
    },
    inFlight: (side) => underWay.get(side) ?? 0,
  };
}

function headOf({ method = "", url = "", httpVersion, rawHeaders }: IncomingMessage): RequestHead | HeadProblem {
  return readRequestHead({ method, url, httpVersion, rawHeaders });
}

function ignore(): void {}

function warnOf(name: string, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`Router ${name} answered 502 because routing a request failed: ${text}`);
}
