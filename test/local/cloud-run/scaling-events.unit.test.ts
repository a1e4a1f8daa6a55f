import { expect, test } from "vitest";
import { ScalingLog } from "../../../local/runtime/scaling-log.ts";
import { coldStartDelayMs, ServiceFixture, settings } from "./service-fixture.ts";

test("a service remembers what changed the number of its instances: a revision, waiting requests, idleness", async () => {
  const fixture = new ServiceFixture();
  await fixture.deploy(settings());
  const places = [fixture.take(), fixture.take()];
  const waiting = fixture.reserve();
  await fixture.clock.advance(coldStartDelayMs);
  const third = await waiting;
  if (third.kind !== "reservation") throw new Error("There was no place.");
  for (const place of [...places, third]) place.release();
  await fixture.idleToZero();

  const events = fixture.metrics?.scaling.events ?? [];
  expect(events[0]).toMatchObject({ target: "agent", from: 0, to: 1, reason: "revision" });
  expect(events[1]).toMatchObject({ from: 1, to: 2, reason: "waiting requests" });
  expect(events.at(-1)).toMatchObject({ to: 0, reason: "idle" });
  // Each begins where the one before ended.
  for (const [index, { from }] of events.entries()) expect(from).toBe(index === 0 ? 0 : events[index - 1]?.to);
});

test("the log keeps the last 500 changes and says how many it dropped; no change is no event", () => {
  const log = new ScalingLog();
  log.add({ at: 0, target: "agent", from: 3, to: 3, reason: "nothing" });
  expect(log.list().events).toEqual([]);
  for (let at = 0; at < 503; at += 1) log.add({ at, target: "agent", from: at, to: at + 1, reason: "demand" });
  expect(log.list()).toMatchObject({ dropped: 3 });
  expect(log.list().events).toHaveLength(500);
  expect(log.list().events[0]).toMatchObject({ at: 3 });
});
