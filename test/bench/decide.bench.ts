/**
 * Decisions a second of a swap in the middle of its ramp, with gates and probes that are full, in one process: waiting for the data
 * plane, holding, looking at the step each time, and with a request and a probe folded before each decision. Goal: 200,000 a second.
 */
import type { RequestRecord } from "../../automation/ports/request-feed.ts";
import { decide } from "../../automation/swap/decide.ts";
import type { Decision, Observation } from "../../automation/swap/decision.ts";
import { journalFormat, type SwapEvent } from "../../automation/swap/events.ts";
import { foldEvents } from "../../automation/swap/fold.ts";
import { foldRecord } from "../../automation/swap/gates/stop.ts";
import { addProbes, createProbeWindow, type ProbeWindow } from "../../automation/swap/gates/weight.ts";
import type { SwapState } from "../../automation/swap/state.ts";
import { DrawnSwap, draws, lognormal, settingsOf, sides } from "../automation/swap/gates/traffic.ts";

const goal = 200_000;
const decisions = 200_000;
const rounds = 7;
const settings = settingsOf();
const random = draws(1);
const percent = 25;
const step = settings.ramp.indexOf(percent);
const weights = { [sides.old]: 100 - percent, [sides.candidate]: percent };

function shifting(verified: boolean): SwapState {
  const effect = { kind: "write-weights", weights } as const;
  const events: SwapEvent[] = [
    {
      kind: "started",
      format: journalFormat,
      at: 0,
      id: "1",
      mode: "swap",
      environment: "local",
      from: sides.old,
      to: sides.candidate,
      image: "kiro@sha256:0",
      settings,
      by: "bench",
    },
    { kind: "entered", at: 1, phase: "shifting", step, reason: "step-successful", evidence: {} },
    { kind: "intent", at: 2, effect },
    { kind: "outcome", at: 3, ok: true, found: false, durationMs: 1, facts: {} },
  ];
  if (verified) events.push({ kind: "verified", at: 4, since: 0, weight: percent, evidence: {} });
  const state = foldEvents(events);
  if (state?.phase !== "shifting" || state.verified !== verified) throw new Error("The state is not in its ramp.");
  return state;
}

/** Ten thousand requests and more probes than are judged. */
const swap = new DrawnSwap(settings, random);
const healthy = { errorRate: 0.001, latencyMs: lognormal(random, 80) };
for (const share of settings.ramp.slice(0, step))
  swap.step({ percent: share, requests: 4_000, perSecond: 100, candidate: healthy, old: healthy });
swap.step({ percent, requests: 10_000, perSecond: 100, candidate: healthy, old: healthy });

function probesAt(share: number): ProbeWindow {
  const window = createProbeWindow();
  addProbes(
    window,
    Array.from({ length: 5_000 }, () => (random() * 100 < share ? sides.candidate : sides.old)),
  );
  return window;
}

function seen(probes: ProbeWindow, lookedAt: number | undefined): Observation {
  return {
    gates: swap.gates,
    probes,
    probesSince: 0,
    inFlight: undefined,
    ready: undefined,
    lookedAt,
    heardAt: swap.at,
    instanceAgeMs: 60_000,
    blind: false,
    wall: swap.at,
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function report(name: string, kind: Decision["kind"], decideOnce: (round: number) => Decision): void {
  const rates: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const startedAt = performance.now();
    let expected = 0;
    for (let index = 0; index < decisions; index += 1) if (decideOnce(index).kind === kind) expected += 1;
    if (round > 0) rates.push(decisions / ((performance.now() - startedAt) / 1_000));
    if (expected !== decisions) throw new Error(`${name}: ${decisions - expected} decisions were no ${kind}.`);
  }
  const rate = median(rates);
  const met = rate >= goal;
  process.stdout.write(
    `${name}: ${Math.round(rate / 1_000).toLocaleString("en")},000 decisions a second, median of ${rounds} (goal 200,000: ${met ? "met" : "missed"})\n`,
  );
  if (!met) process.exitCode = 1;
}

const now = swap.at;
const unverified = shifting(false);
const verified = shifting(true);
const lagging = seen(probesAt(5), undefined);
report("waiting for the data plane", "wait", () => decide(unverified, lagging, now));
const holding = seen(probesAt(percent), now);
report("holding", "wait", () => decide(verified, holding, now));
// Too few requests for a late step: the look is taken whole and keeps the step.
const looking = seen(probesAt(percent), undefined);
report("looking at the step", "wait", () => decide(verified, looking, now));

const latencyMs = lognormal(random, 80);
const records = Array.from({ length: decisions }, (_, index): RequestRecord => {
  const ms = latencyMs();
  const side = random() * 100 < percent ? sides.candidate : sides.old;
  return { sequence: index, at: now, side, status: 200, firstByteMs: ms, durationMs: ms, outcome: "ok" };
});
const context = { sides, askedShare: percent / 100, settings, at: now };
const fed = seen(probesAt(5), undefined);
report("with a request and a probe before each", "wait", (index) => {
  const record = records[index];
  if (record !== undefined) foldRecord(swap.gates, record, context);
  addProbes(fed.probes, [sides.old]);
  return decide(unverified, fed, now);
});
