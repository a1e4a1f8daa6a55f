import { afterEach, describe, expect, it } from "vitest";
import { SwitchyardError } from "../../../automation/errors.ts";
import type { ProcessIdentity, ProcessTable } from "../../../automation/ports/process-table.ts";
import type { StateStore } from "../../../automation/ports/state-store.ts";
import { acquireLease, type Lease, type LeaseOptions, LeaseWatch } from "../../../automation/swap/lease.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const held: Lease[] = [];
afterEach(async () => {
  // A lease that is not given back would renew itself for ever.
  await Promise.all(held.splice(0).map((lease) => lease.release()));
});

/** Processes over one store; each may have a clock of its own that runs on while another one's stands still. */
function world() {
  const store = createMemoryStateStore();
  const clock = createVirtualClock();
  const dead = new Set<number>();
  /** Hosts other than "here" cannot be looked at. */
  const processesOf = (pid: number, host: string): ProcessTable => ({
    self: async () => ({ pid, startTime: `start-${pid}`, host }),
    isAlive: async (other: ProcessIdentity) => (other.host === host ? !dead.has(other.pid) : "unknown"),
  });
  return {
    store,
    clock,
    dead,
    async acquire(
      pid: number,
      options: Partial<LeaseOptions> & { readonly host?: string; readonly over?: StateStore } = {},
    ) {
      const { host = "here", over = store, ...rest } = options;
      const lease = await acquireLease(over, {
        key: "lease",
        purpose: `work of ${pid}`,
        clock,
        processes: processesOf(pid, host),
        ttlMs: 15_000,
        ...rest,
      });
      held.push(lease);
      return lease;
    },
    watch: (pid: number, host = "here") =>
      new LeaseWatch(store, { key: "lease", clock, processes: processesOf(pid, host) }),
  };
}

const inProgress = { code: "swap-in-progress" };
const lost = expect.objectContaining({ code: "lease-lost" });

