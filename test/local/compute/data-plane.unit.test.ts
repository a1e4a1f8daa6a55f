import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Endpoint } from "../../../local/autopilot/cluster.ts";
import {
  afterProbe,
  type HealthCheckSettings,
  healthCheckSettings,
  unprobed,
} from "../../../local/compute/health-check.ts";
import { createPropagation } from "../../../local/compute/propagation.ts";
import {
  createZonalBackend,
  type ZonalBackend,
  type ZonalBackendSettings,
} from "../../../local/compute/zonal-backend.ts";
import type { BackendRequest, Reservation } from "../../../local/router/backend.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";

const check: HealthCheckSettings = {
  checkIntervalSec: 5,
  timeoutSec: 5,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
  http: { requestPath: "/ready", host: "", response: "" },
};
const asked: BackendRequest = { method: "GET", path: "/", host: "h", probe: false, signal: undefined };

function endpoint(n: number): Endpoint {
  return { pod: `pod-${n}`, origin: `http://127.0.0.1:${n}` };
}

interface Fixture {
  readonly clock: ManualClock;
  readonly backend: ZonalBackend;
  readonly failing: Set<string>;
  readonly probes: string[];
  /** Lets probes that were begun finish. */
  settle(): Promise<void>;
}

function fixture(settings: Partial<ZonalBackendSettings> = {}): Fixture {
  const clock = manualClock();
  const failing = new Set<string>();
  const probes: string[] = [];
  const backend = createZonalBackend({
    name: "bs",
    settings: { timeoutMs: 30_000, healthCheck: check, policy: "round-robin", ...settings },
    clock,
    probe: async (origin) => {
      probes.push(origin);
      return !failing.has(origin);
    },
  });
  return { clock, backend, failing, probes, settle: () => new Promise((resolve) => setImmediate(resolve)) };
}

function reserve(backend: ZonalBackend): Reservation {
  const place = backend.reserve(asked);
  if (!("kind" in place) || place.kind !== "reservation") throw new Error("There is no place.");
  return place;
}

describe("zonal backends", () => {
  it("give a new endpoint traffic after its first passed probe, not before", async () => {
    const { backend, settle } = fixture();
    backend.setEndpoints([endpoint(1)]);
    expect(backend.reserve(asked)).toMatchObject({ kind: "refusal", status: 503, body: "no healthy upstream" });
    await settle();
    expect(reserve(backend)).toMatchObject({ origin: "http://127.0.0.1:1", instance: "pod-1" });
  });

  it("take an endpoint out after the unhealthy threshold and back after the healthy one", async () => {
    const { backend, clock, failing, settle } = fixture();
    backend.setEndpoints([endpoint(1)]);
    await settle();
    const round = async (): Promise<void> => {
      clock.advance(5000);
      await settle();
    };
    failing.add("http://127.0.0.1:1");
    await round();
    await round();
    expect(backend.health()).toEqual([{ pod: "pod-1", state: "healthy" }]);
    await round();
    expect(backend.reserve(asked)).toMatchObject({ status: 503 });
    failing.clear();
    await round();
    expect(backend.reserve(asked)).toMatchObject({ status: 503 });
    await round();
    expect(reserve(backend).instance).toBe("pod-1");
  });

  it("go round healthy endpoints, and leave removed ones to finish", async () => {
    const { backend, clock, probes, settle } = fixture();
    backend.setEndpoints([endpoint(1), endpoint(2)]);
    await settle();
    const places = [reserve(backend), reserve(backend), reserve(backend), reserve(backend)];
    expect(places.map((place) => place.instance).toSorted()).toEqual(["pod-1", "pod-1", "pod-2", "pod-2"]);
    backend.setEndpoints([endpoint(2)]);
    expect([reserve(backend), reserve(backend)].map((place) => place.instance)).toEqual(["pod-2", "pod-2"]);
    for (const place of places) place.release();
    probes.length = 0;
    clock.advance(5000);
    await settle();
    expect(probes).toEqual(["http://127.0.0.1:2"]);
  });

  it("with least-request, send to the endpoint with the fewest in flight", async () => {
    const { backend, settle } = fixture({ policy: "least-request" });
    backend.setEndpoints([endpoint(1), endpoint(2)]);
    await settle();
    const first = reserve(backend);
    const second = reserve(backend);
    expect(second.instance).not.toBe(first.instance);
    first.release();
    first.release();
    expect(reserve(backend).instance).toBe(first.instance);
    expect(new Set([reserve(backend).instance, reserve(backend).instance]).size).toBe(2);
  });

  it("use a new health check from then on and drop what the old one still answers", async () => {
    const answers: ((passed: boolean) => void)[] = [];
    const clock = manualClock();
    const backend = createZonalBackend({
      name: "bs",
      settings: { timeoutMs: 30_000, healthCheck: check, policy: "round-robin" },
      clock,
      probe: () => new Promise((resolve) => answers.push(resolve)),
    });
    const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    backend.setEndpoints([endpoint(1)]);
    backend.configure({ timeoutMs: 1000, healthCheck: { ...check, checkIntervalSec: 1 }, policy: "round-robin" });
    expect(backend.timeoutMs).toBe(1000);
    expect(answers).toHaveLength(2);
    answers[0]?.(true);
    await settle();
    expect(backend.reserve(asked)).toMatchObject({ status: 503 });
    answers[1]?.(true);
    await settle();
    expect(reserve(backend).instance).toBe("pod-1");
    clock.advance(1000);
    expect(answers).toHaveLength(3);
  });

  it("have no healthy endpoint once closed, and probe no more", async () => {
    const { backend, clock, probes, settle } = fixture();
    backend.setEndpoints([endpoint(1)]);
    await settle();
    backend.close();
    probes.length = 0;
    clock.advance(60_000);
    await settle();
    expect(probes).toEqual([]);
    expect(backend.reserve(asked)).toMatchObject({ status: 503 });
  });

  it("without a health check take every endpoint as healthy", () => {
    const { backend } = fixture({ healthCheck: undefined });
    backend.setEndpoints([endpoint(1)]);
    expect(reserve(backend).instance).toBe("pod-1");
  });
});

