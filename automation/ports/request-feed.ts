/** One request that the balancer has finished, as it saw it. Probes are not in the feed. */
export interface RequestRecord {
  /** Rises by one per record. */
  readonly sequence: number;
  /** When the response ended or broke off, ms since the epoch. */
  readonly at: number;
  /** The platform that was chosen; empty when none was. */
  readonly side: string;
  /** Status sent to the client; 0 when the client got none. */
  readonly status: number;
  /** From the first byte of the request to the first byte of the response, ms. */
  readonly firstByteMs: number;
  /** From the first byte of the request to the last of the response, ms. */
  readonly durationMs: number;
  /**
   * ok: a complete response below 500. application: the service answered 500 or above, complete. gateway: the balancer or platform could not get a
   * complete response from the service. client: the client went away first (says nothing about the side).
   */
  readonly outcome: "ok" | "application" | "gateway" | "client";
}

export interface RequestBatch {
  readonly records: readonly RequestRecord[];
  /** Give it to the next read. */
  readonly cursor: number;
  /** Records that the feed dropped before they were read; 0 is a complete feed. */
  readonly lost: number;
}

/** Finished requests, one by one, for the stop gate. */
export interface RequestFeed {
  /** What this feed can see, for `swap why` and the report. */
  readonly description: {
    readonly source: string;
    /** Fields that the source really knows; the others are derived or empty. */
    readonly fields: readonly (keyof RequestRecord)[];
    readonly complete: boolean;
    readonly delayMs: number;
  };
  /** Records after the cursor (undefined: from now on). Waits up to waitMs for the first one. Errors: feed-unreachable. */
  read(cursor: number | undefined, waitMs: number, signal?: AbortSignal): Promise<RequestBatch>;
}
