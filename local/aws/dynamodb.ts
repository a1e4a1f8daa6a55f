/**
 * The local cloud's DynamoDB: dynalite, on a loopback port. It knows no Transact* and no time to live (shared design,
 * section 3.8), and takes any credentials.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { isLoopbackHost } from "../daemon/loopback-request.ts";

export interface DynamoDbOptions {
  /** Keeps its data; in memory when absent. */
  readonly folder?: string;
  /** How long a table is CREATING or DELETING, ms. Default 50. */
  readonly tableChangeMs?: number;
}

export interface DynamoDb {
  /** http://127.0.0.1:PORT */
  readonly endpoint: string;
  /** Answers what was asked, then closes the data. */
  close(): Promise<void>;
}

/** One that is started when it is first asked for. */
export function lazyDynamoDb(folder: string): { endpoint(): Promise<string>; close(): Promise<void> } {
  let serving: Promise<DynamoDb> | undefined;
  return {
    async endpoint() {
      serving ??= serveDynamoDb({ folder }).catch((error: unknown) => {
        // Asked again, it tries again.
        serving = undefined;
        throw error;
      });
      return (await serving).endpoint;
    },
    close: async () => (await serving)?.close(),
  };
}

/** Errors: those of the folder and of LevelDB's native module, which dynalite does not start without. */
export async function serveDynamoDb({ folder, tableChangeMs = 50 }: DynamoDbOptions = {}): Promise<DynamoDb> {
  // It takes 100 ms to load, and most local clouds never need it.
  const { default: dynalite } = await import("dynalite");
  const engine = dynalite({
    ...(folder === undefined ? {} : { path: folder }),
    createTableMs: tableChangeMs,
    deleteTableMs: tableChangeMs,
    updateTableMs: tableChangeMs,
  });
  const handlers = engine.listeners("request");
  engine.removeAllListeners("request");
  engine.on("request", (request, response) => {
    if (!isFromHere(request)) return refuse(response);
    for (const handler of handlers) Reflect.apply(handler, engine, [request, response]);
  });
  await listen(engine);
  const address = engine.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve, reject) => {
        engine.close((error) => (error === undefined || error === null ? resolve() : reject(error)));
      }),
  };
}

/** dynalite lets every web page in (it answers preflights with `*`); a page's request names its origin, a client library's does not. */
function isFromHere(request: IncomingMessage): boolean {
  return isLoopbackHost(request) && request.headers.origin === undefined;
}

function refuse(response: ServerResponse): void {
  response.writeHead(403, { "content-type": "application/x-amz-json-1.0", connection: "close" });
  response.end(
    `${JSON.stringify({ __type: "AccessDeniedException", message: "Only clients on this machine may ask." })}\n`,
  );
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
}
