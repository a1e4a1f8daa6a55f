import { describe, expect, test } from "vitest";
import { type CloudRunSettings, cloudRunSettingProblems } from "../../../components/cloud-run/settings.ts";

const right: CloudRunSettings = {
  cpu: "1",
  memory: "1Gi",
  concurrency: 80,
  minInstances: 1,
  maxInstances: 100,
  requestTimeoutSeconds: 300,
  cpuIdle: true,
};

function paths(changes: Partial<CloudRunSettings>): string[] {
  return cloudRunSettingProblems({ ...right, ...changes }).map((problem) => problem.path);
}

describe("cloud-run settings", () => {
  test("below one vCPU the CPU is paid by request only (statement 49)", () => {
    const small = { cpu: "500m", memory: "512Mi", concurrency: 1 };
    expect(paths({ ...small, cpuIdle: true })).toEqual([]);
    expect(paths({ ...small, cpuIdle: false })).toEqual(["cpuIdle"]);
  });

  test("the sizes that Cloud Run has, at their edges", () => {
    for (const [cpu, memory] of [
      ["1", "512Mi"],
      ["1", "4Gi"],
      ["2", "8Gi"],
      ["4", "2Gi"],
      ["6", "24Gi"],
      ["8", "32Gi"],
    ] as const) {
      expect(paths({ cpu, memory }), `${cpu} ${memory}`).toEqual([]);
    }
    for (const [cpu, memory, path] of [
      ["1", "5Gi", "memory"],
      ["4", "1Gi", "memory"],
      ["3", "4Gi", "cpu"],
      ["1500m", "1Gi", "cpu"],
      ["one", "1Gi", "cpu"],
    ] as const) {
      expect(paths({ cpu, memory }), `${cpu} ${memory}`).toEqual([path]);
    }
  });

  test("below one vCPU: one request at a time and little memory", () => {
    expect(paths({ cpu: "80m", memory: "512Mi", concurrency: 1 })).toEqual([]);
    expect(paths({ cpu: "500m", memory: "1Gi", concurrency: 1 })).toEqual([]);
    expect(paths({ cpu: "400m", memory: "1Gi", concurrency: 2 })).toEqual(["memory", "concurrency"]);
    expect(paths({ cpu: "50m", memory: "512Mi", concurrency: 1 })).toEqual(["cpu"]);
  });

  test("ranges and their order", () => {
    expect(paths({ concurrency: 0, requestTimeoutSeconds: 3601 })).toEqual(["concurrency", "requestTimeoutSeconds"]);
    expect(paths({ minInstances: 5, maxInstances: 4 })).toEqual(["maxInstances"]);
    expect(paths({ minInstances: 0 })).toEqual([]);
  });
});
