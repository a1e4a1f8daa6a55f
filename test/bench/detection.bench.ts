/**
 * How fast a build that fails one request in five is found and rolled back, on the real local cloud at 200 requests a second:
 * `node test/bench/detection.bench.ts [--runs 20]`. Prints p50 and p95 at the 1 % and the 5 % step against their limits.
 */
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { Composition } from "../../automation/cli/compose.ts";
import { act, bringUp, failingImage, rollbackTimes, type Stage } from "../../automation/cli/demo/demo.ts";
import { clearDemo, enterDemo } from "../../automation/cli/demo/demo-state.ts";
import { Load } from "../../automation/cli/demo/load.ts";
import { Sampler } from "../../automation/cli/demo/sampler.ts";
import { ProgressLines } from "../../automation/cli/progress.ts";
import { quantile } from "../../automation/swap/gates/window.ts";

/** ms within which the p95 of the runs has to be. */
const limits: Readonly<Record<number, number>> = { 1: 15_000, 5: 5_000 };

const { values } = parseArgs({ options: { runs: { type: "string", default: "20" } } });
const runs = Number(values.runs);
const root = dirname(dirname(import.meta.dirname));
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
const composition = new Composition({ root, signal: stop.signal, ownLocalCloud: true });
const lines = new ProgressLines();

await enterDemo(composition);
try {
  const cloud = await composition.localCloud();
  const environment = await composition.environment("local");
  await bringUp("cloud-run", environment, lines, stop.signal);
  await bringUp("traffic", environment, lines, stop.signal);
  const { url, host } = await environment.balancer();
  const load = await Load.start({ root, url, host, rate: 200, seed: 7 });
  const stage: Stage = { environment, lines, signal: stop.signal, load, sampler: new Sampler(cloud, load) };
  for (const share of [1, 5]) {
    const detect: number[] = [];
    const back: number[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const swap = await act(stage, `Run ${run}`, "gke", failingImage, { ramp: [share, 100], after_rollback: "keep" });
      const times = rollbackTimes(swap);
      const inStep = swap.state.step === 0 && swap.state.end?.as === "rolled-back";
      if (!inStep) process.stdout.write(`run ${run}: ${swap.state.end?.as} at step ${swap.state.step}\n`);
      detect.push(inStep ? (times.detectMs ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY);
      back.push(times.rollbackMs ?? Number.POSITIVE_INFINITY);
    }
    const p95 = quantile(detect, 0.95) ?? Number.NaN;
    const limit = limits[share] ?? 0;
    process.stdout.write(
      `detection at ${share} %: p50 ${quantile(detect, 0.5)} ms, p95 ${p95} ms of ${runs} runs (limit ${limit} ms: ${p95 <= limit ? "met" : "missed"}); rollback verified p50 ${quantile(back, 0.5)} ms, p95 ${quantile(back, 0.95)} ms\n`,
    );
    if (p95 > limit) process.exitCode = 1;
  }
  const summary = await load.stop();
  process.stdout.write(
    `requests ${summary.sent}, failed ${summary.failed}, swap-caused ${summary.failures.swap} over ${2 * runs} swaps\n`,
  );
  if (summary.failures.swap > 0) process.exitCode = 1;
} finally {
  await (await composition.findLocalCloud())?.stop();
  await clearDemo(composition);
}
