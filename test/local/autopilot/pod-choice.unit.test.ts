import { describe, expect, it } from "vitest";
import type { Pod } from "../../../local/autopilot/objects/pod.ts";
import { podSchema, ZONE_LABEL } from "../../../local/autopilot/objects/pod.ts";
import { chooseZone, podsToDelete } from "../../../local/autopilot/rollout/pod-choice.ts";

interface PodFacts {
  readonly phase?: "Pending" | "Running";
  /** Since when it is ready, seconds of the minute. */
  readonly ready?: number;
  readonly restarts?: number;
  readonly created?: number;
  readonly zone?: string;
}

const at = (second: number) => `2030-01-01T00:00:${String(second).padStart(2, "0")}Z`;

function pod(name: string, { phase = "Running", ready, restarts = 0, created = 0, zone = "a" }: PodFacts): Pod {
  return podSchema.parse({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { [ZONE_LABEL]: zone }, creationTimestamp: at(created) },
    spec: { containers: [{ name: "agent", image: "agent" }] },
    status: {
      phase,
      conditions: [
        { type: "Ready", status: ready === undefined ? "False" : "True", lastTransitionTime: at(ready ?? 0) },
      ],
      containerStatuses: [
        {
          name: "agent",
          image: "agent",
          imageID: "",
          ready: ready !== undefined,
          started: true,
          restartCount: restarts,
          state: {},
          lastState: {},
        },
      ],
    },
  });
}

describe("podsToDelete", () => {
  it.each<[string, PodFacts, PodFacts]>([
    ["one that does not run yet", { phase: "Pending" }, {}],
    ["one that is not ready", { created: 1 }, { ready: 5, created: 2 }],
    ["the one that became ready last", { ready: 9 }, { ready: 5 }],
    ["the one that restarted more often", { ready: 5, restarts: 2 }, { ready: 5, restarts: 1 }],
    ["the youngest", { ready: 5, created: 4 }, { ready: 5, created: 3 }],
  ])("takes %s first", (_name, first, second) => {
    const pods = [pod("stays", second), pod("goes", first)];
    expect(podsToDelete(pods, 1).map(({ metadata }) => metadata.name)).toEqual(["goes"]);
    expect(podsToDelete([...pods].reverse(), 1).map(({ metadata }) => metadata.name)).toEqual(["goes"]);
  });

  it("takes none for a count of zero or less", () => {
    expect(podsToDelete([pod("a", {})], -1)).toEqual([]);
  });
});

describe("chooseZone", () => {
  it("takes the emptiest, the first of equals", () => {
    const zones = ["a", "b", "c"];
    expect(chooseZone(zones, [])).toBe("a");
    expect(chooseZone(zones, [pod("1", { zone: "a" })])).toBe("b");
    expect(chooseZone(zones, [pod("1", { zone: "a" }), pod("2", { zone: "b" }), pod("3", { zone: "c" })])).toBe("a");
    expect(chooseZone(zones, [pod("1", { zone: "b" }), pod("2", { zone: "c" }), pod("3", { zone: "c" })])).toBe("a");
  });
});
