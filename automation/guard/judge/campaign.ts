/**
 * How well gate B judges, measured on the noise model: soaks with a known regression that it has to find, and soaks without one that it has to let
 * pass. It looks every minute, as a monitor does. Pure: chance by seed.
 */

import type { Baseline } from "./baseline.ts";
import type { Observations } from "./control.ts";
import { gateB } from "./gates.ts";
import { type KnownSignal, knownSignals } from "./known-signals.ts";
import {
  clusterMinutes,
  documentedNoise,
  fleetWander,
  type Injection,
  type Minute,
  type NoiseModel,
  noInjection,
  type Random,
  randomOf,
} from "./noise.ts";
import { leastMinutes } from "./sequential.ts";
import { countOf } from "./series.ts";
import type { Signal } from "./signals.ts";
import type { GuardThresholds } from "./thresholds.ts";
import { type Verdict, verdictOf } from "./verdict.ts";
import { type MetricWindow, stepMs } from "./window.ts";

const baselineMinutes = 180;
const weekMs = 604_800_000;
const hourMs = 3_600_000;

/** The numbers of the requirement. */
const thresholds: GuardThresholds = {
  latency_p95_increase: 0.1,
  latency_p99_increase: 0.1,
  latency_floor_ms: 0,
  error_rate_max: 0.01,
  error_rate_increase: 0.001,
  istiod_resource_increase: 0.3,
  proxy_resource_increase: 0.25,
  xds_rejects_max: 10,
  push_errors_max: 0.01,
  convergence_increase: 0.5,
  volume_drop_max: 0.2,
  min_requests: 1_000,
};

const read: Readonly<Partial<Record<KnownSignal, (minute: Minute) => number | undefined>>> = {
  p95: ({ p95Ms }) => p95Ms,
  p99: ({ p99Ms }) => p99Ms,
  error_share: ({ requests, errors }) => (requests === 0 ? undefined : errors / requests),
  requests: ({ requests }) => requests,
};

const signals: readonly Signal[] = (["p95", "p99", "error_share", "requests"] as const).map((name) => ({
  ...knownSignals[name],
  name,
  query: name,
  required: true,
}));

function windowOf(minutes: readonly Minute[], fromMs: number): MetricWindow {
  return {
    fromMs,
    toMs: fromMs + minutes.length * stepMs,
    stepMs,
    series: Object.entries(read).map(([signal, value]) => {
      const values = minutes.map((minute) => value(minute) ?? null);
      return { signal, service: null, query: signal, values, samples: countOf(values) };
    }),
  };
}

export interface SoakScenario {
  readonly injection: Injection;
  /** Clusters in which nothing changes; 0: only the cluster's own last week is left. */
  readonly peers: number;
  readonly soakMinutes: number;
}

/** One soak: a baseline at any time of a week, the soak up to twenty hours later. */
export function simulatedSoak(random: Random, model: NoiseModel, scenario: SoakScenario): Observations {
  const { injection, peers, soakMinutes } = scenario;
  const fromMs = Math.floor((Date.UTC(2026, 10, 2) + random() * weekMs) / stepMs) * stepMs;
  const soakMs =
    fromMs + baselineMinutes * stepMs + Math.floor((10 * stepMs + random() * 20 * hourMs) / stepMs) * stepMs;
  const fleets = [baselineMinutes, soakMinutes, baselineMinutes, soakMinutes].map((minutes) =>
    fleetWander(random, minutes, model),
  );
  const [before = [], now = [], weekBefore = [], weekNow = []] = fleets;
  const minutesOf = (at: number, fleet: readonly number[], phase: number, what: Injection): MetricWindow =>
    windowOf(
      clusterMinutes(random, model, at, fleet, phase, () => what),
      at,
    );
  const baseline: Baseline = {
    format: 1,
    cluster: "simulated",
    at: fromMs + baselineMinutes * stepMs,
    source: "noise model",
    services: [],
    window: minutesOf(fromMs, before, 0, noInjection),
    lastWeek: minutesOf(fromMs - weekMs, weekBefore, 0, noInjection),
  };
  return {
    baseline,
    soak: minutesOf(soakMs, now, 0, injection),
    lastWeek: minutesOf(soakMs - weekMs, weekNow, 0, noInjection),
    peers: Array.from({ length: peers }, (_, index) => {
      const phase = (2 * random() - 1) * model.phaseHours;
      return {
        cluster: `peer-${index + 1}`,
        before: minutesOf(fromMs, before, phase, noInjection),
        now: minutesOf(soakMs, now, phase, noInjection),
      };
    }),
  };
}

