import type { Socket } from "node:net";

/**
 * How a tunnel ended. ordered: both sides ended their direction. client, service: that side broke off.
 * cut: whoever holds the tunnel ended it.
 */
export type TunnelEnd = "ordered" | "client" | "service" | "cut";

/**
 * Bytes both ways between a client and a service, until both directions have ended or one side breaks off; then the
 * other side sees a reset. The end of one direction is passed on and leaves the other one open; a slow reader slows
 * the writer down. Both sockets must allow half-open connections, or the first end would close both directions.
 */
export class Tunnel {
  readonly #client: Socket;
  readonly #service: Socket;
  readonly #onEnd: (end: TunnelEnd) => void;
  #open = 2;
  #ended = false;

  /** Takes over both sockets. `onEnd` is called once, when neither side is open any more. */
  constructor(client: Socket, service: Socket, onEnd: (end: TunnelEnd) => void) {
    this.#client = client;
    this.#service = service;
    this.#onEnd = onEnd;
    client.once("close", () => this.#closed(client, "client"));
    service.once("close", () => this.#closed(service, "service"));
    client.on("error", ignore);
    service.on("error", ignore);
    client.pipe(service);
    service.pipe(client);
    // One of them may have broken off before there was a listener.
    if (client.destroyed) this.#closed(client, "client");
    else if (service.destroyed) this.#closed(service, "service");
  }

  /** Ends both directions at once. */
  cut(): void {
    this.#end("cut");
    this.#client.destroy();
    this.#service.destroy();
  }

  #closed(side: Socket, name: "client" | "service"): void {
    this.#open -= 1;
    const inOrder = side.readableEnded && side.writableFinished && side.errored === null;
    if (!inOrder) {
      const other = side === this.#client ? this.#service : this.#client;
      this.#end(name);
      if (!other.destroyed) other.resetAndDestroy();
    } else if (this.#open === 0) {
      this.#end("ordered");
    }
  }

  #end(end: TunnelEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(end);
  }
}

/** The close that follows an error says what there is to say. */
function ignore(): void {}
