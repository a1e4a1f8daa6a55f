/** Finished requests from the request log of Google's balancer, read from Cloud Logging. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { RequestFeed, RequestRecord } from "../ports/request-feed.ts";
import type { SideLoad } from "../ports/side-load.ts";
import { type GoogleApi, type GoogleClient, googleErrorText } from "./google-client.ts";
import { probeAgent } from "./http-prober.ts";

/** gcloud's override for it has no version: requests carry it. */
export const loggingApi: GoogleApi = Object.freeze({
  name: "logging",
  endpoint: "https://logging.googleapis.com/",
  overrideVariable: "CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING",
  unreachable: "feed-unreachable",
});

const entrySchema = z.object({
  insertId: z.string(),
  /** When the balancer had the request's first byte. */
  timestamp: z.string(),
  receiveTimestamp: z.string(),
  resource: z.object({ labels: z.object({ backend_service_name: z.string().default("") }) }),
  httpRequest: z.object({
    requestUrl: z.string().default(""),
    status: z.int().default(0),
    userAgent: z.string().default(""),
    latency: z
      .string()
      .regex(/^\d+(\.\d{1,9})?s$/)
      .default("0s"),
  }),
  jsonPayload: z.object({ statusDetails: z.string().default("") }).default({ statusDetails: "" }),
});
const pageSchema = z.object({ entries: z.array(entrySchema).default([]), nextPageToken: z.string().optional() });

type Entry = z.infer<typeof entrySchema>;

/** The API's largest page. */
const pageSize = 1_000;
/** Most time that one query spans, ms: a feed that fell behind catches up in pieces. */
const spanMs = 600_000;
/** From a request's end until Logging has received its entry, ms, at most: far more than what is ever seen. */
const ingestionMs = 600_000;
/** Cursors whose sequence number is remembered. */
const rememberedCursors = 1_000;

export interface GoogleRequestFeedOptions {
  /** Of `loggingApi`. */
  readonly client: GoogleClient;
  readonly project: string;
  /** Name of the URL map. */
  readonly urlMap: string;
  /** Backend services are named `<prefix>-<platform>`. */
  readonly backendPrefix: string;
  readonly platforms: readonly string[];
  /** Hosts whose requests do not go by the weights: dark.<domain>, rehearsal.<domain>. */
  readonly unweightedHosts: readonly string[];
  readonly clock: Clock;
  /**
   * Until an entry that Logging has received can be read for certain, ms: entries come out of order, so newer ones wait
   * this long. Default 60,000. No bound is published: an entry that takes longer, up to twice as long, is counted as lost.
   */
  readonly settleMs?: number;
  /** Between two queries, ms. Default 5,000: a project may ask 60 times a minute, and each 1,000 requests cost two. */
  readonly pollMs?: number;
  /** Longest request, ms: a request's entry comes at its end and is dated from its start. Default 3,600,000, Cloud Run's most. */
  readonly longestRequestMs?: number;
  /** Share of requests that the backend services log. Default 1, as this project's are made. */
  readonly sampleRate?: number;
}

/** What an entry says of a user's request; undefined for probes and for requests past the weights. */
export function recordOf(
  entry: Entry,
  options: Pick<GoogleRequestFeedOptions, "backendPrefix" | "platforms" | "unweightedHosts">,
): Omit<RequestRecord, "sequence"> | undefined {
  const { requestUrl, status, userAgent, latency } = entry.httpRequest;
  if (userAgent.startsWith(probeAgent)) return undefined;
  if (URL.canParse(requestUrl) && options.unweightedHosts.includes(new URL(requestUrl).hostname)) return undefined;
  const backend = entry.resource.labels.backend_service_name;
  const side = options.platforms.find((platform) => backend === `${options.backendPrefix}-${platform}`) ?? "";
  const durationMs = Number(latency.slice(0, -1)) * 1_000;
  const outcome = outcomeOf(entry.jsonPayload.statusDetails, status);
  return {
    at: microsOf(entry.timestamp) / 1_000 + durationMs,
    side,
    status,
    // The log has one time only.
    firstByteMs: durationMs,
    durationMs,
    outcome,
  };
}

