/**
 * Events a second through the stop gate, in one process: the bare error test with every event an error and the e-value read
 * each time, and whole requests folded with errors, ceilings and latencies, the gate asked after each. Goal: two million a second.
 */
import type { RequestRecord } from "../../automation/ports/request-feed.ts";
import { addError, createErrorEvidence, logEValue } from "../../automation/swap/gates/error-evidence.ts";
import { snapshotGates } from "../../automation/swap/gates/snapshot.ts";
import { createGates, foldRecord, newStep, stopNow } from "../../automation/swap/gates/stop.ts";
import { draws, lognormal, settingsOf, sides } from "../automation/swap/gates/traffic.ts";

const goal = 2_000_000;
const events = 1_000_000;
const rounds = 7;
const settings = settingsOf();

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function report(name: string, work: () => number): void {
  const rates: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const startedAt = performance.now();
    const done = work();
    if (round > 0) rates.push(done / ((performance.now() - startedAt) / 1_000));
  }
  const rate = median(rates);
  const met = rate >= goal;
  process.stdout.write(
    `${name}: ${(rate / 1e6).toFixed(1)} million a second, median of ${rounds} (goal 2.0: ${met ? "met" : "missed"})\n`,
  );
  if (!met) process.exitCode = 1;
}

const random = draws(1);
const onCandidate = Uint8Array.from({ length: events }, () => (random() < 0.05 ? 1 : 0));
report("error test, errors only", () => {
  const evidence = createErrorEvidence();
  let top = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < events; index += 1) {
    addError(evidence, onCandidate[index] === 1, 0.05);
    top = Math.max(top, logEValue(evidence));
  }
  if (!(top > 0)) throw new Error("The evidence never rose.");
  return events;
});

for (const [percent, errorRate] of [
  [5, 0.001],
  [50, 0.001],
  [50, 0.02],
  [100, 0.02],
] as const) {
  const latencyMs = lognormal(random, 80);
  const records = Array.from({ length: events }, (_, index): RequestRecord => {
    const ms = latencyMs();
    const failed = random() < errorRate;
    return {
      sequence: index,
      at: index,
      side: random() < percent / 100 ? sides.candidate : sides.old,
      status: failed ? 500 : 200,
      firstByteMs: ms,
      durationMs: ms,
      outcome: failed ? "application" : "ok",
    };
  });
  report(`requests at ${percent} %, ${errorRate * 100} % errors`, () => {
    const gates = createGates();
    newStep(gates, 0);
    const context = { sides, askedShare: percent / 100, settings, at: 0 };
    for (const record of records) {
      // 1,000 requests a second, so that latencies are compared for most of the run.
      context.at = record.at;
      foldRecord(gates, record, context);
      stopNow(gates, settings);
    }
    if (gates.candidate.requests + gates.old.requests !== events) throw new Error("Requests were left out.");
    if (percent < 100 && gates.latency.ranked.judged === 0) throw new Error("No latencies were compared.");
    if (JSON.stringify(snapshotGates(gates)).length > 8_192) throw new Error("The snapshot is too large.");
    return events;
  });
}
