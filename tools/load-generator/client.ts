/** Sends one planned request and watches it to its end: every way in which a response can be incomplete is told apart. */
import { createHash } from "node:crypto";
import * as http from "node:http";
import * as https from "node:https";
import { z } from "zod";
import { platformHeader } from "../../services/kiro/contract.ts";
import { type Observation, type ProblemKind, requestIdOf } from "./outcome.ts";
import type { PlannedRequest } from "./plan.ts";

/** Time that a request may take beyond what it asks for, ms. */
const patienceMs = 15_000;
/** No longer of use to a client that checks it: an answer is at most a few hundred bytes. */
const bodyLimit = 256 * 1024;

const answerSchema = z.object({
  status_code: z.number(),
  platform: z.string(),
  request_id: z.string(),
  data: z.looseObject({ digest: z.string().optional() }),
});

/** Codes of faults of this machine, not of anything behind the wire. */
const clientCodes: readonly string[] = [
  "EMFILE",
  "ENFILE",
  "EADDRNOTAVAIL",
  "ENOBUFS",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
];

export interface ClientOptions {
  /** Where to connect, http://127.0.0.1:PORT. */
  readonly url: URL;
  /** Host header. */
  readonly host: string;
  /** The platform that the balancer's dark route shall choose; default: none is named. */
  readonly platform?: string | undefined;
  /** ms since the epoch, with a fraction. */
  readonly now: () => number;
  /** Default 15,000: time beyond what the request asks for. */
  readonly patienceMs?: number;
}

export interface Client {
  send(request: PlannedRequest, intendedAt: number): Promise<Observation>;
  /** Breaks off what is in flight (those count as the client's own) and closes all connections. */
  close(): void;
}

type Ending = { readonly kind: "end" } | { readonly kind: "error"; readonly error: NodeJS.ErrnoException };

export function createClient(options: ClientOptions): Client {
  const { url, host, now, platform } = options;
  const patience = options.patienceMs ?? patienceMs;
  const secure = url.protocol === "https:";
  const keep = secure
    ? new https.Agent({ keepAlive: true, servername: host.split(":")[0] ?? host })
    : new http.Agent({ keepAlive: true });
  const inFlight = new Set<http.ClientRequest>();
  let closed = false;

  const open = (request: PlannedRequest, body: string): http.ClientRequest => {
    const settings: http.RequestOptions = {
      protocol: url.protocol,
      hostname: url.hostname,
      port: url.port,
      path: "/process",
      method: "POST",
      agent: request.fresh ? false : keep,
      headers: {
        host,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        accept: request.events > 0 ? "text/event-stream" : "application/json",
        ...(request.fresh && { connection: "close" }),
        ...(platform !== undefined && { [platformHeader]: platform }),
      },
    };
    return secure ? https.request({ ...settings, servername: host.split(":")[0] ?? host }) : http.request(settings);
  };

  const send = (planned: PlannedRequest, intendedAt: number): Promise<Observation> =>
    new Promise((resolve) => {
      const body = bodyOf(planned, now());
      const sentAt = now();
      const request = open(planned, body);
      inFlight.add(request);
      let response: http.IncomingMessage | undefined;
      let text = "";
      let timedOut = false;
      let lastProgressAt = intendedAt;
      let longestGapMs = 0;
      let done = false;
      const timer = setTimeout(
        () => {
          timedOut = true;
          request.destroy();
        },
        planned.durationMs + planned.events * planned.intervalMs + patience,
      );

      const finish = (ending: Ending): void => {
        if (done) return;
        done = true;
        clearTimeout(timer);
        inFlight.delete(request);
        const endedAt = now();
        const status = response?.statusCode ?? 0;
        const complete = ending.kind === "end" && response?.complete === true;
        const checked = complete && status > 0 ? check(planned, status, text) : undefined;
        const stallMs =
          planned.events > 0
            ? Math.max(0, longestGapMs - planned.intervalMs)
            : Math.max(0, endedAt - intendedAt - planned.durationMs);
        resolve({
          request: planned,
          intendedAt,
          sentAt,
          endedAt,
          status,
          side: response?.headers["x-switchyard-side"]?.toString() ?? "",
          marker: response?.headers["x-kiro-instance"]?.toString() ?? "",
          complete,
          body: checked?.body,
          problem: checked ? checked.problem : broken(ending, response !== undefined, { timedOut, closed }),
          stallMs,
        });
      };

      request.on("response", (incoming) => {
        response = incoming;
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          const time = now();
          longestGapMs = Math.max(longestGapMs, time - lastProgressAt);
          lastProgressAt = time;
          if (text.length < bodyLimit) text += chunk;
        });
        incoming.on("end", () => finish({ kind: "end" }));
        incoming.on("error", (error) => finish({ kind: "error", error }));
        incoming.on("close", () =>
          finish({ kind: "error", error: new Error("the connection closed within the response") }),
        );
      });
      request.on("error", (error) => finish({ kind: "error", error }));
      request.on("close", () => finish({ kind: "error", error: new Error("the connection closed before a response") }));
      request.end(body);
    });

  return {
    send,
    close() {
      closed = true;
      for (const request of inFlight) request.destroy();
      keep.destroy();
    },
  };
}

