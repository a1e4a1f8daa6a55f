/** A small server that answers as the APIs of Anthropic, OpenAI, Ollama and Bedrock document one answer of a model. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import { z } from "zod";

export interface ModelServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly asked: readonly { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: unknown }[];
  /** What it says next, and whether it was cut off. */
  say(text: string, cutOff?: boolean): void;
  /** The next answer is this instead. */
  answerNext(status: number, body: unknown): void;
  hang(): Promise<void>;
  close(): Promise<void>;
}

function answerOf(path: string, text: string, cutOff: boolean): unknown {
  if (path === "/v1/messages")
    return { type: "message", content: [{ type: "text", text }], stop_reason: cutOff ? "max_tokens" : "end_turn" };
  if (path === "/v1/chat/completions")
    return {
      choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: cutOff ? "length" : "stop" }],
    };
  if (path === "/api/chat")
    return { message: { role: "assistant", content: text }, done: true, done_reason: cutOff ? "length" : "stop" };
  if (/^\/model\/[^/]+\/converse$/.test(path))
    return {
      output: { message: { role: "assistant", content: [{ text }] } },
      stopReason: cutOff ? "max_tokens" : "end_turn",
      usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
      metrics: { latencyMs: 1 },
    };
  return undefined;
}

/** `http2`: Bedrock's client speaks nothing else. */
export async function serveModel({ http2 = false } = {}): Promise<ModelServer> {
  const asked: { path: string; headers: IncomingHttpHeaders; body: unknown }[] = [];
  const prepared: { status: number; body: unknown }[] = [];
  let said = { text: "", cutOff: false };
  let hanging: (() => void) | undefined;
  const take = async (
    request: IncomingMessage | Http2ServerRequest,
    answerWith: (status: number, text: string) => void,
  ): Promise<void> => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const path = new URL(request.url ?? "/", "http://server").pathname;
    asked.push({ path, headers: request.headers, body: JSON.parse(text) });
    if (hanging !== undefined) return hanging();
    const body = answerOf(path, said.text, said.cutOff);
    const answer = prepared.shift() ?? (body === undefined ? { status: 404, body: {} } : { status: 200, body });
    answerWith(answer.status, JSON.stringify(answer.body));
  };
  const type = { "content-type": "application/json" };
  const sessions = new Set<ServerHttp2Session>();
  const server = http2
    ? createHttp2Server((request: Http2ServerRequest, response: Http2ServerResponse) => {
        void take(request, (status, text) => response.writeHead(status, type).end(text));
      }).on("session", (session) => sessions.add(session))
    : createServer((request: IncomingMessage, response: ServerResponse) => {
        void take(request, (status, text) => response.writeHead(status, type).end(text));
      });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    say(text, cutOff = false) {
      said = { text, cutOff };
    },
    answerNext(status, body) {
      prepared.push({ status, body });
    },
    hang() {
      const { promise, resolve } = Promise.withResolvers<void>();
      hanging = resolve;
      return promise;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
        for (const session of sessions) session.destroy();
      }),
  };
}
