import { describe, expect, it } from "vitest";
import {
  createSimulatedBalancer,
  type SimulatedBalancerOptions,
} from "../../../../automation/drill/simulation/balancer.ts";
import { createVirtualClock } from "../../../../automation/drill/simulation/clock.ts";

function given(options: Partial<SimulatedBalancerOptions> = {}) {
  const clock = createVirtualClock(undefined, 1);
  const balancer = createSimulatedBalancer({
    clock,
    weights: { old: 50, fresh: 50 },
    requestsPerSecond: 100,
    ...options,
  });
  return { clock, balancer };
}

describe("the data plane", () => {
  it("follows worker by worker, some old and some new, and in the end all", async () => {
    const { clock, balancer } = given({ workers: 8 });
    balancer.setPropagation({ delayMs: 1_000, spreadMs: 10_000 });
    const { fingerprint } = await balancer.router.read();
    await balancer.router.write({ old: 0, fresh: 100 }, fingerprint, 1);
    await clock.advance(6_000);
    const shares = new Set(balancer.workers().map((weights) => weights["fresh"]));
    expect(shares).toEqual(new Set([50, 100]));
    expect(balancer.applied()["fresh"]).toBeGreaterThan(50);
    expect(balancer.applied()["fresh"]).toBeLessThan(100);
    await clock.advance(6_000);
    expect(balancer.workers()).toEqual(Array.from({ length: 8 }, () => ({ old: 0, fresh: 100 })));
  });

  it("never goes back to an older weight where a worker gets two changes out of order", async () => {
    const { clock, balancer } = given({ workers: 8 });
    balancer.setPropagation({ spreadMs: 10_000 });
    for (const fresh of [60, 70]) {
      const { fingerprint } = await balancer.router.read();
      await balancer.router.write({ old: 100 - fresh, fresh }, fingerprint, 1);
      await clock.advance(100);
    }
    const seen = Array.from({ length: 8 }, (): number[] => []);
    for (let step = 0; step < 120; step += 1) {
      await clock.advance(100);
      for (const [worker, weights] of balancer.workers().entries()) seen[worker]?.push(weights["fresh"] ?? 0);
    }
    for (const shares of seen) {
      expect(shares).toEqual(shares.toSorted((a, b) => a - b));
      expect(shares.at(-1)).toBe(70);
    }
    // Some were given the second change first.
    expect(seen.some((shares) => !shares.includes(60))).toBe(true);
  });

  it("out of order takes a change, falls back to the one before, and takes it for good, at thirds of its delay", async () => {
    const { clock, balancer } = given({ workers: 2, propagation: { delayMs: 3_000, relapse: true } });
    const { fingerprint } = await balancer.router.read();
    await balancer.router.write({ fresh: 100 }, fingerprint, 1);
    const shares: (number | undefined)[] = [];
    for (let step = 0; step < 4; step += 1) {
      await clock.advance(step === 0 ? 500 : 1_000);
      shares.push(balancer.applied()["old"]);
    }
    expect(shares).toEqual([50, undefined, 50, undefined]);
    expect(balancer.coming()).toEqual([]);
  });

  it("says what a worker is still going to show, the weights before among it", async () => {
    const { clock, balancer } = given({ workers: 1, propagation: { delayMs: 3_000, relapse: true } });
    const { fingerprint } = await balancer.router.read();
    await balancer.router.write({ fresh: 100 }, fingerprint, 1);
    await clock.advance(1_500);
    expect(balancer.workers()).toEqual([{ fresh: 100 }]);
    expect(balancer.coming()).toEqual([{ old: 50, fresh: 50 }, { fresh: 100 }]);
    // A younger change for good ends what the older one was still going to show.
    balancer.setPropagation({ delayMs: 0 });
    balancer.interfere({ old: 100 });
    expect(balancer.coming()).toEqual([]);
    await clock.advance(10_000);
    expect(balancer.workers()).toEqual([{ old: 100 }]);
  });

  it("that does not follow says nothing of it, and follows when it can again", async () => {
    const { clock, balancer } = given();
    balancer.setPropagation({ follows: false });
    const { fingerprint } = await balancer.router.read();
    const written = await balancer.router.write({ old: 0, fresh: 100 }, fingerprint, 1);
    await clock.advance(3_600_000);
    expect(written.weights).toEqual({ old: 0, fresh: 100 });
    expect(balancer.applied()).toEqual({ old: 50, fresh: 50 });
    balancer.setPropagation({ follows: true });
    expect(balancer.applied()).toEqual({ old: 0, fresh: 100 });
  });
});

