import { describe, expect, it } from "vitest";
import { holdingLease } from "../../../automation/cli/environment-lease.ts";
import { setWeights } from "../../../automation/cli/set-weights.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import type { TrafficRouter, Weights } from "../../../automation/ports/traffic-router.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import { journalFormat } from "../../../automation/swap/state.ts";
import { SwapStore, swapPurpose } from "../../../automation/swap/store.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

function world(fence = 0) {
  const state = createMemoryStateStore();
  const clock = createVirtualClock();
  const dead = new Set<number>();
  const environment = (pid: number) => ({
    name: "local",
    store: new SwapStore({
      store: state,
      clock,
      environment: "local",
      floor: async () => fence,
      processes: {
        self: async () => ({ pid, startTime: "1", host: "here" }),
        isAlive: async (other) => !dead.has(other.pid),
      },
    }),
  });
  /** A process that drives a swap, and holds its lease. */
  const driveSwap = async (pid: number) => {
    const { store } = environment(pid);
    const lease = await store.claim(swapPurpose("1"));
    const journal = await store.journal("1", lease.token);
    await journal.append({
      kind: "started",
      format: journalFormat,
      at: 1,
      id: "1",
      mode: "swap",
      environment: "local",
      from: "cloud-run",
      to: "gke",
      image: "kiro@1",
      settings: toSwapSettings(hotSwapConfig.parse({}), platformConfig.parse({})),
      by: "tester",
    });
    return lease;
  };
  return { state, clock, dead, environment, driveSwap };
}

const signal = new AbortController().signal;
const work = { purpose: "up traffic.local", signal };

describe("a command that changes an environment", () => {
  it("is alone there while it works, and gives the lease back when it is done or has failed", async () => {
    const { environment } = world();
    const { store } = environment(2);
    await holdingLease(environment(1), work, async () => {
      expect(await store.owner()).toMatchObject({ pid: 1, purpose: "up traffic.local" });
    });
    expect(await store.owner()).toBeUndefined();
    await expect(holdingLease(environment(1), work, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await store.owner()).toBeUndefined();
  });

  it("is refused at once while a process drives a swap, and told which", async () => {
    const { environment, driveSwap } = world();
    await driveSwap(1);
    let worked = false;
    const refused = holdingLease(environment(2), work, async () => {
      worked = true;
    });
    await expect(refused).rejects.toMatchObject({
      code: "swap-in-progress",
      message: expect.stringContaining("(id 1, cloud-run -> gke"),
    });
    expect(worked).toBe(false);
  });

  it("is refused while a swap is interrupted, and then holds nothing", async () => {
    const { environment, driveSwap, dead } = world();
    await driveSwap(1);
    dead.add(1);
    await expect(holdingLease(environment(2), work, async () => undefined)).rejects.toMatchObject({
      code: "swap-interrupted",
      next: expect.arrayContaining([expect.stringContaining("swap abort --env local")]),
    });
    expect(await environment(3).store.owner()).toBeUndefined();
  });

  it("waits for another one like it, and says for whom", async () => {
    const { environment, clock } = world();
    let end = (): void => undefined;
    const first = holdingLease(
      environment(1),
      work,
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    );
    await clock.advance(0);
    const waits: string[] = [];
    let worked = false;
    const second = holdingLease(
      environment(2),
      { purpose: "up gke.local", signal, onWait: (who) => waits.push(who) },
      async () => {
        worked = true;
      },
    );
    await clock.advance(60_000);
    expect(worked).toBe(false);
    end();
    await first;
    await clock.advance(2_000);
    await second;
    expect(worked).toBe(true);
    expect(waits).toEqual(["up traffic.local (process 1 on here)"]);
  });

  it("is stopped when it loses the lease, and says that rather than what it was stopped in", async () => {
    const { environment, clock, state } = world();
    const working = holdingLease(
      environment(1),
      work,
      (_lease, stop) =>
        new Promise<void>((_resolve, reject) => {
          stop.addEventListener("abort", () => reject(new SwitchyardError("engine-cancelled", { message: "stopped" })));
        }),
    );
    working.catch(() => undefined);
    await clock.advance(0);
    state.fail("state-unreachable");
    await clock.advance(15_000);
    state.fail(undefined);
    await expect(working).rejects.toMatchObject({ code: "lease-lost" });
  });

  it("with a new store begins above the token that the balancer has seen, and only then", async () => {
    const { environment } = world(41);
    const tokens: number[] = [];
    for (const pid of [1, 2]) {
      await holdingLease(environment(pid), work, async (lease) => {
        tokens.push(lease.token);
      });
    }
    expect(tokens).toEqual([42, 43]);
  });
});

describe("weights that a person sets", () => {
  function balancer(weights: Weights, fence: number) {
    const written: { weights: Weights; fingerprint: string; fence: number }[] = [];
    const router: TrafficRouter = {
      read: async () => ({ weights, fingerprint: "f1", fence }),
      async write(wanted, fingerprint, token) {
        written.push({ weights: wanted, fingerprint, fence: token });
        return { weights: wanted, fingerprint: "f2", fence: token };
      },
    };
    return { router, written };
  }
  const seen = { "cloud-run": 100, gke: 0 };
  const wanted = { "cloud-run": 95, gke: 5 };
  const lease = { token: 7, assertHeld: () => undefined };

  it("are written under the lease's token, against the map that was read", async () => {
    const { router, written } = balancer(seen, 6);
    expect(await setWeights(router, lease, { seen, wanted, signal })).toEqual(wanted);
    expect(written).toEqual([{ weights: wanted, fingerprint: "f1", fence: 7 }]);
  });

  it("are not written when a later lease was at the map, when this one is over, or when the weights are others now", async () => {
    const later = balancer(seen, 8);
    await expect(setWeights(later.router, lease, { seen, wanted, signal })).rejects.toMatchObject({
      code: "lease-lost",
    });
    const moved = balancer({ "cloud-run": 50, gke: 50 }, 6);
    await expect(setWeights(moved.router, lease, { seen, wanted, signal })).rejects.toMatchObject({
      code: "weights-moved-elsewhere",
    });
    const over = balancer(seen, 6);
    const lost = {
      token: 7,
      assertHeld() {
        throw new SwitchyardError("lease-lost", { message: "over" });
      },
    };
    await expect(setWeights(over.router, lost, { seen, wanted, signal })).rejects.toMatchObject({ code: "lease-lost" });
    expect([later.written, moved.written, over.written]).toEqual([[], [], []]);
  });
});
