import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterDecision,
  decideFailover,
  type FailoverSeen,
  nothingProposed,
} from "../../../automation/failover/decide.ts";
import { addRecords, freshEvidence, type TrafficEvidence } from "../../../automation/failover/evidence.ts";
import { failoverConfig, toFailoverSettings } from "../../../automation/failover/settings.ts";
import type { RequestRecord } from "../../../automation/ports/request-feed.ts";

type Outcome = RequestRecord["outcome"];

const settings = toFailoverSettings(failoverConfig.parse({ policy: "automatic" }));
const start = 1_000_000;
/** A window and a slice have passed. */
const end = start + 33_000;

/** Traffic from `start` to `end`: what became of the requests of each 100 ms. */
function traffic(outcomesAt: (ms: number) => readonly Outcome[], side = "cloud-run"): TrafficEvidence {
  let evidence = freshEvidence(settings.windowMs, start);
  for (let ms = 0; ms <= end - start; ms += 100) {
    const records = outcomesAt(ms).map((outcome) => ({ side, outcome }));
    evidence = addRecords(evidence, records, start + ms);
  }
  return evidence;
}

const failing = traffic(() => ["application"]);

function seen(changes: Partial<FailoverSeen> = {}): FailoverSeen {
  return {
    weights: { "cloud-run": 100, gke: 0 },
    traffic: failing,
    standbys: [{ platform: "gke", healthySince: start }],
    servingUnreadySince: undefined,
    swapOpen: false,
    moves: [],
    wall: end,
    ...changes,
  };
}

const decide = (changes: Partial<FailoverSeen> = {}, changed: Partial<typeof settings> = {}) =>
  decideFailover({ ...settings, ...changed }, nothingProposed, seen(changes), end);

describe("a side that fails through the whole window", () => {
  test("loses its traffic to a standby that is ready, under policy automatic", () => {
    expect(decide()).toMatchObject({
      kind: "move",
      reason: "serving-fails",
      from: "cloud-run",
      to: "gke",
      evidence: { requests: 300, errors: 300, parts: 12, lowestShare: 1, servingReady: true, standbyReadyMs: 33_000 },
    });
  });

  test("is proposed once under policy propose, and once more when it was well in between", () => {
    const propose = { ...settings, policy: "propose" as const };
    const first = decideFailover(propose, nothingProposed, seen(), end);
    expect(first).toMatchObject({ kind: "propose", to: "gke" });
    const told = afterDecision(nothingProposed, first);
    const second = decideFailover(propose, told, seen(), end);
    expect(second).toMatchObject({ kind: "hold", reason: "proposed" });
    expect(afterDecision(told, second)).toBe(told);
    const well = decideFailover(propose, told, seen({ traffic: traffic(() => ["ok"]) }), end);
    expect(afterDecision(told, well)).toEqual(nothingProposed);
  });

  test("is left alone under policy off", () => {
    expect(decide({}, { policy: "off" })).toMatchObject({ kind: "nothing", reason: "policy-off" });
  });

  test("counts gateway errors and the service's own alike", () => {
    const mixed = traffic((ms) => (ms % 200 === 0 ? ["gateway"] : ["application"]));
    expect(decide({ traffic: mixed })).toMatchObject({ kind: "move", evidence: { errors: 300, gatewayErrors: 150 } });
  });

  test("may serve some requests well, up to error_share", () => {
    const half = traffic((ms) => (ms % 200 === 0 ? ["ok"] : ["application"]));
    expect(decide({ traffic: half }, { errorShare: 0.45 })).toMatchObject({ kind: "move" });
    expect(decide({ traffic: half }, { errorShare: 0.55 })).toMatchObject({ kind: "nothing", reason: "serving-well" });
  });
});

