/** A server for hooks: who sends one proves it with a token; a merged branch of guard's starts what is passed in, once at a time for a batch. */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { parseJson } from "./json-text.ts";

const mostBytes = 1_000_000;
/** For the whole of a request, ms: GitLab waits 10 s for an answer. */
const requestTimeoutMs = 10_000;
const shortestToken = 16;

/** What a body says, for the server. */
export type Told =
  | { readonly what: "merged"; readonly batch: string; readonly branch: string; readonly repository: string }
  | { readonly what: "nothing" | "unreadable"; readonly why: string };

export interface WebhookServerOptions {
  /** Default 127.0.0.1. Elsewhere the token travels as it is: put something with TLS in front. */
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Of X-Gitlab-Token, or of Authorization: Bearer; at least 16 characters. */
  readonly token: string;
  readonly read: (body: unknown) => Told;
  /** Not waited for by who sent the hook. The signal is aborted when the server closes. */
  readonly start: (
    batch: string,
    because: { branch: string; repository: string },
    signal: AbortSignal,
  ) => Promise<void>;
  /** Of what `start` rejected with, unless the server closes. */
  readonly failed: (batch: string, error: unknown) => void;
}

export interface WebhookServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** Takes no more, aborts what runs, and waits for it. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly said: string;
}

/** Errors: invalid-config (the token, the port that is taken). */
export async function serveWebhooks(options: WebhookServerOptions): Promise<WebhookServer> {
  const { host = "127.0.0.1", port, token } = options;
  if (token.length < shortestToken)
    throw new SwitchyardError("invalid-config", {
      message: `the token for hooks has less than ${shortestToken} characters`,
    });
  const closing = new AbortController();
  const expected = hashOf(token);
  const running = new Map<string, Promise<void>>();
  /** Batches of which another branch was merged while they ran. */
  const again = new Map<string, { branch: string; repository: string }>();

  async function run(batch: string, because: { branch: string; repository: string }): Promise<void> {
    for (let next: typeof because | undefined = because; next !== undefined && !closing.signal.aborted; ) {
      try {
        await options.start(batch, next, closing.signal);
      } catch (error) {
        if (!closing.signal.aborted) options.failed(batch, error);
      }
      next = again.get(batch);
      again.delete(batch);
    }
    running.delete(batch);
  }

  function begin(batch: string, because: { branch: string; repository: string }): Answer {
    if (running.has(batch)) {
      again.set(batch, because);
      return { status: 202, said: `${batch} is looked at already, and will be once more` };
    }
    running.set(batch, run(batch, because));
    return { status: 202, said: `${batch} is looked at` };
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== "POST") return { status: 405, said: "only POST" };
    if (!timingSafeEqual(hashOf(tokenOf(request)), expected)) return { status: 401, said: "wrong token" };
    const text = await bodyOf(request);
    if (text === undefined) return { status: 413, said: `more than ${mostBytes} bytes` };
    const told = options.read(parseJson(text));
    if (told.what === "merged") return begin(told.batch, { branch: told.branch, repository: told.repository });
    return told.what === "unreadable"
      ? { status: 400, said: told.why }
      : { status: 200, said: `nothing to do: ${told.why}` };
  }

  const server = createServer(
    { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
    (request, response) => {
      answer(request).then(
        (given) => send(response, given),
        // The sender went away, or what it sent is no HTTP.
        () => response.destroy(),
      );
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new SwitchyardError("invalid-config", {
          message: `nothing can listen at ${host}:${port}: ${cause.message}`,
          cause,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  const bound = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound.port}`,
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await Promise.all([closed, ...running.values()]);
    },
  };
}

/** Of one length, so that nothing of the token's is told by time. */
const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest();

function tokenOf({ headers }: IncomingMessage): string {
  const own = headers["x-gitlab-token"];
  if (typeof own === "string") return own;
  return /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1] ?? "";
}

/** undefined: it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, { status, said }: Answer): void {
  response
    .writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      ...(status === 413 ? { connection: "close" } : {}),
    })
    .end(`${said}\n`);
}
