import type { Socket } from "node:net";
import type { ExchangeSurroundings } from "./exchange-surroundings.ts";
import { rawAnswer } from "./router-answer.ts";

/** Where routers listen. */
export const listenAddress = "127.0.0.1";

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
  /** Whether the last byte of the response is on its way. */
  readonly responded: boolean;
}

/** Time for a client to read a refusal before its connection is destroyed, ms. */
const refusalLingerMs = 2000;
/** Time for a client to end an upload whose answer it has, ms. */
const uploadLingerMs = 10_000;
/** Pipelined requests kept for their turn. */
const mostPipelined = 64;

/**
 * One client's connection: requests that the client pipelines are served one after another, and the end of the
 * connection reaches the request being served. Thousands are idle at a time, so what only a busy one needs is made
 * when it is needed.
 */
export class ClientConnection {
  readonly socket: Socket;
  /** The router's worker that routes this connection's requests. */
  readonly worker: ExchangeSurroundings;
  #active: ConnectionExchange | undefined;
  /** Exchanges that wait; most connections never have one. */
  #queue: ConnectionExchange[] | undefined;
  #refusal: string | undefined;
  #refused = false;
  #closing = false;

  constructor(socket: Socket, worker: ExchangeSurroundings) {
    this.socket = socket;
    this.worker = worker;
  }

  /** No further request of this connection is served. */
  get refused(): boolean {
    return this.#refused || this.#refusal !== undefined;
  }

  get idle(): boolean {
    return this.#active === undefined;
  }

  get #waiting(): number {
    return this.#queue?.length ?? 0;
  }

  /** Whether the next request may take the connection over: nothing before it has a response to write. */
  get mayUpgrade(): boolean {
    return !this.refused && this.#waiting === 0 && (this.#active === undefined || this.#active.responded);
  }

  /** The client's address and ours, as Google's balancer appends them to X-Forwarded-For. */
  get forwardedFor(): string {
    return `${this.socket.remoteAddress ?? "unknown"},${listenAddress}`;
  }

  add(exchange: ConnectionExchange): void {
    if (this.#active === undefined) {
      this.#active = exchange;
      exchange.start();
    } else if (this.#waiting < mostPipelined) {
      this.#queue ??= [];
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
    this.#active = this.#queue?.shift();
    if (this.#waiting === 0) this.#queue = undefined;
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
    this.#queue = undefined;
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
