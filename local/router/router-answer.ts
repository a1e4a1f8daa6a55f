import { STATUS_CODES } from "node:http";
import type { Selection } from "./routing-table.ts";

/** The text of the errors that the router itself makes, in the words of Google's front end. */
export const serverError =
  "Error: Server Error\nThe server encountered a temporary error and could not complete your request.\n" +
  "Please try again in 30 seconds.\n";
export const requestTimeout = "Error: Server Error\nupstream request timeout\n";

/** The headers, flat, of the router's own or the platform's answer with this body. `instance` is empty when none was chosen. */
export function answerHeaders(
  headers: readonly (readonly [string, string])[],
  body: string,
  selection: Extract<Selection, { kind: "backend" }> | undefined,
  instance: string,
): string[] {
  const flat: string[] = [];
  for (const [name, value] of headers) flat.push(name.toLowerCase(), value);
  if (!flat.includes("content-type")) flat.push("content-type", "text/plain; charset=utf-8");
  if (!flat.includes("content-length")) flat.push("content-length", String(Buffer.byteLength(body)));
  if (selection !== undefined) {
    for (const [name, value] of selection.responseHeaders) flat.push(name, value);
    if (selection.side !== "" && !flat.includes("x-switchyard-side")) flat.push("x-switchyard-side", selection.side);
  }
  if (instance !== "") flat.push("x-switchyard-instance", instance);
  return flat;
}

/** A whole response on the wire for a request that the parser could not read; the connection ends with it. */
export function rawAnswer(
  status: number,
  reason: string,
  headers: readonly (readonly [string, string])[] = [],
): string {
  const added = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const body = `Error: ${STATUS_CODES[status] ?? "Bad Request"}\n${reason}\n`;
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Bad Request"}\r\nconnection: close\r\n${added}` +
    `content-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

export interface Rejection {
  readonly status: 400 | 408 | 413 | 431;
  readonly reason: string;
}

/** What a parser error means for the client; undefined when the connection broke and there is no one to tell. */
export function rejectionOf(error: NodeJS.ErrnoException): Rejection | undefined {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, reason: "The request's headers are larger than this router takes." };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { status: 413, reason: "The chunk extensions are larger than this router takes." };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, reason: "The request's head did not arrive in time." };
    case "HPE_INVALID_EOF_STATE":
      return undefined;
    default:
      if (error.code?.startsWith("HPE_") !== true) return undefined;
      return { status: 400, reason: `The request is not well-formed: ${error.message}.` };
  }
}