function bodyOf(planned: PlannedRequest, now: number): string {
  return JSON.stringify({
    data: {
      operation: "digest",
      text: planned.text,
      ...(planned.durationMs > 0 && { duration_ms: planned.durationMs }),
      ...(planned.events > 0 && { events: planned.events, interval_ms: planned.intervalMs }),
    },
    headers: {},
    method: "POST",
    path: "/process",
    query_params: {},
    timestamp: new Date(now).toISOString(),
    request_id: requestIdOf(planned),
  });
}

function broken(
  ending: Ending,
  began: boolean,
  facts: { readonly timedOut: boolean; readonly closed: boolean },
): { readonly kind: ProblemKind; readonly detail: string } {
  const code = ending.kind === "error" ? (ending.error.code ?? "") : "";
  const detail = ending.kind === "error" ? `${code} ${ending.error.message}`.trim() : "the body ended early";
  if (facts.timedOut) return { kind: "timeout", detail: "not complete in time" };
  if (facts.closed) return { kind: "client", detail: "broken off by the end of the run" };
  if (clientCodes.includes(code)) return { kind: "client", detail };
  if (code.startsWith("HPE_")) return { kind: "malformed", detail };
  if (began) return { kind: "truncated", detail };
  return { kind: code === "ECONNREFUSED" ? "refused" : "reset", detail };
}

interface Checked {
  readonly body: { readonly platform: string; readonly requestId: string } | undefined;
  readonly problem: { readonly kind: ProblemKind; readonly detail: string } | undefined;
}

/** Looks at a complete response: the status, and whether it is the answer to this very request. */
function check(planned: PlannedRequest, status: number, text: string): Checked {
  const wrong = (kind: ProblemKind, detail: string, body?: Checked["body"]): Checked => ({
    body,
    problem: { kind, detail },
  });
  let answerText = text;
  if (status === 200 && planned.events > 0) {
    const events = text.split("\n\n").filter((event) => event !== "");
    const last = events.at(-1) ?? "";
    // The chunks may have come to a proper end although the events have not.
    if (!last.startsWith("event: done\ndata: "))
      return wrong("truncated", `stream ended after ${events.length} events without done`);
    if (events.length !== planned.events + 1)
      return wrong("body", `${events.length - 1} events instead of ${planned.events}`);
    answerText = last.slice("event: done\ndata: ".length);
  }
  let value: unknown;
  try {
    value = JSON.parse(answerText);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return wrong(status === 200 ? "body" : "status", `${status}: ${answerText.slice(0, 200)}`);
  }
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) return wrong(status === 200 ? "body" : "status", `${status}: ${answerText.slice(0, 200)}`);
  const body = { platform: parsed.data.platform, requestId: parsed.data.request_id };
  if (status !== 200) return wrong("status", `${status}: ${answerText.slice(0, 200)}`, body);
  if (body.requestId !== requestIdOf(planned)) return wrong("body", `answer to ${body.requestId}`, body);
  const digest = createHash("sha256").update(planned.text).digest("hex");
  if (parsed.data.data.digest !== digest) return wrong("body", "another digest", body);
  return { body, problem: undefined };
}
