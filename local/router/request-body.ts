import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/**
 * A request's body on its way to the backend. It stands between the two so that the HTTP client, which destroys the
 * stream it was given, never touches the client's connection, and pulls only what the backend takes.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  #pulled = false;

  constructor(request: IncomingMessage) {
    super({ highWaterMark: 64 * 1024 });
    this.#request = request;
  }

  /** Whether anything was taken from the client's stream; an untouched one can be sent again. */
  get pulled(): boolean {
    return this.#pulled;
  }

  override _read(): void {
    if (!this.#pulled) {
      this.#pulled = true;
      this.#request.on("data", this.#onData).on("end", this.#onEnd);
    }
    this.#request.resume();
  }

  /** Never an error event: whoever ends the exchange knows why. What is left of the body stays with the request. */
  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.off("data", this.#onData).off("end", this.#onEnd);
    callback(null);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };
}
