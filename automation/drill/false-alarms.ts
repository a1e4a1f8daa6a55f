/**
 * False alarms: swaps of two equal sides, which nothing may roll back. The gates are the real ones, fed request by request
 * without the engine's loop around them; a few swaps go through the whole engine, to see that it counts what was sent.
 */

import type { RequestRecord } from "../ports/request-feed.ts";
import { lookAtStep } from "../swap/gates/advance.ts";
import { createGates, foldRecord, type GateState, newStep, stopNow } from "../swap/gates/stop.ts";
import type { Reason } from "../swap/reasons.ts";
import { hotSwapConfig, platformConfig, type SwapSettings, toSwapSettings } from "../swap/settings.ts";
import { callsSomebody, isCall } from "./alerting.ts";
import { type Campaign, campaign, type FalseAlarmRow } from "./results.ts";
import { startEngine } from "./simulation/engine.ts";
import { type Random, seeded } from "./simulation/random.ts";
import { healthy, Side } from "./simulation/side.ts";
import { candidate, oldSide, SimulatedWorld } from "./simulation/world.ts";
import { Stage } from "./stage.ts";

/** Traffic of which both sides are given the same. */
export interface EqualSides {
  readonly name: string;
  readonly swap: Readonly<Record<string, unknown>>;
  readonly requestsPerSecond: number;
  /** Share of requests that fail on either side. */
  readonly errors: number;
  readonly latencyMs: number;
  readonly latencySpread: number;
  /** So much longer than usual is one request in fifty; 0: none. */
  readonly tailMs: number;
  /** Share of the campaign's swaps that this row plays: long ones are played less often. */
  readonly portion: number;
}

export const equalSides: readonly EqualSides[] = [
  {
    name: "100 requests a second, 0.1 % errors",
    swap: { profile: "demo" },
    requestsPerSecond: 100,
    errors: 0.001,
    latencyMs: 20,
    latencySpread: 0.4,
    tailMs: 0,
    portion: 1,
  },
  {
    name: "100 requests a second, 1 % errors, heavy tail",
    swap: { profile: "demo" },
    requestsPerSecond: 100,
    errors: 0.01,
    latencyMs: 200,
    latencySpread: 0.8,
    tailMs: 4_000,
    portion: 1,
  },
  {
    name: "60 requests a second, 0.1 % errors",
    // The long bake would be most of the work, and its looks are the same as the last step's.
    swap: { profile: "standard", bake: 120 },
    requestsPerSecond: 60,
    errors: 0.001,
    latencyMs: 20,
    latencySpread: 0.4,
    tailMs: 0,
    portion: 0.1,
  },
];

/** The requirement: false rollbacks over all swaps of equal sides. */
const falseRollbacksAtMost = 0.01;
/** Swaps of a row that go through the whole engine. */
const countedSwaps = 2;

interface Finding {
  readonly requests: number;
  readonly rolledBackFor: Reason | undefined;
  readonly inconclusive: number;
}

/** One swap of equal sides; how far it got and what stopped it. */
function playEqual(sides: EqualSides, settings: SwapSettings, random: Random): Finding {
  const gates = createGates();
  const behaviour = {
    ...healthy,
    latencyMs: sides.latencyMs,
    latencySpread: sides.latencySpread,
    slowTail: sides.tailMs > 0 ? { share: 0.02, latencyMs: sides.tailMs } : undefined,
  };
  const served = [oldSide, candidate].map((platform) => {
    const side = new Side(platform, true);
    side.behaviour = behaviour;
    return side;
  });
  const [old, fresh] = served;
  if (old === undefined || fresh === undefined) return { requests: 0, rolledBackFor: undefined, inconclusive: 0 };
  const spacingMs = 1_000 / sides.requestsPerSecond;
  let now = 0;
  let sequence = 0;
  let inconclusive = 0;
  const steps = [
    ...settings.ramp.map((share) => ({ share, floorMs: settings.holdMs })),
    { share: 100, floorMs: settings.bakeMs },
  ];
  for (const [index, { share, floorMs }] of steps.entries()) {
    // The bake goes on with the windows of the step before.
    if (index < settings.ramp.length) newStep(gates, now);
    const context = { sides: { candidate, old: oldSide }, askedShare: share / 100, settings, at: now };
    const beganAt = now;
    let lookAt = beganAt + floorMs;
    for (;;) {
      now += spacingMs;
      sequence += 1;
      const side = random() * 100 < share ? fresh : old;
      foldRecord(gates, recordOf(side, now, sequence, random, sides.errors), { ...context, at: now });
      const stop = stopNow(gates, settings);
      if (stop !== undefined) return { requests: sequence, rolledBackFor: stop.reason, inconclusive };
      if (now < lookAt) continue;
      if (lookAtStep(gates, settings, share, now).verdict === "successful") break;
      if (now - beganAt >= settings.stepDeadlineMs) {
        inconclusive += 1;
        break;
      }
      lookAt = now + settings.monitoringIntervalMs;
    }
  }
  return { requests: sequence, rolledBackFor: undefined, inconclusive };
}

