import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProbeAttempt } from "../../../local/cloud-run/probe.ts";
import { defaultStartupProbe, type Probe } from "../../../local/cloud-run/probe-settings.ts";
import { systemClock } from "../../../local/runtime/system-clock.ts";

const attempt = createProbeAttempt(systemClock);
const never = new AbortController().signal;
const http = (path: string, timeoutMs = 1000): Probe => ({
  ...defaultStartupProbe,
  check: { kind: "http", path, headers: { "x-probe": "1" } },
  timeoutMs,
});

let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === "/slow") return;
    response.writeHead(Number(request.url?.slice(1)) + (request.headers["x-probe"] === "1" ? 0 : 500)).end("body");
  });
  port = await listen(server, 0);
});
afterEach(async () => {
  server.closeAllConnections();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

async function listen(target: Server, at: number): Promise<number> {
  await new Promise<void>((resolve) => target.listen(at, "127.0.0.1", resolve));
  return (target.address() as AddressInfo).port;
}

describe("an HTTP attempt", () => {
  it.each([
    [200, undefined],
    [399, undefined],
    [400, "GET /400 answered 400"],
    [503, "GET /503 answered 503"],
  ])("that is answered %d (statement 9)", async (status, reason) => {
    expect(await attempt({ port }, http(`/${status}`), never)).toBe(reason);
  });

  it("that is not answered in time fails", async () => {
    expect(await attempt({ port }, http("/slow", 50), never)).toBe("no answer within the timeout");
  });
});

describe("a TCP attempt", () => {
  it("waits for the port to accept connections", async () => {
    await new Promise((resolve) => server.close(resolve));
    const waiting = attempt({ port }, defaultStartupProbe, never);
    await listen(server, port);
    expect(await waiting).toBeUndefined();
  });

  it("says which port did not accept connections, and ends when it is aborted", async () => {
    await new Promise((resolve) => server.close(resolve));
    const probe = { ...defaultStartupProbe, timeoutMs: 50 };
    expect(await attempt({ port }, probe, never)).toBe(`port ${port} did not accept connections within 0.05 s`);
    const controller = new AbortController();
    const waiting = attempt({ port }, defaultStartupProbe, controller.signal);
    controller.abort();
    expect(await waiting).toBeDefined();
  });

  it("says the same when its time ends while a connection is being tried", async () => {
    await new Promise((resolve) => server.close(resolve));
    const ended = AbortSignal.abort();
    const check = { kind: "http", path: "/200", headers: {} } as const;
    for (const probe of [defaultStartupProbe, { ...defaultStartupProbe, check }]) {
      expect(await attempt({ port }, probe, ended)).toMatch(/^port \d+ did not accept connections/);
    }
  });

  it("takes any listener, it need not speak HTTP", async () => {
    const plain = createTcpServer();
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    expect(await attempt({ port: (plain.address() as AddressInfo).port }, defaultStartupProbe, never)).toBeUndefined();
    plain.close();
  });
});
