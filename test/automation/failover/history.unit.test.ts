import { describe, expect, test } from "vitest";
import { beginSwap, startEngine, swapsOf } from "../../../automation/drill/simulation/engine.ts";
import { candidate, newImage, oldSide, SimulatedWorld } from "../../../automation/drill/simulation/world.ts";
import { interruptedFailover, recentFailovers } from "../../../automation/failover/history.ts";
import type { Mode } from "../../../automation/swap/state.ts";
import { swapPurpose } from "../../../automation/swap/store.ts";

const forever = new AbortController().signal;
const minute = 60_000;

/** A process on a host that begins swaps there, and looks from there. */
function processOn(world: SimulatedWorld, host: string) {
  const process = world.processes.start(host);
  const swaps = swapsOf(world, process);
  const waited: string[] = [];
  return {
    process,
    swaps,
    waited,
    async begins(mode: Mode) {
      const id = await swaps.nextId();
      const lease = await swaps.claim(swapPurpose(id));
      const { settings } = world;
      const intent = { mode, from: oldSide, to: candidate, image: newImage, settings };
      const journal = await beginSwap(world, swaps, id, lease.token, intent);
      return { id, lease, journal };
    },
    looks: () => interruptedFailover(swaps, process.clock, forever, (id) => waited.push(id)),
  };
}

describe("a failover that was begun and has not ended", () => {
  test("is found at once where its process died on this machine", async () => {
    const world = new SimulatedWorld({ mode: "failover" });
    await world.clock.run(async () => {
      const first = processOn(world, "host-1");
      await first.begins("failover");
      first.process.kill();
      const second = processOn(world, "host-1");
      const begun = world.clock.now();
      expect((await second.looks())?.id).toBe("1");
      expect(world.clock.now()).toBe(begun);
      expect(second.waited).toEqual([]);
    });
  });

  test("is found when the lease is over where its process died on another machine, and its claim does not wait again", async () => {
    const world = new SimulatedWorld({ mode: "failover" });
    await world.clock.run(async () => {
      const first = processOn(world, "host-1");
      await first.begins("failover");
      first.process.kill();
      const second = processOn(world, "host-2");
      const begun = world.clock.now();
      const found = await second.looks();
      expect(found?.id).toBe("1");
      expect(world.clock.now() - begun).toBe(15_000);
      expect(second.waited).toEqual(["1"]);
      if (found !== undefined) await second.swaps.claim(swapPurpose(found.id), { watch: found.watch });
      expect(world.clock.now() - begun).toBe(15_000);
    });
  });

  test("is waited for while its process lives, and is nobody's to finish when it has ended", async () => {
    const world = new SimulatedWorld({ mode: "failover" });
    await world.clock.run(async () => {
      const engine = startEngine(world, { host: "host-1" });
      await world.clock.sleep(1);
      const second = processOn(world, "host-2");
      expect(await second.looks()).toBeUndefined();
      expect(second.waited).toEqual(["1"]);
      expect(await engine.ended).toMatchObject({ kind: "rested", state: { end: { as: "completed" } } });
    });
  });

  test("is left to the person that it waits for", async () => {
    const world = new SimulatedWorld({ mode: "failover" });
    await world.clock.run(async () => {
      const first = processOn(world, "host-1");
      const { journal } = await first.begins("failover");
      await journal.append({ kind: "paused", at: world.clock.now(), reason: "weights-moved-elsewhere", evidence: {} });
      first.process.kill();
      expect(await processOn(world, "host-1").looks()).toBeUndefined();
    });
  });

  test("is none where nothing is open, or a swap is", async () => {
    const world = new SimulatedWorld();
    await world.clock.run(async () => {
      const first = processOn(world, "host-1");
      expect(await first.looks()).toBeUndefined();
      await first.begins("swap");
      first.process.kill();
      expect(await processOn(world, "host-1").looks()).toBeUndefined();
    });
  });
});

test("failovers of the last day are remembered, newest first, and swaps are not", async () => {
  const world = new SimulatedWorld({ mode: "failover" });
  await world.clock.run(async () => {
    const { swaps, begins } = processOn(world, "host-1");
    const at: number[] = [];
    for (const mode of ["failover", "failover", "swap", "failover"] as const) {
      at.push(world.clock.now());
      const { lease } = await begins(mode);
      await lease.release();
      await world.clock.sleep(11 * 60 * minute);
    }
    const wall = world.clock.wall();
    expect(await recentFailovers(swaps, wall)).toEqual([at[3]]);
    expect(await recentFailovers(swaps, wall - 11 * 60 * minute)).toEqual([at[3], at[1]]);
  });
});
