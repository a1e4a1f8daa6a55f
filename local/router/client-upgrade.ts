import { type IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { RequestOutcome } from "./feed.ts";
import { Tunnel, type TunnelEnd } from "./tunnel.ts";

/** A service's failure after its 101 is as bad as a response that it does not complete. */
const outcomes: Readonly<Record<Exclude<TunnelEnd, "cut">, RequestOutcome>> = {
  ordered: "ok",
  client: "client",
  service: "gateway",
};

/**
 * A client's connection from its WebSocket handshake on. http has let go of it: what the client sends before the answer
 * stays in the socket for the service, and any answer but 101 is the connection's last response.
 */
export class ClientUpgrade {
  /** For an answer other than 101. Its end is the end of the connection. */
  readonly response: ServerResponse;
  readonly #socket: Socket;
  #waiting = false;
  #tunnel: Tunnel | undefined;
  #cutAs: RequestOutcome = "gateway";

  /** `head` is what arrived behind the handshake. Errors of the socket are the caller's to listen to. */
  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    this.#socket = socket;
    if (head.length > 0) socket.unshift(head);
    this.response = new ServerResponse(request);
    this.response.shouldKeepAlive = false;
  }

  /** Whether the connection is a WebSocket now. */
  get joined(): boolean {
    return this.#tunnel !== undefined;
  }

  /** The handshake's turn has come; a client that ends its connection before the answer is hung up on. */
  begin(): void {
    const { response } = this;
    const socket = this.#socket;
    this.#waiting = true;
    response.assignSocket(socket);
    socket.on("drain", this.#onDrain);
    // The system's end of the stream comes by itself as long as nothing unread stands before it.
    socket.once("end", this.#onEnd);
    response.once("finish", () => {
      this.#waiting = false;
      response.detachSocket(socket);
      socket.destroySoon();
    });
  }

  /** Answers 101 with these headers (flat, as for writeHead) and joins both connections. `onEnd` is told how it went, once. */
  join(headers: readonly string[], service: Duplex, onEnd: (outcome: RequestOutcome) => void): void {
    if (!(service instanceof Socket)) throw new TypeError("A WebSocket needs the service's own socket.");
    const { response } = this;
    const socket = this.#socket;
    this.#waiting = false;
    socket.off("drain", this.#onDrain).off("end", this.#onEnd);
    response.writeHead(101, [...headers]);
    response.flushHeaders();
    response.detachSocket(socket);
    this.#tunnel = new Tunnel(socket, service, (end) => onEnd(end === "cut" ? this.#cutAs : outcomes[end]));
  }

  /** Ends a WebSocket at once, which its feed record calls so. */
  cut(outcome: RequestOutcome): void {
    this.#cutAs = outcome;
    this.#tunnel?.cut();
  }

  readonly #onDrain = (): void => {
    this.response.emit("drain");
  };

  readonly #onEnd = (): void => {
    if (this.#waiting) this.#socket.destroy();
  };
}
