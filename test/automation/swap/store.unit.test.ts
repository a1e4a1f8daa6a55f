import { describe, expect, it } from "vitest";
import type { ProcessIdentity, ProcessTable } from "../../../automation/ports/process-table.ts";
import { SwapStore } from "../../../automation/swap/store.ts";
import { createMemoryFiles } from "../../support/memory-files.ts";

/** Processes of one machine; the first argument is who asks. */
function processes(pid: number, alive: ReadonlySet<number>): ProcessTable {
  return {
    self: async () => ({ pid, startTime: `start-${pid}`, host: "here" }),
    isAlive: async (other: ProcessIdentity) => alive.has(other.pid),
  };
}

function stores() {
  const files = createMemoryFiles();
  const alive = new Set([1, 2, 3]);
  const store = (pid: number) => new SwapStore(files, processes(pid, alive), "/root", "local");
  return { alive, store };
}

describe("the owner of an environment's swap", () => {
  it("is one: a second process is refused while the first lives, and told who it is", async () => {
    const { store } = stores();
    await store(1).claim("1");
    await expect(store(2).claim("1")).rejects.toMatchObject({ code: "swap-in-progress" });
    expect(await store(2).owner()).toMatchObject({ pid: 1, swap: "1" });
  });

  it("can give it up, and another can have it then", async () => {
    const { store } = stores();
    const release = await store(1).claim("1");
    await release();
    expect(await store(2).owner()).toBeUndefined();
    await store(2).claim("1");
    expect(await store(1).owner()).toMatchObject({ pid: 2 });
  });

  it("is replaced when it is dead, by exactly one of those that find it dead at the same moment", async () => {
    const { store, alive } = stores();
    await store(1).claim("1");
    alive.delete(1);
    const results = await Promise.allSettled([store(2).claim("1"), store(3).claim("1")]);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "swap-in-progress" } });
  });

  it("that gives up late does not take it from the one who has it now", async () => {
    const { store, alive } = stores();
    const release = await store(1).claim("1");
    alive.delete(1);
    await store(2).claim("1");
    await release();
    expect(await store(3).owner()).toMatchObject({ pid: 2 });
  });
});

describe("wishes", () => {
  it("are numbered in the order in which they were left, each read once", async () => {
    const { store } = stores();
    expect(await store(1).request("1", "pause", "ann")).toBe(1);
    expect(await store(2).request("1", "resume", "bob")).toBe(2);
    expect(await store(3).requests("1", 0)).toMatchObject([{ verb: "pause" }, { verb: "resume", by: "bob" }]);
    expect(await store(3).requests("1", 1)).toHaveLength(1);
  });
});