describe("what is no failure", () => {
  test.each<[string, Partial<FailoverSeen>, string]>([
    ["a side that serves", { traffic: traffic(() => ["ok"]) }, "serving-well"],
    ["silence", { traffic: traffic(() => []) }, "too-few-requests"],
    [
      "silence, though no health check is answered",
      { traffic: traffic(() => []), servingUnreadySince: start },
      "too-few-requests",
    ],
    [
      "19 requests, all failed",
      { traffic: traffic((ms) => (ms > 5_000 && ms <= 24_000 && ms % 1_000 === 0 ? ["gateway"] : [])) },
      "too-few-requests",
    ],
    ["clients that leave a side that is ready", { traffic: traffic(() => ["client"]) }, "too-few-requests"],
    [
      "a failure that began half a window ago",
      { traffic: traffic((ms) => (ms < 16_000 ? ["ok"] : ["gateway"])) },
      "serving-well",
    ],
    [
      "a failure that ended a moment ago",
      { traffic: traffic((ms) => (ms < 28_000 ? ["gateway"] : ["ok"])) },
      "serving-well",
    ],
    [
      "requests that failed long ago, and silence since",
      { traffic: traffic((ms) => (ms < 10_000 ? ["gateway"] : [])) },
      "serving-well",
    ],
    ["errors on the standby only", { traffic: traffic(() => ["gateway"], "gke") }, "too-few-requests"],
    [
      "a window that was not watched from its beginning",
      { traffic: { ...failing, since: start + 10_000 } },
      "window-not-covered",
    ],
    ["traffic that is split", { weights: { "cloud-run": 95, gke: 5 } }, "traffic-split"],
    ["weights that cannot be read", { weights: undefined }, "weights-unreadable"],
  ])("%s", (_, changes, reason) => {
    expect(decide(changes)).toMatchObject({ kind: "nothing", reason });
  });
});

test("a side that hangs is known by its failed health checks and the clients that leave it", () => {
  const hanging = traffic(() => ["client"]);
  expect(decide({ traffic: hanging, servingUnreadySince: start })).toMatchObject({
    kind: "move",
    evidence: { servingReady: false, requests: 300, errors: 300 },
  });
  // Unready for half of the window only.
  expect(decide({ traffic: hanging, servingUnreadySince: end - 15_000 })).toMatchObject({ kind: "nothing" });
});

describe("what holds a failover back", () => {
  test.each<[string, Partial<FailoverSeen>, string]>([
    ["a swap that has not ended", { swapOpen: true }, "swap-open"],
    ["a state that cannot be read", { swapOpen: undefined }, "state-unreadable"],
    ["no other platform", { standbys: [] }, "no-standby"],
    ["a standby that is not ready", { standbys: [{ platform: "gke", healthySince: undefined }] }, "standby-not-ready"],
    ["one that is ready for 9 s", { standbys: [{ platform: "gke", healthySince: end - 9_999 }] }, "standby-not-ready"],
    ["three moves today", { moves: [end - 86_399_999, end - 50_000_000, end - 40_000_000] }, "moves-used-up"],
    ["a move ten minutes ago", { moves: [end - 599_999] }, "dwell"],
    ["a move that a clock says was tomorrow", { moves: [end + 86_400_000] }, "dwell"],
  ])("%s", (_, changes, reason) => {
    expect(decide(changes)).toMatchObject({ kind: "hold", reason, from: "cloud-run", to: undefined });
  });

  test("a standby whose own requests fail too", () => {
    const both = traffic(() => ["gateway"]);
    const traffics = both.slices.map((slice) => ({
      ...slice,
      sides: { ...slice.sides, gke: { requests: 2, errors: 2, gatewayErrors: 2, left: 0 } },
    }));
    expect(decide({ traffic: { ...both, slices: traffics } })).toMatchObject({
      kind: "hold",
      reason: "standby-failing-too",
    });
  });

  test("nothing, once the times are over", () => {
    expect(decide({ moves: [end - 86_400_000, end - 50_000_000, end - 600_000] })).toMatchObject({ kind: "move" });
    expect(decide({ standbys: [{ platform: "gke", healthySince: end - 10_000 }] })).toMatchObject({ kind: "move" });
  });

  test("of several standbys the one that has been ready longest is taken", () => {
    const standbys = [
      { platform: "eks", healthySince: undefined },
      { platform: "gke", healthySince: start + 1 },
      { platform: "other", healthySince: start },
    ];
    expect(decide({ standbys })).toMatchObject({ kind: "move", to: "other" });
  });
});

