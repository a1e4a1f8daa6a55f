import { describe, expect, it } from "vitest";
import type { ProcessIdentity } from "../../../automation/ports/process-table.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import { journalFormat } from "../../../automation/swap/state.ts";
import { SwapStore, swapPurpose } from "../../../automation/swap/store.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const settings = toSwapSettings(hotSwapConfig.parse({}), platformConfig.parse({}));

/** Processes of one machine over one store; the argument is who asks. */
function stores() {
  const state = createMemoryStateStore();
  const clock = createVirtualClock();
  const alive = new Set([1, 2, 3]);
  const of = (pid: number): SwapStore =>
    new SwapStore({
      store: state,
      clock,
      environment: "local",
      processes: {
        self: async () => ({ pid, startTime: `start-${pid}`, host: "here" }),
        isAlive: async (other: ProcessIdentity) => alive.has(other.pid),
      },
    });
  /** Writes the start of a swap, and what came after. */
  const begin = async (pid: number, id: string, end?: "completed"): Promise<void> => {
    const lease = await of(pid).claim(swapPurpose(id));
    const journal = await of(pid).journal(id, lease.token);
    const at = clock.now();
    await journal.append({
      kind: "started",
      format: journalFormat,
      at,
      id,
      mode: "swap",
      environment: "local",
      from: "cloud-run",
      to: "gke",
      image: "kiro@1",
      settings,
      by: "tester",
    });
    if (end !== undefined) {
      await journal.append({ kind: "ended", at, as: end, reason: "start-requested", evidence: {} });
      await lease.release();
    }
  };
  return { state, clock, alive, of, begin };
}

describe("who may write", () => {
  it("is one process: a second one is refused while the first lives, and told which swap it drives", async () => {
    const { of, begin } = stores();
    await begin(1, "1");
    await expect(of(2).claim(swapPurpose("1"))).rejects.toMatchObject({
      code: "swap-in-progress",
      message: expect.stringMatching(
        /swap of environment local is running \(id 1, cloud-run -> gke, deploying\).*process 1/i,
      ),
    });
    expect(await of(2).owner()).toMatchObject({ pid: 1, host: "here", purpose: "swap 1", since: expect.any(Number) });
  });

  it("is told apart from a swap when it is something else", async () => {
    const { of } = stores();
    await of(1).claim("up traffic.local");
    await expect(of(2).claim(swapPurpose("1"))).rejects.toMatchObject({
      code: "swap-in-progress",
      message: expect.stringContaining("up traffic.local"),
    });
  });

  it("can give it up, and another one has it then, with a higher token", async () => {
    const { of } = stores();
    const first = await of(1).claim("swap 1");
    await first.release();
    expect(await of(2).owner()).toBeUndefined();
    const second = await of(2).claim("swap 1");
    expect(second.token).toBeGreaterThan(first.token);
    expect(await of(1).owner()).toMatchObject({ pid: 2 });
  });

  it("is replaced when it is dead, by exactly one of those that find it dead at the same moment", async () => {
    const { of, alive } = stores();
    await of(1).claim("swap 1");
    alive.delete(1);
    const results = await Promise.allSettled([of(2).claim("swap 1"), of(3).claim("swap 1")]);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "swap-in-progress" } });
  });

  it("that gives it up late does not take it from the one who has it now", async () => {
    const { of, alive } = stores();
    const late = await of(1).claim("swap 1");
    alive.delete(1);
    await of(2).claim("swap 1");
    await late.release();
    expect(await of(3).owner()).toMatchObject({ pid: 2 });
  });
});

describe("wishes", () => {
  it("are numbered in the order in which they were left, each read once, with what belongs to them", async () => {
    const { of } = stores();
    expect(await of(1).request("1", "pause", "ann")).toBe(1);
    expect(await of(2).request("1", "extend-bake", "bob", 60_000)).toBe(2);
    expect(await of(3).requests("1", 0)).toEqual([
      { number: 1, verb: "pause", by: "ann" },
      { number: 2, verb: "extend-bake", by: "bob", amountMs: 60_000 },
    ]);
    expect(await of(3).requests("1", 1)).toHaveLength(1);
    expect(await of(3).requests("2", 0)).toEqual([]);
  });

  it("keep their order beyond ten, and none is lost when many are left at once", async () => {
    const { of } = stores();
    const numbers = await Promise.all(Array.from({ length: 12 }, () => of(1).request("1", "resume", "ann")));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    expect((await of(2).requests("1", 9)).map(({ number }) => number)).toEqual([10, 11, 12]);
  });

  it("that were changed by hand are refused by name", async () => {
    const { of, state } = stores();
    await of(1).request("1", "pause", "ann");
    state.values.set("swaps/1/requests/1", { value: '{"verb":"explode"}', version: 1 });
    await expect(of(1).requests("1", 0)).rejects.toMatchObject({
      code: "state-damaged",
      message: expect.stringContaining("swaps/1/requests/1"),
    });
  });
});

