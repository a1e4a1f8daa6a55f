import { describe, expect, it } from "vitest";
import { beginSwap } from "../../../automation/cli/swap-start.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import type { ProcessTable } from "../../../automation/ports/process-table.ts";
import { untraced } from "../../../automation/ports/tracer.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import { SwapStore } from "../../../automation/swap/store.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const settings = toSwapSettings(hotSwapConfig.parse({}), platformConfig.parse({}));
const intent = { from: "cloud-run", to: "gke", settings };

/** Processes over the same state; those of `dead` have ended. */
function processOf() {
  const state = createMemoryStateStore();
  const clock = createVirtualClock();
  const dead = new Set<number>();
  const store = (pid: number): SwapStore => {
    const processes: ProcessTable = {
      self: async () => ({ pid, startTime: "1", host: "here" }),
      isAlive: async (other) => !dead.has(other.pid),
    };
    return new SwapStore({ store: state, processes, clock, environment: "local" });
  };
  return {
    state,
    dead,
    begin: (pid: number, serving = "cloud-run") =>
      beginSwap(
        {
          name: "local",
          trace: untraced,
          store: store(pid),
          router: async () => ({
            read: async () => ({ weights: { [serving]: 100 }, fingerprint: "1", fence: 0 }),
            write: () => Promise.reject(new Error("a start writes no weights")),
          }),
        },
        intent,
        "kiro@1",
      ),
    store,
  };
}

describe("the beginning of a swap", () => {
  it("is won by one of many that begin at the same moment; the others are told, and leave no trace", async () => {
    const { begin, store } = processOf();
    const results = await Promise.allSettled([1, 2, 3, 4].map((pid) => begin(pid)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "swap-in-progress" });
    }
    expect(await store(9).ids()).toEqual(["1"]);
    expect((await store(9).latest())?.events.filter(({ kind }) => kind === "started")).toHaveLength(1);
  });

  it("takes over the claim of a process that died, but not its open swap", async () => {
    const { begin, dead, store } = processOf();
    await begin(1);
    dead.add(1);
    await expect(begin(2)).rejects.toMatchObject({
      code: "swap-interrupted",
      message: expect.stringContaining("Swap 1 "),
    });
    // Refused, it holds nothing.
    expect(await store(9).owner()).toBeUndefined();
  });

  it("is refused when the traffic went elsewhere since it was prepared", async () => {
    const { begin, store } = processOf();
    await expect(begin(1, "gke")).rejects.toMatchObject({ code: "weights-moved-elsewhere" });
    expect(await store(9).ids()).toEqual([]);
    expect(await store(9).owner()).toBeUndefined();
  });

  it("on a full disk begins nothing, and gives the claim up", async () => {
    const { begin, state, store } = processOf();
    const append = state.appendLog.bind(state);
    state.appendLog = async () => {
      throw new SwitchyardError("disk-full", { message: "no space" });
    };
    await expect(begin(1)).rejects.toMatchObject({ code: "disk-full" });
    expect(await store(9).owner()).toBeUndefined();
    state.appendLog = append;
    expect(await begin(2)).toMatchObject({ id: "1" });
  });
});
