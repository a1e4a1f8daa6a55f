import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { cloudRunAgentClient } from "../../../automation/adapters/agent-cloud-run.ts";
import { createHttpAgent } from "../../../automation/adapters/agent-http.ts";
import type { KiroAgent } from "../../../automation/ports/agent.ts";
import type { KiroRequest } from "../../../services/kiro/contract.ts";

let server: Server | undefined;

const serve = async (listener: RequestListener): Promise<string> => {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
};

const agentBehind = async (listener: RequestListener, timeoutMs?: number): Promise<KiroAgent> =>
  createHttpAgent({
    platform: "gke",
    baseUrl: await serve(listener),
    headers: async () => ({}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });

afterEach(async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  server?.close(resolve);
  server?.closeAllConnections();
  if (server !== undefined) await promise;
  server = undefined;
});

const kiroRequest: KiroRequest = {
  data: { operation: "echo" },
  headers: {},
  method: "POST",
  path: "/process",
  queryParams: {},
  timestamp: "2026-11-20T12:00:00Z",
  requestId: "r-1",
};

const response = {
  status_code: 200,
  data: {},
  headers: {},
  timestamp: "2026-11-20T12:00:00Z",
  request_id: "r-1",
  platform: "gke",
};

describe("what an agent's reply means", () => {
  test.each([404, 405, 501])("%i is a missing operation", async (status) => {
    const agent = await agentBehind((_, reply) => reply.writeHead(status).end("{}"));
    await expect(agent.getMetrics()).rejects.toMatchObject({
      code: "agent-operation-missing",
      data: { operation: "GET /kiro-metrics", status },
    });
  });

  test.each([502, 503, 504])(
    "%i without the agent's marker is unreachable, with the balancer's text",
    async (status) => {
      const agent = await agentBehind((_, reply) => reply.writeHead(status).end("no healthy\n upstream"));
      await expect(agent.healthCheck()).rejects.toMatchObject({
        code: "agent-unreachable",
        message: expect.stringContaining(`${status}: no healthy upstream`),
      });
    },
  );

  test("500 made by the agent is a response", async () => {
    const body = JSON.stringify({ ...response, status_code: 500 });
    const agent = await agentBehind((_, reply) => reply.writeHead(500, { "x-kiro-instance": "gke/a" }).end(body));
    expect(await agent.processRequest(kiroRequest)).toMatchObject({ statusCode: 500 });
  });

  test("a reply that breaks the contract names every path", async () => {
    const body = JSON.stringify({ ...response, status_code: "200", request_id: 1 });
    const agent = await agentBehind((_, reply) => reply.end(body));
    await expect(agent.processRequest(kiroRequest)).rejects.toMatchObject({
      code: "agent-reply-invalid",
      data: { problems: [expect.stringMatching(/^status_code: /), expect.stringMatching(/^request_id: /)] },
    });
  });

  test("a reply that is not JSON breaks the contract", async () => {
    const agent = await agentBehind((_, reply) => reply.end("<html>"));
    await expect(agent.healthCheck()).rejects.toMatchObject({ code: "agent-reply-invalid" });
  });

  test("a reply of another platform breaks the contract", async () => {
    const agent = await agentBehind((_, reply) => reply.end(JSON.stringify({ ...response, platform: "cloud-run" })));
    await expect(agent.processRequest(kiroRequest)).rejects.toMatchObject({
      code: "agent-reply-invalid",
      message: expect.stringContaining("asked gke, answered by cloud-run"),
    });
  });

  test.each([
    [
      "within the body",
      (_: unknown, reply: Parameters<RequestListener>[1]) => {
        reply.writeHead(200, { "content-length": 100 });
        reply.write("{");
        setImmediate(() => reply.destroy());
      },
    ],
    ["before the head", (_: unknown, reply: Parameters<RequestListener>[1]) => void reply.destroy()],
  ])("a reply that breaks off %s is unreachable", async (_where, listener) => {
    const agent = await agentBehind(listener);
    await expect(agent.healthCheck()).rejects.toMatchObject({ code: "agent-unreachable" });
  });

  test("no reply in time is unreachable", async () => {
    const agent = await agentBehind(() => {}, 50);
    await expect(agent.healthCheck()).rejects.toMatchObject({
      code: "agent-unreachable",
      message: expect.stringContaining("within 50 ms"),
    });
  });
});

describe("the identity token for Cloud Run", () => {
  const identityToken = async (): Promise<string> => "identity";

  test("is sent", async () => {
    let authorization: string | undefined;
    const baseUrl = await serve((incoming, reply) => {
      ({ authorization } = incoming.headers);
      reply.writeHead(404).end();
    });
    const agent = cloudRunAgentClient.connect({ baseUrl, darkHost: "dark.agent.local", identityToken });
    await expect(agent.healthCheck()).rejects.toMatchObject({ code: "agent-operation-missing" });
    expect(authorization).toBe("Bearer identity");
  });

  test("never goes over plain HTTP to another machine", async () => {
    const agent = cloudRunAgentClient.connect({ baseUrl: "http://192.0.2.1", darkHost: "d", identityToken });
    await expect(agent.healthCheck()).rejects.toMatchObject({ code: "credentials-over-http" });
  });
});
