import { connect, type Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { onTestFinished } from "vitest";

const deadlineMs = 10_000;

/** A client that speaks bytes, so that a test decides on each of them. */
export class RawClient {
  readonly socket: Socket;
  received = "";
  /** How the connection ended: in order, or by a reset. */
  readonly closed: Promise<"end" | "reset">;
  readonly #listeners = new Set<() => void>();

  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let reset = false;
    this.socket.on("data", (chunk) => {
      this.received += chunk.toString("latin1");
      for (const listener of this.#listeners) listener();
    });
    this.socket.on("error", () => {
      reset = true;
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", () => {
        for (const listener of this.#listeners) listener();
        resolve(reset ? "reset" : "end");
      });
    });
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  send(text: string | Buffer): this {
    this.socket.write(text, "latin1");
    return this;
  }

  /** Everything received once the pattern is in it. Fails when the connection ends before or after 10 s. */
  async until(pattern: RegExp): Promise<string> {
    await this.#when(() => pattern.test(this.received) || this.socket.destroyed);
    if (!pattern.test(this.received)) {
      throw new Error(`The connection ended without ${pattern}: ${JSON.stringify(this.received)}`);
    }
    return this.received;
  }

  /** Everything received once the other side has ended the connection. Fails after 10 s. */
  async untilClosed(): Promise<string> {
    await this.#when(() => this.socket.destroyed);
    return this.received;
  }

  async #when(condition: () => boolean): Promise<void> {
    const deadline = new AbortController();
    let listener: () => void = () => undefined;
    const met = new Promise<void>((resolve) => {
      listener = () => {
        if (condition()) resolve();
      };
      this.#listeners.add(listener);
      listener();
    });
    const late = after(deadlineMs, undefined, { signal: deadline.signal }).then(
      () => {
        throw new Error(`Nothing more came within ${deadlineMs} ms after ${JSON.stringify(this.received)}.`);
      },
      () => undefined,
    );
    await Promise.race([met, late]);
    deadline.abort();
    this.#listeners.delete(listener);
  }
}
