import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPlatforms, platformNames } from "../../../automation/adapters/platforms.ts";
import { systemClock } from "../../../automation/adapters/system-clock.ts";
import type { KiroAgent } from "../../../automation/ports/agent.ts";
import type { KiroRequest } from "../../../services/kiro/contract.ts";
import { type AgentProcess, startAgentProcess } from "../../support/agent-process.ts";

const darkHost = "dark.agent.local";

const environments: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  gke: { KUBERNETES_SERVICE_HOST: "10.0.0.1", POD_NAME: "pod-1" },
  "cloud-run": { K_SERVICE: "kiro", K_REVISION: "kiro-00001-abc", KIRO_INSTANCE: "kiro-00001-abc-1" },
};

const request = (data: Record<string, unknown>): KiroRequest => ({
  data,
  headers: { accept: "application/json" },
  method: "POST",
  path: "/process",
  queryParams: { lang: "en" },
  timestamp: "2026-11-20T12:00:00Z",
  requestId: "r-1",
});

/** The balancer's dark route: that host, and the platform by header; everything else is 404 from the balancer. */
async function startDarkRoute(agents: ReadonlyMap<string, AgentProcess>) {
  const server = createServer((incoming, outgoing) => {
    const agent = agents.get(incoming.headers["x-switchyard-platform"]?.toString() ?? "");
    if (incoming.headers.host !== darkHost || agent === undefined) {
      outgoing.writeHead(404).end("no route");
      return;
    }
    const target = forward(
      `${agent.url}${incoming.url}`,
      { method: incoming.method, headers: incoming.headers },
      (reply) => {
        outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(outgoing);
      },
    );
    target.on("error", () => outgoing.writeHead(502).end("no instance"));
    incoming.pipe(target);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

const agents = new Map<string, AgentProcess>();
let route: Awaited<ReturnType<typeof startDarkRoute>> | undefined;

beforeAll(async () => {
  for (const [platform, env] of Object.entries(environments)) agents.set(platform, await startAgentProcess(env));
  route = await startDarkRoute(agents);
}, 30_000);

afterAll(async () => {
  await route?.close();
  await Promise.all([...agents.values()].map((agent) => agent.end()));
});

test("the platforms are those that this suite starts", () => {
  expect([...platformNames].sort()).toEqual(Object.keys(environments).sort());
});

describe.each(platformNames)("KiroAgent: %s", (platform) => {
  const connect = (baseUrl = route?.url ?? "", host = darkHost): KiroAgent => {
    const groups = { find: async () => [] };
    const found = createPlatforms({ route: { baseUrl, darkHost: host }, groups, clock: systemClock })[platform];
    if (found === undefined) throw new Error(`no platform ${platform}`);
    return found.agent();
  };

  test("processes a request", async () => {
    const response = await connect().processRequest(request({ operation: "digest", text: "hi" }));
    expect(response).toMatchObject({ statusCode: 200, platform, requestId: "r-1", data: { bytes: 2 } });
    expect(response.headers["x-kiro-instance"]).toMatch(new RegExp(`^${platform}/.`));
  });

  test("gives a refused request back as a response, not as an error", async () => {
    const response = await connect().processRequest(request({ operation: "fly" }));
    expect(response).toMatchObject({ statusCode: 400, platform });
  });

  test("reports health, metrics and info of that platform", async () => {
    const agent = connect();
    expect(await agent.healthCheck()).toMatchObject({ status: "healthy", ready: true, platform });
    expect(await agent.getMetrics()).toMatchObject({ platform, requestCount: expect.any(Number) });
    const info = await agent.getPlatformInfo();
    expect(info).toMatchObject({ platform, operations: expect.arrayContaining(["echo"]) });
    expect(Object.keys(info.platformSpecific)).toContain(platform === "gke" ? "pod_name" : "revision");
  });

  test("ends with the signal's reason when it is aborted", async () => {
    const controller = new AbortController();
    const processing = connect().processRequest(request({ operation: "echo", duration_ms: 30_000 }), controller.signal);
    controller.abort(new Error("enough"));
    await expect(processing).rejects.toThrow("enough");
  });

  test("a wrong dark host is an operation that is missing", async () => {
    const agent = connect(undefined, "elsewhere");
    await expect(agent.healthCheck()).rejects.toMatchObject({ code: "agent-operation-missing" });
  });

  test("nobody there is unreachable", async () => {
    const agent = connect("http://127.0.0.1:9");
    await expect(agent.healthCheck()).rejects.toMatchObject({ code: "agent-unreachable" });
  });
});