describe("for any traffic", () => {
  const outcome = fc.constantFrom<Outcome>("ok", "application", "gateway", "client");
  /** Up to three requests in each second of the window. */
  const anyTraffic = fc.array(fc.array(outcome, { maxLength: 3 }), { minLength: 34, maxLength: 34 });
  const anySeen = fc.record({
    swapOpen: fc.constantFrom(true, false, undefined),
    weights: fc.constantFrom(
      { "cloud-run": 100, gke: 0 },
      { "cloud-run": 50, gke: 50 },
      { "cloud-run": 100 },
      undefined,
    ),
    healthySince: fc.constantFrom(undefined, start, end - 9_000, end - 10_000, end),
    moves: fc.array(fc.integer({ min: end - 172_800_000, max: end + 1_000 }), { maxLength: 5 }),
    servingUnreadySince: fc.constantFrom(undefined, start, end - 1_000),
    since: fc.constantFrom(start, start + 20_000),
  });
  const perSecond = (seconds: readonly (readonly Outcome[])[]) =>
    traffic((ms) => (ms % 1_000 === 0 ? (seconds[ms / 1_000] ?? []) : []));

  test("a move means that every condition holds", () => {
    fc.assert(
      fc.property(anyTraffic, anySeen, (seconds, { since, healthySince, ...rest }) => {
        const evidence = { ...perSecond(seconds), since };
        const decision = decide({ ...rest, traffic: evidence, standbys: [{ platform: "gke", healthySince }] });
        if (decision.kind !== "move") return;
        expect(rest.swapOpen).toBe(false);
        expect(rest.weights).toMatchObject({ "cloud-run": 100 });
        expect(since).toBe(start);
        expect(end - (healthySince ?? end)).toBeGreaterThanOrEqual(settings.standbyHealthyMs);
        expect(rest.moves.every((at) => end - at >= settings.dwellMs)).toBe(true);
        expect(rest.moves.filter((at) => end - at < 86_400_000).length).toBeLessThan(settings.maxMoves);
        // Bad in each third of the window, which is the coarsest look.
        for (const third of [0, 1, 2]) {
          const part = seconds.slice(third * 10, third * 10 + 14).flat();
          expect(part.some((one) => one !== "ok")).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("a side whose requests all succeed keeps its traffic, whatever else is seen", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { minLength: 34, maxLength: 34 }),
        anySeen,
        (counts, { since, healthySince, ...rest }) => {
          const evidence = perSecond(counts.map((count) => Array.from({ length: count }, () => "ok" as const)));
          const decision = decide({
            ...rest,
            traffic: { ...evidence, since },
            standbys: [{ platform: "gke", healthySince }],
          });
          expect(decision.kind).toBe("nothing");
        },
      ),
    );
  });

  test("a burst of failures that is shorter than two thirds of the window never moves traffic", () => {
    fc.assert(
      fc.property(fc.nat(33_000), fc.nat(20_000), fc.integer({ min: 1, max: 5 }), (from, length, rate) => {
        const burst = traffic((ms) =>
          Array.from({ length: rate }, () => (ms >= from && ms < from + Math.min(length, 19_000) ? "gateway" : "ok")),
        );
        expect(decide({ traffic: burst }, { errorShare: 0.9 }).kind).toBe("nothing");
      }),
    );
  });

  test("a total failure always moves it, when nothing forbids", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 34, maxLength: 34 }), (counts) => {
        const evidence = perSecond(counts.map((count) => Array.from({ length: count }, () => "gateway" as const)));
        expect(decide({ traffic: evidence }).kind).toBe("move");
      }),
    );
  });
});
