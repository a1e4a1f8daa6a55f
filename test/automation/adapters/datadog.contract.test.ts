import { describe, expect, onTestFinished, test } from "vitest";
import { cachedMetrics } from "../../../automation/adapters/cached-metrics.ts";
import { createDatadogEvents } from "../../../automation/adapters/events-datadog.ts";
import { metricTurn } from "../../../automation/adapters/metric-turn.ts";
import { createDatadogMetrics } from "../../../automation/adapters/metrics-datadog.ts";
import { createFakeMetricSource } from "../../support/fake-metric-source.ts";
import { serveDatadog, serveMetrics } from "../../support/metric-servers.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const keys = { apiKey: "api-key-1", applicationKey: "application-key-1", site: "datadoghq.eu" };
const at = Date.UTC(2026, 10, 24, 9);

describe("events of Datadog", () => {
  async function given(status = 202, answer: unknown = { status: "ok", event: { id: 1 } }) {
    const taken: unknown[] = [];
    const server = await serveMetrics(
      () => ({ status: 405, body: {} }),
      (url, headers, body) => {
        if (url.pathname !== "/api/v1/events" || headers["dd-api-key"] !== keys.apiKey)
          return { status: 403, body: { errors: ["Forbidden"] } };
        taken.push(body);
        return { status, body: answer };
      },
    );
    onTestFinished(() => server.close());
    return {
      taken,
      server,
      events: createDatadogEvents({ ...keys, endpoint: server.url, clock: createVirtualClock() }),
    };
  }
  const event = {
    kind: "verdict",
    title: "Istio 1.31.1 on prod-1: failed",
    text: "p99: +22 %",
    level: "error",
    run: "a1b2c3",
    tags: ["cluster_name:prod-1", "batch:wave-1"],
    at,
  } as const;

  test("are posted as it documents them", async () => {
    const { taken, events } = await given();
    await events.say(event);
    expect(taken).toEqual([
      {
        title: event.title,
        text: event.text,
        tags: ["source:guard", "guard_event:verdict", "cluster_name:prod-1", "batch:wave-1"],
        alert_type: "error",
        aggregation_key: "a1b2c3",
        date_happened: at / 1_000,
      },
    ]);
  });

  test("one that is refused is lost, said so without the key, and an abort is its reason", async () => {
    const { events } = await given(400, { errors: [`bad event for ${keys.apiKey}`] });
    const failed = events.say(event);
    await expect(failed).rejects.toEqual(expect.objectContaining({ code: "deployment-event-lost" }));
    await expect(failed).rejects.toThrow(/bad event for \[secret\]/);
    const reason = new Error("stopped");
    await expect(events.say(event, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("turns", () => {
  test("each request waits for one, and the server's headers are heard", async () => {
    const server = await serveDatadog(keys.apiKey, keys.applicationKey, () => 60);
    onTestFinished(() => server.close());
    const heard: (string | null | undefined)[] = [];
    const metrics = createDatadogMetrics({
      ...keys,
      endpoint: server.url,
      clock: createVirtualClock(),
      turn: async () => (header) => heard.push(header?.("x-ratelimit-remaining")),
    });
    server.answerNext(200, JSON.stringify({ status: "ok", series: [] }), { "X-RateLimit-Remaining": "17" });
    await metrics.query({ query: "x", fromMs: at, toMs: at + 60_000, stepMs: 60_000 });
    await server.close();
    await metrics.names().catch(() => undefined);
    expect(heard).toEqual(["17", undefined]);
  });
});

describe("turns within a budget", () => {
  test("half of what the source says is left is used, then it is waited for, and not for ever", async () => {
    const clock = createVirtualClock();
    const turn = metricTurn("Datadog", 300, clock);
    const begun = clock.now();
    const headers = (remaining: string) => (name: string) =>
      ({ "x-ratelimit-remaining": remaining, "x-ratelimit-reset": "20" })[name];
    (await turn(undefined))(headers("2"));
    (await turn(undefined))(headers("1"));
    const third = turn(undefined);
    await clock.advance(19_000);
    expect(await Promise.race([third.then(() => "sent"), Promise.resolve("waits")])).toBe("waits");
    await clock.advance(1_000);
    (await third)((name) => ({ "x-ratelimit-remaining": "0", "x-ratelimit-reset": "600" })[name]);
    expect(clock.now() - begun).toBe(20_000);
    await expect(turn(undefined)).rejects.toEqual(expect.objectContaining({ code: "metric-unreadable" }));
  });
});

describe("cached metrics", () => {
  const query = { query: "x", fromMs: at, toMs: at + 60_000, stepMs: 60_000 };
  function given(keepMs = 300_000) {
    const clock = createVirtualClock();
    const source = createFakeMetricSource();
    source.metrics.series.set("x", new Map([["x", [[at, 1]]]]));
    let soaking = false;
    return {
      clock,
      source,
      soak: (now: boolean) => {
        soaking = now;
      },
      cached: cachedMetrics(source, { keepMs, clock, soaking: () => soaking }),
    };
  }

  test("an answer is kept for its time, by query and window", async () => {
    const { cached, source, clock } = given();
    expect(await cached.query(query)).toEqual([1]);
    expect(await cached.query(query)).toEqual([1]);
    expect(source.asked).toHaveLength(1);
    await cached.query({ ...query, toMs: at + 120_000 });
    expect(source.asked).toHaveLength(2);
    await clock.advance(300_000);
    await cached.query(query);
    expect(source.asked).toHaveLength(3);
  });

  test("while soaking every question is asked", async () => {
    const { cached, source, soak } = given();
    await cached.query(query);
    soak(true);
    await cached.query(query);
    await cached.query(query);
    expect(source.asked).toHaveLength(3);
    soak(false);
    await cached.query(query);
    expect(source.asked).toHaveLength(3);
  });

  test("an error is not kept, and no time keeps nothing", async () => {
    const { cached, source } = given();
    source.failWith("down");
    await expect(cached.query(query)).rejects.toThrow(/down/);
    source.failWith(undefined);
    expect(await cached.query(query)).toEqual([1]);
    const without = given(0);
    await without.cached.query(query);
    await without.cached.query(query);
    expect(without.source.asked).toHaveLength(2);
  });
});
