import type { IncomingMessage, ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import type { Reservation } from "./backend.ts";
import type { ClientConnection, ConnectionExchange } from "./client-connection.ts";
import type { ExchangeSurroundings } from "./exchange-surroundings.ts";
import type { RequestOutcome } from "./feed.ts";
import { IncomingRequest } from "./incoming-request.ts";
import { RequestBody } from "./request-body.ts";
import { countBegin, countEnd } from "./request-count.ts";
import type { RequestHead } from "./request-head.ts";
import { forwardedTrailers, responseHead } from "./response-head.ts";
import { requestTimeout, serverError } from "./router-answer.ts";
import type { Selection } from "./routing-table.ts";
import type { ConnectionWaiter, UpstreamConnection } from "./upstream-pool.ts";
import { upstreamHeaders } from "./upstream-request.ts";

type BackendSelection = Extract<Selection, { kind: "backend" }>;
type HeaderList = readonly (readonly [string, string])[];

const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
const plainText = /^[\t\x20-\x7e]*$/;
const longestTimer = 0x7fff_ffff;
const joinedBody = 8192;
const resetCodes = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/** One request from its arrival to the last byte of its response, or to its break. */
export class Exchange implements ConnectionExchange, ConnectionWaiter, Dispatcher.DispatchHandler {
  readonly #around: ExchangeSurroundings;
  readonly #client: ClientConnection;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #head: RequestHead;
  readonly #incoming: IncomingRequest;
  readonly #arrivedAt: number;
  /** The client waits for 100 Continue. */
  #withheldBody: boolean;

  #selection: BackendSelection | undefined;
  #reservation: Reservation | undefined;
  #instance = "";
  #timer: NodeJS.Timeout | undefined;
  #body: RequestBody | undefined;

  #connection: UpstreamConnection | undefined;
  #waitingAt: string | undefined;
  #reused = false;
  #responding = false;
  #retried = false;
  #bodyLeft = -1;

  /** The backend has no more say. */
  #answered = false;
  #finished = false;
  #firstByteAt = -1;
  #outcome: RequestOutcome | undefined;

  constructor(
    around: ExchangeSurroundings,
    client: ClientConnection,
    request: IncomingMessage,
    response: ServerResponse,
    head: RequestHead,
    withheldBody: boolean,
  ) {
    this.#around = around;
    this.#client = client;
    this.#request = request;
    this.#response = response;
    this.#head = head;
    this.#withheldBody = withheldBody;
    this.#incoming = new IncomingRequest(request, head);
    this.#arrivedAt = around.elapsed();
    response.on("finish", () => this.#finish());
  }

  get received(): boolean {
    return this.#request.complete;
  }

  start(): void {
    try {
      this.#route();
    } catch (error) {
      this.#fault(error);
    }
  }

  #route(): void {
    const selection = this.#around.table().select(this.#incoming, this.#around.random());
    switch (selection.kind) {
      case "redirect":
        this.#answer(selection.status, [["location", selection.location]], "");
        break;
      case "answer":
        this.#answer(selection.status, [], selection.body);
        break;
      case "backend":
        this.#forward(selection);
    }
  }

  #forward(selection: BackendSelection): void {
    this.#selection = selection;
    const { backend } = selection;
    countBegin(this.#around, selection, this.#head.probe);
    const left = backend.timeoutMs - (this.#around.elapsed() - this.#arrivedAt);
    this.#timer = setTimeout(expire, Math.min(Math.max(0, left), longestTimer), this);
    const place = backend.reserve(this.#incoming);
    if (place instanceof Promise) {
      place.then(
        (found) => this.#onPlace(found),
        (error: unknown) => this.#fault(error),
      );
    } else {
      this.#onPlace(place);
    }
  }

  #onPlace(place: Awaited<ReturnType<BackendSelection["backend"]["reserve"]>>): void {
    if (place.kind === "refusal") {
      if (!this.#answered) this.#answer(place.status, place.headers, place.body);
      return;
    }
    if (this.#answered) {
      place.release();
      return;
    }
    this.#reservation = place;
    this.#instance = place.instance;
    if (this.#withheldBody) {
      this.#withheldBody = false;
      this.#response.writeContinue();
    }
    this.#send(place, false);
  }

  #send(place: Reservation, fresh: boolean): void {
    this.#waitingAt = place.origin;
    this.#around.upstreams.take(place.origin, this, fresh);
  }

  onConnection(connection: UpstreamConnection): void {
    const place = this.#reservation;
    const selection = this.#selection;
    this.#waitingAt = undefined;
    if (place === undefined || selection === undefined) {
      connection.giveBack();
      return;
    }
    this.#connection = connection;
    this.#body = this.#head.hasBody ? new RequestBody(this.#request) : undefined;
    const { scheme, traceIds } = this.#around;
    const hop = { forwardedFor: this.#client.forwardedFor, scheme, traceIds };
    connection.dispatch(
      {
        method: this.#incoming.method,
        path: this.#head.path,
        headers: upstreamHeaders(this.#head, hop, selection.requestHeaders, place.requestHeaders),
        body: this.#body ?? null,
      },
      this,
    );
  }

  onRequestStart(): void {
    this.#reused = this.#connection?.markUsed() ?? false;
  }

  onResponseStarted(): void {
    this.#responding = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    statusMessage?: string,
  ): void {
    // Interim responses say nothing that HTTP/1.1 clients need; the final one follows.
    if (status < 200 || this.#answered) return;
    const head = responseHead(headers, status, this.#incoming.method, this.#selection?.responseHeaders ?? []);
    this.#bodyLeft = head.contentLength;
    this.#writeHead(status, head.headers, statusMessage);
    process.nextTick(flushHead, this.#response);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#answered) return;
    const response = this.#response;
    if (this.#bodyLeft >= 0) {
      this.#bodyLeft -= chunk.length;
      // The last bytes and the end in one write.
      if (this.#bodyLeft === 0) {
        this.#complete();
        // As latin1, byte for byte, a small body joins the head in one string: cheaper than two buffers.
        if (chunk.length <= joinedBody) response.end(chunk.toString("latin1"), "latin1");
        else response.end(chunk);
        return;
      }
    }
    if (!response.write(chunk) && !controller.paused) {
      controller.pause();
      response.once("drain", () => controller.resume());
    }
  }

  onResponseEnd(
    _controller: Dispatcher.DispatchController,
    trailers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    const connection = this.#connection;
    // A body that ends with its connection is only whole if the connection ended in order.
    if (connection?.broken === true && this.#bodyLeft !== 0) {
      this.onResponseError(null, new Error("The connection to the service was reset within the body."));
      return;
    }
    this.#connection = undefined;
    this.#release();
    if (!this.#answered) {
      this.#answered = true;
      this.#complete();
      if (!this.#response.writableEnded) {
        const forwarded = forwardedTrailers(trailers);
        if (forwarded.length > 0) this.#response.addTrailers(forwarded);
        this.#response.end();
      }
    }
    connection?.giveBack();
  }

  /** The service has given its whole response. */
  #complete(): void {
    this.#outcome = this.#response.statusCode >= 500 ? "application" : "ok";
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const connection = this.#connection;
    this.#connection = undefined;
    void connection?.discard();
    if (this.#answered) return;
    const place = this.#reservation;
    if (this.#response.headersSent) {
      this.#breakOff("gateway");
    } else if (place !== undefined && this.#mayRetry(error)) {
      this.#retried = true;
      this.#send(place, true);
    } else {
      this.#answer(502, [], serverError);
    }
  }

  /** The service closed a kept connection just as the request went out: not a byte came back, and asking twice does no harm. */
  #mayRetry(error: Error & { readonly code?: string }): boolean {
    if (this.#retried || !this.#reused || this.#responding) return false;
    if (error.code === undefined || !resetCodes.has(error.code)) return false;
    return idempotent.has(this.#incoming.method) && this.#body?.pulled !== true;
  }

  onClientGone(): void {
    if (this.#finished) return;
    if (this.#outcome !== "gateway") this.#outcome = "client";
    this.#stopBackend(new Error("The client went away."));
    this.#finish();
  }

  onCut(): void {
    this.#breakOff("gateway");
  }

  onMalformedBody(status: number): HeaderList | undefined {
    const untold = !this.#response.headersSent;
    if (untold) {
      this.#response.statusCode = status;
      this.#firstByteAt = this.#around.elapsed();
    }
    this.#outcome = "client";
    this.#stopBackend(new Error("The rest of the request is malformed."));
    this.#finish();
    return untold ? (this.#selection?.responseHeaders ?? []) : undefined;
  }

  onDeadline(): void {
    if (this.#finished) return;
    if (this.#response.headersSent) {
      this.#breakOff("gateway");
    } else {
      this.#stopBackend(new Error("The request took longer than its timeout."));
      this.#answer(504, [], requestTimeout);
    }
  }

  #fault(error: unknown): void {
    // A reservation that fails because its request was given up is no fault.
    if (this.#answered) return;
    this.#around.onFault(error);
    this.#answer(502, [], serverError);
  }

  /** The router's own or the platform's response. */
  #answer(status: number, headers: HeaderList, body: string): void {
    this.#answered = true;
    this.#release();
    const flat: string[] = [];
    for (const [name, value] of headers) flat.push(name.toLowerCase(), value);
    if (!flat.includes("content-type")) flat.push("content-type", "text/plain; charset=utf-8");
    if (!flat.includes("content-length")) flat.push("content-length", String(Buffer.byteLength(body)));
    const selection = this.#selection;
    if (selection !== undefined) {
      for (const [name, value] of selection.responseHeaders) flat.push(name, value);
      if (selection.side !== "" && !flat.includes("x-switchyard-side")) flat.push("x-switchyard-side", selection.side);
    }
    if (this.#instance !== "") flat.push("x-switchyard-instance", this.#instance);
    // 429 is the platform's "no instance free": for the user as failed as a 503. Other answers below 500 are the request's own fault.
    this.#outcome = status >= 500 || status === 429 ? "gateway" : "ok";
    this.#writeHead(status, flat);
    this.#response.end(body);
  }

  #writeHead(status: number, headers: string[], statusMessage?: string): void {
    this.#firstByteAt = this.#around.elapsed();
    if (this.#around.closing()) headers.push("connection", "close");
    if (statusMessage !== undefined && statusMessage !== "" && plainText.test(statusMessage)) {
      this.#response.writeHead(status, statusMessage, headers);
    } else {
      this.#response.writeHead(status, headers);
    }
  }

  /** Ends a response that cannot be completed so that the client sees that it is cut. */
  #breakOff(outcome: RequestOutcome): void {
    if (this.#finished) return;
    this.#outcome = outcome;
    this.#stopBackend(new Error("The response was broken off."));
    // Without a length and chunks the end of the connection is the end of the body, so that only a reset can tell.
    if (this.#bodyLeft >= 0 || this.#response.chunkedEncoding) this.#client.socket.destroy();
    else this.#client.socket.resetAndDestroy();
    this.#finish();
  }

  #stopBackend(reason: Error): void {
    this.#answered = true;
    this.#incoming.abort(reason);
    if (this.#waitingAt !== undefined) this.#around.upstreams.forget(this.#waitingAt, this);
    this.#waitingAt = undefined;
    void this.#connection?.discard();
    this.#connection = undefined;
    this.#release();
  }

  #release(): void {
    const place = this.#reservation;
    this.#reservation = undefined;
    place?.release();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#timer);
    this.#release();
    this.#record();
    // Node drops the rest of an upload only where no one has read of it.
    if (!this.#request.complete) this.#request.resume();
    this.#client.done(this);
  }

  #record(): void {
    const { elapsed } = this.#around;
    const durationMs = elapsed() - this.#arrivedAt;
    const begun = this.#firstByteAt >= 0;
    countEnd(this.#around, this.#selection, this.#head.probe, {
      status: begun ? this.#response.statusCode : 0,
      firstByteMs: begun ? this.#firstByteAt - this.#arrivedAt : durationMs,
      durationMs,
      outcome: this.#outcome ?? "client",
    });
  }
}

function expire(exchange: Exchange): void {
  exchange.onDeadline();
}

/** A head goes out even if no byte of the body follows it at once (event streams). */
function flushHead(response: ServerResponse): void {
  if (!response.writableEnded) response.flushHeaders();
}
