import { describe, expect, it } from "vitest";
import type { AlertInput } from "../../../automation/alerts/alert.ts";
import { emptyBook } from "../../../automation/alerts/book.ts";
import { AlertDesk, bookKey, told } from "../../../automation/alerts/desk.ts";
import { takenForMs } from "../../../automation/alerts/outbox.ts";
import type { AlertSettings } from "../../../automation/alerts/settings.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import { createFakeNotifier, type FakeNotifier } from "../../support/fake-notifier.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";
import { minute, raised, t0, settings as usual } from "./alerts.ts";

const settings: AlertSettings = { ...usual, targets: usual.targets.map((target) => ({ ...target, tier: 1 })) };

/** A store that several processes share, and the two targets. */
function world(given = settings) {
  const clock = createVirtualClock();
  const store = createMemoryStateStore();
  const team = createFakeNotifier("team");
  const onCall = createFakeNotifier("on-call");
  const notifiers = { team, "on-call": onCall };
  const open = (): AlertDesk => new AlertDesk({ store, settings: given, notifiers, clock });
  return { clock, store, team, onCall, open };
}

/** It happened now. */
function now(clock: { now(): number }, more: Parameters<typeof raised>[0] = {}): AlertInput {
  return raised({ at: clock.now(), ...more });
}

const kinds = ({ taken }: FakeNotifier): readonly string[] =>
  taken.map(({ kind, alert }) => `${kind} ${alert.dedupKey}`);

