import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ClusterAccess } from "../../../automation/adapters/cluster-access.ts";
import { createKubernetesApi } from "../../../automation/adapters/kubernetes-api.ts";

const token = "the-token-of-a-test-cluster";
const at = Date.parse("2026-12-01T10:00:00Z");
const pods = { apiVersion: "v1", kind: "Pod" };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const json =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_, response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
const refusal = (status: number, message: string, headers = {}) => json(status, { kind: "Status", message }, headers);
const resources = json(200, { resources: [{ name: "pods", kind: "Pod", namespaced: true }] });
const page = (names: readonly string[], next = ""): Answer =>
  json(200, {
    metadata: { continue: next },
    items: names.map((name) => ({ metadata: { name, namespace: "web" } })),
  });

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that gives these answers in order, then the last one again and again; what an API server's network may do. */
async function serve(answers: readonly Answer[], accesses: readonly Partial<ClusterAccess>[] = [{}]) {
  const asked: string[] = [];
  const authorisations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://server");
    if (url.pathname === "/api/v1") return resources(request, response);
    asked.push(`${request.method} ${url.pathname}${url.search}`);
    authorisations.push(request.headers.authorization);
    answers[Math.min(asked.length, answers.length) - 1]?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const slept: number[] = [];
  let forgotten = 0;
  const api = createKubernetesApi({
    connection: {
      description: "test cluster",
      access: async () => ({
        server: `http://127.0.0.1:${port}`,
        token,
        ...accesses[Math.min(forgotten, accesses.length - 1)],
      }),
      forget: () => {
        forgotten += 1;
      },
    },
    clock: {
      wall: () => at,
      sleep: async (ms) => {
        slept.push(ms);
      },
    },
    timeoutMs: 2_000,
  });
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await api.close();
  });
  return { api, asked, authorisations, slept, forgotten: () => forgotten };
}

