import { describe, expect, it } from "vitest";
import { underLease } from "../../../../automation/guard/run/lease.ts";
import type { GuardStore, LockOutcome } from "../../../../automation/ports/guard-store.ts";

type Locks = Pick<GuardStore, "lock" | "renew" | "unlock">;

/** One lock, and a clock that moves when somebody sleeps. */
function place() {
  let time = 1_000;
  let holder: { name: string; fence: number; until: number } | undefined;
  let fences = 0;
  const renewals: number[] = [];
  const store: Locks = {
    async lock(_, name, now, leaseMs): Promise<LockOutcome> {
      if (holder !== undefined && holder.until > now && holder.name !== name)
        return { kind: "taken", holder: holder.name, until: holder.until };
      fences += 1;
      holder = { name, fence: fences, until: now + leaseMs };
      return { kind: "held", fence: fences };
    },
    async renew(_, fence, now, leaseMs) {
      if (holder?.fence !== fence) return false;
      renewals.push(now);
      holder = { ...holder, until: now + leaseMs };
      return true;
    },
    async unlock(_, fence) {
      if (holder?.fence === fence) holder = undefined;
    },
  };
  const sleepers: { at: number; wake: () => void }[] = [];
  const clock = {
    now: () => time,
    wall: () => time,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        sleepers.push({ at: time + ms, wake: resolve });
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
  };
  /** Time passes, in steps, with what wakes up in between carried out. */
  const pass = async (ms: number): Promise<void> => {
    const end = time + ms;
    for (;;) {
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
      const next = sleepers.toSorted((a, b) => a.at - b.at).find(({ at }) => at <= end);
      if (next === undefined) break;
      sleepers.splice(sleepers.indexOf(next), 1);
      time = next.at;
      next.wake();
    }
    time = end;
  };
  const options = { store, clock, name: "batch/wave-1", leaseMs: 30_000 };
  return { options, store, pass, renewals, holder: () => holder };
}

describe("the lease of a batch", () => {
  it("is renewed while the work goes on, and given back", async () => {
    const { options, pass, renewals, holder } = place();
    let finish = (): void => {};
    const work = underLease({ ...options, holder: "one" }, () => new Promise<void>((resolve) => (finish = resolve)));
    await pass(95_000);
    expect(renewals.length).toBe(9);
    finish();
    await work;
    expect(holder()).toBeUndefined();
  });

  it("given somebody has it, nothing is done and they are named", async () => {
    const { options } = place();
    await underLease({ ...options, holder: "one" }, async () => {
      await expect(underLease({ ...options, holder: "two" }, async () => "done")).rejects.toMatchObject({
        code: "guard-locked",
        message: expect.stringContaining("one"),
      });
    });
  });

  it("given it went to another, the work is told to stop and the other's is not given back", async () => {
    const { options, store, pass, holder } = place();
    let told: unknown;
    const work = underLease({ ...options, holder: "one" }, async (_, signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      told = signal.reason;
    });
    await pass(1);
    // The first was paused for longer than its lease.
    await store.lock("batch/wave-1", "two", 1_000_000, 30_000);
    await pass(11_000);
    await work;
    expect(told).toMatchObject({ code: "guard-locked" });
    expect(holder()).toMatchObject({ name: "two" });
  });
});
