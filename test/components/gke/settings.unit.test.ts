import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { graceLimitSeconds, terminationGraceSeconds } from "../../../components/gke/pod-timing.ts";
import { type GkeSettings, gkeSettingProblems } from "../../../components/gke/settings.ts";

const right: GkeSettings = {
  replicas: 2,
  maxReplicas: 10,
  cpu: "1",
  memory: "1Gi",
  requestTimeoutSeconds: 300,
  drainSeconds: 300,
  preStopSeconds: 40,
  cpuUtilization: 60,
};

function paths(changes: Partial<GkeSettings>): string[] {
  return gkeSettingProblems({ ...right, ...changes }).map((problem) => problem.path);
}

describe("gke settings", () => {
  test("the grace period outlasts hook and drain; the worked example", () => {
    expect(terminationGraceSeconds({ preStopSeconds: 40, drainSeconds: 300 })).toBe(350);
  });

  test("whatever is accepted drains every request within Autopilot's limit", () => {
    const seconds = fc.integer({ min: 0, max: 700 });
    fc.assert(
      fc.property(seconds, seconds, seconds, (requestTimeoutSeconds, drainSeconds, preStopSeconds) => {
        const settings = { ...right, requestTimeoutSeconds, drainSeconds, preStopSeconds };
        if (gkeSettingProblems(settings).length > 0) return;
        expect(drainSeconds).toBeGreaterThanOrEqual(requestTimeoutSeconds);
        expect(preStopSeconds + drainSeconds).toBeLessThan(terminationGraceSeconds(settings));
        expect(terminationGraceSeconds(settings)).toBeLessThanOrEqual(graceLimitSeconds);
      }),
    );
  });

  test("numbers that contradict each other are named", () => {
    expect(paths({})).toEqual([]);
    expect(paths({ replicas: 20 })).toEqual(["maxReplicas"]);
    expect(paths({ drainSeconds: 10 })).toEqual(["drainSeconds"]);
    expect(paths({ drainSeconds: 560 })).toEqual(["drainSeconds"]);
  });

  test("sizes that Autopilot would change are refused", () => {
    for (const [cpu, memory] of [
      ["500m", "512Mi"],
      ["1", "6.5Gi"],
      ["50m", "52Mi"],
      ["30", "110Gi"],
    ] as const) {
      expect(paths({ cpu, memory }), `${cpu} ${memory}`).toEqual([]);
    }
    expect(paths({ cpu: "500m", memory: "256Mi" })).toEqual(["memory"]);
    expect(paths({ cpu: "200m", memory: "2Gi" })).toEqual(["memory"]);
    expect(paths({ cpu: "20m", memory: "52Mi" })).toEqual(["cpu"]);
    expect(paths({ cpu: "31", memory: "60Gi" })).toEqual(["cpu"]);
    expect(paths({ cpu: "a lot", memory: "1Gi" })).toEqual(["cpu"]);
  });
});