describe("a Kubernetes API over a network that fails", () => {
  it("begins a list anew when its pages have expired", async () => {
    const expired = refusal(410, "The provided continue parameter is too old");
    const { api, asked } = await serve([page(["a"], "next"), expired, page(["a", "b"], "more"), page(["c"])]);
    expect((await api.list(pods))?.map(({ metadata }) => metadata.name)).toEqual(["a", "b", "c"]);
    expect(asked).toEqual([
      "GET /api/v1/pods?limit=500",
      "GET /api/v1/pods?limit=500&continue=next",
      "GET /api/v1/pods?limit=500",
      "GET /api/v1/pods?limit=500&continue=more",
    ]);
  });

  it("gives up a list whose pages expire each time", async () => {
    const { api } = await serve([
      page(["a"], "n"),
      refusal(410, "old"),
      page([], "n"),
      refusal(410, "old"),
      page([], "n"),
      refusal(410, "old"),
    ]);
    await expect(api.list(pods)).rejects.toMatchObject({ code: "cluster-unreachable" });
  });

  it("waits as long as a busy server asks for, and not for ever", async () => {
    const busy = refusal(429, "too many requests", { "retry-after": "7" });
    const { api, slept } = await serve([busy, busy, page(["a"])]);
    expect(await api.list(pods)).toHaveLength(1);
    expect(slept).toEqual([7_000, 7_000]);
    const always = await serve([busy]);
    await expect(always.api.list(pods)).rejects.toMatchObject({ code: "cluster-unreachable" });
    expect(always.slept).toHaveLength(3);
    const patient = await serve([refusal(429, "later", { "retry-after": "3600" })]);
    await expect(patient.api.list(pods)).rejects.toMatchObject({ code: "cluster-unreachable" });
    expect(patient.slept).toEqual([]);
  });

  it("gets new credentials once when they are refused", async () => {
    const answers = [refusal(401, "Unauthorized"), page(["a"])];
    const { api, authorisations, forgotten } = await serve(answers, [{ token: "old" }, { token: "new" }]);
    expect(await api.list(pods)).toHaveLength(1);
    expect(authorisations).toEqual(["Bearer old", "Bearer new"]);
    expect(forgotten()).toBe(1);
    const { api: never, asked } = await serve([refusal(401, "Unauthorized", { date: new Date(at).toUTCString() })]);
    await expect(never.list(pods)).rejects.toMatchObject({
      code: "cluster-refused",
      message: "test cluster: GET /api/v1/pods got 401: Unauthorized",
    });
    expect(asked).toHaveLength(2);
  });

  it("says that the clock is wrong where that may be why", async () => {
    const date = new Date(at + 12 * 60_000).toUTCString();
    const { api } = await serve([refusal(401, "Unauthorized", { date })]);
    await expect(api.version()).rejects.toMatchObject({
      code: "cluster-refused",
      message: expect.stringContaining("clock is 12 minutes behind the server's"),
      next: [expect.stringContaining("clock")],
    });
  });

  it("repeats no secret that a server repeats", async () => {
    const { api } = await serve([refusal(403, `Bearer ${token} may not list pods`)]);
    const error: unknown = await api.list(pods).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "cluster-refused", message: expect.stringContaining("may not list pods") });
    expect(String(error)).not.toContain(token);
  });

  it("asks again for what it reads, not for what it changes, when the connection is lost", async () => {
    const lost: Answer = (request) => void request.socket.destroy();
    const { api, asked } = await serve([lost, page(["a"])]);
    expect(await api.list(pods)).toHaveLength(1);
    expect(asked).toHaveLength(2);
    const changing = await serve([lost, json(200, {})]);
    const workload = { kind: "Deployment", namespace: "web", name: "a" } as const;
    await expect(changing.api.restart(workload, "now")).rejects.toMatchObject({ code: "cluster-unreachable" });
    expect(changing.asked).toEqual(["PATCH /apis/apps/v1/namespaces/web/deployments/a?fieldManager=switchyard-guard"]);
  });

  it("does not wait for ever for an answer", async () => {
    const { api } = await serve([() => undefined]);
    await expect(api.version()).rejects.toMatchObject({
      code: "cluster-unreachable",
      message: expect.stringContaining("no answer within 2000 ms"),
    });
  });

  it("follows no redirect, and takes nothing for Kubernetes that is not", async () => {
    const { api } = await serve([json(302, {}, { location: "https://elsewhere.example.com" })]);
    await expect(api.version()).rejects.toMatchObject({ message: expect.stringContaining("lead elsewhere") });
    const { api: page2 } = await serve([(_, response) => response.writeHead(200).end("<html>Sign in</html>")]);
    await expect(page2.version()).rejects.toMatchObject({
      code: "cluster-unreachable",
      message: expect.stringContaining("not what Kubernetes sends: <html>Sign in"),
    });
    const { api: failing } = await serve([json(503, { message: "no backend" })]);
    await expect(failing.version()).rejects.toMatchObject({ code: "cluster-unreachable" });
  });

  it("names the checks that fail, and knows a version that EKS writes", async () => {
    const text =
      "[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/x failed: reason withheld\nreadyz check failed\n";
    const { api } = await serve([(_, response) => response.writeHead(500).end(text)]);
    expect(await api.failingChecks()).toEqual(["etcd", "poststarthook/x"]);
    const { api: eks } = await serve([json(200, { major: "1", minor: "33+" })]);
    expect(await eks.version()).toBe("1.33");
    const { api: behind } = await serve([(_, response) => response.writeHead(503).end("no healthy upstream")]);
    await expect(behind.failingChecks()).rejects.toMatchObject({ code: "cluster-unreachable" });
  });

  it("sends no credentials over plain HTTP to another machine", async () => {
    const { api, asked } = await serve([page([])], [{ server: "http://cluster.example.com" }]);
    await expect(api.list(pods)).rejects.toMatchObject({ code: "credentials-over-http" });
    expect(asked).toEqual([]);
  });
});
