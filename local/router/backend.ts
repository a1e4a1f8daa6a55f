/**
 * What stands behind the router: something that can give one request a place to go. Compute's endpoint groups and
 * Cloud Run services implement it; the router only uses it.
 */

export interface BackendRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** The Host header, lower case, with its port if it has one. */
  readonly host: string;
  /** Marked as a probe: left out of counts and autoscaling. */
  readonly probe: boolean;
  /** Aborted when the client goes away while the request waits. */
  readonly signal: AbortSignal | undefined;
}

/** A place for one request. The holder calls `release` exactly once, when the response has ended or broken off. */
export interface Reservation {
  readonly kind: "reservation";
  /** http://127.0.0.1:PORT */
  readonly origin: string;
  /** Pod or instance name. */
  readonly instance: string;
  /** Request headers that the platform adds or replaces, lower-case names. */
  readonly requestHeaders: readonly (readonly [string, string])[];
  release(): void;
}

/** The platform's own answer instead of an instance's (no endpoint, queue full, start failed). */
export interface Refusal {
  readonly kind: "refusal";
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface Backend {
  readonly name: string;
  /** Total time for a request, from its arrival to the last byte, ms; 504 afterwards. */
  readonly timeoutMs: number;
  /** Synchronous when a place is free, so that the common path costs no promise. */
  reserve(request: BackendRequest): Reservation | Refusal | Promise<Reservation | Refusal>;
}