function recordOf(side: Side, at: number, sequence: number, random: Random, errors: number): RequestRecord {
  const { outcome, status, firstByteMs, durationMs } = side.serve(at, random, errors);
  return { sequence, at, side: side.platform, status, firstByteMs, durationMs, outcome };
}

export async function falseAlarms(
  sides: EqualSides,
  seed: number,
  swaps: number,
  onSwap: (done: number, of: number) => void = () => undefined,
): Promise<FalseAlarmRow> {
  const settings = toSwapSettings(hotSwapConfig.parse(sides.swap), platformConfig.parse({}));
  const byReason: Record<string, number> = {};
  let requests = 0;
  let falseRollbacks = 0;
  let inconclusive = 0;
  let falseAlerts = 0;
  for (let swap = 0; swap < swaps; swap += 1) {
    const found = playEqual(sides, settings, seeded(seed * 1_000_003 + swap));
    requests += found.requests;
    inconclusive += found.inconclusive;
    if (found.rolledBackFor !== undefined) {
      falseRollbacks += 1;
      byReason[found.rolledBackFor] = (byReason[found.rolledBackFor] ?? 0) + 1;
    }
    const { rolledBackFor } = found;
    const wentBack = rolledBackFor !== undefined && callsSomebody(settings, "returning", rolledBackFor);
    // The engine would wait for a person there; this one goes on, and calls once.
    const waited = found.inconclusive > 0 && callsSomebody(settings, "paused", "step-inconclusive");
    if (wentBack || waited) falseAlerts += 1;
    onSwap(swap + 1, swaps);
    // A whole campaign is one long calculation: Ctrl-C has to be heard in between.
    if (swap % 20 === 19) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const miscounted: string[] = [];
  const calls: string[] = [];
  for (let swap = 0; swap < Math.min(countedSwaps, swaps); swap += 1) {
    const whole = await playWhole(sides, seed + swap);
    miscounted.push(...whole.miscounts);
    calls.push(...whole.calls);
  }
  const problems = [
    ...miscounted,
    ...calls.map((code) => `an equal swap through the whole engine called people for ${code}`),
  ];
  // Of few swaps one may be by chance.
  const allowed = Math.max(1, Math.floor(swaps * falseRollbacksAtMost));
  if (falseRollbacks > allowed)
    problems.push(`${falseRollbacks} of ${swaps} equal swaps were rolled back, at most ${allowed}`);
  if (falseAlerts > allowed) problems.push(`${falseAlerts} of ${swaps} equal swaps called people, at most ${allowed}`);
  return {
    profile: settings.profile,
    traffic: sides.name,
    swaps,
    requests,
    falseRollbacks,
    byReason,
    inconclusive,
    miscounted: miscounted.length,
    falseAlerts,
    ok: problems.length === 0,
    problems,
  };
}

interface Count {
  requests: number;
  errors: number;
}

interface WholePlay {
  /** What its gates counted against what the sender did, where they differ. */
  readonly miscounts: readonly string[];
  /** Codes that people were called for. */
  readonly calls: readonly string[];
}

/** One swap through the whole engine, with its alerts. */
async function playWhole(sides: EqualSides, seed: number): Promise<WholePlay> {
  const world = new SimulatedWorld({
    swap: sides.swap,
    seed,
    requestsPerSecond: sides.requestsPerSecond,
    backgroundErrors: sides.errors,
    propagationDelayMs: 2_000,
  });
  return world.clock.run(async () => {
    const stage = new Stage(world);
    const counted: Record<string, Count> = {};
    const see = (gates: GateState): void => {
      counted[oldSide] = { ...gates.oldTotals };
      counted[candidate] = { ...gates.candidateTotals };
    };
    const engine = startEngine(world, {
      alerts: stage.alerts.desk(),
      listener: { onEvent: (_event, _state, { gates }) => see(gates), onTick: (_state, { gates }) => see(gates) },
    });
    const end = await engine.ended;
    const state = await stage.swap();
    const calls = stage.alerts.told.filter(isCall).map(({ alert }) => alert.code);
    if (end.kind !== "rested" || state === undefined)
      return { miscounts: ["an equal swap did not run to its end"], calls };
    const miscounts = [oldSide, candidate].flatMap((side) => {
      const sent = world.fed(side);
      const seen = counted[side] ?? { requests: 0, errors: 0 };
      return seen.requests === sent.requests && seen.errors === sent.errors
        ? []
        : [
            `${side}: the gates counted ${seen.requests} requests with ${seen.errors} errors, the sender ${sent.requests} with ${sent.errors}`,
          ];
    });
    return { miscounts, calls };
  });
}

export async function falseAlarmCampaign(
  seed: number,
  swaps: number,
  onRow: (row: FalseAlarmRow) => void = () => undefined,
): Promise<Campaign<FalseAlarmRow>> {
  const beganAt = performance.now();
  const rows: FalseAlarmRow[] = [];
  for (const sides of equalSides) {
    const row = await falseAlarms(sides, seed, Math.ceil(swaps * sides.portion));
    onRow(row);
    rows.push(row);
  }
  return campaign("false-alarms", seed, rows, Math.round(performance.now() - beganAt));
}
