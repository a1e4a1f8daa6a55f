import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { socketProbe } from "../../../local/autopilot/pods/probe-transport.ts";

let server: Server;
let origin: string;
const requests: (string | undefined)[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.headers["user-agent"], request.headers["x-probe"]?.toString());
    if (request.url === "/never") return;
    response.statusCode = Number(request.url?.slice(1));
    response.end("text");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const signal = () => AbortSignal.timeout(10_000);
const http = (path: string) => ({ path, headers: {} });

describe("a probe over sockets", () => {
  it.each(["/200", "204", "/301", "/399"])("takes %s for success", async (path) => {
    expect(await socketProbe({ origin, http: http(path), signal: signal() })).toEqual({ ok: true });
  });

  it.each([400, 404, 500, 503])("takes %i for failure", async (status) => {
    const message = `HTTP probe failed with statuscode: ${status}`;
    expect(await socketProbe({ origin, http: http(`/${status}`), signal: signal() })).toEqual({ ok: false, message });
  });

  it("says who it is and sends the declared headers", async () => {
    await socketProbe({ origin, http: { path: "/200", headers: { "X-Probe": "yes" } }, signal: signal() });
    expect(requests.slice(-2)).toEqual([expect.stringMatching(/^kube-probe\/1\.\d+$/), "yes"]);
  });

  it("gives up when its time is over", async () => {
    const outcome = await socketProbe({ origin, http: http("/never"), signal: AbortSignal.timeout(50) });
    expect(outcome).toEqual({ ok: false, message: `Get "${origin}/never": context deadline exceeded` });
  });

  it("connects where no request is declared, and says when nobody listens", async () => {
    expect(await socketProbe({ origin, http: undefined, signal: signal() })).toEqual({ ok: true });
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    for (const request of [undefined, http("/200")]) {
      const outcome = await socketProbe({ origin: `http://127.0.0.1:${port}`, http: request, signal: signal() });
      expect(outcome).toMatchObject({ ok: false, message: expect.stringContaining("ECONNREFUSED") });
    }
  });
});
