import { expect, test } from "vitest";
import { stateChangedType, transitionEvent } from "../../../../automation/guard/events/bus-event.ts";
import { readIncoming } from "../../../../automation/guard/events/webhook.ts";
import type { RunRecord } from "../../../../automation/guard/registry/record.ts";

const told = {
  cluster: "prod-1",
  batch: "wave-1",
  since: 4_000,
  transition: { at: 10_000, event: "merged", from: "mr_created", to: "mr_merged", by: "alice" },
} as const;

test("a transition says who, what, when and since when; twice the same is one event", () => {
  expect(transitionEvent(told)).toEqual({
    id: "prod-1/10000/merged",
    type: "Guard State Changed",
    at: 10_000,
    detail: {
      cluster: "prod-1",
      batch: "wave-1",
      event: "merged",
      from: "mr_created",
      to: "mr_merged",
      by: "alice",
      since: "1970-01-01T00:00:04.000Z",
    },
  });
  expect(transitionEvent(told).id).toBe(transitionEvent({ ...told, since: undefined }).id);
  expect(transitionEvent({ ...told, transition: { ...told.transition, at: 10_001 } }).id).not.toBe(
    transitionEvent(told).id,
  );
});

test("guard's own events start nothing when a rule sends them back to it", () => {
  const { detail } = transitionEvent(told);
  expect(readIncoming({ "detail-type": stateChangedType, source: "switchyard.guard", detail }).what).toBe("nothing");
});

test("the run says its plan, versions and step", () => {
  const run = {
    plan: "abc",
    hop: 0,
    from: "1.30.5",
    to: "1.31.1",
    strategy: "in-place",
    startedAt: 0,
    step: { index: 2, attempt: 1 },
    landed: [],
    restarted: [],
  } satisfies RunRecord;
  expect(transitionEvent(told, run).detail).toMatchObject({
    plan: "abc",
    istio_from: "1.30.5",
    istio_to: "1.31.1",
    step: 2,
  });
});
