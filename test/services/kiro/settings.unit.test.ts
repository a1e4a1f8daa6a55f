import { describe, expect, test } from "vitest";
import { parseTraceparent } from "../../../services/kiro/log.ts";
import { detectPlatform } from "../../../services/kiro/platform.ts";
import { readSettings } from "../../../services/kiro/settings.ts";

describe("settings", () => {
  test("have defaults that suit Cloud Run", () => {
    expect(readSettings({ PORT: "8080" })).toMatchObject({ port: 8080, host: "0.0.0.0", drainMs: 8_000 });
  });

  test("without PORT the error says who sets it", () => {
    expect(() => readSettings({})).toThrow(/PORT is not set\. Cloud Run sets it/);
  });

  test("all problems come at once", () => {
    expect(() => readSettings({ PORT: "http", KIRO_DRAIN_SECONDS: "-1", KIRO_LOG_LEVEL: "LOUD" })).toThrow(
      /PORT.*KIRO_DRAIN_SECONDS.*KIRO_LOG_LEVEL/,
    );
  });

  test.each(["65536", "-1", "8080x", ""])("PORT=%s is refused", (port) => {
    expect(() => readSettings({ PORT: port })).toThrow(/PORT must be a port number/);
  });
});

describe("the platform", () => {
  test("K_SERVICE means Cloud Run, with its revision", () => {
    const platform = detectPlatform({ K_SERVICE: "kiro", K_REVISION: "kiro-00001-abc", KUBERNETES_SERVICE_HOST: "x" });
    expect(platform).toMatchObject({
      name: "cloud-run",
      instanceId: undefined,
      specific: { service: "kiro", revision: "kiro-00001-abc" },
    });
  });

  test("Cloud Run's host name localhost is no instance id", () => {
    expect(detectPlatform({ K_SERVICE: "kiro", HOSTNAME: "localhost" }).instanceId).toBeUndefined();
    expect(detectPlatform({ K_SERVICE: "kiro", HOSTNAME: "kiro-00001-abc-x1" }).instanceId).toBe("kiro-00001-abc-x1");
  });

  test("KUBERNETES_SERVICE_HOST means GKE, with the pod's name", () => {
    const platform = detectPlatform({
      KUBERNETES_SERVICE_HOST: "10.0.0.1",
      HOSTNAME: "kiro-7d-x",
      NODE_NAME: "node-1",
    });
    expect(platform).toMatchObject({
      name: "gke",
      instanceId: "kiro-7d-x",
      specific: { pod_name: "kiro-7d-x", node_name: "node-1" },
    });
  });

  test("KIRO_PLATFORM decides before both", () => {
    expect(detectPlatform({ KIRO_PLATFORM: "gke", K_SERVICE: "kiro" }).name).toBe("gke");
  });

  test("an unknown one names what is allowed", () => {
    expect(() => detectPlatform({})).toThrow(/set KIRO_PLATFORM to gke or cloud-run/);
    expect(() => detectPlatform({ KIRO_PLATFORM: "moon" })).toThrow(
      /KIRO_PLATFORM is moon; allowed are gke or cloud-run/,
    );
    expect(() => detectPlatform({ KIRO_PLATFORM: "constructor" })).toThrow(/allowed are/);
  });
});

describe("traceparent", () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";

  test("is taken apart", () => {
    expect(parseTraceparent(`00-${trace}-b7ad6b7169203331-01`)).toEqual({
      traceId: trace,
      spanId: "b7ad6b7169203331",
      sampled: true,
    });
  });

  test.each([
    undefined,
    "",
    "00-x-y-01",
    `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
    `00-${trace}-${"0".repeat(16)}-01`,
  ])("%s is none", (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});
