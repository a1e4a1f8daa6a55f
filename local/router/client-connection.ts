import type { Socket } from "node:net";
import { rawAnswer } from "./router-answer.ts";

/** One request on a client's connection. */
export interface ConnectionExchange {
  start(): void;
  /** The client's connection is gone. */
  onClientGone(): void;
  /** The router ends before the exchange does. */
  onCut(): void;
  /** The rest of the request is malformed. Returns headers for the refusal, nothing if the response has begun. */
  onMalformedBody(status: number): readonly (readonly [string, string])[] | undefined;
  /** Whether the request has arrived in full. */
  readonly received: boolean;
}

/** Time for a client to read a refusal before its connection is destroyed, ms. */
const refusalLingerMs = 2000;
/** Time for a client to end an upload whose answer it has, ms. */
const uploadLingerMs = 10_000;
/** Pipelined requests kept for their turn. */
const mostPipelined = 64;

/**
 * One client's connection: requests that the client pipelines are served one after another, and the end of the
 * connection reaches the request being served.
 */
export class ClientConnection {
  readonly socket: Socket;
  #active: ConnectionExchange | undefined;
  readonly #queue: ConnectionExchange[] = [];
  #refusal: string | undefined;
  #refused = false;
  #closing = false;
  #addresses: string | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** No further request of this connection is served. */
  get refused(): boolean {
    return this.#refused || this.#refusal !== undefined;
  }

  get idle(): boolean {
    return this.#active === undefined;
  }

  /** The client's address and ours, as Google's balancer appends them to X-Forwarded-For. */
  get forwardedFor(): string {
    this.#addresses ??= `${this.socket.remoteAddress ?? "unknown"},${this.socket.localAddress ?? "unknown"}`;
    return this.#addresses;
  }

  add(exchange: ConnectionExchange): void {
    if (this.#active === undefined) {
      this.#active = exchange;
      exchange.start();
    } else if (this.#queue.length < mostPipelined) {
      this.#queue.push(exchange);
    } else {
      this.socket.destroy();
    }
  }

  /** The exchange is over and its response handed to the system. */
  done(exchange: ConnectionExchange): void {
    if (this.#active !== exchange) return;
    this.#active = undefined;
    if (this.socket.destroyed) return;
    if (!exchange.received) this.#linger(exchange);
    this.#active = this.#queue.shift();
    if (this.#active !== undefined) this.#active.start();
    else if (this.#refusal !== undefined) this.#refuse(this.#refusal);
    else if (this.#closing) this.socket.destroySoon();
  }

  /** Answers a request that cannot be served, after those before it, and ends the connection. */
  refuse(status: number, reason: string): void {
    if (this.refused) return;
    const active = this.#active;
    if (active === undefined) {
      this.#refuse(rawAnswer(status, reason));
    } else if (active.received) {
      this.#refusal = rawAnswer(status, reason);
    } else {
      const headers = active.onMalformedBody(status);
      if (headers === undefined) this.socket.destroy();
      else this.#refuse(rawAnswer(status, reason, headers));
    }
  }

  /** Ends the connection after what it is serving. */
  close(): void {
    this.#closing = true;
    if (this.idle && !this.#refused) this.socket.destroySoon();
  }

  /** Ends the connection and what it is serving. */
  cut(): void {
    this.#active?.onCut();
    this.socket.destroy();
  }

  onSocketClose(): void {
    this.#refused = true;
    this.#queue.length = 0;
    this.#active?.onClientGone();
    this.#active = undefined;
  }

  #refuse(answer: string): void {
    this.#refused = true;
    this.socket.end(answer, "latin1");
    this.#destroyLater(refusalLingerMs);
  }

  /** An unread rest of an upload is read and dropped for a while, since closing at once could take the response with it. */
  #linger(exchange: ConnectionExchange): void {
    this.#destroyLater(uploadLingerMs, () => exchange.received);
  }

  #destroyLater(ms: number, unless: () => boolean = () => false): void {
    const timer = setTimeout(() => {
      if (!unless()) this.socket.destroy();
    }, ms);
    timer.unref();
    this.socket.once("close", () => clearTimeout(timer));
  }
}
