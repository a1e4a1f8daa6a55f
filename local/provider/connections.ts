import { ProviderError } from "./errors.ts";
import type { ProviderSettings } from "./resource-type.ts";

/**
 * What is known of the engine's connections. Every provider resource of a program, default or explicit, has a connection of its
 * own and its requests name no provider, so the connection says which configuration is meant.
 */
export class Connections {
  readonly #settings = new Map<string, ProviderSettings>();
  readonly #running = new Map<string, Set<AbortController>>();
  readonly #cancelled = new Set<string>();

  /** A new connection; a port that was used before brings nothing along. */
  open(peer: string): void {
    this.#settings.delete(peer);
    this.#cancelled.delete(peer);
  }

  configure(peer: string, settings: ProviderSettings): void {
    this.#settings.set(peer, settings);
  }

  settings(peer: string): ProviderSettings {
    const settings = this.#settings.get(peer);
    if (settings === undefined) {
      throw new ProviderError(
        "This connection was not configured: it broke, or the local cloud was restarted, while the command ran. Run the command again.",
      );
    }
    return settings;
  }

  /** Runs an operation that Cancel, the client's end and `close` can abort. */
  async run<T>(peer: string, controller: AbortController, operation: () => Promise<T>): Promise<T> {
    const running = this.#running.get(peer) ?? new Set();
    this.#running.set(peer, running.add(controller));
    if (this.#cancelled.has(peer)) abort(controller);
    try {
      return await operation();
    } finally {
      running.delete(controller);
      if (running.size === 0) this.#running.delete(peer);
    }
  }

  /** Aborts what runs for one connection, and what still comes: a request may be on its way already. */
  cancel(peer: string): void {
    this.#cancelled.add(peer);
    for (const controller of this.#running.get(peer) ?? []) abort(controller);
  }

  cancelAll(): void {
    for (const peer of this.#running.keys()) this.cancel(peer);
  }
}

function abort(controller: AbortController): void {
  controller.abort(new ProviderError("The operation was cancelled."));
}
