import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import { createServer as createNetServer } from "node:net";
import { onTestFinished } from "vitest";
import type { Backend, BackendRequest, Refusal, Reservation } from "../../../local/router/backend.ts";
import { createSideCounters, type SideCounters } from "../../../local/router/counters.ts";
import { createRequestFeedLog, type RequestFeedLog, type RequestRecord } from "../../../local/router/feed.ts";
import { createRouter, type Router, type RouterOptions } from "../../../local/router/router.ts";
import type { RouteRequest, RoutingTable, Selection } from "../../../local/router/routing-table.ts";

/** A service behind the router. */
export interface Origin {
  readonly url: string;
  readonly server: NetServer;
  /** Open connections. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections ever made. */
  connections: number;
  /** Requests ever seen by an HTTP origin; bytes ever seen by a raw one. */
  seen: number;
  stop(): Promise<void>;
}

async function listen(server: NetServer): Promise<Origin> {
  const sockets = new Set<Socket>();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  const origin: Origin = { url: `http://127.0.0.1:${port}`, server, sockets, connections: 0, seen: 0, stop };
  server.on("connection", (socket: Socket) => {
    origin.connections += 1;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  onTestFinished(stop);
  return origin;
}

export async function startOrigin(handler: RequestListener): Promise<Origin> {
  const server: Server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    origin.seen += 1;
    handler(request, response);
  });
  const origin = await listen(server);
  return origin;
}

/** A service that answers with bytes: `onData` gets each piece and the connection. */
export async function startRawOrigin(onData: (text: string, socket: Socket) => void): Promise<Origin> {
  const origin = await listen(
    createNetServer((socket) => {
      socket.on("data", (chunk) => {
        origin.seen += chunk.length;
        onData(chunk.toString("latin1"), socket);
      });
    }),
  );
  return origin;
}

export interface CountingBackend extends Backend {
  reserved: number;
  released: number;
  requests: BackendRequest[];
}

type Place = Refusal | Partial<Omit<Reservation, "kind">>;

/** A backend that counts loans; by default each request gets a place at the origin. */
export function backendAt(
  origin: string,
  options: { timeoutMs?: number; place?: (request: BackendRequest) => Place | Promise<Place> } = {},
): CountingBackend {
  const complete = (place: Place): Reservation | Refusal => {
    if ("kind" in place) return place as Refusal;
    backend.reserved += 1;
    return {
      kind: "reservation",
      origin,
      instance: "instance-1",
      requestHeaders: [],
      ...place,
      release: () => {
        backend.released += 1;
      },
    };
  };
  const backend: CountingBackend = {
    name: "fixture",
    timeoutMs: options.timeoutMs ?? 30_000,
    reserved: 0,
    released: 0,
    requests: [],
    reserve(request) {
      backend.requests.push(request);
      const place = options.place?.(request) ?? {};
      return place instanceof Promise ? place.then(complete) : complete(place);
    },
  };
  return backend;
}

export function selectionOf(
  backend: Backend,
  changes: Partial<Omit<Extract<Selection, { kind: "backend" }>, "kind">> = {},
): Selection {
  return {
    kind: "backend",
    backend,
    side: "gke",
    weighted: true,
    responseHeaders: [["x-switchyard-side", "gke"]],
    requestHeaders: [],
    ...changes,
  };
}

export const tableOf = (select: (request: RouteRequest, random: number) => Selection): RoutingTable => ({ select });

export interface StartedRouter {
  readonly router: Router;
  readonly port: number;
  readonly url: string;
  readonly feed: RequestFeedLog;
  readonly counters: SideCounters;
  readonly faults: unknown[];
  /** All records so far, at least `count`; waits for them. */
  records(count: number): Promise<readonly RequestRecord[]>;
}

export async function startRouter(
  target: Selection | ((request: RouteRequest, random: number) => Selection),
  options: Partial<RouterOptions> = {},
): Promise<StartedRouter> {
  const feed = createRequestFeedLog();
  const counters = createSideCounters();
  const faults: unknown[] = [];
  const table = tableOf(typeof target === "function" ? target : () => target);
  const router = createRouter({
    name: "test",
    table: () => table,
    feed,
    counters,
    onFault: (error) => faults.push(error),
    ...options,
  });
  const { port, url } = await router.listen(0);
  onTestFinished(() => router.close(0));
  const records = async (count: number): Promise<readonly RequestRecord[]> => {
    let batch = await feed.read(0, 0);
    const until = performance.now() + 10_000;
    while (batch.records.length < count) {
      if (performance.now() > until) throw new Error(`Only ${batch.records.length} of ${count} records came.`);
      await feed.read(batch.cursor, 1000);
      batch = await feed.read(0, 0);
    }
    return batch.records;
  };
  return { router, port, url, feed, counters, faults, records };
}

/** Waits until the condition holds; fails after 10 s. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const until = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > until) throw new Error(`Never happened: ${what}.`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A whole reply in one piece. */
export const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

export interface Scene extends StartedRouter {
  readonly origin: Origin;
  readonly backend: CountingBackend;
}

/** A router before one service that says what it is told to. */
export async function scene(
  onData: (text: string, socket: Socket) => void,
  options: Parameters<typeof backendAt>[1] = {},
): Promise<Scene> {
  const origin = await startRawOrigin(onData);
  const backend = backendAt(origin.url, options);
  return { ...(await startRouter(selectionOf(backend))), origin, backend };
}
