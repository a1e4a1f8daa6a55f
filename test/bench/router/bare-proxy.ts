import { createServer } from "node:http";
import { Pool } from "undici";

/** The peer: the shortest proxy that one would write with undici. No feature, no check, no timeout. */
const pool = new Pool(process.argv[2] ?? "", { connections: 512 });
const server = createServer({ keepAliveTimeout: 610_000 }, (request, response) => {
  const { connection: _hop, ...headers } = request.headers;
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  pool.stream(
    { method: request.method ?? "GET", path: request.url ?? "/", headers, body: hasBody ? request : null },
    ({ statusCode, headers: { connection: _close, "keep-alive": _idle, ...kept } }) => {
      response.writeHead(statusCode, kept);
      return response;
    },
    (error) => {
      if (error !== null && !response.headersSent) response.writeHead(502).end();
    },
  );
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as { port: number }).port }));
// Asked by its parent for the processor time used so far, µs.
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system });
});
process.once("disconnect", () => process.exit());
