import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import type { Listener } from "../compute/compute.ts";
import type { DeclaredResource } from "../compute/resources.ts";
import { bucketBoundsMs, type SideCounters } from "../router/counters.ts";
import type { RequestFeedLog } from "../router/feed.ts";
import type { InstanceExit, InstanceUsage } from "../runtime/runtime.ts";
import { type FailBackFlags, flagName } from "./fail-back-flags.ts";
import { BodyTooLargeError, hasToken, isLoopbackHost, readJson, sendJson } from "./loopback-request.ts";
import { givenSettings, type Settings, settingsPatchSchema } from "./settings.ts";
import type { Workloads } from "./workloads.ts";

/** GET /status */
export interface DaemonStatus {
  readonly version: string;
  readonly pid: number;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly project: string;
  readonly region: string;
  readonly zones: readonly string[];
  readonly providers: { readonly gcp: number; readonly kubernetes: number };
  readonly googleEndpoint: string;
  readonly listeners: readonly Listener[];
  readonly settings: Settings;
  /** Resources that a restart could not bring back, with the reason. */
  readonly notRestored: readonly { readonly type: string; readonly id: string; readonly reason: string }[];
}

/** What the control API shows and changes. */
export interface ControlSources {
  status(): DaemonStatus;
  readonly feed: Pick<RequestFeedLog, "read">;
  readonly counters: Pick<SideCounters, "snapshot">;
  /** Of the dark route. */
  readonly darkCounters: Pick<SideCounters, "snapshot">;
  /** Of one listener or of all. */
  weights(listener?: string): Readonly<Record<string, number>>;
  workloads(): Promise<Workloads>;
  usage(): Promise<readonly InstanceUsage[]>;
  exits(): readonly InstanceExit[];
  resources(): readonly DeclaredResource[];
  /** undefined when no such instance has ever written. */
  log(instance: string): Promise<string | undefined>;
  readonly failBack: Pick<FailBackFlags, "url" | "list" | "set">;
  /** Where DynamoDB answers; started when it is first asked for. */
  dynamoDb(): Promise<string>;
  changeSettings(patch: Partial<Settings>): Settings;
  /** Begins to stop the daemon. */
  stop(): void;
}

export interface ControlApi {
  readonly url: string;
  close(): Promise<void>;
}

/** A request that the control API refuses. */
class ControlError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "ControlError";
    this.status = status;
    this.code = code;
  }
}

