import { describe, expect, test } from "vitest";
import {
  healthReportFromWire,
  healthReportSchema,
  healthReportToWire,
  kiroMetricsFromWire,
  kiroMetricsSchema,
  kiroMetricsToWire,
  kiroRequestFromWire,
  kiroRequestSchema,
  kiroRequestToWire,
  kiroResponseFromWire,
  kiroResponseSchema,
  kiroResponseToWire,
  platformInfoFromWire,
  platformInfoSchema,
  platformInfoToWire,
} from "../../../services/kiro/contract.ts";

const timestamp = "2026-11-20T12:00:00.000Z";
const request = {
  data: { operation: "echo", value: [1, null] },
  headers: { accept: "application/json" },
  method: "POST",
  path: "/process",
  query_params: { q: "1" },
  timestamp,
  request_id: "r-1",
};
const response = { status_code: 200, data: {}, headers: {}, timestamp, request_id: "r-1", platform: "gke" };
const metrics = {
  platform: "gke",
  instance_id: "pod-1",
  timestamp,
  request_count: 3,
  error_count: 1,
  avg_response_time: 2.5,
  memory_usage: 1e8,
  cpu_usage: 12.5,
  platform_specific: { pod_name: "pod-1" },
};
const health = {
  status: "healthy" as const,
  ready: true,
  platform: "gke",
  instance_id: "pod-1",
  timestamp,
  uptime_seconds: 1.5,
  checks: { memory: { ok: true, detail: "fine" } },
};
const info = {
  platform: "gke",
  instance_id: "pod-1",
  version: "1",
  runtime: "node 24",
  started_at: timestamp,
  operations: ["echo"],
  platform_specific: {},
};

describe("the wire", () => {
  test("every body comes back as it went", () => {
    expect(kiroRequestToWire(kiroRequestFromWire(kiroRequestSchema.parse(request)))).toEqual(request);
    expect(kiroResponseToWire(kiroResponseFromWire(kiroResponseSchema.parse(response)))).toEqual(response);
    expect(kiroMetricsToWire(kiroMetricsFromWire(kiroMetricsSchema.parse(metrics)))).toEqual(metrics);
    expect(healthReportToWire(healthReportFromWire(healthReportSchema.parse(health)))).toEqual(health);
    expect(platformInfoToWire(platformInfoFromWire(platformInfoSchema.parse(info)))).toEqual(info);
  });

  test("the fields are those of the requirement's data models", () => {
    expect(Object.keys(kiroRequestSchema.shape)).toEqual([
      "data",
      "headers",
      "method",
      "path",
      "query_params",
      "timestamp",
      "request_id",
    ]);
    expect(Object.keys(kiroResponseSchema.shape)).toEqual([
      "status_code",
      "data",
      "headers",
      "timestamp",
      "request_id",
      "platform",
    ]);
    expect(Object.keys(kiroMetricsSchema.shape)).toEqual([
      "platform",
      "instance_id",
      "timestamp",
      "request_count",
      "error_count",
      "avg_response_time",
      "memory_usage",
      "cpu_usage",
      "platform_specific",
    ]);
  });

  test.each(Object.keys(request))("a request without %s is refused", (field) => {
    const { [field]: _, ...rest } = request as Record<string, unknown>;
    expect(kiroRequestSchema.safeParse(rest).success).toBe(false);
  });

  test("a misspelt field of a request is found, an additional one of a reply is let through", () => {
    expect(kiroRequestSchema.safeParse({ ...request, requestId: "r" }).success).toBe(false);
    expect(kiroResponseSchema.safeParse({ ...response, later: true }).success).toBe(true);
  });
});
