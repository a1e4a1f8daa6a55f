import { describe, expect, it } from "vitest";
import { simulateGuardStore } from "../../../../automation/guard/simulation/store.ts";
import { guardStoreContract } from "../../ports/guard-store.contract.ts";

guardStoreContract("memory", async () => {
  const store = simulateGuardStore();
  return { open: () => store };
});

const write = (clusterId: string, batchId: string, expected: number) => ({
  clusterId,
  batchId,
  value: `${expected + 1}`,
  expected,
  fence: 0,
});

describe("the simulated store", () => {
  it("counts calls, those that fail too", async () => {
    const store = simulateGuardStore();
    await store.cluster("a");
    await store.cluster("b");
    store.interfere(() => "fail");
    await expect(store.batch("wave-1")).rejects.toMatchObject({ code: "state-unreachable" });
    expect([store.calls("cluster"), store.calls("batch"), store.calls("write"), store.calls()]).toEqual([2, 1, 0, 3]);
  });

  it("does nothing of a call that fails, and all of one whose reply is lost", async () => {
    const store = simulateGuardStore();
    store.interfere((call) => (call === "write" ? "fail" : undefined));
    await expect(store.write(write("a", "wave-1", 0))).rejects.toMatchObject({ code: "state-unreachable" });
    expect(await store.cluster("a")).toBeUndefined();
    store.interfere((call) => (call === "write" ? "lose-reply" : undefined));
    await expect(store.write(write("a", "wave-1", 0))).rejects.toMatchObject({ code: "state-unreachable" });
    expect(await store.cluster("a")).toMatchObject({ version: 1 });
    store.interfere(undefined);
    expect(await store.write(write("a", "wave-1", 1))).toEqual({ kind: "written", version: 2 });
  });

  it("fails the call of a number", async () => {
    const store = simulateGuardStore();
    store.interfere((_call, number) => (number === 2 ? "fail" : undefined));
    await store.cluster("a");
    await expect(store.cluster("a")).rejects.toMatchObject({ code: "state-unreachable" });
    await store.cluster("a");
  });

  it("with an index that lags misses what is new, and shows nothing as it was", async () => {
    const store = simulateGuardStore();
    await store.write(write("a", "wave-1", 0));
    await store.write(write("b", "wave-1", 0));
    await store.write(write("c", "wave-1", 0));
    store.holdIndex();
    await store.write(write("a", "wave-1", 1));
    await store.write(write("b", "wave-2", 1));
    await store.remove("c", 1);
    await store.write(write("d", "wave-1", 0));
    expect(await store.batch("wave-1")).toEqual([
      { clusterId: "a", batchId: "wave-1", value: "2", version: 2, fence: 0 },
    ]);
    expect(await store.batch("wave-2")).toEqual([]);
    expect((await store.clusters()).map(({ clusterId }) => clusterId)).toEqual(["a", "b"]);
    store.releaseIndex();
    expect((await store.batch("wave-1")).map(({ clusterId }) => clusterId)).toEqual(["a", "d"]);
  });
});
