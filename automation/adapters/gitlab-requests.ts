/**
 * Requests to GitLab: in turn, in time, repeated where that is safe, and without the token in what is said of them. Posts are repeated
 * only when GitLab certainly did nothing (429): whether a lost one was done is for the caller to look at.
 */
import { type ErrorCode, SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { parseJson } from "./json-text.ts";
import { isConfidential } from "./loopback.ts";
import { allowanceOf, type BudgetLimits, backoffMs } from "./request-budget.ts";
import { createRequestTurns } from "./request-turns.ts";
import { errorWithoutSecrets, secretsOfLogin, withoutSecrets } from "./without-secrets.ts";

export interface GitLabOptions {
  /** `https://gitlab.com`, with a path where it is served below one. */
  readonly url: string;
  readonly token: string;
  readonly limits: BudgetLimits;
  readonly clock: Clock;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
  /** For one reply; default 30,000, and four times that for an archive. */
  readonly timeoutMs?: number;
  /** How long a call waits for throttling to end; default 10 min. */
  readonly patienceMs?: number;
}

/** GitLab did not accept a request, for what it is. */
export class GitLabRefusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.name = "GitLabRefusal";
    this.status = status;
  }
}

/** Nobody knows whether GitLab did it. */
export class LostReply extends Error {
  constructor(why: string, cause: unknown) {
    super(why, { cause });
    this.name = "LostReply";
  }
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer<ArrayBuffer>;
}

/** As the resources of gitbeaker ask, whatever they declare. */
interface Asked {
  readonly searchParams?: Record<string, unknown>;
  readonly body?: object;
  readonly signal?: AbortSignal;
}

type Method = "get" | "post" | "put" | "patch" | "delete";

/** Attempts of a request whose reply is an error of the server, or lost. */
const attempts = 5;
const throttled = { firstMs: 1_000, longestMs: 30_000 };
const broken = { firstMs: 500, longestMs: 8_000 };
const largestReply = 256 * 1024 * 1024;
const secretHeader = "private-token";

