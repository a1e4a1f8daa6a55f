import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { collectorOf, createSpanExporter, type ServerSpan } from "../../../services/kiro/otlp.ts";
import { type OtlpCollector, startCollector } from "../../support/otlp-collector.ts";

describe("where traces go", () => {
  test.each([
    [{}, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:1", OTEL_SDK_DISABLED: "true" }, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:1/" }, { url: "http://c:1/v1/traces", headers: {} }],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:1", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://t/x" },
      { url: "https://t/x", headers: {} },
    ],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_HEADERS: "a=b%20c, d=e=f" },
      { url: "http://127.0.0.1:1/v1/traces", headers: { a: "b c", d: "e=f" } },
    ],
  ])("%j: %j", (env, wanted) => {
    expect(collectorOf(env)).toEqual(wanted);
  });

  test.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: "c:4318" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.example.com", OTEL_EXPORTER_OTLP_HEADERS: "authorization=s3cret" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.evil.example", OTEL_EXPORTER_OTLP_HEADERS: "authorization=s3cret" },
  ])("%j is refused without a secret in the sentence", (env) => {
    expect(collectorOf(env)).toMatch(/nothing is traced\.$/);
    expect(collectorOf(env)).not.toContain("s3cret");
  });
});

describe("spans of a server", () => {
  let collector: OtlpCollector;
  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(() => collector.close());

  const span: ServerSpan = {
    traceId: "a".repeat(32),
    spanId: "b".repeat(16),
    parentSpanId: "c".repeat(16),
    name: "GET /info",
    startedAt: 1_800_000_000_000.5,
    endedAt: 1_800_000_000_001,
    attributes: { text: "t", whole: 1, part: 0.5, flag: true },
    failed: true,
  };

  const exporterTo = (url: string, told: string[] = []) =>
    createSpanExporter({
      collector: { url, headers: { "x-key": "k" } },
      serviceName: "kiro",
      resource: { "kiro.platform": "gke" },
      onFailure: (why) => told.push(why),
    });

  test("arrive whole, with the headers, at the end at the latest", async () => {
    const exporter = exporterTo(`${collector.endpoint}/v1/traces`);
    exporter.push(span);
    await exporter.close(2_000);
    expect(collector.problems).toEqual([]);
    expect(collector.headers["x-key"]).toBe("k");
    expect(collector.spans).toEqual([
      expect.objectContaining({
        service: "kiro",
        traceId: span.traceId,
        parentSpanId: span.parentSpanId,
        kind: 2,
        startTimeUnixNano: "1800000000000500000",
        attributes: { text: "t", whole: "1", part: 0.5, flag: true },
        status: { code: 2 },
      }),
    ]);
  });

  test("that nobody takes are one sentence, however many, and no wait beyond the deadline", async () => {
    const told: string[] = [];
    const deaf = await startCollector({ answer: 0 });
    const refused = exporterTo("http://127.0.0.1:9/v1/traces", told);
    for (let sent = 0; sent < 3; sent += 1) {
      refused.push(span);
      await refused.close(2_000);
    }
    expect(told).toHaveLength(1);
    const silent = exporterTo(`${deaf.endpoint}/v1/traces`);
    silent.push(span);
    const startedAt = performance.now();
    await silent.close(100);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await deaf.close();
  });
});