describe("health", () => {
  it("starts unknown; the first result decides", () => {
    expect(afterProbe(unprobed, true, check).state).toBe("healthy");
    expect(afterProbe(unprobed, false, check).state).toBe("unhealthy");
  });

  it("counts contrary results in a row only", () => {
    let health = afterProbe(unprobed, true, check);
    for (const passed of [false, false, true, false, false]) health = afterProbe(health, passed, check);
    expect(health.state).toBe("healthy");
    expect(afterProbe(health, false, check).state).toBe("unhealthy");
  });

  it("has Google's defaults", () => {
    expect(healthCheckSettings({ httpHealthCheck: {} })).toEqual({
      checkIntervalSec: 5,
      timeoutSec: 5,
      healthyThreshold: 2,
      unhealthyThreshold: 2,
      http: { requestPath: "/", host: "", response: "" },
    });
  });
});

describe("propagation", () => {
  interface Setting {
    readonly targets?: number;
    readonly delayMs?: (target: number) => number;
    readonly inOrder?: () => boolean;
  }

  function propagating(setting: Setting = {}) {
    const clock = manualClock();
    const start = clock.now();
    const applied: [number, string | undefined, number][] = [];
    const propagation = createPropagation<string>({
      clock,
      targets: setting.targets ?? 1,
      delayMs: setting.delayMs ?? (() => 0),
      ...(setting.inOrder && { inOrder: setting.inOrder }),
      apply: (_key, value, target) => applied.push([clock.now() - start, value, target]),
    });
    return { clock, applied, propagation };
  }

  it("is immediate without a delay, on every target", () => {
    const { propagation, applied } = propagating({ targets: 2 });
    propagation.publish("k", "a");
    propagation.publish("k", undefined);
    expect(applied).toEqual([
      [0, "a", 0],
      [0, "a", 1],
      [0, undefined, 0],
      [0, undefined, 1],
    ]);
  });

  it("follows late, in order, and never goes back when the delay shrinks", () => {
    let delay = 1000;
    const { propagation, clock, applied } = propagating({ delayMs: () => delay });
    propagation.publish("k", "a");
    clock.advance(500);
    propagation.publish("k", "b");
    delay = 100;
    propagation.publish("k", "c");
    clock.advance(10_000);
    expect(applied).toEqual([[600, "c", 0]]);
    delay = 1000;
    propagation.publish("k", "d");
    propagation.close();
    clock.advance(10_000);
    expect(applied).toHaveLength(1);
  });

  it("has each target follow in its own time and its own order", () => {
    let delays = [100, 1000];
    const { propagation, clock, applied } = propagating({ targets: 2, delayMs: (target) => delays[target] ?? 0 });
    propagation.publish("k", "a");
    delays = [100, 200];
    propagation.publish("k", "b");
    clock.advance(10_000);
    expect(applied).toEqual([
      [100, "a", 0],
      [100, "b", 0],
      [200, "b", 1],
    ]);
  });

  it("out of order, shows the new value early, the older one once more, then the new one for good", () => {
    const { propagation, clock, applied } = propagating({ delayMs: () => 300, inOrder: () => false });
    propagation.seed("k", "old");
    propagation.publish("k", "new");
    clock.advance(10_000);
    expect(applied).toEqual([
      [100, "new", 0],
      [200, "old", 0],
      [300, "new", 0],
    ]);
  });

  it("out of order, brings back neither what was never there nor what is gone", () => {
    const { propagation, clock, applied } = propagating({ delayMs: () => 300, inOrder: () => false });
    propagation.publish("k", "first");
    clock.advance(1000);
    propagation.publish("k", undefined);
    clock.advance(1000);
    expect(applied).toEqual([
      [300, "first", 0],
      [1300, undefined, 0],
    ]);
  });

  it("whatever the delays and the order, every target ends with the youngest value", () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 500 }),
      delays: fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 600 })),
      inOrder: fc.boolean(),
      gone: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        let now = steps[0];
        const { propagation, clock, applied } = propagating({
          targets: 2,
          delayMs: (target) => now?.delays[target] ?? 0,
          inOrder: () => now?.inOrder ?? true,
        });
        propagation.seed("k", "seed");
        for (const [index, each] of steps.entries()) {
          now = each;
          propagation.publish("k", each.gone ? undefined : String(index));
          clock.advance(each.wait);
        }
        clock.advance(10_000);
        const last = steps.at(-1)?.gone === true ? undefined : String(steps.length - 1);
        for (const target of [0, 1]) {
          expect(applied.findLast(([, , at]) => at === target)?.[1]).toBe(last);
        }
      }),
    );
  });
});
