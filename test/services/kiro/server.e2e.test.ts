import { mkdir, mkdtemp } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { buildImage } from "../../../local/registry/image.ts";
import {
  healthReportSchema,
  kiroMetricsSchema,
  kiroResponseSchema,
  platformInfoSchema,
} from "../../../services/kiro/contract.ts";
import { type AgentProcess, startAgentProcess } from "../../support/agent-process.ts";
import { removeFolder } from "../../support/remove-folder.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const gke = { KUBERNETES_SERVICE_HOST: "10.0.0.1", POD_NAME: "kiro-1", KIRO_LAME_DUCK_SECONDS: "0" };

const running: AgentProcess[] = [];
const start = async (env: Readonly<Record<string, string>> = gke, folder?: string): Promise<AgentProcess> => {
  const agent = await startAgentProcess(env, folder);
  running.push(agent);
  return agent;
};
afterEach(async () => {
  await Promise.all(running.splice(0).map((agent) => agent.end()));
});

const body = (data: Record<string, unknown>, requestId = "r-1") =>
  JSON.stringify({
    data,
    headers: {},
    method: "POST",
    path: "/process",
    query_params: {},
    timestamp: "2026-11-20T12:00:00Z",
    request_id: requestId,
  });

const post = (agent: AgentProcess, text: string, headers: Record<string, string> = {}) =>
  fetch(`${agent.url}/process`, { method: "POST", body: text, headers });

describe("the agent's API", () => {
  test("POST /process answers in the contract's form and names platform and instance", async () => {
    const agent = await start();
    const reply = await post(agent, body({ operation: "echo", value: 7 }, "r-9"));
    expect(reply.status).toBe(200);
    expect(reply.headers.get("x-kiro-instance")).toBe("gke/kiro-1");
    expect(kiroResponseSchema.parse(await reply.json())).toMatchObject({
      status_code: 200,
      platform: "gke",
      request_id: "r-9",
      data: { value: 7, instance_id: "kiro-1" },
      headers: { "x-kiro-instance": "gke/kiro-1" },
    });
  });

  test("all problems of a bad request come at once, with paths", async () => {
    const agent = await start();
    const reply = await post(agent, JSON.stringify({ data: { operation: "fly" }, method: 1, more: true }));
    expect(reply.status).toBe(400);
    expect(reply.headers.get("x-kiro-instance")).toBe("gke/kiro-1");
    const answer = kiroResponseSchema.parse(await reply.json());
    const problems = z.object({ error: z.object({ problems: z.array(z.object({ path: z.string() })) }) });
    expect(
      problems
        .parse(answer.data)
        .error.problems.map((problem) => problem.path)
        .sort(),
    ).toEqual(["", "data.operation", "headers", "method", "path", "query_params", "request_id", "timestamp"].sort());
  });

  test.each([
    ["an empty body", "", 400],
    ["no JSON", "{", 400],
    ["a list", "[]", 400],
    ["a body of more than 1 MiB", body({ operation: "digest", text: "x".repeat(1_048_576) }), 413],
  ])("%s is refused with %i, by the agent", async (_what, text, status) => {
    const agent = await start();
    const reply = await post(agent, text);
    expect(reply.status).toBe(status);
    expect(reply.headers.get("x-kiro-instance")).toBe("gke/kiro-1");
    expect(kiroResponseSchema.parse(await reply.json()).status_code).toBe(status);
  });

  test("an unknown path is 404, a wrong method 405 with Allow, garbage 400, each with the agent's marker", async () => {
    const agent = await start();
    const unknown = await fetch(`${agent.url}/constructor`);
    expect([unknown.status, unknown.headers.get("x-kiro-instance")]).toEqual([404, "gke/kiro-1"]);
    const wrong = await fetch(`${agent.url}/process`);
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    const deleted = await fetch(`${agent.url}/health`, { method: "DELETE" });
    expect([deleted.status, deleted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const garbage = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(agent.url).port), "127.0.0.1", () => socket.write("NOT HTTP\r\n\r\n"));
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk.toString();
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });
    expect(garbage).toMatch(/^HTTP\/1.1 400 .*x-kiro-instance: gke\/kiro-1/s);
  });

  test("a stream sends its events and ends with done, which carries the answer", async () => {
    const agent = await start();
    const reply = await post(agent, body({ operation: "echo", value: 1, events: 2, interval_ms: 5 }), {
      accept: "text/event-stream",
    });
    expect(reply.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const events = (await reply.text()).split("\n\n").filter((event) => event !== "");
    expect(events.slice(0, 2)).toEqual([
      'event: progress\ndata: {"index":1,"total":2}',
      'event: progress\ndata: {"index":2,"total":2}',
    ]);
    const done = /^event: done\ndata: (.*)$/.exec(events[2] ?? "")?.[1] ?? "";
    expect(kiroResponseSchema.parse(JSON.parse(done))).toMatchObject({ status_code: 200, data: { value: 1 } });
  });

  test("health, ready, info and both kinds of metrics answer; probes and reads are not counted", async () => {
    const agent = await start();
    await post(agent, body({ operation: "echo" }));
    await post(agent, body({ operation: "echo" }), { "x-switchyard-probe": "1" });
    await post(agent, "{");
    const get = async (path: string): Promise<unknown> => (await fetch(`${agent.url}${path}`)).json();
    expect(healthReportSchema.parse(await get("/health"))).toMatchObject({ status: "healthy", ready: true });
    expect(healthReportSchema.parse(await get("/ready"))).toMatchObject({ ready: true });
    expect(platformInfoSchema.parse(await get("/info"))).toMatchObject({
      platform: "gke",
      platform_specific: { pod_name: "kiro-1" },
    });
    expect(kiroMetricsSchema.parse(await get("/kiro-metrics"))).toMatchObject({
      request_count: 2,
      error_count: 0,
      platform_specific: { pod_name: "kiro-1", draining: false },
    });
    const prometheus = await (await fetch(`${agent.url}/metrics`)).text();
    expect(prometheus).toMatch(/^kiro_requests_total\{code="200",platform="gke",instance="kiro-1"\} 1$/m);
    expect(prometheus).toMatch(/^kiro_ready\{.*\} 1$/m);
  });

  test("on Cloud Run it names its service and revision", async () => {
    const agent = await start({ K_SERVICE: "kiro", K_REVISION: "kiro-00001-abc", KIRO_INSTANCE: "kiro-00001-abc-1" });
    const reply = await fetch(`${agent.url}/info`);
    expect(reply.headers.get("x-kiro-instance")).toBe("cloud-run/kiro-00001-abc-1");
    expect(platformInfoSchema.parse(await reply.json()).platform_specific).toEqual({
      service: "kiro",
      revision: "kiro-00001-abc",
    });
  });
});

