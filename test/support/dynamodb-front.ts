/** A server in front of DynamoDB that does something else with some requests. */
import { createServer } from "node:http";

/** `count`: of this operation, from 1. */
export type FrontAnswer = (
  operation: string,
  count: number,
) => "pass" | "drop the reply" | { readonly status: number; readonly type: string };

export async function serveInFront(behind: string, answer: FrontAnswer) {
  const counts = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    const count = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, count);
    const what = answer(operation, count);
    if (typeof what === "object") {
      response.writeHead(what.status, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${what.type}`, message: "so it is" }));
      return;
    }
    const { host: _host, connection: _connection, ...headers } = request.headers;
    const reply = await fetch(behind, {
      method: "POST",
      headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
      body: Buffer.concat(chunks),
    });
    const body = Buffer.from(await reply.arrayBuffer());
    if (what === "drop the reply") {
      request.socket.destroy();
      return;
    }
    response.writeHead(reply.status, { "content-type": "application/x-amz-json-1.0" });
    response.end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    endpoint: async () => `http://127.0.0.1:${port}`,
    counts,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
