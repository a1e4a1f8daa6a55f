import { expect, it } from "vitest";
import { describeFailure, type FailureView } from "../../../automation/cli/guard-bundle-view.ts";

const event = (message: string) => ({
  at: "2026-12-01T10:00:00.000Z",
  type: "Warning",
  subject: "Pod shop/cart-1",
  reason: "Unhealthy",
  message,
  count: 1,
});

const view: FailureView = {
  cluster: "prod-1",
  name: "prod-1-abc-0-1-7",
  bundle: {
    version: 1,
    cluster: "prod-1",
    at: "2026-12-01T10:01:00.000Z",
    reason: "p99: rose by 31 %",
    run: {},
    events: Array.from({ length: 12 }, (_, index) => event(`event ${index}`)),
    logs: [{ pod: "istio-system/istiod-1", container: "discovery", text: "first\nlast\n" }],
    conditions: [{ subject: "HelmRelease istio-system/istiod", conditions: ["Ready=True Upgraded: ok"] }],
    validation: null,
    series: [{}, {}],
    problems: ["pods: cluster-refused"],
    leftOut: ["older events"],
  },
  advice: undefined,
};

it("shows the newest of everything, and says what is not there", () => {
  const lines = describeFailure(view);
  expect(lines[0]).toBe("prod-1, 2026-12-01T10:01:00.000Z: p99: rose by 31 %");
  expect(lines).toContain("HelmRelease istio-system/istiod: Ready=True Upgraded: ok");
  expect(lines.filter((line) => line.includes("Unhealthy"))).toHaveLength(10);
  expect(lines).toContain("and 2 older events");
  expect(lines.slice(lines.indexOf("first"))).toEqual([
    "first",
    "last",
    "",
    "The series (2) and the whole document are in --json.",
    "Not read: pods: cluster-refused",
    "Left out for the size: older events",
  ]);
});

it("of a cluster that went back with another it shows that one's, and says so", () => {
  expect(describeFailure({ ...view, cluster: "prod-2" }).slice(0, 2)).toEqual([
    "prod-1, 2026-12-01T10:01:00.000Z: p99: rose by 31 %",
    "prod-2 went back with it.",
  ]);
  expect(describeFailure(view).join()).not.toContain("went back with it");
});

it("shows advice as advice", () => {
  const report = {
    summary: "istiod was slow",
    likely_cause: "memory",
    confidence: "low",
    evidence: ["its log"],
    next_steps: ["Look.", "Give it more."],
  } as const;
  const lines = describeFailure({
    ...view,
    advice: {
      at: 0,
      model: "a model",
      report: { ...report, evidence: [...report.evidence], next_steps: [...report.next_steps] },
    },
  });
  expect(lines.slice(lines.findIndex((line) => line.startsWith("Advice")))).toEqual([
    "Advice of a model, confidence low; a person decides:",
    "istiod was slow",
    "Likely cause: memory",
    "- speaks for it: its log",
    "1. Look.",
    "2. Give it more.",
  ]);
});
