import { connect as connectSocket } from "node:net";
import { Client, type Dispatcher } from "undici";

/** Wants a connection; `onConnection` is called as soon as one is free. */
export interface ConnectionWaiter {
  onConnection(connection: UpstreamConnection): void;
}

export interface UpstreamPoolOptions {
  /** Open connections per origin; more requests wait for one. Default 2,048. */
  readonly connectionsPerOrigin?: number;
  /** Idle time after which a connection is closed when the service names none, ms. Default 4,000: Node and uvicorn close at 5,000. */
  readonly idleMs?: number;
  /** Most bytes of a response's head. Default 128 KiB, as Google's balancer. */
  readonly maxHeaderBytes?: number;
}

/**
 * Keep-alive connections to the instances, one request at a time on each. A service's own `Keep-Alive: timeout` sets
 * the idle time (2 s before it, 600 s at most). Origins need no list: an origin is forgotten with its last connection.
 */
export class UpstreamPool {
  readonly #origins = new Map<string, Origin>();
  readonly #options: Required<UpstreamPoolOptions>;

  constructor(options: UpstreamPoolOptions = {}) {
    this.#options = { connectionsPerOrigin: 2048, idleMs: 4000, maxHeaderBytes: 128 * 1024, ...options };
  }

  /** Origins with at least one connection, idle or not. */
  get origins(): readonly string[] {
    return [...this.#origins.keys()];
  }

  /** Connections to an origin, idle or not. */
  connections(origin: string): number {
    return this.#origins.get(origin)?.connections.size ?? 0;
  }

  /**
   * Calls the waiter back with the connection used last, or a new one (`fresh` asks for one), at once if there is room.
   * A request waits in line only when all connections are taken.
   */
  take(url: string, waiter: ConnectionWaiter, fresh = false): void {
    let origin = this.#origins.get(url);
    if (origin === undefined) {
      origin = new Origin(url, this.#options, () => this.#origins.delete(url));
      this.#origins.set(url, origin);
    }
    origin.take(waiter, fresh);
  }

  /** Takes a waiter out of the line; nothing happens if it is not in it. */
  forget(url: string, waiter: ConnectionWaiter): void {
    this.#origins.get(url)?.waiters.delete(waiter);
  }

  /** Closes everything; requests under way fail. */
  async close(): Promise<void> {
    const connections = [...this.#origins.values()].flatMap((origin) => [...origin.connections]);
    await Promise.all(connections.map((connection) => connection.discard()));
  }
}

class Origin {
  readonly url: string;
  readonly options: Required<UpstreamPoolOptions>;
  readonly connections = new Set<UpstreamConnection>();
  readonly waiters = new Set<ConnectionWaiter>();
  /** The one used last is used first, so that the others can grow old and close. */
  readonly idle: UpstreamConnection[] = [];
  readonly #onEmpty: () => void;

  constructor(url: string, options: Required<UpstreamPoolOptions>, onEmpty: () => void) {
    this.url = url;
    this.options = options;
    this.#onEmpty = onEmpty;
  }

  take(waiter: ConnectionWaiter, fresh: boolean): void {
    const known = fresh ? undefined : this.idle.pop();
    if (known !== undefined) known.lend(waiter);
    else if (this.connections.size < this.options.connectionsPerOrigin) this.#open().lend(waiter);
    else this.waiters.add(waiter);
  }

  give(connection: UpstreamConnection): void {
    const waiter = this.#nextWaiter();
    if (waiter === undefined) this.idle.push(connection);
    else connection.lend(waiter);
  }

  remove(connection: UpstreamConnection): void {
    if (!this.connections.delete(connection)) return;
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) this.#open().lend(waiter);
    else if (this.connections.size === 0) this.#onEmpty();
  }

  #open(): UpstreamConnection {
    const connection = new UpstreamConnection(this);
    this.connections.add(connection);
    return connection;
  }

  #nextWaiter(): ConnectionWaiter | undefined {
    for (const waiter of this.waiters) {
      this.waiters.delete(waiter);
      return waiter;
    }
    return undefined;
  }
}

/** One connection to an instance. Its borrower ends the loan with `giveBack` or `discard`, once. */
export class UpstreamConnection {
  readonly #origin: Origin;
  readonly #client: Client;
  #lent = false;
  #used = false;
  #broken = false;

  constructor(origin: Origin) {
    this.#origin = origin;
    const { idleMs, maxHeaderBytes } = origin.options;
    this.#client = new Client(origin.url, {
      pipelining: 1,
      // The router's own deadline holds; the client's would be a second opinion.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: 600_000,
      keepAliveTimeoutThreshold: 2000,
      maxHeaderSize: maxHeaderBytes,
      allowH2: false,
      connect: ({ hostname, port }, callback) => {
        // Half-open for WebSockets: each direction ends by itself. The client closes at a service's end all the same.
        const socket = connectSocket({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true });
        const onError = (error: Error): void => callback(error, null);
        socket.once("error", onError);
        socket.once("connect", () => {
          socket.off("error", onError);
          this.#used = false;
          this.#broken = false;
          // Before the client's own listener, which takes a reset for the end of a body without a length.
          socket.on("error", () => {
            this.#broken = true;
          });
          callback(null, socket);
        });
      },
    });
    this.#client.on("disconnect", () => {
      // While it is lent the borrower hears of it, or the client opens another one for a request not yet written.
      if (!this.#lent) void this.discard();
    });
  }

  /** The connection ended with an error. */
  get broken(): boolean {
    return this.#broken;
  }

  lend(waiter: ConnectionWaiter): void {
    this.#lent = true;
    waiter.onConnection(this);
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler);
  }

  /** To be called when a request is being written: whether the connection has carried one before. */
  markUsed(): boolean {
    const before = this.#used;
    this.#used = true;
    return before;
  }

  giveBack(): void {
    this.#lent = false;
    this.#origin.give(this);
  }

  /** Closes the connection, at once; resolves when it is closed. */
  async discard(): Promise<void> {
    this.#lent = false;
    this.#origin.remove(this);
    await this.#client.destroy();
  }
}