describe("the agent's end", () => {
  test("SIGTERM: not ready, what is in flight and what still comes is served, then exit 0", async () => {
    const agent = await start();
    const slow = post(agent, body({ operation: "echo", value: "slow", duration_ms: 1_200 }));
    await expect.poll(async () => await (await fetch(`${agent.url}/metrics`)).text()).toMatch(/in_flight\{.*\} 1/);
    agent.signal("SIGTERM");
    await agent.logged(/no longer ready/);
    const ready = await fetch(`${agent.url}/ready`);
    expect([ready.status, ready.headers.get("connection")]).toEqual([503, "close"]);
    const late = await post(agent, body({ operation: "echo", value: "late" }));
    expect([late.status, late.headers.get("connection")]).toEqual([200, "close"]);
    expect((await fetch(`${agent.url}/health`)).status).toBe(200);
    expect(await (await slow).json()).toMatchObject({ data: { value: "slow" } });
    expect(await agent.exited).toBe(0);
  });

  test("an open keep-alive connection does not hold it up", async () => {
    const agent = await start();
    const keep = new Agent({ keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      const request = httpRequest(`${agent.url}/info`, { agent: keep }, (reply) => {
        reply.resume();
        reply.on("end", resolve);
      });
      request.on("error", reject);
      request.end();
    });
    const begun = performance.now();
    agent.signal("SIGTERM");
    expect(await agent.exited).toBe(0);
    expect(performance.now() - begun).toBeLessThan(4_000);
    keep.destroy();
  });

  test("at the end of the grace what is in flight is cut, and the log says so", async () => {
    const agent = await start({ ...gke, KIRO_DRAIN_SECONDS: "0.5" });
    const slow = post(agent, body({ operation: "echo", duration_ms: 30_000 })).then(
      () => "answered",
      () => "cut",
    );
    await expect.poll(async () => await (await fetch(`${agent.url}/metrics`)).text()).toMatch(/in_flight\{.*\} 1/);
    agent.signal("SIGTERM");
    expect(await slow).toBe("cut");
    expect(await agent.exited).toBe(0);
    expect(agent.log.at(-1)).toMatchObject({ severity: "WARNING", cut: 1 });
  });

  test("the lame-duck time passes even when nothing is in flight", async () => {
    const agent = await start({ ...gke, KIRO_LAME_DUCK_SECONDS: "1" });
    const begun = performance.now();
    agent.signal("SIGTERM");
    await agent.logged(/no longer ready/);
    expect((await post(agent, body({ operation: "echo" }))).status).toBe(200);
    expect(await agent.exited).toBe(0);
    expect(performance.now() - begun).toBeGreaterThan(990);
  });
});

describe("a bad start", () => {
  test.each([
    ["no platform", {}, /platform is not known/],
    ["a drain that Cloud Run would kill", { K_SERVICE: "kiro", KIRO_DRAIN_SECONDS: "20" }, /at most 9\.5 is allowed/],
    ["no port", { ...gke, PORT: "" }, /PORT must be a port number/],
  ])("%s: one line says why", async (_what, env, message) => {
    await expect(startAgentProcess(env)).rejects.toThrow(message);
  });

  test("a taken port", async () => {
    const first = await start();
    await expect(startAgentProcess({ ...gke, PORT: new URL(first.url).port })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe("the fixture kiro-failing", () => {
  test("as an image over services/kiro it fails every fifth request by its own hand", async () => {
    await mkdir(join(root, ".switchyard"), { recursive: true });
    const images = await mkdtemp(join(root, ".switchyard", "test-images-"));
    try {
      const folder = join(root, "test", "fixtures", "images", "kiro-failing");
      const { directory } = await buildImage({ folder, imagesDirectory: images });
      const agent = await start(gke, join(directory, "rootfs"));
      const replies: [number, string | null][] = [];
      for (let index = 0; index < 10; index += 1) {
        const reply = await post(agent, body({ operation: "echo" }));
        expect(kiroResponseSchema.parse(await reply.json()).status_code).toBe(reply.status);
        replies.push([reply.status, reply.headers.get("x-kiro-instance")]);
      }
      expect(replies.map(([status]) => status)).toEqual([200, 200, 200, 200, 500, 200, 200, 200, 200, 500]);
      expect(new Set(replies.map(([, marker]) => marker))).toEqual(new Set(["gke/kiro-1"]));
      expect(kiroMetricsSchema.parse(await (await fetch(`${agent.url}/kiro-metrics`)).json()).error_count).toBe(2);
    } finally {
      await removeFolder(images);
    }
  });
});