describe("a failure is counted as", () => {
  it("the swap's where a side without an instance was given requests, or lost those in flight", async () => {
    const { clock, balancer } = given();
    balancer.setSide("fresh", { longReplies: { share: 1, durationMs: 10_000 } });
    await clock.advance(1_000);
    balancer.setServing("fresh", false);
    const broken = balancer.totals("fresh").failed.swap;
    expect(broken).toBeGreaterThan(30);
    await clock.advance(1_000);
    expect(balancer.totals("fresh").failed.swap).toBeGreaterThan(broken);
    expect(balancer.totals().failed).toMatchObject({ fault: 0, background: 0 });
  });

  it("the fault's where it was declared, and as usual where both sides have it", async () => {
    const { clock, balancer } = given({ backgroundErrors: 0.1 });
    balancer.setSide("fresh", { gatewayErrors: 0.5 });
    await clock.advance(10_000);
    const [old, fresh] = [balancer.totals("old"), balancer.totals("fresh")];
    expect(old.failed).toMatchObject({ fault: 0, swap: 0 });
    expect(old.failed.background).toBeGreaterThan(20);
    expect(fresh.failed.fault).toBeGreaterThan(200);
    expect(fresh.failed.swap).toBe(0);
  });
});

describe("a side whose", () => {
  const failedOf = async (limit: Parameters<ReturnType<typeof given>["balancer"]["setSide"]>[1]["limit"]) => {
    const { clock, balancer } = given({ weights: { fresh: 100 }, platforms: ["fresh"] });
    balancer.setSide("fresh", { limit });
    await clock.advance(20_000);
    return balancer.totals("fresh");
  };

  it("memory is used up fails in spells and comes back", async () => {
    const { requests, failed } = await failedOf({ kind: "memory", requests: 100, restartMs: 1_000 });
    expect(failed.fault).toBeGreaterThan(requests / 4);
    expect(failed.fault).toBeLessThan(requests);
  });

  it("CPU is used up becomes slow and then refuses", async () => {
    const { failed, slowed, requests } = await failedOf({ kind: "cpu", perSecond: 20 });
    expect(slowed).toBeGreaterThan(100);
    expect(failed.fault).toBeGreaterThan(requests / 4);
  });

  it("descriptors are used up never comes back", async () => {
    const { requests, failed } = await failedOf({ kind: "descriptors", requests: 100 });
    expect(failed.fault).toBe(requests - 100);
  });

  it("quota is used up refuses what is above it", async () => {
    const { requests, failed } = await failedOf({ kind: "quota", perSecond: 20 });
    expect(requests - failed.fault).toBeGreaterThanOrEqual(20 * 19);
    expect(requests - failed.fault).toBeLessThanOrEqual(20 * 21);
  });
});

describe("the API", () => {
  it("takes a write whose reply is lost, and none that it refuses or answers too late", async () => {
    const { clock, balancer } = given();
    const write = async (fresh: number): Promise<unknown> => {
      const { fingerprint } = await balancer.router.read();
      return balancer.router.write({ old: 100 - fresh, fresh }, fingerprint, 1).catch((error: unknown) => error);
    };
    const cases = [
      ["refused", "traffic-unreachable", 50],
      ["throttled", "traffic-unreachable", 50],
      ["timeout", "traffic-unreachable", 50],
      ["conflict", "fingerprint-conflict", 50],
      ["lost-reply", "traffic-unreachable", 60],
    ] as const;
    for (const [how, code, accepted] of cases) {
      balancer.failNext("write", how);
      expect(await clock.run(() => write(60)), how).toMatchObject({ code });
      expect(balancer.accepted()["fresh"], how).toBe(accepted);
    }
  });

  it("tells 429 and 503 apart in its words", async () => {
    const { balancer } = given();
    balancer.failNext("read", "throttled");
    await expect(balancer.router.read()).rejects.toMatchObject({ message: expect.stringContaining("429") });
    balancer.failNext("read", "refused");
    await expect(balancer.router.read()).rejects.toMatchObject({ message: expect.stringContaining("503") });
  });

  it("is out of reach with everything else of the balancer", async () => {
    const { balancer } = given();
    balancer.setReachable(false);
    await expect(balancer.router.read()).rejects.toMatchObject({ code: "traffic-unreachable" });
    await expect(balancer.feed.read(undefined, 0)).rejects.toMatchObject({ code: "feed-unreachable" });
    await expect(balancer.prober.sample(1)).rejects.toMatchObject({ code: "traffic-unreachable" });
    await expect(balancer.sideLoad.inFlight("old")).rejects.toMatchObject({ code: "feed-unreachable" });
  });
});

describe("traffic", () => {
  it("comes in bursts, once a minute, or not at all", async () => {
    const { clock, balancer } = given({ requestsPerSecond: 0 });
    await clock.advance(60_000);
    expect(balancer.totals().requests).toBe(0);
    balancer.setArrivals({ perSecond: 1 / 60 });
    await clock.advance(10 * 60_000 + 100);
    expect(balancer.totals().requests).toBe(10);
    balancer.setArrivals({ perSecond: 100, bursts: { everyMs: 10_000, lengthMs: 1_000 } });
    await clock.advance(60_000);
    expect(balancer.totals().requests - 10).toBeGreaterThan(550);
    expect(balancer.totals().requests - 10).toBeLessThan(700);
  });
});
