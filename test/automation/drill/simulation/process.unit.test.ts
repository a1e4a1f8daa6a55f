import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../../../automation/drill/simulation/clock.ts";
import { SimulatedProcesses } from "../../../../automation/drill/simulation/process.ts";

function given() {
  const clock = createVirtualClock(1_000_000, 1);
  const processes = new SimulatedProcesses(clock);
  return { clock, processes, process: processes.start("here") };
}

describe("a simulated process", () => {
  it("that is killed in a call never runs on, not even into its finally", async () => {
    const { clock, process } = given();
    const ran: string[] = [];
    void (async () => {
      try {
        await process.clock.sleep(1_000);
        ran.push("after");
      } finally {
        ran.push("finally");
      }
    })();
    await clock.advance(500);
    process.kill();
    await clock.advance(10_000);
    await process.killed;
    expect(ran).toEqual([]);
  });

  it("that stands still gets its answer when it wakes, while the world went on", async () => {
    const { clock, process } = given();
    let done = false;
    let woke: number | undefined;
    void process
      .through(async () => {
        await clock.sleep(100);
        done = true;
      })
      .then(() => {
        woke = process.clock.now();
      });
    process.stop();
    await clock.advance(0);
    // Called before it stood still: the request is on its way only when it wakes.
    expect(done).toBe(false);
    process.continue();
    await clock.advance(50);
    process.stop();
    await clock.advance(5_000);
    expect(done).toBe(true);
    expect(woke).toBeUndefined();
    process.continue();
    await clock.advance(0);
    expect(woke).toBe(1_005_050);
  });

  it("keeps its own time when somebody sets the clock; the next one starts from the new time", () => {
    const { clock, processes, process } = given();
    clock.setWall(-3_600_000);
    expect(process.clock.now()).toBe(1_000_000);
    expect(process.clock.wall()).toBe(1_000_000 - 3_600_000);
    expect(processes.start("here").clock.now()).toBe(1_000_000 - 3_600_000);
  });

  it("is seen to be dead on its own machine only", async () => {
    const { processes, process } = given();
    const [neighbour, stranger] = [processes.start("here"), processes.start("elsewhere")];
    const alive = (viewer: typeof neighbour) => processes.tableOf(viewer).isAlive(process.identity);
    expect([await alive(neighbour), await alive(stranger)]).toEqual([true, "unknown"]);
    process.kill();
    expect([await alive(neighbour), await alive(stranger)]).toEqual([false, "unknown"]);
  });
});

describe("a virtual clock", () => {
  it("stands still while real work is under way", async () => {
    const { clock } = given();
    const order: string[] = [];
    await clock.run(async () => {
      const slept = clock.sleep(1).then(() => order.push("slept"));
      await clock.hold(() => new Promise((resolve) => setTimeout(resolve, 20)));
      order.push("worked");
      await slept;
    });
    expect(order).toEqual(["worked", "slept"]);
  });
});
