import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { kiroMetricsSchema, kiroResponseSchema } from "../../../services/kiro/contract.ts";
import { startAgentProcess } from "../../support/agent-process.ts";
import { buildFailingAgent, type FailBackScene, failBackScene, processBody } from "./fail-back-scene.ts";

// Broken here means that the agent's work fails while its front lives. A process that is dead hands nothing back: that is
// the balancer's business (readiness, and the weights).

let failing: Awaited<ReturnType<typeof buildFailingAgent>>;
beforeAll(async () => {
  failing = await buildFailingAgent();
});
afterAll(() => failing.remove());

const post = (scene: Pick<FailBackScene, "router">, body: string, headers: Record<string, string> = {}) =>
  fetch(`${scene.router.url}/process`, { method: "POST", body, headers });

const marker = (reply: Response) => reply.headers.get("x-kiro-instance");

/** The scene's candidate hands its requests to the old side. */
async function handBack(scene: FailBackScene): Promise<void> {
  await scene.flags.failBack("kiro").set("gke", "cloud-run");
  await scene.candidate.logged(/^Handing requests back to cloud-run/);
}

/** Open-loop load: a request every 10 ms whatever becomes of the others. What each client saw, in order of sending. */
async function load(scene: FailBackScene, ms: number): Promise<readonly { sentAt: number; status: number }[]> {
  const replies: Promise<{ sentAt: number; status: number }>[] = [];
  const begun = performance.now();
  for (let due = 0; due < ms; due += 10) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, begun + due - performance.now())));
    const sentAt = performance.now() - begun;
    replies.push(
      post(scene, processBody({ operation: "echo" })).then(async (reply) => {
        await reply.arrayBuffer();
        return { sentAt, status: reply.status };
      }),
    );
  }
  return Promise.all(replies);
}

describe("an abort behind a balancer that follows late", () => {
  test("with the lever a broken candidate stops hurting within a second, though it keeps its weight", async () => {
    const scene = await failBackScene({
      candidateFolder: failing.folder,
      candidate: { KIRO_FIXTURE_FAIL_EVERY: "1" },
    });
    expect((await post(scene, processBody({ operation: "echo" }))).status).toBe(500);

    scene.writeWeight(0);
    await scene.flags.failBack("kiro").set("gke", "cloud-run");
    const replies = await load(scene, 2_500);

    const late = replies.filter(({ sentAt }) => sentAt > 1_000);
    expect(late.length).toBeGreaterThan(100);
    expect(late.filter(({ status }) => status !== 200)).toEqual([]);
    // The balancer has not followed: it still counts every one as the candidate's.
    const records = await scene.router.records(replies.length + 1);
    expect(new Set(records.map(({ side }) => side))).toEqual(new Set(["gke"]));
  });

  test("without it the candidate goes on hurting", async () => {
    const scene = await failBackScene({
      candidateFolder: failing.folder,
      candidate: { KIRO_FIXTURE_FAIL_EVERY: "1" },
      lever: false,
    });
    scene.writeWeight(0);
    await scene.flags.failBack("kiro").set("gke", "cloud-run");
    const replies = await load(scene, 1_500);
    expect(replies.every(({ status }) => status === 500)).toBe(true);
  });

  test("when the flag is taken away the side serves again", async () => {
    const scene = await failBackScene();
    await handBack(scene);
    expect(marker(await post(scene, processBody({ operation: "echo" })))).toBe("cloud-run/cloud-run-1");
    await scene.flags.failBack("kiro").set("gke", undefined);
    await scene.candidate.logged(/^Serving requests again/);
    expect(marker(await post(scene, processBody({ operation: "echo" })))).toBe("gke/gke-1");
  });
});

