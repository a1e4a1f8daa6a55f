import type { IncomingMessage } from "node:http";
import type { BackendRequest } from "./backend.ts";
import type { RequestHead } from "./request-head.ts";
import type { RouteRequest } from "./routing-table.ts";

/** A request as the table and the backends see it. What few of them ask for is made when it is asked for. */
export class IncomingRequest implements RouteRequest, BackendRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly probe: boolean;
  readonly #request: IncomingMessage;
  #gone: AbortController | undefined;
  #reason: Error | undefined;

  constructor(request: IncomingMessage, head: RequestHead) {
    this.method = request.method ?? "GET";
    this.host = head.host;
    this.path = head.path;
    this.probe = head.probe;
    this.#request = request;
  }

  get headers(): RouteRequest["headers"] {
    return this.#request.headers;
  }

  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      this.#gone = new AbortController();
      if (this.#reason !== undefined) this.#gone.abort(this.#reason);
    }
    return this.#gone.signal;
  }

  /** Tells whoever took the signal that the request is given up. */
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#gone?.abort(reason);
  }
}
