import { createServer } from "node:net";

/** A service that costs as little as possible: a fixed answer of a typical size to every head without a body. */
const body = JSON.stringify({ status: "ok", platform: "bench", text: "x".repeat(400) });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: ${new Date().toUTCString()}\r\n` +
    `x-kiro-instance: bench/1\r\ncache-control: no-store\r\ncontent-length: ${body.length}\r\n` +
    `connection: keep-alive\r\nkeep-alive: timeout=620\r\n\r\n${body}`,
);
const headEnd = Buffer.from("\r\n\r\n");

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = data.indexOf(headEnd); end >= 0; end = data.indexOf(headEnd)) {
      socket.write(answer);
      data = data.subarray(end + 4);
    }
    rest = data;
  });
  // A load client that stops resets its connections.
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as { port: number }).port }));
process.once("disconnect", () => process.exit());