describe("a lease", () => {
  it("is held by one process, and the others are told by whom and for what", async () => {
    const { acquire } = world();
    await acquire(1, { purpose: "swap 3" });
    await expect(acquire(2, { scope: "environment local" })).rejects.toMatchObject({
      ...inProgress,
      message: expect.stringMatching(/environment local.*swap 3.*process 1 on here/),
      data: { holder: expect.objectContaining({ pid: 1, purpose: "swap 3", token: 1 }) },
    });
  });

  it("is renewed as long as it is held, however long that is", async () => {
    const { acquire, clock, watch } = world();
    const lease = await acquire(1);
    const other = watch(2);
    for (let minute = 0; minute < 60; minute += 1) {
      await clock.advance(60_000);
      lease.assertHeld();
      expect((await other.look()).kind).toBe("held");
    }
    expect(lease.lost.aborted).toBe(false);
  });

  it("can be had at once when it was given back; its token rises with every acquisition, for ever", async () => {
    const { acquire, clock } = world();
    const tokens: number[] = [];
    for (let pid = 1; pid <= 5; pid += 1) {
      const lease = await acquire(pid);
      tokens.push(lease.token);
      await clock.advance(20_000);
      await lease.release();
    }
    expect(tokens).toEqual([1, 2, 3, 4, 5]);
  });

  it("is not given back twice, nor by one who lost it", async () => {
    const { acquire, dead, store } = world();
    const first = await acquire(1);
    dead.add(1);
    const second = await acquire(2);
    await first.release();
    await first.release();
    second.assertHeld();
    await expect(acquire(3)).rejects.toMatchObject(inProgress);
    expect(store.values.get("lease")?.value).toContain('"pid":2');
  });

  it("that was given back is used no more", async () => {
    const { acquire } = world();
    const lease = await acquire(1);
    await lease.release();
    expect(() => lease.assertHeld()).toThrow(expect.objectContaining({ code: "internal-error" }));
  });

  it("goes to one of many that want it at the same moment", async () => {
    const { acquire } = world();
    const results = await Promise.allSettled([1, 2, 3, 4, 5].map((pid) => acquire(pid)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) if (result.status === "rejected") expect(result.reason).toMatchObject(inProgress);
  });
});

describe("a holder that is dead", () => {
  it("on this machine is replaced at once, by exactly one", async () => {
    const { acquire, dead } = world();
    await acquire(1);
    dead.add(1);
    const results = await Promise.allSettled([2, 3, 4].map((pid) => acquire(pid)));
    const winners = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(winners.map(({ token }) => token)).toEqual([2]);
  });

  it("on another machine is replaced when it was silent for the whole time, and not a moment before", async () => {
    const { acquire, clock, store } = world();
    // Written once and never renewed: the process died.
    const crashed = await acquire(1, { host: "there" });
    const { value, version } = store.values.get("lease") ?? { value: "", version: 0 };
    await crashed.release();
    store.values.set("lease", { value, version });

    await expect(acquire(2)).rejects.toMatchObject(inProgress);
    const waiting = acquire(2, { waitMs: 60_000 });
    let got: Lease | undefined;
    void waiting.then((lease) => {
      got = lease;
    });
    await clock.advance(14_999);
    expect(got).toBeUndefined();
    await clock.advance(1_001);
    expect(got?.token).toBe(2);
  });

  it("is not taken for dead while it renews, however long somebody waits", async () => {
    const { acquire, clock } = world();
    const lease = await acquire(1, { host: "there" });
    const waiting = acquire(2, { waitMs: 120_000 });
    waiting.catch(() => undefined);
    await clock.advance(121_000);
    await expect(waiting).rejects.toMatchObject(inProgress);
    lease.assertHeld();
  });

  it("can be waited for with Ctrl-C at hand", async () => {
    const { acquire, clock } = world();
    await acquire(1, { host: "there" });
    const stop = new AbortController();
    const waiting = acquire(2, { waitMs: 60_000, signal: stop.signal });
    waiting.catch(() => undefined);
    await clock.advance(3_000);
    stop.abort(new Error("Ctrl-C"));
    await expect(waiting).rejects.toThrow("Ctrl-C");
  });

  it("is replaced by one who only followed it, without waiting again", async () => {
    const { acquire, clock, store, watch } = world();
    const crashed = await acquire(1, { host: "there" });
    const record = store.values.get("lease");
    await crashed.release();
    if (record !== undefined) store.values.set("lease", record);
    const follower = watch(2);
    for (let second = 0; second < 15; second += 1) {
      expect((await follower.look()).kind, `after ${second} s`).toBe("held");
      await clock.advance(1_000);
    }
    expect((await follower.look()).kind).toBe("free");
    expect((await acquire(2, { watch: follower })).token).toBe(2);
  });
});

describe("a process that stood still", () => {
  /** A clock that can be stopped with its process, as by SIGSTOP: nothing of it wakes, but its time goes on. */
  function stoppable() {
    const parts = world();
    const own = createVirtualClock();
    return { ...parts, own };
  }

  it("knows by its own clock that its lease is over when it wakes, before anybody told it", async () => {
    const { acquire, store, own } = stoppable();
    const lease = await acquire(1, { clock: own });
    await own.advance(4_000);
    lease.assertHeld();
    // The store hangs from now on: no renewal comes back.
    const write = store.write.bind(store);
    store.write = () => new Promise(() => undefined);
    await own.advance(10_999);
    lease.assertHeld();
    await own.advance(1);
    expect(() => lease.assertHeld()).toThrow(lost);
    expect(lease.lost.aborted).toBe(true);
    expect(lease.lost.reason).toMatchObject({ code: "lease-lost" });
    store.write = write;
  });

  it("is refused at the first thing it does, before its own renewal has had its turn", async () => {
    const { acquire, own } = stoppable();
    let ahead = 0;
    const lease = await acquire(1, { clock: { ...own, now: () => own.now() + ahead } });
    ahead = 14_999;
    lease.assertHeld();
    // No timer has run since: as after SIGCONT.
    ahead = 15_000;
    expect(() => lease.assertHeld()).toThrow(lost);
    ahead = 0;
    expect(() => lease.assertHeld()).toThrow(lost);
  });

  it("counts from before it asked for its renewal, not from when the reply came", async () => {
    const { acquire, store, own } = stoppable();
    const lease = await acquire(1, { clock: own });
    const write = store.write.bind(store);
    // Asked after 5 s, renewed then, told after 11 s; from then on the store is gone.
    store.write = async (...call) => {
      const version = await write(...call);
      await own.sleep(6_000);
      return version;
    };
    await own.advance(11_000);
    store.fail("state-unreachable");
    await own.advance(8_999);
    lease.assertHeld();
    await own.advance(1);
    expect(() => lease.assertHeld()).toThrow(lost);
    store.fail(undefined);
    store.write = write;
  });

  it("and cannot reach the store to give its lease back does not wait for ever", async () => {
    const { acquire, clock, store } = world();
    const lease = await acquire(1);
    const write = store.write.bind(store);
    store.write = () => new Promise(() => undefined);
    const released = lease.release();
    await clock.advance(15_000);
    await released;
    store.write = write;
  });

  it("has lost its lease to another one, which never held it at the same time", async () => {
    const { acquire, clock, own, dead } = stoppable();
    dead.clear();
    // Alive all the time: only its silence counts.
    const stopped = await acquire(1, { clock: own });
    const waiting = acquire(2, { waitMs: 60_000 });
    let got: Lease | undefined;
    void waiting.then((lease) => {
      got = lease;
    });
    await clock.advance(16_000);
    expect(got?.token).toBe(2);
    // It wakes: its clock shows the time that passed, and its first renewal finds the other one.
    await own.advance(16_000);
    expect(() => stopped.assertHeld()).toThrow(lost);
    got?.assertHeld();
    await stopped.release();
    got?.assertHeld();
  });

  it("that has lost it finds out at its next renewal, though its own time is not over", async () => {
    const { acquire, store, own } = stoppable();
    const lease = await acquire(1, { clock: own });
    const { version } = store.values.get("lease") ?? { version: 0 };
    store.values.set("lease", { value: JSON.stringify({ token: 2, somebody: "else" }), version: version + 1 });
    await own.advance(5_000);
    expect(lease.lost.aborted).toBe(true);
    expect(() => lease.assertHeld()).toThrow(lost);
  });
});

describe("a store that cannot be reached", () => {
  it("costs no lease when it comes back in time", async () => {
    const { acquire, clock, store } = world();
    const lease = await acquire(1);
    await clock.advance(6_000);
    store.fail("state-unreachable");
    await clock.advance(12_000);
    lease.assertHeld();
    store.fail(undefined);
    await clock.advance(60_000);
    lease.assertHeld();
    expect(lease.lost.aborted).toBe(false);
  });

  it("costs the lease when its time is over", async () => {
    const { acquire, clock, store } = world();
    const lease = await acquire(1);
    store.fail("state-unreachable");
    await clock.advance(14_999);
    expect(lease.lost.aborted).toBe(false);
    await clock.advance(1);
    expect(lease.lost.aborted).toBe(true);
    // Giving back what cannot be reached is no error: it runs out by itself.
    await lease.release();
  });

  it("costs no lease when only the reply to a renewal was lost", async () => {
    const { acquire, clock, store } = world();
    const lease = await acquire(1);
    const write = store.write.bind(store);
    let repliesLost = 0;
    store.write = async (...call) => {
      await write(...call);
      repliesLost += 1;
      throw new SwitchyardError("state-unreachable", { message: "the reply was lost" });
    };
    await clock.advance(6_000);
    store.write = write;
    await clock.advance(60_000);
    expect(repliesLost).toBeGreaterThan(0);
    lease.assertHeld();
    await lease.release();
    expect((await acquire(2)).token).toBe(2);
  });

  it("that hangs in the middle of a renewal delays neither the end of the lease nor giving it back", async () => {
    const { acquire, clock, store } = world();
    const lease = await acquire(1);
    const write = store.write.bind(store);
    store.write = () => new Promise(() => undefined);
    await clock.advance(6_000);
    store.write = write;
    await lease.release();
    expect((await acquire(2)).token).toBe(2);
  });
});

describe("a lease that was changed by hand", () => {
  it("is refused, and stays as it is", async () => {
    const { acquire, store } = world();
    for (const value of ["", "{}", "null", '{"token":0}', "[1"]) {
      store.values.set("lease", { value, version: 7 });
      await expect(acquire(1), value).rejects.toMatchObject({
        code: "state-damaged",
        message: expect.stringContaining("lease (version 7) of memory"),
      });
      expect(store.values.get("lease")).toEqual({ value, version: 7 });
    }
  });
});
