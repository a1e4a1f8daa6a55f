import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import type { Arrival } from "./arrival.ts";
import type { Reservation } from "./backend.ts";
import type { ClientConnection, ConnectionExchange } from "./client-connection.ts";
import type { ClientUpgrade } from "./client-upgrade.ts";
import type { ExchangeSurroundings } from "./exchange-surroundings.ts";
import type { RequestOutcome } from "./feed.ts";
import { IncomingRequest } from "./incoming-request.ts";
import { RequestBody } from "./request-body.ts";
import { countBegin, countEnd } from "./request-count.ts";
import type { RequestHead } from "./request-head.ts";
import { forwardedTrailers, responseHead, switchingHeaders } from "./response-head.ts";
import { endWith, flushHead, writeHead } from "./response-write.ts";
import { mayBeSentAgain } from "./retry.ts";
import { answerHeaders, requestTimeout, serverError } from "./router-answer.ts";
import type { Selection } from "./routing-table.ts";
import { beginServerSpan, type ServerSpanBegin } from "./server-span.ts";
import type { ConnectionWaiter, UpstreamConnection } from "./upstream-pool.ts";
import { upstreamHeaders } from "./upstream-request.ts";

type BackendSelection = Extract<Selection, { kind: "backend" }>;
type HeaderList = readonly (readonly [string, string])[];

const longestTimer = 0x7fff_ffff;

/**
 * One request from its arrival to the last byte of its response, or to its break. A WebSocket is a request that lasts
 * until both sides have closed: it holds its place at the backend and counts as under way until then.
 */
export class Exchange implements ConnectionExchange, ConnectionWaiter, Dispatcher.DispatchHandler {
  readonly #around: ExchangeSurroundings;
  readonly #client: ClientConnection;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #head: RequestHead;
  readonly #incoming: IncomingRequest;
  readonly #arrivedAt: number;
  readonly #span: ServerSpanBegin | undefined;
  #withheldBody: boolean;
  readonly #upgrade: ClientUpgrade | undefined;

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

