import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Bodies of the daemon's own APIs are small. */
const bodyLimitBytes = 1024 * 1024;

/** Whether the request carries the token; the comparison takes the same time for every wrong one. */
export function hasToken(request: IncomingMessage, token: string): boolean {
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  return timingSafeEqual(digest(given), digest(token));
}

/** Whether Host names this listener on loopback: a page that had its name rebound to 127.0.0.1 cannot pass. */
export function isLoopbackHost(request: IncomingMessage): boolean {
  const port = request.socket.localPort;
  const host = request.headers.host;
  return ["127.0.0.1", "localhost", "[::1]"].some((name) => host === `${name}:${port}`);
}

/** The body is larger than 1 MiB. */
export class BodyTooLargeError extends Error {
  constructor() {
    super(`The request body is larger than ${bodyLimitBytes} bytes.`);
    this.name = "BodyTooLargeError";
  }
}

/** The JSON body; undefined when there is none. Errors: BodyTooLargeError, SyntaxError. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Destroying the request would take the connection with it, and so the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > bodyLimitBytes) {
      request.resume();
      throw new BodyTooLargeError();
    }
    chunks.push(bytes);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  return text.trim() === "" ? undefined : JSON.parse(text);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
