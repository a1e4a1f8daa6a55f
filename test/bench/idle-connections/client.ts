import { connect } from "node:net";
import { z } from "zod";

/**
 * Opens kept connections to a port, does some requests on each, one after another, and holds them until its parent goes.
 * Arguments: port, requests per connection. Asked {open: n} it adds n, then answers {connections}.
 */
const [port = 0, requests = 1] = process.argv.slice(2).map(Number);
const asked = z.object({ open: z.int().min(0) });
const request = "GET /process?session=42 HTTP/1.1\r\nhost: agent.local\r\naccept: application/json\r\n\r\n";
/** Opened at once: the listener's queue of connections not yet accepted is 511 long. */
const atOnce = 100;
let connections = 0;

function openOne(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let data = "";
    let left = requests;
    socket.on("connect", () => socket.write(request));
    socket.on("error", reject);
    // A connection that the router ends is not an idle one: the count would be wrong.
    socket.on("close", () => process.exit(1));
    socket.on("data", (chunk) => {
      data += chunk.toString("latin1");
      const end = data.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(data)?.[1]);
      if (end < 0 || data.length < end + 4 + length) return;
      if (!data.startsWith("HTTP/1.1 200")) reject(new Error(`Unexpected answer: ${data}`));
      data = "";
      left -= 1;
      if (left > 0) {
        socket.write(request);
        return;
      }
      connections += 1;
      resolve();
    });
  });
}

process.on("message", async (message) => {
  const { open } = asked.parse(message);
  for (let left = open; left > 0; left -= atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, left) }, openOne));
  }
  process.send?.({ connections });
});
process.once("disconnect", () => process.exit());
process.send?.({ connections });
