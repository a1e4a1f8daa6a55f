import { describe, expect, it } from "vitest";
import { CloudRunError } from "../../../local/cloud-run/cloud-run-error.ts";
import { defaultStartupProbe } from "../../../local/cloud-run/probe-settings.ts";
import { checkServiceSettings, parseServiceSettings } from "../../../local/cloud-run/settings.ts";

const image = `agent@sha256:${"0".repeat(64)}`;
const service = (container: object = {}, template: object = {}, rest: object = {}) => ({
  template: { containers: [{ image, ...container }], ...template },
  ...rest,
});

describe("defaults", () => {
  it("are Cloud Run's", () => {
    expect(parseServiceSettings(service())).toMatchObject({
      cpu: 1,
      memoryBytes: 512 * 1024 * 1024,
      concurrency: 80,
      timeoutMs: 300_000,
      minInstances: 0,
      maxInstances: 100,
      startupProbe: defaultStartupProbe,
      livenessProbe: undefined,
      command: undefined,
    });
  });

  it("give 80 per vCPU and 1 below one vCPU (statements 44, 49)", () => {
    const concurrency = (cpu: string) => parseServiceSettings(service({ resources: { limits: { cpu } } })).concurrency;
    expect([concurrency("2"), concurrency("500m"), concurrency("1000m")]).toEqual([160, 1, 80]);
  });

  it("complete a probe (statement 7)", () => {
    expect(parseServiceSettings(service({ livenessProbe: { httpGet: {} } })).livenessProbe).toMatchObject({
      check: { kind: "http", path: "/", headers: {} },
      timeoutMs: 1000,
      periodMs: 10_000,
      failureThreshold: 3,
    });
  });

  it("take minimum and maximum from template and service", () => {
    const settings = parseServiceSettings(
      service(
        {},
        { scaling: { minInstanceCount: 1, maxInstanceCount: 20 } },
        { scaling: { minInstanceCount: 2, maxInstanceCount: 5 } },
      ),
    );
    expect([settings.minInstances, settings.maxInstances]).toEqual([2, 5]);
  });

  it("fix the number of instances by manual scaling", () => {
    const settings = parseServiceSettings(
      service({}, {}, { scaling: { scalingMode: "MANUAL", manualInstanceCount: 3 } }),
    );
    expect([settings.minInstances, settings.maxInstances]).toEqual([3, 3]);
  });

  it("join commands and args", () => {
    expect(parseServiceSettings(service({ commands: ["node"], args: ["x.ts"] })).command).toEqual(["node", "x.ts"]);
  });
});

describe("a refusal", () => {
  const at = "template.containers[0]";
  it.each<[string, object, string, RegExp]>([
    ["no image", { template: { containers: [{}] } }, `${at}.image`, /expected string/],
    [
      "a reserved name",
      service({ envs: [{ name: "PORT", value: "1" }] }),
      `${at}.envs[0].name`,
      /reserved env names were provided: PORT/,
    ],
    ["K_SERVICE", service({ envs: [{ name: "K_SERVICE" }] }), `${at}.envs[0].name`, /reserved/],
    [
      "a long value",
      service({ envs: [{ name: "A", value: "x".repeat(32_769) }] }),
      `${at}.envs[0].value`,
      /32768 bytes/,
    ],
    [
      "a secret without a version",
      service({ envs: [{ name: "A", valueSource: { secretKeyRef: { secret: "a" } } }] }),
      `${at}.envs[0].valueSource.secretKeyRef.version`,
      /expected string/,
    ],
    [
      "a value beside a secret",
      service({ envs: [{ name: "A", value: "b", valueSource: { secretKeyRef: { secret: "a", version: "1" } } }] }),
      `${at}.envs[0]`,
      /not both/,
    ],
    ["3 vCPU", service({ resources: { limits: { cpu: "3" } } }), `${at}.resources.limits.cpu`, /2, 4, 6 or 8/],
    ["0.05 vCPU", service({ resources: { limits: { cpu: "50m" } } }), `${at}.resources.limits.cpu`, /from 0.08/],
    [
      "words as memory",
      service({ resources: { limits: { memory: "much" } } }),
      `${at}.resources.limits.memory`,
      /'much' is not a size/,
    ],
    [
      "5 GiB on 1 vCPU",
      service({ resources: { limits: { memory: "5Gi" } } }),
      `${at}.resources.limits.memory`,
      /to 4096 MiB/,
    ],
    [
      "1 GiB on 4 vCPU",
      service({ resources: { limits: { cpu: "4", memory: "1Gi" } } }),
      `${at}.resources.limits.memory`,
      /from 2048/,
    ],
    [
      "1 GiB on 0.08 vCPU",
      service({ resources: { limits: { cpu: "80m", memory: "1Gi" } } }),
      `${at}.resources.limits.memory`,
      /to 512/,
    ],
    [
      "concurrency below one vCPU",
      service({ resources: { limits: { cpu: "500m" } } }, { maxInstanceRequestConcurrency: 2 }),
      "template.maxInstanceRequestConcurrency",
      /cpu < 1 is not supported with concurrency > 1/,
    ],
    [
      "concurrency 1001",
      service({}, { maxInstanceRequestConcurrency: 1001 }),
      "template.maxInstanceRequestConcurrency",
      /<=1000/,
    ],
    ["timeout 0s", service({}, { timeout: "0s" }), "template.timeout", /1s to 3600s/],
    ["timeout 3601s", service({}, { timeout: "3601s" }), "template.timeout", /1s to 3600s/],
    ["timeout 5m", service({}, { timeout: "5m" }), "template.timeout", /duration in seconds/],
    [
      "min above max",
      service({}, { scaling: { minInstanceCount: 3, maxInstanceCount: 2 } }),
      "template.scaling.minInstanceCount",
      /is 3/,
    ],
    [
      "a long startup probe",
      service({ startupProbe: { tcpSocket: {}, periodSeconds: 240, failureThreshold: 3 } }),
      `${at}.startupProbe.failureThreshold`,
      /720 s, above 600 s/,
    ],
    [
      "timeout above period",
      service({ livenessProbe: { httpGet: {}, timeoutSeconds: 11 } }),
      `${at}.livenessProbe.timeoutSeconds`,
      /periodSeconds \(10\)/,
    ],
    ["a probe without a check", service({ livenessProbe: {} }), `${at}.livenessProbe`, /exactly one of/],
    [
      "a probe of another port",
      service({ livenessProbe: { httpGet: { port: 9 } } }),
      `${at}.livenessProbe`,
      /port 9, but/,
    ],
    ["a gRPC probe", service({ livenessProbe: { grpc: {} } }), `${at}.livenessProbe.grpc`, /not simulated/],
    ["a sidecar", { template: { containers: [{ image }, { image }] } }, "template.containers", /no sidecars/],
    ["h2c", service({ ports: { name: "h2c" } }), `${at}.ports.name`, /http1 only/],
    [
      "traffic of 90 percent",
      service({}, {}, { traffics: [{ type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 90 }] }),
      "traffics",
      /sum to 90, want 100/,
    ],
  ])("of %s names path and reason", (_what, inputs, property, reason) => {
    const problems = checkServiceSettings(inputs);
    expect(problems).toEqual([{ property, reason: expect.stringMatching(reason) }]);
  });

  it("names all problems at once and is an error of status 400", () => {
    const bad = service({ resources: { limits: { cpu: "3", memory: "much" } }, envs: [{ name: "PORT" }] });
    let caught: unknown;
    try {
      parseServiceSettings(bad);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(CloudRunError);
    expect(caught).toMatchObject({ status: 400, problems: { length: 3 } });
  });
});
