import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type FailBackFlag, watchFailBackFlag } from "../../../services/kiro/fail-back-flag.ts";
import { eventually } from "../../local/router/router-fixture.ts";

interface FlagServer {
  readonly url: string;
  /** What it answers from now on. */
  reply: { status: number; body: string; etag?: string };
  readonly asked: string[];
  stop(): Promise<void>;
}

const servers: FlagServer[] = [];
const flags: FailBackFlag[] = [];
afterEach(async () => {
  for (const flag of flags.splice(0)) flag.close();
  for (const server of servers.splice(0)) await server.stop();
});

async function startFlagServer(): Promise<FlagServer> {
  const server: Server = createServer((request, response) => {
    const { status, body, etag } = flag.reply;
    const known = request.headers["if-none-match"];
    flag.asked.push(known ?? "");
    if (etag !== undefined && known === etag) {
      response.writeHead(304, { etag }).end();
      return;
    }
    response.writeHead(status, { "content-type": "application/json", ...(etag === undefined ? {} : { etag }) });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const flag: FlagServer = {
    url: `http://127.0.0.1:${port}/flag`,
    reply: { status: 200, body: "{}" },
    asked: [],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  servers.push(flag);
  return flag;
}

function watch(url: string, changes: Partial<Parameters<typeof watchFailBackFlag>[0]> = {}) {
  const told: (string | undefined)[] = [];
  const failures: string[] = [];
  const flag = watchFailBackFlag({
    url,
    platform: "gke",
    now: () => performance.now(),
    onChange: (target) => told.push(target),
    onFailure: (why) => failures.push(why),
    pollMs: 5,
    ...changes,
  });
  flags.push(flag);
  return { flag, told, failures };
}

describe("the fail-back flag", () => {
  test("is followed when it is set, changed and taken away; each change is told once", async () => {
    const server = await startFlagServer();
    const { flag, told } = watch(server.url);
    await eventually(() => server.asked.length > 2, "it is polled");
    expect(flag.target).toBeUndefined();
    server.reply = { status: 200, body: '{"target":"cloud-run"}' };
    await eventually(() => flag.target === "cloud-run", "it is set");
    server.reply = { status: 200, body: '{"target":"eks"}' };
    await eventually(() => flag.target === "eks", "it is changed");
    server.reply = { status: 404, body: "" };
    await eventually(() => flag.target === undefined, "it is gone");
    expect(told).toEqual(["cloud-run", "eks", undefined]);
  });

  test("is asked for with its ETag, and what is unchanged holds on", async () => {
    const server = await startFlagServer();
    server.reply = { status: 200, body: '{"target":"cloud-run"}', etag: '"1"' };
    const { flag } = watch(server.url, { holdMs: 50 });
    await eventually(() => server.asked.filter((etag) => etag === '"1"').length > 30, "it is polled with the ETag");
    expect(flag.target).toBe("cloud-run");
  });

  test("that names this platform means here", async () => {
    const server = await startFlagServer();
    server.reply = { status: 200, body: '{"target":"gke"}' };
    const { flag } = watch(server.url);
    await eventually(() => server.asked.length > 2, "it is polled");
    expect(flag.target).toBeUndefined();
  });

  test.each([
    ["no JSON", { status: 200, body: "<html>" }],
    ["another form", { status: 200, body: '{"target":7}' }],
    ["an error", { status: 500, body: "" }],
    ["a redirect", { status: 302, body: "" }],
  ])("keeps its value over %s, for a time only, and says so once", async (_, reply) => {
    const server = await startFlagServer();
    server.reply = { status: 200, body: '{"target":"cloud-run"}' };
    let now = 0;
    const { flag, told, failures } = watch(server.url, { now: () => now, holdMs: 10_000 });
    await eventually(() => flag.target === "cloud-run", "it is set");
    server.reply = reply;
    await eventually(() => failures.length === 1, "the failure is told");
    now = 10_000;
    expect(flag.target).toBe("cloud-run");
    now = 10_001;
    expect(flag.target).toBeUndefined();
    await eventually(() => told.length === 2, "its end is told");
    expect(told).toEqual(["cloud-run", undefined]);
    expect(failures).toHaveLength(1);
    server.reply = { status: 200, body: '{"target":"cloud-run"}' };
    await eventually(() => flag.target === "cloud-run", "it can be read again");
  });

  test("whose place does not answer is off", async () => {
    const server = await startFlagServer();
    await server.stop();
    servers.length = 0;
    const { flag, failures } = watch(server.url);
    await eventually(() => failures.length === 1, "the failure is told");
    expect(flag.target).toBeUndefined();
    expect(failures[0]).toMatch(/ECONNREFUSED/);
  });

  test("is not polled any more once it is closed", async () => {
    const server = await startFlagServer();
    const { flag } = watch(server.url);
    await eventually(() => server.asked.length > 0, "it is polled");
    flag.close();
    const { length } = server.asked;
    await new Promise((resolve) => setTimeout(resolve, 50));
    // One may have been on its way.
    expect(server.asked.length - length).toBeLessThanOrEqual(1);
  });
});