  constructor(client: ClientConnection, arrival: Arrival) {
    const { request, response, head } = arrival;
    this.#around = client.worker;
    this.#client = client;
    this.#request = request;
    this.#response = response;
    this.#head = head;
    this.#withheldBody = arrival.withheldBody;
    this.#upgrade = arrival.upgrade;
    this.#incoming = new IncomingRequest(request, head);
    this.#arrivedAt = client.worker.elapsed();
    this.#span = client.worker.tracing === undefined ? undefined : beginServerSpan(head);
    response.on("finish", () => this.#finish(this.#outcome));
  }

  get received(): boolean {
    return this.#request.complete;
  }

  get responded(): boolean {
    return this.#response.writableEnded;
  }

  start(): void {
    this.#upgrade?.begin();
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
    // A connection that becomes a WebSocket never goes back to the pool, so it is not taken from there.
    this.#send(place, this.#upgrade !== undefined);
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
    const traceparent = this.#span?.traceparent;
    const hop = { forwardedFor: this.#client.forwardedFor, scheme, traceIds, traceparent };
    connection.dispatch(
      {
        method: this.#incoming.method,
        path: this.#head.path,
        headers: upstreamHeaders(this.#head, hop, selection.requestHeaders, place.requestHeaders),
        body: this.#body ?? null,
        upgrade: this.#upgrade === undefined ? null : "websocket",
      },
      this,
    );
  }

  onRequestStart(): void {
    this.#reused = this.#connection?.markUsed() ?? false;
  }

  onRequestUpgrade(
    _controller: Dispatcher.DispatchController,
    _status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    service: Duplex,
  ): void {
    void this.#connection?.discard();
    this.#connection = undefined;
    const answer = switchingHeaders(headers, this.#selection?.responseHeaders ?? []);
    if (!this.#answered && answer !== undefined && this.#upgrade !== undefined) {
      this.#answered = true;
      this.#firstByteAt = this.#around.elapsed();
      this.#upgrade.join(answer, service, (outcome) => this.#finish(outcome));
    } else {
      service.destroy();
      if (!this.#answered) this.#answer(502, [], serverError);
    }
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
        endWith(response, chunk);
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
      this.#breakOff();
    } else if (place !== undefined && this.#mayRetry(error)) {
      this.#retried = true;
      this.#send(place, true);
    } else {
      this.#answer(502, [], serverError);
    }
  }

  #mayRetry(error: Error): boolean {
    const untouched = !this.#responding && this.#body?.pulled !== true;
    return !this.#retried && this.#reused && untouched && mayBeSentAgain(this.#incoming.method, error);
  }

  onClientGone(): void {
    // A WebSocket sees for itself how its sides end.
    if (this.#finished || this.#upgrade?.joined === true) return;
    this.#stopBackend(new Error("The client went away."));
    this.#finish(this.#outcome === "gateway" ? "gateway" : "client");
  }

  onCut(): void {
    if (this.#upgrade?.joined === true) this.#upgrade.cut("gateway");
    else this.#breakOff();
  }

  onMalformedBody(status: number): HeaderList | undefined {
    const untold = !this.#response.headersSent;
    if (untold) {
      this.#response.statusCode = status;
      this.#firstByteAt = this.#around.elapsed();
    }
    this.#stopBackend(new Error("The rest of the request is malformed."));
    this.#finish("client");
    return untold ? (this.#selection?.responseHeaders ?? []) : undefined;
  }

  onDeadline(): void {
    if (this.#finished) return;
    if (this.#upgrade?.joined === true) {
      // The timeout is the longest that a WebSocket stays open, idle or not, at Google's global balancer and on Cloud Run: a
      // limit that was kept, not a failure.
      this.#upgrade.cut("ok");
    } else if (this.#response.headersSent) {
      this.#breakOff();
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
    const flat = answerHeaders(headers, body, this.#selection, this.#instance);
    // 429 is the platform's "no instance free": for the user as failed as a 503. Other answers below 500 are the request's own fault.
    this.#outcome = status >= 500 || status === 429 ? "gateway" : "ok";
    this.#writeHead(status, flat);
    this.#response.end(body);
  }

  #writeHead(status: number, headers: string[], statusMessage?: string): void {
    this.#firstByteAt = this.#around.elapsed();
    if (this.#around.closing()) headers.push("connection", "close");
    writeHead(this.#response, status, headers, statusMessage);
  }

  /** Ends a response that cannot be completed so that the client sees that it is cut. */
  #breakOff(): void {
    if (this.#finished) return;
    this.#stopBackend(new Error("The response was broken off."));
    // Without a length and chunks the end of the connection is the end of the body, so that only a reset can tell.
    if (this.#bodyLeft >= 0 || this.#response.chunkedEncoding) this.#client.socket.destroy();
    else this.#client.socket.resetAndDestroy();
    this.#finish("gateway");
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

  /** Without an outcome the client left. */
  #finish(outcome: RequestOutcome = "client"): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#timer);
    this.#release();
    this.#record(outcome);
    // Node drops the rest of an upload only where no one has read of it.
    if (!this.#request.complete) this.#request.resume();
    this.#client.done(this);
  }

  #record(outcome: RequestOutcome): void {
    const durationMs = this.#around.elapsed() - this.#arrivedAt;
    const begun = this.#firstByteAt >= 0;
    const status = begun ? this.#response.statusCode : 0;
    const firstByteMs = begun ? this.#firstByteAt - this.#arrivedAt : durationMs;
    const result = { status, firstByteMs, durationMs, outcome };
    countEnd(this.#around, this.#selection, this.#head, this.#incoming.method, result, this.#span);
  }
}

function expire(exchange: Exchange): void {
  exchange.onDeadline();
}
