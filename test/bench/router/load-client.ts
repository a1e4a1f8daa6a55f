import { connect } from "node:net";
import { createHistogram } from "node:perf_hooks";

/** Closed-loop load over kept connections: port, connections, seconds. Reports requests/s and latency in µs to its parent. */
const [port = 0, connections = 1, seconds = 1] = process.argv.slice(2).map(Number);
const request = Buffer.from(
  "GET /process?session=42 HTTP/1.1\r\nhost: agent.local\r\nuser-agent: switchyard-bench\r\naccept: application/json\r\n" +
    "accept-language: en\r\nx-request-id: 0123456789\r\n\r\n",
);
const headEnd = Buffer.from("\r\n\r\n");
const latency = createHistogram();
let done = 0;
let stopping = false;

function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let sentAt = 0;
    let data: Buffer = Buffer.alloc(0);
    const send = (): void => {
      sentAt = performance.now();
      socket.write(request);
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => resolve());
    socket.on("data", (chunk) => {
      data = data.length === 0 ? chunk : Buffer.concat([data, chunk]);
      const end = data.indexOf(headEnd);
      if (end < 0) return;
      const head = data.toString("latin1", 0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      if (!head.startsWith("HTTP/1.1 200") || Number.isNaN(length)) {
        socket.destroy(new Error(`Unexpected answer: ${head}`));
        return;
      }
      if (data.length < end + 4 + length) return;
      data = Buffer.alloc(0);
      latency.record(Math.max(1, Math.round((performance.now() - sentAt) * 1000)));
      done += 1;
      if (stopping) socket.end();
      else send();
    });
  });
}

const startedAt = performance.now();
setTimeout(() => {
  stopping = true;
}, seconds * 1000);
await Promise.all(Array.from({ length: connections }, run));
const elapsedMs = performance.now() - startedAt;
process.send?.({
  requests: done,
  requestsPerSecond: (done / elapsedMs) * 1000,
  p50: latency.percentile(50),
  p99: latency.percentile(99),
});
process.disconnect?.();