describe("the alert desk", () => {
  it("keeps an alert before it is sent", async () => {
    const { clock, store, team, open } = world();
    await clock.run(async () => {
      const asked = team.hang();
      const desk = open();
      desk.take([now(clock)]);
      await asked;
      expect(JSON.parse(store.values.get(bookKey)?.value ?? "{}")).toMatchObject({
        records: [{ alert: { code: "candidate-errors" } }],
        outbox: [{ target: "team" }, { target: "on-call" }],
      });
      await desk.close(100);
    });
  });

  it("ends in bounded time though a target does not answer, says so, and does not wait for it again at once", async () => {
    const { clock, team, onCall, open } = world();
    await clock.run(async () => {
      void team.hang();
      const desk = open();
      desk.take([now(clock)]);
      const began = clock.now();
      const report = await desk.close(3_000);
      expect(clock.now() - began).toBeLessThanOrEqual(4_000);
      expect(report).toMatchObject({
        delivered: 1,
        troubles: [{ target: "team", waiting: 1, failure: "no answer before the command ended" }],
      });
      expect(onCall.taken).toHaveLength(1);
      const next = open();
      const again = clock.now();
      await next.close(3_000);
      expect(clock.now()).toBe(again);
      expect(team.asked()).toBe(1);
    });
  });

  it("sends what waited when the target is back: every notice once, in order", async () => {
    const { clock, team, open } = world();
    await clock.run(async () => {
      team.fail("connect ECONNREFUSED");
      const desk = open();
      desk.take([now(clock)]);
      await clock.sleep(1);
      desk.take([{ kind: "resolve", at: clock.now(), swap: "3" }]);
      const { troubles } = await desk.close(3_000);
      expect(troubles).toMatchObject([{ target: "team", waiting: 2, failure: "connect ECONNREFUSED" }]);
      team.fail(undefined);
      // Its wait is not over, and nobody asked for it.
      await open().close(3_000);
      expect(kinds(team)).toEqual([]);
      const report = await open().round(true);
      expect(report.troubles).toEqual([]);
      const key = "prod/swap/3/candidate-errors/1";
      expect(kinds(team)).toEqual([`raise ${key}`, `resolve ${key}`]);
      await open().round(true);
      expect(team.taken).toHaveLength(2);
    });
  });

  it("waits longer from failure to failure, and as long as the target asks", async () => {
    const { clock, team, open } = world();
    await clock.run(async () => {
      team.fail("it answered 503");
      const desk = open();
      desk.watch();
      desk.take([now(clock)]);
      await clock.sleep(4_000);
      expect(team.asked()).toBe(1);
      await clock.sleep(2_500);
      expect(team.asked()).toBe(2);
      await clock.sleep(8_000);
      expect(team.asked()).toBe(2);
      team.fail("it answered 429", { retryAfterMs: 600_000 });
      await clock.sleep(2_500);
      expect(team.asked()).toBe(3);
      await clock.sleep(595_000);
      expect(team.asked()).toBe(3);
      await clock.sleep(10_000);
      expect(team.asked()).toBe(4);
      await desk.close(100);
    });
  });

  it("gives a notice up that the target refuses, and the others still come", async () => {
    const { clock, team, open } = world();
    await clock.run(async () => {
      team.fail("it answered 400", { refused: true });
      open().take([now(clock)]);
      await clock.sleep(1);
      const desk = open();
      for (let tries = 0; tries < 3; tries += 1) await desk.round(true);
      team.fail(undefined);
      desk.take([now(clock, { dedupKey: "prod/swap/3/silence/2", code: "silence" })]);
      await clock.sleep(1);
      await desk.round(true);
      expect(kinds(team)).toEqual(["raise prod/swap/3/silence/2"]);
      expect(await desk.read()).toMatchObject({ outbox: [], givenUp: 1 });
    });
  });

  it("of two processes tells what both have seen once, though both write at the same time", async () => {
    const { clock, team, open } = world();
    await clock.run(async () => {
      const both = [open(), open()];
      const same = now(clock);
      for (const desk of both) desk.take([same]);
      await Promise.all(both.map((desk) => desk.close(3_000)));
      expect(team.taken).toHaveLength(1);
      expect((await open().read()).records).toMatchObject([{ count: 1 }]);
    });
  });

  it("sends what a process took that died in the middle", async () => {
    const { clock, team, open } = world();
    await clock.run(async () => {
      const asked = team.hang();
      open().take([now(clock)]);
      await asked;
      // It is gone; another one leaves its notice alone for a while.
      await open().close(0);
      expect(team.asked()).toBe(1);
      await clock.sleep(takenForMs + 1);
      const desk = open();
      void desk.round();
      await clock.sleep(1);
      expect(team.asked()).toBe(2);
    });
  });

  it("tells people though nothing can be kept, says so, and keeps it when the store is back", async () => {
    const { clock, store, team, open } = world();
    await clock.run(async () => {
      store.fail("disk-full");
      const desk = open();
      desk.watch();
      desk.take([now(clock)]);
      await clock.sleep(500);
      expect(team.taken).toHaveLength(1);
      expect((await desk.close(1_000)).unkept).toContain("cannot be reached");
      const later = open();
      later.watch();
      later.take([now(clock)]);
      await clock.sleep(500);
      store.fail(undefined);
      await clock.sleep(2_000);
      expect((await later.close(1_000)).unkept).toBeUndefined();
      expect((await open().read()).records).toHaveLength(1);
      // Each desk told it once; what was told without the store is not told again with it.
      expect(team.taken).toHaveLength(2);
    });
  });

  it("tells people though the store can be read and not written, as on a full disk", async () => {
    const { clock, store, team, onCall } = world();
    await clock.run(async () => {
      const full = {
        ...store,
        write: () => Promise.reject(new SwitchyardError("disk-full", { message: "no space" })),
      };
      const desk = new AlertDesk({ store: full, settings, notifiers: { team, "on-call": onCall }, clock });
      desk.take([now(clock)]);
      expect((await desk.close(1_000)).unkept).toBe("no space");
      expect(kinds(team)).toEqual(["raise prod/swap/3/candidate-errors/1"]);
    });
  });

  it("refuses a book that it did not write, and tells people all the same", async () => {
    const { clock, store, team, open } = world();
    await clock.run(async () => {
      await store.write(bookKey, "{}", 0);
      const desk = open();
      desk.take([now(clock)]);
      expect((await desk.close(1_000)).unkept).toContain("does not have the form");
      expect(team.taken).toHaveLength(1);
      await expect(open().read()).rejects.toMatchObject({ code: "state-damaged" });
      expect(store.values.get(bookKey)?.value).toBe("{}");
    });
  });

  it("escalates and repeats while it watches", async () => {
    const { clock, team, onCall, open } = world(usual);
    await clock.run(async () => {
      const desk = open();
      desk.watch();
      desk.take([now(clock)]);
      await clock.sleep(14 * minute);
      expect(onCall.taken).toHaveLength(0);
      await clock.sleep(2 * minute);
      expect(onCall.taken.map(({ kind }) => kind)).toEqual(["raise"]);
      await clock.sleep(60 * minute);
      expect(team.taken.map(({ kind }) => kind)).toEqual(["raise", "escalate", "repeat"]);
      await desk.close(100);
    });
  });

  it("keeps a bounded book though a target is down for good", () => {
    let book = emptyBook;
    for (let number = 0; number < 400; number += 1) {
      const swap = String(number);
      const alert = { dedupKey: `prod/swap/${swap}`, swap, detail: "x".repeat(600), title: "x".repeat(150) };
      book = told(book, [raised(alert), { kind: "resolve", at: t0, swap }], settings, t0);
    }
    expect(book.records.length).toBeLessThanOrEqual(150);
    expect(book.givenUp).toBeGreaterThan(0);
    // An item of DynamoDB holds 400 kB.
    expect(JSON.stringify(book).length).toBeLessThan(390_000);
    expect(book.records.at(-1)?.alert.swap).toBe("399");
  });
});
