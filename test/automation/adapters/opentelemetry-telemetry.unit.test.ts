import { createServer } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { createOpenTelemetryTelemetry } from "../../../automation/adapters/opentelemetry-telemetry.ts";
import { OtlpRefusedError } from "../../../automation/adapters/otlp-endpoint.ts";
import type { Counter, Histogram } from "../../../automation/ports/telemetry.ts";

const attributes = z
  .array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) }))
  .transform((pairs) => Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]])));
const resource = z.object({ attributes });

const metricsRequest = z.object({
  resourceMetrics: z.array(
    z.object({
      resource,
      scopeMetrics: z.array(
        z.object({
          metrics: z.array(
            z.object({
              name: z.string(),
              unit: z.string(),
              sum: z
                .object({
                  isMonotonic: z.literal(true),
                  aggregationTemporality: z.literal(2),
                  dataPoints: z.array(z.object({ attributes, asDouble: z.number() })),
                })
                .optional(),
              histogram: z
                .object({
                  dataPoints: z.array(
                    z.object({
                      attributes,
                      count: z.union([z.number(), z.string()]),
                      sum: z.number(),
                      bucketCounts: z.array(z.union([z.number(), z.string()])),
                      explicitBounds: z.array(z.number()),
                    }),
                  ),
                })
                .optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});
const logsRequest = z.object({
  resourceLogs: z.array(
    z.object({
      resource,
      scopeLogs: z.array(
        z.object({
          logRecords: z.array(
            z.object({
              timeUnixNano: z.string(),
              severityNumber: z.number(),
              severityText: z.string(),
              body: z.object({ stringValue: z.string() }),
              attributes,
            }),
          ),
        }),
      ),
    }),
  ),
});

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A collector of metrics and records; `answer` 0 leaves requests without any. */
async function collect(answer = 200, said = "{}") {
  const bodies: { readonly path: string; readonly body: unknown; readonly authorization: string | undefined }[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    bodies.push({ path: request.url ?? "", body: JSON.parse(text), authorization: request.headers.authorization });
    if (answer !== 0) response.writeHead(answer, said, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const of = (path: string) => bodies.filter((one) => one.path === path).map(({ body }) => body);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bodies,
    metrics: () =>
      of("/v1/metrics").flatMap((body) =>
        metricsRequest
          .parse(body)
          .resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics)),
      ),
    logs: () =>
      of("/v1/logs").flatMap((body) =>
        logsRequest
          .parse(body)
          .resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords)),
      ),
    service: () => metricsRequest.parse(of("/v1/metrics")[0]).resourceMetrics[0]?.resource.attributes["service.name"],
  };
}

const counter: Counter = { name: "test.moves", description: "Moves.", unit: "{move}" };
const histogram: Histogram = { name: "test.duration", description: "Durations.", bounds: [1, 10] };

describe("OpenTelemetry metrics and records", () => {
  test("arrive as OTLP: sums by attributes, buckets as asked for, records with severity and time", async () => {
    const collector = await collect();
    const telemetry = createOpenTelemetryTelemetry({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.endpoint}/` },
      version: "1.2.3",
    });
    expect(telemetry.enabled).toBe(true);
    for (const event of ["a", "b", "a"]) telemetry.count(counter, { event });
    for (const seconds of [0.5, 5, 50]) telemetry.record(histogram, seconds, { state: "soaking" });
    telemetry.log({
      severity: "warning",
      text: "prod-1 is paused",
      attributes: { cluster: "prod-1", many: 3 },
      at: 1_764_500_000_000,
    });
    expect(await telemetry.close()).toBeUndefined();
    const [moves, duration] = collector.metrics();
    expect(moves).toMatchObject({
      name: "test.moves",
      unit: "{move}",
      sum: {
        dataPoints: [
          { attributes: { event: "a" }, asDouble: 2 },
          { attributes: { event: "b" }, asDouble: 1 },
        ],
      },
    });
    expect(duration).toMatchObject({
      unit: "s",
      histogram: {
        dataPoints: [{ attributes: { state: "soaking" }, sum: 55.5, explicitBounds: [1, 10], bucketCounts: [1, 1, 1] }],
      },
    });
    expect(collector.logs()).toEqual([
      {
        timeUnixNano: "1764500000000000000",
        severityNumber: 13,
        severityText: "warning",
        body: { stringValue: "prod-1 is paused" },
        attributes: { cluster: "prod-1", many: 3 },
      },
    ]);
    expect(collector.service()).toBe("switchyard");
  });

  test("each goes where its own variable says", async () => {
    const [metrics, logs] = [await collect(), await collect()];
    const telemetry = createOpenTelemetryTelemetry({
      env: {
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${metrics.endpoint}/v1/metrics`,
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${logs.endpoint}/v1/logs`,
        OTEL_SERVICE_NAME: "guard",
      },
      version: "1",
    });
    telemetry.count(counter, {});
    telemetry.log({ severity: "info", text: "x", attributes: {}, at: 1_764_500_000_000 });
    expect(await telemetry.close()).toBeUndefined();
    expect([metrics.metrics().length, metrics.logs().length, logs.logs().length]).toEqual([1, 0, 1]);
    expect(metrics.service()).toBe("guard");
  });

  test("a collector that refuses or hangs is a sentence at the end, in time and without secrets", async () => {
    const rude = await collect(400, "wrong key s3cret-key");
    const telemetry = createOpenTelemetryTelemetry({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: rude.endpoint, OTEL_EXPORTER_OTLP_HEADERS: "authorization=s3cret-key" },
      version: "1",
    });
    telemetry.count(counter, {});
    const said = await telemetry.close();
    expect(said).toMatch(/did not take the metrics: /);
    expect(said).not.toContain("s3cret");

    const deaf = await collect(0);
    const waiting = createOpenTelemetryTelemetry({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: deaf.endpoint },
      version: "1",
      closeMs: 100,
    });
    waiting.count(counter, {});
    expect(await waiting.close()).toBe(`${deaf.endpoint} did not take metrics and records within 0.1 s`);
  });

  test.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "nonsense" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "ftp://x" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.example.com", OTEL_EXPORTER_OTLP_HEADERS: "authorization=s3cret" },
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.example.com",
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: "authorization=s3cret",
    },
  ])("refuses %j, and says no secret", (env) => {
    const attempt = () => createOpenTelemetryTelemetry({ env, version: "1" });
    expect(attempt).toThrow(OtlpRefusedError);
    expect(attempt).not.toThrow(/s3cret/);
  });
});
