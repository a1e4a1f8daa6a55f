/** One request to a cluster's API: authorised, in time, once more where that can help, and without secrets in its errors. */
import { Agent, type Dispatcher, errors, ProxyAgent, request } from "undici";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { clockSkewFinding } from "./clock-skew.ts";
import {
  assertConfidentialServer,
  type ClusterAccess,
  type ClusterConnection,
  secretsOfAccess,
} from "./cluster-access.ts";
import { parseJson } from "./json-text.ts";
import { retryDelayMs } from "./metric-request.ts";
import { errorWithoutSecrets, withoutSecrets } from "./without-secrets.ts";

export interface KubernetesClientOptions {
  readonly connection: ClusterConnection;
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** For one request, ms; default 30,000. */
  readonly timeoutMs?: number | undefined;
}

export interface KubernetesRequest {
  readonly method: "GET" | "PATCH";
  /** Below the server's address: /api/v1/pods */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly patch?: { readonly type: "strategic-merge" | "merge"; readonly body: unknown } | undefined;
  /** Keep only the last bytes of the reply. Default: all, at most 64 MiB. */
  readonly tailBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface KubernetesReply {
  readonly status: number;
  /** Without secrets. */
  readonly text: string;
  /** Whether its beginning was left out. */
  readonly cut: boolean;
}

/** Errors: cluster-unreachable, cluster-refused (401, 403), credentials-over-http. All other statuses below 500 are returned. */
export interface KubernetesClient {
  send(request: KubernetesRequest): Promise<KubernetesReply>;
  /** `what` is what was asked for. */
  unreachable(what: string, why: string, cause?: unknown): SwitchyardError;
  close(): Promise<void>;
}

const defaultTimeoutMs = 30_000;
const largestReply = 64 * 1024 * 1024;
/** A server that asks for more patience than that is unreachable for now. */
const longestWaitMs = 30_000;
const busyAttempts = 4;
const connections = 8;

export function createKubernetesClient(options: KubernetesClientOptions): KubernetesClient {
  const { connection, clock, timeoutMs = defaultTimeoutMs } = options;
  let kept: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;

  const unreachable = (what: string, why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("cluster-unreachable", { message: `${connection.description}: ${what}: ${why}`, cause });

  /** Connections are kept while the certificates stay the same. */
  async function dispatcherFor(access: ClusterAccess): Promise<Dispatcher> {
    const { server, authority, serverName, unverified, certificate, proxy } = access;
    const key = JSON.stringify([new URL(server).origin, authority, serverName, unverified, certificate, proxy]);
    if (kept?.key === key) return kept.dispatcher;
    const before = kept;
    kept = { key, dispatcher: openDispatcher(access, timeoutMs) };
    // Requests that run on it are let to their end.
    before?.dispatcher.close().catch(() => undefined);
    return kept.dispatcher;
  }

  async function once(wanted: KubernetesRequest, access: ClusterAccess): Promise<RawReply> {
    const { method, path, query, patch, tailBytes, signal } = wanted;
    const base = new URL(access.server);
    const url = new URL(`${base.pathname.replace(/\/$/, "")}${path}`, base);
    url.search = new URLSearchParams(query).toString();
    const deadline = AbortSignal.timeout(timeoutMs);
    const secrets = secretsOfAccess(access);
    const what = `${method} ${path}`;
    try {
      const reply = await request(url, {
        dispatcher: await dispatcherFor(access),
        method,
        headers: headersOf(access, patch),
        body: patch === undefined ? null : JSON.stringify(patch.body),
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      });
      const { text, cut } = await readText(reply.body, tailBytes);
      if (text === undefined) throw unreachable(what, `the reply is larger than ${largestReply} bytes`);
      const header = (name: string) => [reply.headers[name]].flat()[0];
      return { status: reply.statusCode, text: withoutSecrets(text, secrets), cut, header };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SwitchyardError) throw error;
      const clean = errorWithoutSecrets(error, secrets);
      if (deadline.aborted) throw unreachable(what, `no answer within ${timeoutMs} ms`, clean);
      if (!(clean instanceof Error)) throw clean;
      const lost = clean instanceof errors.SocketError || ("code" in clean && clean.code === "ECONNRESET");
      const failed = unreachable(what, reason(clean), clean);
      throw lost ? new ConnectionLost(failed) : failed;
    }
  }

  /** A kept connection may end as it is used; reading twice does no harm. */
  async function sent(wanted: KubernetesRequest, access: ClusterAccess): Promise<RawReply> {
    for (let left = wanted.method === "GET" ? 1 : 0; ; left -= 1) {
      try {
        return await once(wanted, access);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (left === 0) throw error.failed;
      }
    }
  }

  async function send(wanted: KubernetesRequest): Promise<KubernetesReply> {
    const { method, path, signal } = wanted;
    const what = `${method} ${path}`;
    let renewed = false;
    for (let attempt = 1; ; ) {
      signal?.throwIfAborted();
      const access = await connection.access(signal);
      assertConfidentialServer(access, connection.description);
      const reply = await sent(wanted, access);
      const { status, text, cut, header } = reply;
      if (status === 401 && !renewed) {
        // It may have been revoked, or the clock set, since it was made.
        renewed = true;
        connection.forget();
        continue;
      }
      if (status === 401 || status === 403) {
        const skew = status === 401 ? clockSkewFinding(header("date"), clock.wall()) : undefined;
        throw new SwitchyardError("cluster-refused", {
          message: `${connection.description}: ${what} got ${status}: ${statusText(text)}${skew === undefined ? "" : `; ${skew}`}`,
          ...(skew === undefined ? {} : { next: "Set this machine's clock, then run the same command again." }),
        });
      }
      if (status === 429 && attempt < busyAttempts) {
        attempt += 1;
        const delay = retryDelayMs(header, clock.wall()) ?? 1_000;
        if (delay <= longestWaitMs) {
          await clock.sleep(delay, signal);
          continue;
        }
      }
      if (status === 429 || (status >= 500 && path !== "/readyz"))
        throw unreachable(what, `${status} ${statusText(text)}`);
      if (status >= 300 && status < 400) throw unreachable(what, `${status}, which would lead elsewhere`);
      return { status, text, cut };
    }
  }

  return {
    send,
    unreachable,
    async close() {
      await kept?.dispatcher.close();
      kept = undefined;
    },
  };
}

/** The server, or something between, closed the connection before it answered. */
class ConnectionLost extends Error {
  readonly failed: SwitchyardError;
  constructor(failed: SwitchyardError) {
    super(failed.message);
    this.failed = failed;
  }
}

interface RawReply extends KubernetesReply {
  header(name: string): string | undefined;
}

function openDispatcher(access: ClusterAccess, timeoutMs: number): Dispatcher {
  const { authority, serverName, unverified, certificate, proxy } = access;
  const tls = {
    ...(authority === undefined ? {} : { ca: authority }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
    ...(unverified ? { rejectUnauthorized: false } : {}),
  };
  const limits = { connections, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, connectTimeout: timeoutMs };
  if (proxy !== undefined) return new ProxyAgent({ ...limits, uri: proxy, requestTls: tls });
  return new Agent({ ...limits, connect: tls });
}

function headersOf(
  { token, login, impersonate }: ClusterAccess,
  patch: KubernetesRequest["patch"],
): Record<string, string> {
  const basic = login === undefined ? undefined : Buffer.from(`${login.username}:${login.password}`).toString("base64");
  return {
    accept: "application/json, */*",
    "user-agent": "switchyard-guard",
    ...(basic === undefined ? {} : { authorization: `Basic ${basic}` }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(impersonate === undefined ? {} : { "impersonate-user": impersonate }),
    ...(patch === undefined ? {} : { "content-type": `application/${patch.type}-patch+json` }),
  };
}

/** Undefined: larger than is taken. */
async function readText(
  body: AsyncIterable<unknown>,
  tailBytes: number | undefined,
): Promise<{ readonly text: string | undefined; readonly cut: boolean }> {
  let chunks: Buffer[] = [];
  let size = 0;
  let cut = false;
  for await (const chunk of body) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    chunks.push(bytes);
    size += bytes.length;
    if (tailBytes === undefined && size > largestReply) return { text: undefined, cut };
    // Joined now and then only, so that a long log is not copied for each of its chunks.
    if (tailBytes !== undefined && size > 2 * tailBytes + 65_536) {
      chunks = [Buffer.concat(chunks).subarray(-tailBytes)];
      size = tailBytes;
      cut = true;
    }
  }
  const all = Buffer.concat(chunks);
  if (tailBytes === undefined || all.length <= tailBytes) return { text: all.toString("utf8"), cut };
  return { text: all.subarray(-tailBytes).toString("utf8"), cut: true };
}

const statusSchema = z.object({ message: z.string() });

/** The message of a Status, else the beginning of the text. */
export function statusText(text: string): string {
  const parsed = statusSchema.safeParse(parseJson(text));
  const line = (parsed.success ? parsed.data.message : text).replaceAll(/\s+/g, " ").trim();
  return line.length > 300 ? `${line.slice(0, 300)}...` : line;
}

/** Undici wraps what the system says; of several addresses that were tried, the last one's. */
function reason(error: Error): string {
  if (error instanceof AggregateError && error.errors.at(-1) instanceof Error) return reason(error.errors.at(-1));
  const code = "code" in error && typeof error.code === "string" ? `${error.code}: ` : "";
  return error.message.includes(code.slice(0, -2)) ? error.message : `${code}${error.message}`;
}
