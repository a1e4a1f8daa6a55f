import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestRecord } from "../../../../automation/ports/request-feed.ts";
import { gateSnapshot, restoreGates, snapshotGates } from "../../../../automation/swap/gates/snapshot.ts";
import {
  addLost,
  createGates,
  foldProbe,
  foldRecord,
  type GateState,
  newStep,
  stopNow,
} from "../../../../automation/swap/gates/stop.ts";
import { DrawnSwap, draws, lognormal, record, settingsOf, sides, slowTail } from "./traffic.ts";

const settings = settingsOf({ gates: { warm_up: 2, count_probes: true }, ramp: [5, 50, 100] });

/** As another process would find it in the journal. */
const throughJson = (gates: GateState): GateState =>
  restoreGates(gateSnapshot.parse(JSON.parse(JSON.stringify(snapshotGates(gates)))));

type Happening =
  | { readonly kind: "record"; readonly record: RequestRecord; readonly afterMs: number }
  | { readonly kind: "step" | "lost" }
  | { readonly kind: "probe"; readonly side: string; readonly status: number };

const side = fc.constantFrom(sides.candidate, sides.old, "eks");
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 60,
    arbitrary: fc
      .tuple(
        side,
        fc.oneof(
          { weight: 8, arbitrary: fc.constant("ok" as const) },
          fc.constantFrom("application", "gateway", "client"),
        ),
        fc.double({ min: 0.05, max: 30_000, noNaN: true }),
        fc.integer({ min: 0, max: 300 }),
      )
      .map(
        ([name, outcome, ms, afterMs]): Happening => ({ kind: "record", record: record(name, outcome, ms), afterMs }),
      ),
  },
  { weight: 1, arbitrary: fc.constant<Happening>({ kind: "step" }) },
  { weight: 1, arbitrary: fc.constant<Happening>({ kind: "lost" }) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(side, fc.constantFrom(200, 500, 503, 0))
      .map(([name, status]): Happening => ({ kind: "probe", side: name, status })),
  },
);

function foldAll(gates: GateState, happenings: readonly Happening[], from: number, startAt: number): number {
  let at = startAt;
  let share = from;
  for (const one of happenings) {
    const context = { sides, askedShare: share, settings, at };
    if (one.kind === "record") {
      at += one.afterMs;
      foldRecord(gates, one.record, { ...context, at });
    } else if (one.kind === "probe") foldProbe(gates, { ...one, durationMs: 1 }, context);
    else if (one.kind === "lost") addLost(gates, 1);
    else {
      share = share >= 0.5 ? 1 : 0.5;
      newStep(gates, at);
    }
  }
  return at;
}

describe("a snapshot of the gates", () => {
  it("goes on as if nothing had happened: restored and folded on is the same as folded without a break", () => {
    fc.assert(
      fc.property(
        fc.array(happening, { maxLength: 400 }),
        fc.array(happening, { maxLength: 400 }),
        fc.constantFrom(0.05, 0.5),
        (before, later, share) => {
          const whole = createGates();
          const at = foldAll(whole, before, share, 0);
          const resumed = throughJson(whole);
          expect(snapshotGates(resumed)).toEqual(snapshotGates(whole));
          foldAll(whole, later, share, at);
          foldAll(resumed, later, share, at);
          expect(snapshotGates(resumed)).toEqual(snapshotGates(whole));
          expect(stopNow(resumed, settings)).toEqual(stopNow(whole, settings));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is the same after a long swap with windows judged, tails begun again and old latencies kept", () => {
    const random = draws(21);
    const usual = lognormal(random, 80);
    const healthy = { errorRate: 0.01, latencyMs: usual };
    const swap = new DrawnSwap(settingsOf(), random);
    for (const percent of [1, 5, 25, 50])
      swap.step({ percent, requests: 9_000, perSecond: 100, candidate: healthy, old: healthy });
    const { latency } = swap.gates;
    expect(latency.ranked.judged).toBeGreaterThan(5);
    expect(latency.tails.some((tail) => tail.number > 0)).toBe(true);
    expect(latency.reference).toBeDefined();
    const slow = { errorRate: 0.01, latencyMs: slowTail(random, usual, 0.2, 20) };
    const resumed = new DrawnSwap(settingsOf(), draws(22), throughJson(swap.gates));
    const whole = new DrawnSwap(settingsOf(), draws(22), swap.gates);
    for (const one of [resumed, whole]) one.at = swap.at;
    const stretch = { percent: 50, requests: 20_000, perSecond: 100, old: healthy };
    // Both draw the same: latencies from generators of their own.
    const found = [resumed, whole].map((one) => {
      const own = draws(23);
      const latencyMs = slowTail(own, lognormal(own, 80), 0.2, 20);
      return one.step({
        ...stretch,
        candidate: { ...slow, latencyMs },
        old: { ...healthy, latencyMs: lognormal(own, 80) },
      });
    });
    expect(found[0]).toBeDefined();
    expect(found[0]).toBe(found[1]);
    expect(snapshotGates(resumed.gates)).toEqual(snapshotGates(whole.gates));
  });

  it("is about 4 KB after a million requests of varied latency", () => {
    const random = draws(24);
    const latencyMs = slowTail(random, lognormal(random, 80, 0.7), 0.02, 30);
    const side = { errorRate: 0.001, latencyMs };
    const swap = new DrawnSwap(settingsOf(), random);
    for (const percent of [1, 5, 25, 50])
      swap.step({ percent, requests: 250_000, perSecond: 500, candidate: side, old: side });
    expect(swap.requests).toBe(1_000_000);
    expect(JSON.stringify(snapshotGates(swap.gates)).length).toBeLessThan(4_500);
  });

  it("that was tampered with is refused", () => {
    const snapshot = snapshotGates(createGates());
    for (const wrong of [
      { ...snapshot, lost: -1 },
      { ...snapshot, evidence: { ...snapshot.evidence, logRatios: [1] } },
      { ...snapshot, latency: { ...snapshot.latency, old: "zz:1" } },
      { ...snapshot, ceiling: { requests: 10, beginnings: [[5, 0]] } },
      { ...snapshot, more: 1 },
    ])
      expect(gateSnapshot.safeParse(wrong).success).toBe(false);
  });
});
