import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createOpenTelemetryTracer } from "../../../automation/adapters/opentelemetry-tracer.ts";
import { OtlpRefusedError } from "../../../automation/adapters/otlp-endpoint.ts";
import {
  noTracer,
  parseTraceparent,
  type Tracer,
  traceHeaders,
  traceparentOf,
  untraced,
} from "../../../automation/ports/tracer.ts";
import { type OtlpCollector, startCollector } from "../../support/otlp-collector.ts";

let collector: OtlpCollector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

const open = (more: Readonly<Record<string, string>> = {}): Tracer =>
  createOpenTelemetryTracer({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.endpoint}/`, ...more },
    version: "1.2.3",
    closeMs: 1_000,
  });

describe.each([
  { name: "no tracer", make: () => noTracer },
  { name: "OpenTelemetry", make: () => open() },
])("a tracer ($name)", ({ make }) => {
  test("takes everything and never throws, also after its end", async () => {
    const tracer = make();
    const outer = tracer.startSpan({ name: "outer", attributes: { number: 1, text: "a", flag: true } });
    const inner = tracer.startSpan({ name: "inner", parent: outer.context, spanId: "00000000000000aa" });
    inner.event("seen", { share: 0.5 }, Date.now());
    inner.link(outer.context);
    inner.end({ error: { code: "unknown", message: "m" } });
    outer.set({ more: "b" });
    outer.end();
    expect(await tracer.close()).toBeUndefined();
    tracer.startSpan({ name: "late" }).end();
    expect(await tracer.close()).toBeUndefined();
  });

  test("names what a request belongs to only where something is traced", async () => {
    const tracer = make();
    const span = tracer.startSpan({ name: "command" });
    const headers = traceHeaders({ tracer, command: span, current: span.context });
    expect(headers).toEqual(
      tracer.enabled ? { traceparent: traceparentOf(span.context), tracestate: "switchyard=1" } : {},
    );
    await tracer.close();
  });
});

describe("the OpenTelemetry tracer", () => {
  test("hands over spans with names, times, parents, events, links and errors as OTLP has them", async () => {
    const tracer = open({ OTEL_SERVICE_NAME: "ci" });
    const other = tracer.startSpan({ name: "other" });
    const traceId = "0123456789abcdef0123456789abcdef";
    const outer = tracer.startSpan({
      name: "outer",
      traceId,
      spanId: "00000000000000a1",
      startedAt: 1_800_000_000_000,
    });
    expect(outer.context).toEqual({ traceId, spanId: "00000000000000a1", sampled: true });
    const inner = tracer.startSpan({ name: "inner", parent: outer.context, spanId: "00000000000000a2" });
    inner.link(other.context);
    inner.end({ error: { code: "swap-frozen", message: "no" } });
    outer.event("verified", { weight: 5 }, 1_800_000_000_500);
    outer.end({ at: 1_800_000_001_000 });
    expect(await tracer.close()).toBeUndefined();

    expect(collector.problems).toEqual([]);
    const byName = Object.fromEntries(collector.spans.map((span) => [span.name, span]));
    expect(byName["outer"]).toMatchObject({
      traceId,
      spanId: "00000000000000a1",
      service: "ci",
      startTimeUnixNano: "1800000000000000000",
      endTimeUnixNano: "1800000001000000000",
      events: [{ name: "verified", timeUnixNano: "1800000000500000000", attributes: { weight: 5 } }],
    });
    expect(byName["outer"]?.parentSpanId).toBeUndefined();
    expect(byName["inner"]).toMatchObject({
      traceId,
      parentSpanId: "00000000000000a1",
      attributes: { "error.type": "swap-frozen" },
      status: { code: 2, message: "no" },
      links: [{ traceId: other.context.traceId, spanId: other.context.spanId }],
    });
    // Not ended: not told.
    expect(byName["other"]).toBeUndefined();
  });

  test("follows the sampler's variable: an unsampled trace is passed on as such and told to nobody", async () => {
    process.env["OTEL_TRACES_SAMPLER"] = "always_off";
    try {
      const tracer = open();
      const span = tracer.startSpan({ name: "unseen" });
      expect(traceparentOf(span.context)).toMatch(/-00$/);
      tracer.startSpan({ name: "below", parent: span.context }).end();
      span.end();
      expect(await tracer.close()).toBeUndefined();
      expect(collector.text).toBe("");
    } finally {
      delete process.env["OTEL_TRACES_SAMPLER"];
    }
  });

  test.each([
    ["answers nothing", 0],
    ["answers 400", 400],
  ])("says at its end, in bounded time, that a collector %s", async (_, answer) => {
    const deaf = await startCollector({ answer });
    try {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: deaf.endpoint };
      const tracer = createOpenTelemetryTracer({ env, version: "1", closeMs: 300 });
      tracer.startSpan({ name: "lost" }).end();
      const startedAt = performance.now();
      expect(await tracer.close()).toContain(`${deaf.endpoint} did not take the traces`);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    } finally {
      await deaf.close();
    }
  });

  test("says that nobody listens", async () => {
    const { endpoint } = collector;
    await collector.close();
    const tracer = createOpenTelemetryTracer({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
      version: "1",
      closeMs: 500,
    });
    tracer.startSpan({ name: "lost" }).end();
    expect(await tracer.close()).toContain(`${endpoint} did not take the traces`);
    collector = await startCollector();
  });

  test.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "nonsense" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.example.com", OTEL_EXPORTER_OTLP_HEADERS: "authorization=s3cret" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://user:s3cret@collector.example.com" },
  ])("refuses %j, and says no secret", (env) => {
    const attempt = () => createOpenTelemetryTracer({ env, version: "1" });
    expect(attempt).toThrow(OtlpRefusedError);
    expect(attempt).not.toThrow(/s3cret/);
  });
});

test("traceparent there and back; anything else is none", () => {
  const context = { traceId: "0123456789abcdef0123456789abcdef", spanId: "0123456789abcdef", sampled: true };
  expect(parseTraceparent(traceparentOf(context))).toEqual(context);
  for (const text of [undefined, "", "00-0-0-01", traceparentOf(untraced.current)])
    expect(parseTraceparent(text)).toBeUndefined();
});