describe("a request that is handed back", () => {
  test("keeps its body, its headers and the answer of the other side, and says who handed it over", async () => {
    const scene = await failBackScene();
    await handBack(scene);
    const text = "x".repeat(900_000);
    const reply = await post(scene, processBody({ operation: "digest", text }, "r-77"));
    expect(reply.status).toBe(200);
    expect(marker(reply)).toBe("cloud-run/cloud-run-1");
    expect(reply.headers.get("x-kiro-handed-back-by")).toBe("gke/gke-1");
    expect(reply.headers.get("x-switchyard-side")).toBe("gke");
    expect(kiroResponseSchema.parse(await reply.json())).toMatchObject({
      platform: "cloud-run",
      request_id: "r-77",
      data: { bytes: 900_000 },
    });
    const metrics = await (await fetch(`${scene.candidate.url}/metrics`)).text();
    expect(metrics).toMatch(/^kiro_handed_back_total\{target="cloud-run",code="200",.*\} 1$/m);
  });

  test("as a stream comes event by event", async () => {
    const scene = await failBackScene();
    await handBack(scene);
    const reply = await post(scene, processBody({ operation: "echo", events: 3, interval_ms: 150 }), {
      accept: "text/event-stream",
    });
    expect(marker(reply)).toBe("cloud-run/cloud-run-1");
    const arrivals: number[] = [];
    let text = "";
    for await (const chunk of reply.body ?? []) {
      arrivals.push(performance.now());
      text += Buffer.from(chunk).toString();
    }
    expect(text.match(/^event: /gm)).toHaveLength(4);
    expect(text).toMatch(/event: done\ndata: \{/);
    expect(arrivals.length).toBeGreaterThanOrEqual(3);
    expect((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan(200);
  });

  test("gets the other side's refusals as they are, and one that is too large its own", async () => {
    const scene = await failBackScene();
    await handBack(scene);
    const bad = await post(scene, "{");
    expect([bad.status, marker(bad)]).toEqual([400, "cloud-run/cloud-run-1"]);
    const large = await post(scene, processBody({ operation: "digest", text: "x".repeat(1_048_576) }));
    expect([large.status, marker(large)]).toEqual([413, "gke/gke-1"]);
  });

  test("is served where it comes to, though both sides hand back: there is no loop", async () => {
    const scene = await failBackScene();
    await handBack(scene);
    await scene.flags.failBack("kiro").set("cloud-run", "gke");
    await scene.old.logged(/^Handing requests back to gke/);
    const reply = await post(scene, processBody({ operation: "echo" }));
    expect([reply.status, marker(reply)]).toEqual([200, "cloud-run/cloud-run-1"]);
  });

  test("whose client goes away is ended on the other side too", async () => {
    const scene = await failBackScene();
    await handBack(scene);
    const leaving = new AbortController();
    const reply = fetch(`${scene.router.url}/process`, {
      method: "POST",
      body: processBody({ operation: "echo", duration_ms: 30_000 }),
      signal: leaving.signal,
    });
    const inFlight = async () => await (await fetch(`${scene.old.url}/metrics`)).text();
    await expect.poll(inFlight).toMatch(/^kiro_requests_in_flight\{.*\} 1$/m);
    leaving.abort();
    await expect(reply).rejects.toThrow();
    await expect.poll(inFlight).toMatch(/^kiro_requests_total\{code="499",.*\} 1$/m);
    const handed = async () => await (await fetch(`${scene.candidate.url}/metrics`)).text();
    await expect.poll(handed).toMatch(/^kiro_handed_back_total\{target="cloud-run",code="499",.*\} 1$/m);
  });

  test("that the other side breaks off is broken off for the client", async () => {
    const scene = await failBackScene();
    await handBack(scene);
    const reply = await post(scene, processBody({ operation: "echo", events: 50, interval_ms: 100 }), {
      accept: "text/event-stream",
    });
    expect(marker(reply)).toBe("cloud-run/cloud-run-1");
    const rest = reply.text();
    scene.old.signal("SIGKILL");
    await expect(rest).rejects.toThrow();
  });
});

describe("what a side keeps while it hands back", () => {
  test("a request that was under way is finished here", async () => {
    const scene = await failBackScene();
    const slow = post(scene, processBody({ operation: "echo", duration_ms: 1_500 }));
    const metrics = async () => await (await fetch(`${scene.candidate.url}/metrics`)).text();
    await expect.poll(metrics).toMatch(/^kiro_requests_in_flight\{.*\} 1$/m);
    await handBack(scene);
    expect(marker(await slow)).toBe("gke/gke-1");
  });

  test("its own health, readiness, information and metrics", async () => {
    const scene = await failBackScene();
    await handBack(scene);
    for (const path of ["/health", "/ready", "/info", "/kiro-metrics", "/metrics"]) {
      const reply = await fetch(`${scene.router.url}${path}`);
      expect([path, reply.status, marker(reply)]).toEqual([path, 200, "gke/gke-1"]);
      await reply.arrayBuffer();
    }
    const metrics = await (await fetch(`${scene.candidate.url}/kiro-metrics`)).json();
    expect(kiroMetricsSchema.parse(metrics).platform_specific).toMatchObject({ handing_back_to: "cloud-run" });
  });

  test("everything, when nobody listens at the route", async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const scene = await failBackScene({ routeUrl: `http://127.0.0.1:${port}` });
    await handBack(scene);
    const reply = await post(scene, processBody({ operation: "echo", value: 5 }));
    expect([reply.status, marker(reply)]).toEqual([200, "gke/gke-1"]);
    expect(kiroResponseSchema.parse(await reply.json()).data).toMatchObject({ value: 5 });
  });

  test("a request that the balancer has no place for on the other side", async () => {
    const scene = await failBackScene();
    await scene.flags.failBack("kiro").set("gke", "eks");
    await scene.candidate.logged(/^Handing requests back to eks/);
    const reply = await post(scene, processBody({ operation: "echo", value: 6 }));
    expect([reply.status, marker(reply)]).toEqual([200, "gke/gke-1"]);
    expect(kiroResponseSchema.parse(await reply.json()).data).toMatchObject({ value: 6 });
  });

  test("not one that the other side may have begun: that is an error of this side, done by nobody twice", async () => {
    const taken = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const scene = await failBackScene({ routeUrl: `http://127.0.0.1:${port}` });
    await handBack(scene);
    const reply = await post(scene, processBody({ operation: "echo" }));
    expect([reply.status, marker(reply)]).toEqual([502, "gke/gke-1"]);
    expect(kiroResponseSchema.parse(await reply.json()).data).toMatchObject({ error: { code: "hand-back-broken" } });
  });
});

test("an instance that is told to end finishes what it has handed back", async () => {
  const scene = await failBackScene();
  await handBack(scene);
  const slow = post(scene, processBody({ operation: "echo", duration_ms: 1_000 }));
  await expect
    .poll(async () => await (await fetch(`${scene.old.url}/metrics`)).text())
    .toMatch(/^kiro_requests_in_flight\{.*\} 1$/m);
  scene.candidate.signal("SIGTERM");
  expect(marker(await slow)).toBe("cloud-run/cloud-run-1");
  expect(await scene.candidate.exited).toBe(0);
});

test("without the variables nobody is asked, and with some of them the start says which are missing", async () => {
  const scene = await failBackScene({ lever: false });
  await scene.flags.failBack("kiro").set("gke", "cloud-run");
  expect(marker(await post(scene, processBody({ operation: "echo" })))).toBe("gke/gke-1");
  await expect(
    startAgentProcess({ KIRO_PLATFORM: "gke", KIRO_INSTANCE: "x", KIRO_FAIL_BACK_URL: "http://127.0.0.1:1/flag" }),
  ).rejects.toThrow(/KIRO_FAIL_BACK_ROUTE_URL is not set.*KIRO_FAIL_BACK_ROUTE_HOST is not set/);
});