describe("the swaps of an environment", () => {
  it("are numbered from 1 and in order, also beyond ten; the newest one that has not ended is open", async () => {
    const { of, begin } = stores();
    expect(await of(1).nextId()).toBe("1");
    expect(await of(1).latest()).toBeUndefined();
    for (let id = 1; id <= 11; id += 1) await begin(1, String(id), "completed");
    expect(await of(1).ids()).toEqual(Array.from({ length: 11 }, (_, index) => String(index + 1)));
    expect(await of(1).open()).toBeUndefined();
    expect(await of(1).nextId()).toBe("12");
    await begin(1, "12");
    expect((await of(2).open())?.state.id).toBe("12");
    expect(await of(2).read("99")).toBeUndefined();
    expect(await of(2).read("../lease")).toBeUndefined();
  });

  it("are not taken up again when the end of the newest one's journal is gone, or all of it", async () => {
    const { of, begin, state } = stores();
    await begin(1, "1", "completed");
    expect(await of(1).open()).toBeUndefined();
    const lines = state.logs.get("swaps/1/journal") ?? [];
    for (const left of [lines.slice(0, -1), []]) {
      state.logs.set("swaps/1/journal", left);
      for (const call of [() => of(1).open(), () => of(1).latest(), () => of(1).journal("1", 9)])
        await expect(call()).rejects.toMatchObject({
          code: "journal-corrupt",
          message: expect.stringContaining(`is damaged at line ${left.length + 1}: it`),
          next: expect.arrayContaining([expect.stringContaining("npx switchyard state set-aside 1 --env local")]),
        });
    }
    state.logs.delete("swaps/1/journal");
    await expect(of(1).latest()).rejects.toMatchObject({ code: "journal-corrupt", data: { line: 1 } });
    await of(2).setAside("1", "ann");
    expect(await of(2).latest()).toBeUndefined();
  });

  it("go on without one that was set aside; its number is not used again and its journal stays", async () => {
    const { of, begin, state } = stores();
    await begin(1, "1");
    await of(2).setAside("1", "ann");
    await of(2).setAside("1", "bob");
    expect(await of(2).open()).toBeUndefined();
    expect(await of(2).ids()).toEqual([]);
    expect(await of(2).nextId()).toBe("2");
    expect(state.logs.get("swaps/1/journal")).toHaveLength(1);
    await expect(of(2).setAside("7", "ann")).rejects.toMatchObject({ code: "no-swap" });
  });
});

describe("the format of the store", () => {
  it("is marked with the first claim", async () => {
    const { of, state } = stores();
    await of(1).ids();
    expect(state.values.get("format")).toBeUndefined();
    await of(1).claim("swap 1");
    expect(state.values.get("format")?.value).toBe("2");
  });

  it("without a mark, but with swaps, is the first one: refused with the command that brings it up to date", async () => {
    const { of, state } = stores();
    state.logs.set("swaps/1/journal", ["{}"]);
    const refused = {
      code: "state-format",
      next: ["To bring it up to date:   npx switchyard state migrate --env local"],
    };
    for (const call of [
      () => of(1).ids(),
      () => of(1).latest(),
      () => of(1).open(),
      () => of(1).owner(),
      () => of(1).claim("swap 2"),
      () => of(1).request("1", "pause", "ann"),
      () => of(1).journal("1", 1),
    ])
      await expect(call()).rejects.toMatchObject(refused);
    expect(state.values.size).toBe(0);
  });

  it.each(["", "two", "2.5", "-1", "02", "Infinity", '{"format":2}'])(
    "that is %j is damaged, not of an older version that could be migrated",
    async (value) => {
      const { of, state } = stores();
      state.values.set("format", { value, version: 1 });
      for (const call of [() => of(1).claim("swap 1"), () => of(1).latest()])
        await expect(call()).rejects.toMatchObject({
          code: "state-damaged",
          message: expect.stringContaining(
            `The value format of memory, environment local, is ${JSON.stringify(value)}`,
          ),
        });
      expect([...state.values.keys()]).toEqual(["format"]);
    },
  );

  it("of a newer version is refused, with what to do, and nothing is changed", async () => {
    const { of, state } = stores();
    state.values.set("format", { value: "3", version: 1 });
    await expect(of(1).claim("swap 1")).rejects.toMatchObject({
      code: "state-format",
      message: expect.stringContaining("a newer version of Switchyard (format 3; this one reads 2)"),
      next: [expect.stringContaining("Update Switchyard")],
    });
    expect([...state.values.keys()]).toEqual(["format"]);
  });
});
