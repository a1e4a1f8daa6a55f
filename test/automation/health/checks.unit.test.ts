import { expect, test } from "vitest";
import { look, type Observation } from "../../../automation/health/checks.ts";
import type { CheckKind } from "../../../automation/health/judge.ts";
import { healthConfig, toHealthSettings } from "../../../automation/health/settings.ts";
import { absent, known, type PlatformSnapshot, unreadable } from "../../../automation/ports/platform-metrics.ts";
import { histogram, snapshot, someInstances, someResources } from "../../support/platform-snapshot.ts";

const settings = toHealthSettings(healthConfig.parse({}), 500);

function found(check: CheckKind, later: Partial<PlatformSnapshot> | undefined, more: Partial<Observation> = {}) {
  return look(
    check,
    {
      at: 5_000,
      answer: { kind: "ready", degraded: false, tookMs: 12 },
      snapshot: later === undefined ? undefined : snapshot(later),
      earlier: snapshot(),
      ...more,
    },
    settings,
  );
}

test("the endpoint is bad when nobody answers or it is not ready, and strained when it says so", () => {
  expect(found("endpoint", {}).found).toBe("good");
  expect(found("endpoint", {}, { answer: { kind: "none", why: "refused" } })).toMatchObject({
    found: "bad",
    detail: "refused",
  });
  expect(found("endpoint", {}, { answer: { kind: "not-ready", tookMs: 1 } }).found).toBe("bad");
  expect(found("endpoint", {}, { answer: { kind: "ready", degraded: true, tookMs: 1 } }).found).toBe("strained");
});

test("response time is the users' p95 where there are enough of them, else that of the check's own request", () => {
  // 50 more requests since the last look, most of them above 100 ms.
  const slow = { firstByte: known(histogram(90, 10, 50, 0)) };
  expect(found("response-time", slow)).toMatchObject({ found: "bad", detail: expect.stringContaining("users") });
  const few = { firstByte: known(histogram(90, 10, 5, 0)), latency: known(histogram(80, 19, 6, 0)) };
  expect(found("response-time", few)).toMatchObject({ found: "good", detail: expect.stringContaining("own request") });
  const own = (tookMs: number) => found("response-time", few, { answer: { kind: "ready", degraded: false, tookMs } });
  expect([own(399).found, own(400).found, own(500).found]).toEqual(["good", "strained", "bad"]);
  expect(found("response-time", few, { answer: { kind: "none", why: "refused" } }).found).toBe("unreadable");
  // A source without first bytes: the whole response.
  const whole = { firstByte: absent("none"), latency: known(histogram(80, 19, 100, 0)) };
  expect(found("response-time", whole).detail).toContain("users");
});

test("resources are judged by the fullest instance, and unreadable is not well", () => {
  const share = (cpu: number, memory: number) =>
    found("resources", { resources: known({ ...someResources, cpuShare: known(cpu), memoryShare: known(memory) }) });
  expect(share(0.84, 0.79).found).toBe("good");
  expect(share(0.85, 0.1).found).toBe("strained");
  expect(share(0.1, 0.95)).toMatchObject({ found: "bad", detail: "memory 95 % of the limit" });
  expect(found("resources", { resources: unreadable("no samples") }).found).toBe("unreadable");
  expect(found("resources", undefined).found).toBe("unreadable");
});

test("the platform's own words: too few instances, none, at the most, restarts, failed starts, a queue", () => {
  const instances = (more: Partial<typeof someInstances>) =>
    found("platform", { instances: known({ ...someInstances, ...more }) });
  expect(found("platform", {}).found).toBe("good");
  expect(instances({ ready: 1 })).toMatchObject({ found: "strained", detail: "1 of 2 instances are ready" });
  expect(instances({ ready: 0 }).found).toBe("bad");
  // Cloud Run that has nothing to do may have none.
  expect(instances({ ready: 0, wanted: known(0) }).found).toBe("good");
  expect(instances({ ready: 10, wanted: known(10) })).toMatchObject({
    found: "strained",
    detail: "at the most that it may have, 10 instances",
  });
  expect(found("platform", { restarts: known(2) })).toMatchObject({
    found: "strained",
    detail: "2 restarts since the last look",
  });
  const failing = { startFailures: known(4) };
  expect(found("platform", failing, { earlier: snapshot({ startFailures: known(1) }) }).found).toBe("bad");
  expect(found("platform", { queued: known(10) }).found).toBe("strained");
  expect(found("platform", { queued: known(9) }).found).toBe("good");
  expect(found("platform", { instances: unreadable("down") }).found).toBe("unreadable");
});

test("settings that contradict each other are refused", () => {
  expect(healthConfig.safeParse({ window: 2, bad: 3 }).success).toBe(false);
  expect(healthConfig.safeParse({ cpu: { degraded: 0.9, unhealthy: 0.5 } }).success).toBe(false);
});
