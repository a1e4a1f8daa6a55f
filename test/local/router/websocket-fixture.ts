import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type Origin, startOrigin } from "./router-fixture.ts";

/** A handshake with these header lines beside the Host. */
export const handshake = (...lines: string[]): string =>
  ["GET /chat HTTP/1.1", "Host: agent.local", ...lines, "", ""].join("\r\n");

export const webSocketLines = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
] as const;

/** A WebSocket handshake without anything that a test does not look at. */
export const upgrade = handshake(...webSocketLines);
/** A service's consent. */
export const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

/** One side of a connection that a test holds byte by byte; each direction ends by itself. */
export interface Peer {
  readonly socket: Socket;
  /** Everything received, latin1. */
  received(): string;
  ended(): boolean;
  /** The other side has reset the connection. */
  wasReset(): boolean;
}

export function watch(socket: Socket): Peer {
  let received = "";
  let ended = false;
  let reset = false;
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.on("end", () => {
    ended = true;
  });
  socket.on("error", () => {
    reset = true;
  });
  return { socket, received: () => received, ended: () => ended, wasReset: () => reset };
}

/** A client's connection, half-open allowed; ended with the test. */
export function connectRaw(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
  });
  return socket;
}

export interface EchoService extends Origin {
  /** Heads of the handshakes. */
  readonly heads: { readonly url: string; readonly headers: NodeJS.Dict<string | string[]> }[];
}

/** A service that gives each message back with its name before it. */
export async function startEcho(name: string): Promise<EchoService> {
  const heads: EchoService["heads"] = [];
  const origin = await startOrigin((_request, response) => response.end(`${name} over http`));
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  origin.server.on("upgrade", (request, socket, head) => {
    heads.push({ url: request.url, headers: request.headers });
    server.handleUpgrade(request, socket, head, (socket_) => {
      socket_.on("message", (data, isBinary) => {
        socket_.send(isBinary ? data : `${name}: ${String(data)}`, { binary: isBinary });
      });
    });
  });
  return Object.assign(origin, { heads });
}

/** An open WebSocket of the `ws` client, and what the 101 said. */
export interface OpenWebSocket {
  readonly socket: WebSocket;
  readonly headers: NodeJS.Dict<string | string[]>;
  /** Sends a text and gives the next message. */
  ask(text: string): Promise<string>;
  /** Closes in order. */
  close(): Promise<void>;
}

export async function openWebSocket(url: string, headers: Record<string, string> = {}): Promise<OpenWebSocket> {
  const socket = new WebSocket(url.replace("http:", "ws:"), ["chat"], { headers });
  onTestFinished(() => socket.terminate());
  const [[response]] = await Promise.all([once(socket, "upgrade"), once(socket, "open")]);
  return {
    socket,
    headers: response.headers,
    async ask(text) {
      const answer = once(socket, "message");
      socket.send(text);
      const [data] = await answer;
      return String(data);
    },
    async close() {
      const closed = once(socket, "close");
      socket.close(1000);
      await closed;
    },
  };
}
