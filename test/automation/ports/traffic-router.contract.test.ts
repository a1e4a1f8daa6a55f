import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createGoogleClient } from "../../../automation/adapters/google-client.ts";
import { createGoogleTrafficRouter } from "../../../automation/adapters/google-traffic-router.ts";
import type { TrafficRouter } from "../../../automation/ports/traffic-router.ts";
import { createFakeBalancer } from "../../support/fake-balancer.ts";
import { startLocalCompute } from "../../support/local-compute.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

/** A router that starts with cloud-run at 100 and gke at 0, and a way to change the map behind its back. */
interface Subject {
  readonly router: TrafficRouter;
  interfere(): Promise<void>;
  close(): Promise<void>;
}

const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  "fake balancer": async () => {
    const balancer = createFakeBalancer({ clock: createVirtualClock(), weights: { "cloud-run": 100, gke: 0 } });
    return { router: balancer.router, interfere: async () => balancer.interfere(), close: async () => {} };
  },
  "Google's REST API, served by the local cloud": async () => {
    const folder = await mkdtemp(join(tmpdir(), "switchyard-router-"));
    const compute = await startLocalCompute({ folder, weights: { "cloud-run": 1_000, gke: 0 } });
    const client = createGoogleClient({
      env: {
        CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: compute.endpoint,
        GOOGLE_OAUTH_ACCESS_TOKEN: compute.token,
      },
    });
    return {
      router: createGoogleTrafficRouter({
        client,
        project: compute.project,
        urlMap: compute.urlMap,
        backendPrefix: "kiro",
        platforms: ["gke", "cloud-run"],
      }),
      interfere: () => compute.describe("changed by somebody else"),
      async close() {
        await compute.close();
        await rm(folder, { recursive: true });
      },
    };
  },
};

describe.each(Object.entries(subjects))("TrafficRouter: %s", (_, create) => {
  let subject: Subject | undefined;
  const start = async (): Promise<Subject> => {
    subject = await create();
    return subject;
  };
  afterEach(async () => {
    await subject?.close();
    subject = undefined;
  });

  test("reads the entries in percent, those at 0 among them", async () => {
    const { router } = await start();
    const state = await router.read();
    expect(state.weights).toEqual({ "cloud-run": 100, gke: 0 });
    expect(state.fingerprint).not.toBe("");
    expect(state.fence).toBe(0);
  });

  test("reads twice the same when nothing was changed", async () => {
    const { router } = await start();
    expect(await router.read()).toEqual(await router.read());
  });

  test("writes, and the next read shows it under a new fingerprint", async () => {
    const { router } = await start();
    const before = await router.read();
    const written = await router.write({ "cloud-run": 99.5, gke: 0.5 }, before.fingerprint, 1);
    expect(written.weights).toEqual({ "cloud-run": 99.5, gke: 0.5 });
    expect(written.fingerprint).not.toBe(before.fingerprint);
    expect(await router.read()).toEqual(written);
  });

  test("keeps the fencing token of each write beside its weights", async () => {
    const { router } = await start();
    const first = await router.write({ "cloud-run": 99, gke: 1 }, (await router.read()).fingerprint, 7);
    expect(first.fence).toBe(7);
    const second = await router.write({ "cloud-run": 95, gke: 5 }, first.fingerprint, 12);
    expect(second).toMatchObject({ fence: 12, weights: { "cloud-run": 95, gke: 5 } });
    expect(await router.read()).toEqual(second);
  });

  test("given equal weights and a new fencing token, the map is another one for whoever read it before", async () => {
    const { router } = await start();
    const before = await router.read();
    const claimed = await router.write(before.weights, before.fingerprint, 3);
    expect(claimed).toMatchObject({ weights: before.weights, fence: 3 });
    expect(claimed.fingerprint).not.toBe(before.fingerprint);
    await expect(router.write({ gke: 100 }, before.fingerprint, 2)).rejects.toMatchObject({
      code: "fingerprint-conflict",
    });
    expect(await router.read()).toEqual(claimed);
  });

  test("given a map that somebody else changed, the fencing token stays", async () => {
    const { router, interfere } = await start();
    await router.write({ "cloud-run": 99, gke: 1 }, (await router.read()).fingerprint, 9);
    await interfere();
    const after = await router.read();
    expect(after).toMatchObject({ fence: 9, weights: { "cloud-run": 99, gke: 1 } });
    expect(await router.write(after.weights, after.fingerprint, 10)).toMatchObject({ fence: 10 });
  });

  test("replaces all entries: a platform that is not named has none afterwards", async () => {
    const { router } = await start();
    const { fingerprint } = await router.read();
    await router.write({ gke: 100 }, fingerprint, 1);
    expect((await router.read()).weights).toEqual({ gke: 100 });
  });

  test("adds an entry that was absent", async () => {
    const { router } = await start();
    const first = await router.write({ gke: 100 }, (await router.read()).fingerprint, 1);
    const second = await router.write({ gke: 100, "cloud-run": 0 }, first.fingerprint, 2);
    expect(second.weights).toEqual({ gke: 100, "cloud-run": 0 });
  });

  test("refuses a fingerprint of the past and changes nothing", async () => {
    const { router, interfere } = await start();
    const { fingerprint } = await router.read();
    await interfere();
    const now = await router.read();
    await expect(router.write({ "cloud-run": 0, gke: 100 }, fingerprint, 1)).rejects.toMatchObject({
      code: "fingerprint-conflict",
    });
    expect(await router.read()).toEqual(now);
  });

  test("of two writes with the same fingerprint one wins", async () => {
    const { router } = await start();
    const { fingerprint } = await router.read();
    const results = await Promise.allSettled([
      router.write({ "cloud-run": 90, gke: 10 }, fingerprint, 1),
      router.write({ "cloud-run": 80, gke: 20 }, fingerprint, 2),
    ]);
    expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test.each([
    ["do not add up", { "cloud-run": 50, gke: 49 }],
    ["have two decimals", { "cloud-run": 99.95, gke: 0.05 }],
    ["are negative", { "cloud-run": 101, gke: -1 }],
    ["name an unknown platform", { "cloud-run": 50, moon: 50 }],
    ["are empty", {}],
  ])("refuses weights that %s and changes nothing", async (_why, weights) => {
    const { router } = await start();
    const before = await router.read();
    await expect(router.write(weights, before.fingerprint, 1)).rejects.toMatchObject({
      code: "traffic-weights-invalid",
    });
    expect(await router.read()).toEqual(before);
  });

  test("does nothing once the signal is aborted", async () => {
    const { router } = await start();
    const before = await router.read();
    const aborted = AbortSignal.abort(new Error("stopped"));
    await expect(router.read(aborted)).rejects.toThrow("stopped");
    await expect(router.write({ gke: 100 }, before.fingerprint, 1, aborted)).rejects.toThrow("stopped");
    expect(await router.read()).toEqual(before);
  });
});
