import { describe, expect, it } from "vitest";
import { watchStore } from "../../../../automation/drill/guard/watched-store.ts";
import { simulateGuardStore } from "../../../../automation/guard/simulation/store.ts";
import type { GuardStore } from "../../../../automation/ports/guard-store.ts";

const value = (lines: number): string => JSON.stringify({ history: Array.from({ length: lines }, () => ({})) });
const write = (lines: number, expected: number, fence: number) => ({
  clusterId: "c-001",
  batchId: "wave-01",
  value: value(lines),
  expected,
  fence,
});

/** Accepts everything. */
const lax = (): GuardStore => ({
  ...simulateGuardStore(),
  write: async ({ expected }) => ({ kind: "written", version: expected + 1 }),
  lock: async () => ({ kind: "held", fence: 1 }),
  renew: async () => true,
});

describe("a store that is watched", () => {
  it("an honest one has no findings", async () => {
    const watched = watchStore(simulateGuardStore());
    const { store } = watched;
    expect(await store.lock("batch/a", "one", 0, 100)).toMatchObject({ kind: "held" });
    expect(await store.lock("batch/a", "two", 50, 100)).toMatchObject({ kind: "taken" });
    expect(await store.lock("batch/a", "two", 101, 100)).toMatchObject({ kind: "held" });
    expect(await store.write(write(0, 0, 2))).toMatchObject({ kind: "written" });
    expect(await store.write(write(1, 1, 1))).toEqual({ kind: "fenced" });
    expect(await store.write(write(1, 1, 2))).toMatchObject({ kind: "written" });
    expect(await store.write(write(2, 1, 2))).toEqual({ kind: "conflict" });
    await store.unlock("batch/a", 2);
    expect(await store.lock("batch/a", "one", 102, 100)).toMatchObject({ kind: "held" });
    expect([watched.locks, watched.writes, watched.lostStates, watched.doubleLocks]).toEqual([3, 2, [], []]);
  });

  it("a write that does not know of the one before, and one under an older fence, are found", async () => {
    const watched = watchStore(lax());
    for (const one of [write(1, 0, 5), write(1, 1, 5), write(2, 1, 4)]) await watched.store.write(one);
    expect(watched.lostStates).toEqual(["c-001 was written with 1 transitions after a write with 1"]);
    expect(watched.doubleLocks).toEqual(["c-001 was written under fence 4 after 5 had written"]);
  });

  it("a lock that two hold, and a renewal of one that is gone, are found", async () => {
    const { store, doubleLocks } = watchStore(lax());
    await store.lock("batch/a", "one", 0, 100);
    await store.lock("batch/a", "two", 50, 100);
    await store.renew("batch/a", 7, 60, 100);
    expect(doubleLocks).toEqual([
      "batch/a went to two while one had it",
      "batch/a was taken with fence 1 after 1",
      "batch/a was renewed under fence 7 while 1 had it",
    ]);
  });
});
