/** Small servers that answer as Slack, PagerDuty and a webhook do: what they took, and a failure when they are told to. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Readonly<Record<string, unknown>>;
}

export interface NotifierServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** What it accepted, in order. */
  readonly received: readonly Received[];
  /** The next request gets this instead. */
  answerNext(status: number, body: string, headers?: Readonly<Record<string, string>>): void;
  /** Requests get no answer; resolves when one has arrived. */
  hang(): Promise<void>;
  close(): Promise<void>;
}

type Answer = (request: Received, text: string) => { readonly status: number; readonly body: string };

async function serve(answer: Answer, onPort = 0): Promise<NotifierServer> {
  const received: Received[] = [];
  const prepared: ((response: ServerResponse) => void)[] = [];
  const { promise: hanging, resolve: arrived } = Promise.withResolvers<void>();
  let hangs = false;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (hangs) {
        arrived();
        return;
      }
      const next = prepared.shift();
      if (next !== undefined) {
        next(response);
        return;
      }
      const text = Buffer.concat(chunks).toString("utf8");
      const body = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
      const got = { path: request.url ?? "", headers: request.headers, body };
      const { status, body: said } = answer(got, text);
      if (status < 300) received.push(got);
      response.writeHead(status).end(said);
    });
  });
  await new Promise<void>((resolve) => server.listen(onPort, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  let closed: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answerNext(status, body, headers = {}) {
      prepared.push((response) => response.writeHead(status, headers).end(body));
    },
    hang() {
      hangs = true;
      return hanging;
    },
    close() {
      closed ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

/** Any receiver; with a secret it takes only what is signed with it. A port that was free before may be asked for. */
export function serveWebhook(secret?: string, port = 0): Promise<NotifierServer> {
  return serve(({ headers }, text) => {
    if (secret === undefined) return { status: 200, body: "ok" };
    const wanted = Buffer.from(`sha256=${createHmac("sha256", secret).update(text).digest("hex")}`);
    const given = Buffer.from(String(headers["x-switchyard-signature-256"] ?? ""));
    return given.length === wanted.length && timingSafeEqual(given, wanted)
      ? { status: 200, body: "ok" }
      : { status: 401, body: "signature does not match" };
  }, port);
}

const slackBody = z.object({
  text: z.string().min(1),
  blocks: z
    .array(
      z.discriminatedUnion("type", [
        z.object({
          type: z.literal("section"),
          text: z.object({ type: z.literal("mrkdwn"), text: z.string().min(1).max(3_000) }),
        }),
        z.object({
          type: z.literal("context"),
          elements: z
            .array(z.object({ type: z.literal("mrkdwn"), text: z.string().min(1).max(3_000) }))
            .min(1)
            .max(10),
        }),
      ]),
    )
    .max(50),
});

/** Slack's incoming webhooks: 200 ok, 400 invalid_payload or invalid_blocks, 404 no_service, 429 with Retry-After. */
export function serveSlack(path: string): Promise<NotifierServer> {
  return serve((request) => {
    if (request.path !== path) return { status: 404, body: "no_service" };
    return slackBody.safeParse(request.body).success
      ? { status: 200, body: "ok" }
      : { status: 400, body: "invalid_blocks" };
  });
}

const pagerDutyBody = z.discriminatedUnion("event_action", [
  z.object({
    event_action: z.literal("trigger"),
    routing_key: z.string(),
    dedup_key: z.string().max(255),
    payload: z.object({
      summary: z.string().min(1).max(1_024),
      source: z.string().min(1),
      severity: z.enum(["critical", "warning", "error", "info"]),
      timestamp: z.iso.datetime(),
    }),
  }),
  z.object({
    event_action: z.enum(["acknowledge", "resolve"]),
    routing_key: z.string(),
    dedup_key: z.string().min(1).max(255),
  }),
]);

/** PagerDuty's Events API v2: 202 with the dedup_key, 400 with what is wrong, 429. */
export function servePagerDuty(routingKey: string): Promise<NotifierServer> {
  return serve((request) => {
    const parsed = pagerDutyBody.safeParse(request.body);
    const wrong = (error: string) => ({
      status: 400,
      body: JSON.stringify({ status: "invalid event", message: "Event object is invalid", errors: [error] }),
    });
    if (request.path !== "/v2/enqueue" || !parsed.success) return wrong("'payload' is missing or invalid");
    if (parsed.data.routing_key !== routingKey) return wrong("'routing_key' is invalid");
    return {
      status: 202,
      body: JSON.stringify({ status: "success", message: "Event processed", dedup_key: parsed.data.dedup_key }),
    };
  });
}
