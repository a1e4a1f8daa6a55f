import type { ServerResponse } from "node:http";

const plainText = /^[\t\x20-\x7e]*$/;
/** Bytes up to which a body joins the head. */
const joinedBody = 8192;

/** Begins a response. Headers flat; a status message that could not be sent as it is gives way to the usual one. */
export function writeHead(
  response: ServerResponse,
  status: number,
  headers: string[],
  statusMessage: string | undefined,
): void {
  if (statusMessage !== undefined && statusMessage !== "" && plainText.test(statusMessage)) {
    response.writeHead(status, statusMessage, headers);
  } else {
    response.writeHead(status, headers);
  }
}

/** A head goes out even if no byte of the body follows it at once (event streams). */
export function flushHead(response: ServerResponse): void {
  if (!response.writableEnded) response.flushHeaders();
}

/** The last bytes and the end in one write. */
export function endWith(response: ServerResponse, chunk: Buffer): void {
  // As latin1, byte for byte, a small body joins the head in one string: cheaper than two buffers.
  if (chunk.length <= joinedBody) response.end(chunk.toString("latin1"), "latin1");
  else response.end(chunk);
}