export interface GitLabRequests {
  readonly description: string;
  /** An error of the catalogue, its message begun with whom it is of and without the token. */
  error(code: ErrorCode, why: string, cause?: unknown): SwitchyardError;
  request(
    method: Method,
    endpoint: string,
    asked: Asked | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{
    readonly status: number;
    readonly headers: Record<string, string>;
    /** A blob where it is no JSON. */
    readonly body: unknown;
  }>;
}

/** Errors: credentials-over-http. */
export function createGitLabRequests(options: GitLabOptions): GitLabRequests {
  const { url, token, clock, limits, random = Math.random, timeoutMs = 30_000, patienceMs = 600_000 } = options;
  const base = new URL(url.endsWith("/") ? url : `${url}/`);
  const secrets = [token, ...secretsOfLogin(base)];
  const shown = `${base.origin}${base.pathname}`.replace(/\/$/, "");
  const description = `GitLab at ${shown}`;
  const turns = createRequestTurns(limits, clock);
  if (!isConfidential(base))
    throw new SwitchyardError("credentials-over-http", {
      message: `the token for ${description} would go over plain HTTP to ${base.host}`,
    });

  const error = (code: ErrorCode, why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError(code, {
      message: `${description}: ${withoutSecrets(why, secrets)}`,
      cause: errorWithoutSecrets(cause, secrets),
    });

  /** Rejects with LostReply when there is no whole reply. */
  const send = async (method: Method, target: URL, body: object | undefined, signal: AbortSignal | undefined) => {
    signal?.throwIfAborted();
    const longest = target.pathname.includes("/repository/archive") ? timeoutMs * 4 : timeoutMs;
    const deadline = AbortSignal.timeout(longest);
    try {
      const reply = await fetch(target, {
        method: method.toUpperCase(),
        headers: {
          accept: "application/json, */*",
          [secretHeader]: token,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(snakeCase(body)) }),
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
        // A token is for the server that is configured, not for where it points.
        redirect: "manual",
      });
      return { status: reply.status, headers: reply.headers, bytes: await wholeBody(reply) };
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      if (thrown instanceof RangeError) throw error("git-host-rejected", thrown.message);
      const clean = errorWithoutSecrets(thrown, secrets);
      if (deadline.aborted) throw new LostReply(`no answer within ${longest} ms`, clean);
      const why = thrown instanceof Error ? String(thrown.cause ?? thrown.message) : String(thrown);
      throw new LostReply(withoutSecrets(why, secrets), clean);
    }
  };

  const turn = async (until: number, signal: AbortSignal | undefined): Promise<number> => {
    const sentAt = await turns.turn(Math.max(0, until - clock.now()), signal);
    if (sentAt !== undefined) return sentAt;
    throw error(
      "git-host-busy",
      `it throttles, or its quota or ours is used up, for longer than the ${Math.round(patienceMs / 1_000)} s that are waited for`,
    );
  };

  /** One reply of any status but 429. */
  const ask = async (method: Method, target: URL, body: object | undefined, signal: AbortSignal | undefined) => {
    const until = clock.now() + patienceMs;
    for (let refusals = 0; ; refusals += 1) {
      const sentAt = await turn(until, signal);
      let reply: Reply;
      try {
        reply = await send(method, target, body, signal);
      } catch (thrown) {
        turns.answered(sentAt, undefined);
        throw thrown;
      }
      const said = allowanceOf((name) => reply.headers.get(name), clock.wall());
      if (reply.status !== 429) {
        turns.answered(sentAt, said);
        return reply;
      }
      // A server that says nothing, or that it may be asked at once, is left alone for longer each time.
      const own = backoffMs(throttled, refusals, random());
      turns.answered(sentAt, { ...said, retryAfterMs: Math.max(own, said.retryAfterMs ?? 0) });
    }
  };

  const textOf = ({ bytes }: Reply): string => {
    const body = parseJson(bytes.toString());
    const said =
      typeof body === "object" && body !== null
        ? "message" in body
          ? body.message
          : "error_description" in body
            ? body.error_description
            : "error" in body
              ? body.error
              : body
        : bytes.toString();
    const line = (typeof said === "string" ? said : JSON.stringify(said)).replaceAll(/\s+/g, " ").trim();
    return withoutSecrets(line.length > 300 ? `${line.slice(0, 300)}…` : line, secrets);
  };

  const judge = (reply: Reply, what: string): Reply => {
    const { status, headers } = reply;
    if (status >= 200 && status < 300) return reply;
    const text = textOf(reply);
    const place = headers.get("location") ?? "elsewhere";
    if (status === 401 || status === 403) throw error("git-host-refused", `${what}: ${status} ${text}`);
    if (status >= 300 && status < 400) throw error("git-host-not-found", `${what}: it has moved to ${place}`);
    throw new GitLabRefusal(status, text);
  };

  const repeated = async (method: Method, target: URL, body: object | undefined, signal: AbortSignal | undefined) => {
    for (let attempt = 1; ; attempt += 1) {
      let problem: LostReply;
      try {
        const reply = await ask(method, target, body, signal);
        if (reply.status < 500) return reply;
        problem = new LostReply(`it answered ${reply.status} ${textOf(reply)}`.trim(), undefined);
      } catch (thrown) {
        if (!(thrown instanceof LostReply)) throw thrown;
        problem = thrown;
      }
      if (method === "post" || attempt === attempts) throw problem;
      await clock.sleep(backoffMs(broken, attempt - 1, random()), signal);
    }
  };

  return {
    description,
    error,
    async request(method, endpoint, asked, signal) {
      const target = new URL(`api/v4/${endpoint.replace(/^\//, "")}`, base);
      target.search = queryOf(asked?.searchParams ?? {});
      const body = method === "post" || method === "put" || method === "patch" ? asked?.body : undefined;
      const reply = judge(await repeated(method, target, body, signal), `${method.toUpperCase()} ${endpoint}`);
      const isJson = reply.headers.get("content-type")?.startsWith("application/json") && !endpoint.endsWith("/raw");
      return {
        status: reply.status,
        headers: Object.fromEntries(reply.headers),
        // What is no JSON though it says so is for the schema of the caller to refuse.
        body: isJson ? parseJson(reply.bytes.toString()) : new Blob([reply.bytes]),
      };
    },
  };
}

/** Errors: RangeError when it is larger than any archive should be. */
async function wholeBody(reply: Response): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of reply.body ?? []) {
    size += part.byteLength;
    if (size > largestReply) {
      throw new RangeError(`an answer is larger than ${largestReply / 1024 / 1024} MiB`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Names of fields as GitLab has them, at every depth. */
function snakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [snake(name), snakeCase(inner)]));
}

function queryOf(params: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null) continue;
    if (Array.isArray(value)) for (const one of value) query.append(`${snake(name)}[]`, String(one));
    else query.append(snake(name), String(value));
  }
  return query.toString();
}