/** A window's first minutes. */
function cut(window: MetricWindow, minutes: number): MetricWindow {
  const series = window.series.map((one) => {
    const values = one.values.slice(0, minutes);
    return { ...one, values, samples: countOf(values) };
  });
  return { ...window, toMs: window.fromMs + minutes * stepMs, series };
}

export interface SoakEnd {
  readonly verdict: Verdict;
  /** Minute at which it ended; the soak's length unless it failed. */
  readonly minute: number;
}

/** Gate B, asked at the end of every minute until it fails or the soak ends. */
export function runSoak(observations: Observations, soakMinutes: number): SoakEnd {
  let verdict: Verdict = verdictOf([], { before: 0, now: 0 });
  for (let minute = leastMinutes; minute <= soakMinutes; minute += 1) {
    verdict = gateB({
      ...observations,
      soak: cut(observations.soak, minute),
      lastWeek: cut(observations.lastWeek, minute),
      peers: observations.peers.map((peer) => ({ ...peer, now: cut(peer.now, minute) })),
      thresholds,
      warmUpMs: 0,
      signals,
      monitors: undefined,
      baselineHours: 24,
    });
    if (verdict.kind === "failed") return { verdict, minute };
  }
  return { verdict, minute: soakMinutes };
}

export interface ScenarioResult {
  /** Shares of the runs. */
  readonly failed: number;
  readonly passed: number;
  readonly undecided: number;
  /** Minutes to the failure, of those that failed; undefined without any. */
  readonly medianMinutes: number | undefined;
}

/** `runs` soaks of one scenario. */
export function measureSoaks(
  seed: number,
  runs: number,
  scenario: SoakScenario,
  model: NoiseModel = documentedNoise,
): ScenarioResult {
  const minutes: number[] = [];
  const counts = { failed: 0, passed: 0, undecided: 0 };
  for (let run = 0; run < runs; run += 1) {
    const random = randomOf(seed * 1_000_003 + run);
    const { verdict, minute } = runSoak(simulatedSoak(random, model, scenario), scenario.soakMinutes);
    counts[verdict.kind] += 1;
    if (verdict.kind === "failed") minutes.push(minute);
  }
  return {
    failed: counts.failed / runs,
    passed: counts.passed / runs,
    undecided: counts.undecided / runs,
    medianMinutes: minutes.toSorted((a, b) => a - b)[Math.floor(minutes.length / 2)],
  };
}

export interface PowerCampaign {
  readonly seed: number;
  readonly runs: number;
  /** +20 % p99, and nothing else, against a limit of +10 %. */
  readonly slower: ScenarioResult;
  /** +0.2 points of 5xx against a limit of +0.1. */
  readonly failing: ScenarioResult;
  /** No regression: what fails here is a false rollback. */
  readonly quiet: ScenarioResult;
  readonly met: boolean;
}

/** The requirement's numbers. */
export const goals = { detected: 0.95, falseRollbacks: 0.01 } as const;

/** Three times `runs` soaks of 60 minutes at 100 requests a second, with `peers` clusters in which nothing changes (default 4). */
export function powerCampaign(seed: number, runs: number, peers = 4): PowerCampaign {
  const soak = (injection: Injection): ScenarioResult =>
    measureSoaks(seed, runs, { injection, peers, soakMinutes: 60 });
  const slower = soak({ ...noInjection, tailFactor: 1.2 });
  const failing = soak({ ...noInjection, errors: 0.002 });
  const quiet = soak(noInjection);
  const met =
    slower.failed >= goals.detected && failing.failed >= goals.detected && quiet.failed <= goals.falseRollbacks;
  return { seed, runs, slower, failing, quiet, met };
}
