import { describe, expect, test } from "vitest";
import { attribute, type Crash, type Observation, type ProblemKind } from "../../../tools/load-generator/outcome.ts";
import { planRequest } from "../../../tools/load-generator/plan.ts";

const observe = (kind: ProblemKind | undefined, changes: Partial<Observation> = {}): Observation => ({
  request: planRequest(3, { rate: 200, seed: 1 }),
  intendedAt: 10_000,
  sentAt: 10_000,
  endedAt: 11_000,
  status: 500,
  side: "gke",
  marker: "gke/pod-1",
  complete: true,
  body: { platform: "gke", requestId: "load-3" },
  problem: kind === undefined ? undefined : { kind, detail: "" },
  stallMs: 0,
  ...changes,
});

const crash: Crash = { instance: "pod-1", platform: "gke", at: 10_900 };

describe("who is to blame", () => {
  test("nobody when all is well", () => {
    expect(attribute(observe(undefined), [crash])).toBeUndefined();
  });

  test("the agent where side header and marker name the same platform and the response is whole", () => {
    expect(attribute(observe("status"), [])).toBe("agent");
  });

  test.each<[string, Partial<Observation>]>([
    ["no marker", { marker: "" }],
    ["no side header", { side: "" }],
    ["a marker of another platform", { marker: "cloud-run/i-1" }],
    ["a marker of another form", { marker: "gke" }],
    ["a marker without an instance", { marker: "gke/" }],
    ["a response that broke off", { complete: false }],
  ])("the swap with %s", (_what, changes) => {
    expect(attribute(observe("status", changes), [])).toBe("swap");
  });

  test.each<ProblemKind>(["refused", "reset", "truncated", "timeout", "malformed"])(
    "%s is the swap's although the response had begun with side and marker",
    (kind) => {
      expect(attribute(observe(kind, { complete: false }), [])).toBe("swap");
    },
  );

  test("a stream that ended properly in HTTP but without its last event is the swap's", () => {
    expect(attribute(observe("truncated", { status: 200 }), [])).toBe("swap");
  });

  test("this machine's own faults are the client's", () => {
    expect(attribute(observe("client", { side: "", marker: "", status: 0 }), [crash])).toBe("client");
  });

  test("a wrong body is the agent's only if the body answers this request on that platform", () => {
    expect(attribute(observe("body", { status: 200 }), [])).toBe("agent");
    expect(attribute(observe("body", { body: { platform: "cloud-run", requestId: "load-3" } }), [])).toBe("swap");
    expect(attribute(observe("body", { body: { platform: "gke", requestId: "load-4" } }), [])).toBe("swap");
    expect(attribute(observe("body", { body: undefined }), [])).toBe("swap");
    expect(attribute(observe("body", { body: undefined }), [crash])).toBe("swap");
  });
});

describe("crashes", () => {
  test("explain what broke off on that very instance at that time", () => {
    expect(attribute(observe("truncated", { complete: false }), [crash])).toBe("crash");
  });

  test("without a marker the side has to do", () => {
    expect(attribute(observe("status", { status: 502, marker: "" }), [crash])).toBe("crash");
    expect(attribute(observe("reset", { marker: "", side: "gke", status: 0 }), [crash])).toBe("crash");
    expect(attribute(observe("reset", { marker: "", side: "", status: 0 }), [crash])).toBe("swap");
  });

  test.each<[string, Partial<Crash>]>([
    ["another instance", { instance: "pod-2" }],
    ["another platform", { platform: "cloud-run" }],
    ["long before", { at: 9_000 }],
    ["long after", { at: 12_000 }],
  ])("do not explain %s", (_what, changes) => {
    expect(attribute(observe("truncated", { complete: false }), [{ ...crash, ...changes }])).toBe("swap");
  });

  test("do not take the blame from an agent that answered", () => {
    expect(attribute(observe("status"), [crash])).toBe("agent");
  });
});
