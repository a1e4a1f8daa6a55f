import { describe, expect, test } from "vitest";
import { createRequestTurns } from "../../../automation/adapters/request-turns.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const start = Date.UTC(2026, 11, 1);

function given(perMinute = 1_000) {
  const clock = createVirtualClock(start, 1);
  return { clock, turns: createRequestTurns({ perMinute }, clock) };
}

describe("turns", () => {
  test("are first come, first served", async () => {
    const { clock, turns } = given(2);
    await clock.run(async () => {
      const order: number[] = [];
      await Promise.all(
        [1, 2, 3, 4].map(async (name) => {
          const sentAt = await turns.turn(1e9);
          order.push(name);
          turns.answered(sentAt ?? 0, {});
        }),
      );
      expect(order).toEqual([1, 2, 3, 4]);
      expect(clock.now() - start).toBe(90_000);
    });
  });

  test("one that would come too late is given up, and those behind it have theirs", async () => {
    const { clock, turns } = given(1);
    await clock.run(async () => {
      turns.answered((await turns.turn(0)) ?? 0, {});
      const late = turns.turn(59_999);
      const behind = turns.turn(60_000);
      expect(await late).toBeUndefined();
      expect(await behind).toBe(start + 60_000);
    });
  });

  test("until the server has answered there is one at a time", async () => {
    const { clock, turns } = given();
    await clock.run(async () => {
      const first = await turns.turn(0);
      let second: number | undefined;
      const waiting = turns.turn(0).then((at) => {
        second = at;
      });
      await clock.hold(async () => undefined);
      expect(second).toBeUndefined();
      turns.answered(first ?? 0, { remaining: 10, resetInMs: 1_000 });
      await waiting;
      expect(second).toBe(start);
    });
  });

  test("one that is stopped ends at once, whether it waits for time or for an answer", async () => {
    const { clock, turns } = given();
    await clock.run(async () => {
      const first = await turns.turn(0);
      const listening = new AbortController();
      const heard = turns.turn(0, listening.signal);
      listening.abort(new Error("stop listening"));
      await expect(heard).rejects.toThrow("stop listening");
      turns.answered(first ?? 0, { retryAfterMs: 60_000 });
      const sleeping = new AbortController();
      const slept = turns.turn(1e9, sleeping.signal);
      sleeping.abort(new Error("stop sleeping"));
      await expect(slept).rejects.toThrow("stop sleeping");
      expect(clock.now()).toBe(start);
      expect(await turns.turn(1e9)).toBe(start + 60_000);
    });
  });
});