interface Call {
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

type Answer =
  | { readonly status?: number; readonly json: object; readonly afterwards?: () => void }
  | { readonly text: string };

const routes: Readonly<Record<string, (sources: ControlSources, call: Call) => Promise<Answer> | Answer>> = {
  "GET /status": (sources) => ({ json: sources.status() }),
  "GET /feed": readFeed,
  "GET /traffic": readTraffic,
  "GET /workloads": async (sources) => ({ json: await sources.workloads() }),
  "GET /usage": async (sources) => ({ json: { instances: await sources.usage() } }),
  "GET /exits": (sources) => ({ json: { exits: sources.exits() } }),
  "GET /resources": (sources) => ({
    json: { resources: sources.resources().map(({ provider, type, id }) => ({ provider, type, id })) },
  }),
  "GET /logs": readLog,
  "GET /fail-back": listFlags,
  "PUT /fail-back": setFlag,
  "POST /fail-back/listener": async ({ failBack }) => ({ json: { url: await failBack.url() } }),
  "POST /dynamodb": async (sources) => ({ json: { endpoint: await sources.dynamoDb() } }),
  "PATCH /settings": changeSettings,
  // Stopping closes connections, so the answer goes out first.
  "POST /stop": (sources) => ({ status: 202, json: { stopping: true }, afterwards: () => sources.stop() }),
};

/** Serves the control API on a free loopback port. */
export async function serveControlApi(sources: ControlSources, token: string): Promise<ControlApi> {
  const server = createServer((request, response) => void handle(sources, token, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(
  sources: ControlSources,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const answer = await route(sources, token, request, response);
    if ("text" in answer) {
      response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
      response.end(answer.text);
      return;
    }
    if (answer.afterwards !== undefined) response.once("close", answer.afterwards).setHeader("connection", "close");
    sendJson(response, answer.status ?? 200, answer.json);
  } catch (error) {
    const known = asControlError(error);
    if (known.status === 413) response.setHeader("connection", "close");
    sendJson(response, known.status, { error: { code: known.code, message: known.message } });
  }
}

async function route(
  sources: ControlSources,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  if (!isLoopbackHost(request)) {
    throw new ControlError(400, "wrong-host", "The Host header does not name this server on loopback.");
  }
  if (!hasToken(request, token)) {
    throw new ControlError(
      401,
      "unauthorized",
      "A token is needed: authorization: Bearer <content of the token file>.",
    );
  }
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const serve = routes[`${request.method} ${url.pathname}`];
  if (serve === undefined) {
    throw new ControlError(
      404,
      "not-found",
      `There is no ${request.method} ${url.pathname}; there are ${Object.keys(routes).join(", ")}.`,
    );
  }
  const left = new AbortController();
  response.once("close", () => left.abort());
  return serve(sources, { query: url.searchParams, request, signal: left.signal });
}

/** A forwarding rule's name; without one, everything. */
const listenerName = z
  .string()
  .regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be the name of a listener, as GET /status lists them")
  .optional();

const feedQuery = z.strictObject({
  listener: listenerName,
  after: z.coerce.number().int().min(0).optional(),
  wait_ms: z.coerce.number().int().min(0).max(30_000).default(0),
});

async function readFeed(sources: ControlSources, call: Call): Promise<Answer> {
  const { after, wait_ms, listener } = parseQuery(feedQuery, call.query);
  return { json: await sources.feed.read(after, wait_ms, { signal: call.signal, listener }) };
}

const trafficQuery = z.strictObject({ listener: listenerName });

function readTraffic(sources: ControlSources, call: Call): Answer {
  const { listener } = parseQuery(trafficQuery, call.query);
  const { counters, darkCounters } = sources;
  const weights = sources.weights(listener);
  return {
    json: {
      sides: counters.snapshot(listener),
      dark: darkCounters.snapshot(listener),
      bucketBoundsMs,
      since: sources.status().startedAt,
      weights,
    },
  };
}

const logQuery = z.strictObject({ instance: z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?$/) });

async function readLog(sources: ControlSources, call: Call): Promise<Answer> {
  const { instance } = parseQuery(logQuery, call.query);
  const text = await sources.log(instance);
  if (text === undefined) throw new ControlError(404, "not-found", `There is no log of an instance ${instance}.`);
  return { text };
}

function listFlags({ failBack }: ControlSources): Answer {
  return { json: { flags: failBack.list() } };
}

const flagChange = z.strictObject({ scope: flagName, platform: flagName, target: flagName.nullable() });

async function setFlag(sources: ControlSources, call: Call): Promise<Answer> {
  const { scope, platform, target } = parsed(flagChange, await readJson(call.request));
  await sources.failBack.set(scope, platform, target ?? undefined);
  return listFlags(sources);
}

async function changeSettings(sources: ControlSources, call: Call): Promise<Answer> {
  const patch = parsed(settingsPatchSchema, await readJson(call.request));
  return { json: { settings: sources.changeSettings(givenSettings(patch)) } };
}

function parseQuery<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  return parsed(schema, Object.fromEntries(query));
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join(".") || "request"}: ${issue.message}`);
  throw new ControlError(400, "invalid-request", problems.join("; "));
}

function asControlError(error: unknown): ControlError {
  if (error instanceof ControlError) return error;
  if (error instanceof BodyTooLargeError) return new ControlError(413, "too-large", error.message);
  if (error instanceof SyntaxError) return new ControlError(400, "invalid-json", error.message);
  return new ControlError(500, "internal-error", error instanceof Error ? error.message : String(error));
}
