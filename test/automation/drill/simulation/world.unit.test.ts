import { describe, expect, it } from "vitest";
import { candidate, oldSide, SimulatedWorld } from "../../../../automation/drill/simulation/world.ts";

describe("the balancer's API", () => {
  it("takes its time to answer an engine, drawn anew for each call and the same for the same seed", async () => {
    const timesOf = async (seed: number): Promise<readonly number[]> => {
      const simulated = new SimulatedWorld({ seed });
      return simulated.clock.run(async () => {
        const times: number[] = [];
        for (let call = 0; call < 20; call += 1) {
          const beganAt = simulated.clock.now();
          await simulated.callApi(async () => undefined);
          times.push(simulated.clock.now() - beganAt);
        }
        return times;
      });
    };
    const times = await timesOf(1);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...times)).toBeLessThanOrEqual(300);
    expect(new Set(times).size).toBe(20);
    expect(await timesOf(1)).toEqual(times);
    expect(await timesOf(2)).not.toEqual(times);
  });

  it("takes a write when it arrives, not when it was sent or when its reply comes", async () => {
    const world = new SimulatedWorld({ apiMs: [200, 200] });
    await world.clock.run(async () => {
      const writer = world.processes.start("host");
      const { fingerprint } = await world.balancer.router.read();
      const written = world.write({ [oldSide]: 95, [candidate]: 5 }, fingerprint, 1, writer);
      await world.clock.sleep(99);
      expect(world.balancer.writes).toEqual([]);
      await world.clock.sleep(2);
      expect(world.balancer.writes).toHaveLength(1);
      // It was on its way: the death of the process does not call it back.
      writer.kill();
      void written;
    });
    expect(world.balancer.accepted()[candidate]).toBe(5);
  });
});

describe("what a swap is told of the balancer", () => {
  it("is how long its slowest worker takes, unless the settings say otherwise", () => {
    const propagation = { delayMs: 2_000, spreadMs: 3_000 };
    expect(new SimulatedWorld({ propagation }).settings.propagationMs).toBe(5_000);
    expect(new SimulatedWorld({ propagation, swap: { propagation: 1 } }).settings.propagationMs).toBe(1_000);
  });
});
