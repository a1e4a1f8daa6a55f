/** What a drill of all campaigns finds, with the same problems in each. */
import type { DrillResult } from "../../automation/cli/drill/drill-result.ts";

export function everyCampaign(
  problems: readonly string[],
): Required<Pick<DrillResult, "faults" | "crashes" | "falseAlarms" | "alerts" | "kills" | "roundTrips">> {
  const judged = { ok: problems.length === 0, problems };
  return {
    faults: {
      name: "faults",
      seed: 1,
      tookMs: 10,
      ok: judged.ok,
      rows: [
        {
          ...judged,
          name: "candidate-dead",
          title: "The candidate is dead & gone",
          expected: "rolled-back",
          ended: "rolled-back",
          reason: "candidate-gateway-errors",
          stops: [],
          detectedInMs: 330,
          detectedAfterRequests: 33,
          acceptedInMs: 40,
          verifiedInMs: 3_000,
          requests: 6_540,
          hurt: 1_234,
          slowed: 0,
          swapCaused: 0,
          resumedInMs: undefined,
          alerts: ["candidate-gateway-errors"],
          missedAlerts: [],
          expectedAlerts: 1,
        },
      ],
    },
    crashes: {
      name: "crashes",
      seed: 1,
      tookMs: 10,
      ok: judged.ok,
      rows: [
        {
          ...judged,
          swap: "completes",
          kind: "every point",
          points: 163,
          runs: 162,
          crashes: 161,
          divergences: 1,
          twice: 2,
          breaches: 3,
          swapCaused: 0,
          slowestHereMs: 0,
          slowestElsewhereMs: 15_000,
        },
      ],
    },
    falseAlarms: {
      name: "false-alarms",
      seed: 1,
      tookMs: 10,
      ok: judged.ok,
      rows: [
        {
          ...judged,
          profile: "demo",
          traffic: "100 requests a second",
          swaps: 200,
          requests: 593_007,
          falseRollbacks: 1,
          byReason: { "candidate-errors": 1 },
          inconclusive: 0,
          miscounted: 0,
          falseAlerts: 1,
        },
      ],
    },
    alerts: {
      expected: 1,
      missed: 0,
      falseNegativeRate: 0,
      swaps: 200,
      falseAlerts: 1,
      falsePositiveRate: 0.005,
    },
    kills: {
      kills: [
        { at: "intent deploy", resumedInMs: 912.4 },
        { at: "ended", resumedInMs: undefined },
      ],
      swaps: [{ to: "gke", end: "completed", lines: 101 }],
      slowestResumeMs: 912.4,
      requests: { sent: 8_806, failed: 2, swapCaused: 1 },
      twice: [],
      missed: [],
      problems,
      tookMs: 10,
    },
    roundTrips: {
      swaps: [
        { title: "Trip 1 there", end: "completed", durationMs: 53_900, sent: 3_255, failed: 2, swapCaused: 1 },
        { title: "Trip 1 back", end: "completed", durationMs: 58_100, sent: 3_505, failed: 0, swapCaused: 0 },
      ],
      requests: {
        sent: 6_763,
        failed: 2,
        swapCaused: 1,
        clientCaused: 0,
        agentCaused: 1,
        long: { sent: 28, failed: 0 },
        swapCausedBound: 0.000_443,
      },
      counts: [
        { side: "cloud-run", router: 3_350, load: 3_350 },
        { side: "gke", router: 3_413, load: 3_412 },
      ],
      problems,
      tookMs: 10,
    },
  };
}