/** Complete replies that came from the service or the cache. */
const complete = /^(response_sent_by_backend|response_from_cache(_validated)?|byte_range_caching|websocket_closed)$/;
/** The client's doing, or the edge's policy against it. */
const clientsDoing = /^client_|_by_security_policy$/;
/** The head was out when the service's reply broke off, whatever status the head had. */
const brokenReply = /_after_partial_response(_sent)?$/;

/**
 * The outcome by the balancer's statusDetails. A 429 or a 5xx that Cloud Run itself answers is, to the balancer, sent by
 * the backend: the 5xx counts as the service's, the 429 as a reply.
 */
export function outcomeOf(statusDetails: string, status: number): RequestRecord["outcome"] {
  if (clientsDoing.test(statusDetails)) return "client";
  if (complete.test(statusDetails)) return status >= 500 ? "application" : "ok";
  if (brokenReply.test(statusDetails) || status === 0 || status >= 500) return "gateway";
  // The balancer's own answer below 500 to a request that it does not take: complete, and no side's fault.
  return "ok";
}

/**
 * The cursor is the time, in microseconds, at which Logging had the last entry that was given out. It holds for another
 * process too, which goes on exactly there.
 */
export function createGoogleRequestFeed(options: GoogleRequestFeedOptions): RequestFeed {
  const { client, project, clock } = options;
  const settleMs = options.settleMs ?? 60_000;
  const pollMs = options.pollMs ?? 5_000;
  const longestRequestMs = options.longestRequestMs ?? 3_600_000;
  const sampleRate = options.sampleRate ?? 1;
  const source = `request log of URL map ${options.urlMap} in Cloud Logging`;
  /** Number of the last record at a cursor. */
  const numbers = new Map<number, number>();
  let highest = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  /** Nothing lies between this cursor and that time. */
  let empty = { cursor: 0, until: 0 };
  const audit = createAudit(settleMs * 1_000);

  const unreachable = (why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("feed-unreachable", { message: `the ${source} cannot be read: ${why}`, cause });

  async function ask(filter: string, size: number, token: string | undefined, signal: AbortSignal | undefined) {
    const body = {
      resourceNames: [`projects/${project}`],
      filter,
      orderBy: "timestamp asc",
      pageSize: size,
      ...(token !== undefined && { pageToken: token }),
    };
    const reply = await client.request({ method: "POST", path: "v2/entries:list", body, signal });
    if (reply.status >= 400) throw unreachable(`${reply.status} ${googleErrorText(reply)}`);
    const parsed = pageSchema.safeParse(reply.body);
    if (parsed.success) return parsed.data;
    const problems = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw unreachable(`its answer has not the form of entries: ${problems.join("; ")}`, parsed.error);
  }

  /** Entries that Logging received after `from` and not after `until`, in µs, in the order in which it did. */
  async function list(from: number, until: number, signal: AbortSignal | undefined): Promise<readonly Entry[]> {
    const filter = [
      'resource.type="http_load_balancer"',
      `resource.labels.url_map_name="${options.urlMap}"`,
      `timestamp>="${timeText(from - (longestRequestMs + ingestionMs) * 1_000)}"`,
      `receiveTimestamp>="${timeText(from + 1)}"`,
      `receiveTimestamp<"${timeText(until + 1)}"`,
      `NOT httpRequest.userAgent:"${probeAgent}"`,
    ].join("\n");
    const entries = new Map<string, Entry>();
    let token: string | undefined;
    do {
      const page = await ask(filter, pageSize, token, signal);
      for (const entry of page.entries) entries.set(entry.insertId, entry);
      token = page.nextPageToken;
    } while (token !== undefined);
    return [...entries.values()].toSorted(
      (a, b) => microsOf(a.receiveTimestamp) - microsOf(b.receiveTimestamp) || (a.insertId < b.insertId ? -1 : 1),
    );
  }

  function remember(cursor: number, number: number): void {
    numbers.delete(cursor);
    numbers.set(cursor, number);
    highest = Math.max(highest, number);
    const [oldest] = numbers.keys();
    if (numbers.size > rememberedCursors && oldest !== undefined) numbers.delete(oldest);
  }

  const counted = (entries: readonly Entry[]): readonly { entry: Entry; record: Omit<RequestRecord, "sequence"> }[] =>
    entries.flatMap((entry) => {
      const record = recordOf(entry, options);
      return record === undefined ? [] : [{ entry, record }];
    });

  /** Entries that could be read only after their time had been passed. */
  async function late(until: number, signal: AbortSignal | undefined): Promise<number> {
    const due = audit.due(until);
    if (due === undefined) return 0;
    const found = counted(await list(due.from, due.until, signal));
    return audit.close(
      due.until,
      found.map(({ entry }) => entry.insertId),
    );
  }

  return {
    description: {
      source,
      fields: ["sequence", "at", "side", "status", "durationMs", "outcome"],
      complete: sampleRate >= 1,
      delayMs: settleMs + pollMs,
    },

    async read(cursor, waitMs, signal) {
      signal?.throwIfAborted();
      const startedAt = clock.now();
      if (cursor === undefined) {
        const now = Math.floor(clock.wall() * 1_000);
        // Whether the log can be read at all is to be known now, not when the first request is missed.
        await ask(`resource.type="http_load_balancer"\ntimestamp>="${timeText(now)}"`, 1, undefined, signal);
        remember(now, highest);
        audit.begin(now);
        return { records: [], cursor: now, lost: 0 };
      }
      audit.begin(cursor);
      for (;;) {
        const from = empty.cursor === cursor ? empty.until : cursor;
        const settled = Math.floor((clock.wall() - settleMs) * 1_000);
        const until = Math.min(settled, from + spanMs * 1_000);
        if (until > from && clock.now() - askedAt >= pollMs) {
          const entries = await list(from, until, signal);
          const lost = await late(until, signal);
          if (until === settled) askedAt = clock.now();
          const found = counted(entries);
          audit.saw(found.map(({ entry }) => entry.insertId));
          const last = entries.at(-1);
          if (found.length > 0 && last !== undefined) {
            const first = (numbers.get(cursor) ?? highest) + 1;
            const records = found.map(({ record }, index) => ({ sequence: first + index, ...record }));
            const next = microsOf(last.receiveTimestamp);
            remember(next, first + records.length - 1);
            return { records, cursor: next, lost };
          }
          empty = { cursor, until };
          if (lost > 0) return { records: [], cursor, lost };
          if (until < settled) continue;
        }
        const left = waitMs - (clock.now() - startedAt);
        if (left <= 0) return { records: [], cursor, lost: 0 };
        const untilAllowed = askedAt + pollMs - clock.now();
        const untilSettled = from / 1_000 + settleMs - clock.wall();
        await clock.sleep(Math.min(left, Math.max(1, untilAllowed, untilSettled)), signal);
      }
    },
  };
}

/** Looks at each stretch of the log a second time, one settling time later: what was not there before was missed. */
function createAudit(span: number) {
  let from: number | undefined;
  let seen = new Set<string>();
  let since = new Set<string>();
  return {
    begin(at: number): void {
      from ??= at;
    },
    saw(ids: readonly string[]): void {
      for (const id of ids) since.add(id);
    },
    due(until: number): { readonly from: number; readonly until: number } | undefined {
      if (from === undefined || span <= 0 || until - from < 2 * span) return undefined;
      return { from, until: until - span };
    },
    /** How many of the ids were never seen. */
    close(until: number, ids: readonly string[]): number {
      const missed = ids.filter((id) => !seen.has(id) && !since.has(id)).length;
      from = until;
      seen = since;
      since = new Set();
      return missed;
    },
  };
}

/** Cut to microseconds; the API gives nanoseconds, which a number does not hold. */
function microsOf(time: string): number {
  const [, seconds = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  return Date.parse(`${seconds}Z`) * 1_000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

function timeText(micros: number): string {
  const text = new Date(Math.floor(micros / 1_000)).toISOString();
  return `${text.slice(0, -1)}${String(micros % 1_000).padStart(3, "0")}Z`;
}

/** Google's balancer does not say what is in flight: the drain takes its whole time. */
export const googleSideLoad: SideLoad = { inFlight: async () => "unknown" };
