/** The main job, shown on this machine: two swaps under load, one that passes and one that is rolled back by itself. */
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Summary } from "../../../tools/load-generator/messages.ts";
import type { LocalCloud } from "../../adapters/local-cloud.ts";
import { SwitchyardError } from "../../errors.ts";
import { type Reason, reasons } from "../../swap/reasons.ts";
import { runSwap } from "../../swap/run.ts";
import { combineListeners } from "../../swap/run-listeners.ts";
import type { SwapEvent, SwapState } from "../../swap/state.ts";
import { describePosition } from "../../swap/store.ts";
import { traceListener } from "../../swap/trace-listener.ts";
import type { Composition, Environment } from "../compose.ts";
import { engineProcess } from "../engine-process.ts";
import { label, type ProgressLines, stackProgress } from "../progress.ts";
import { beginSwap, prepareSwap, type SwapOverrides } from "../swap-start.ts";
import { swapListener, swapTableHead } from "../swap-view.ts";
import { count, dateAndTime, duration, plural } from "../text.ts";
import { upConfig } from "../up-config.ts";
import { clearDemo, enterDemo } from "./demo-state.ts";
import { Load } from "./load.ts";
import type { ReportData, ReportSwap } from "./report-data.ts";
import { Sampler } from "./sampler.ts";
import { machineFacts, writeReport } from "./write-report.ts";

export interface DemoOptions {
  /** Requests a second. Default 200. */
  readonly rate: number;
  readonly seed: number;
}

export interface DemoResult {
  readonly swap: {
    readonly id: string;
    readonly state: string;
    readonly steps: readonly number[];
    readonly timings: Readonly<Record<string, number>>;
  };
  readonly rollback: {
    readonly id: string;
    readonly state: string;
    readonly detectMs: number | undefined;
    readonly rollbackMs: number | undefined;
    readonly reason: string;
  };
  readonly requests: {
    readonly sent: number;
    readonly failed: number;
    readonly swapCaused: number;
    readonly candidateCaused: number;
  };
  readonly latencyMs: Readonly<
    Record<string, { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number }>
  >;
  readonly profile: string;
  readonly report: string;
}

/** Load alone before the first act and after the last, ms: what the swaps are compared with. */
const steadyMs = 3_000;

/** An image of the agent that fails one request in five. */
export const failingImage = join(import.meta.dirname, "../../../test/fixtures/images/kiro-failing");

/** Errors: environment-in-use, demo-failed, and those of everything that it runs. */
export async function runDemo(
  composition: Composition,
  lines: ProgressLines,
  signal: AbortSignal,
  options: DemoOptions,
): Promise<DemoResult> {
  lines.line(
    `Switchyard demo: an agent moves from Cloud Run to GKE while ${options.rate} requests a second keep coming.`,
  );
  lines.line("Everything runs on this machine: no cloud account, no Docker.");
  lines.line("");
  // First of all, because it may take minutes or fail, and nothing is touched before.
  const engine = await composition.resolveEngine();
  signal.throwIfAborted();
  await enterDemo(composition);
  let cloud: LocalCloud | undefined;
  let load: Load | undefined;
  let sampler: Sampler | undefined;
  try {
    const startedAt = Date.now();
    cloud = await composition.localCloud();
    lines.line(label("Local cloud", `ready in ${duration(Date.now() - startedAt)}`));
    const environment = await composition.environment("local");
    await bringUp("cloud-run", environment, lines, signal);
    await bringUp("traffic", environment, lines, signal);
    const balancer = await environment.balancer();
    load = await Load.start({ root: composition.root, url: balancer.url, host: balancer.host, ...options });
    lines.line(label("Load", `${options.rate} requests/s: 90 % short, 8 % 3-5 s, 2 % streams`));
    sampler = new Sampler(cloud, load);
    sampler.start();
    const stage: Stage = { environment, lines, signal, load, sampler };
    load.phase("before");
    await composition.clock.sleep(steadyMs, signal);
    const first = await act(stage, "Act 1", "gke", undefined);
    const second = await act(stage, "Act 2", "cloud-run", failingImage);
    load.phase("after");
    await composition.clock.sleep(steadyMs, signal);
    await sampler.stop();
    const summary = await load.stop();
    load = undefined;
    const result = await conclude(
      composition,
      { first, second, summary, sampler, startedAt, engine: engine.version, options },
      lines,
    );
    return result;
  } finally {
    await sampler?.abandon();
    load?.kill();
    try {
      await cloud?.stop();
    } finally {
      await clearDemo(composition);
    }
  }
}

export interface Stage {
  readonly environment: Environment;
  readonly lines: ProgressLines;
  readonly signal: AbortSignal;
  readonly load: Load;
  readonly sampler: Sampler;
}

export async function bringUp(
  program: "cloud-run" | "traffic",
  environment: Environment,
  lines: ProgressLines,
  signal: AbortSignal,
) {
  const engine = await environment.engine();
  const config = await upConfig(program, environment, { signal });
  const show = stackProgress(lines);
  const result = await engine.up(`${program}.${environment.name}`, {
    config,
    signal,
    // Each resource is news on a terminal only: what is left standing is one line per stack.
    onProgress: (progress) => (progress.state === "started" ? show(progress) : undefined),
  });
  const resources = Object.values(result.changes).reduce((sum, number) => sum + number, 0);
  const where = program === "traffic" ? `     ${(await environment.balancer()).url}` : "";
  lines.line(
    label(
      `${program}.${environment.name}`,
      `up, ${plural(resources, "resource")}, ${duration(result.durationMs)}${where}`,
    ),
  );
}

/** One swap from its start to its end. */
export async function act(
  stage: Stage,
  name: string,
  to: string,
  image: string | undefined,
  overrides: SwapOverrides = {},
): Promise<ReportSwap> {
  const { environment, lines, signal, load, sampler } = stage;
  const intent = await prepareSwap(environment, to, overrides);
  const title = `${name}  ${intent.from} -> ${to}${image === undefined ? "" : ", with an image that fails one request in five"}`;
  lines.line("");
  lines.line(`${title}     (gate profile ${intent.settings.profile})`);
  for (const line of swapTableHead) lines.line(line);
  load.phase(name.toLowerCase().replace(" ", "-"));
  const { id, lease } = await beginSwap(environment, intent, await environment.image(image));
  try {
    const journal = await environment.store.journal(id, lease.token);
    const ports = await environment.swapPorts();
    const view = combineListeners(swapListener(lines), traceListener(environment.trace, journal.events));
    // Nobody is there who could let a paused swap go on.
    const paused = new AbortController();
    try {
      const state = await runSwap(
        journal,
        { ...ports, lease, requests: (after) => environment.store.requests(id, after) },
        engineProcess,
        AbortSignal.any([signal, paused.signal]),
        {
          ...view,
          onEvent(event: SwapEvent, after: SwapState, seen) {
            if (event.kind === "paused") paused.abort(pausedError(name, event.reason, after));
            if (event.kind === "outcome" && after.accepted !== undefined) sampler.asked(after.accepted);
            view.onEvent?.(event, after, seen);
          },
        },
      );
      return { title, state, events: [...journal.events] };
    } finally {
      await ports.close();
    }
  } finally {
    await lease.release();
  }
}

function pausedError(name: string, reason: Reason, state: SwapState): SwitchyardError {
  const why = state.lastFailure === undefined ? reasons[reason] : `${reasons[reason]}: ${state.lastFailure.message}`;
  return new SwitchyardError("demo-failed", {
    message: `${name} came to a halt (${describePosition(state)}): ${why}`,
    next: "Run the demo again; if it halts there again, look at .switchyard/environments/local/swaps.",
  });
}

interface Conclusion {
  readonly first: ReportSwap;
  readonly second: ReportSwap;
  readonly summary: Summary;
  readonly sampler: Sampler;
  readonly startedAt: number;
  readonly engine: string;
  readonly options: DemoOptions;
}

async function conclude(composition: Composition, found: Conclusion, lines: ProgressLines): Promise<DemoResult> {
  const { first, second, summary } = found;
  const swapCaused = summary.failures.swap;
  const candidateCaused = sum(summary.failures.agent) + sum(summary.failures.crash);
  const { detectMs, rollbackMs } = rollbackTimes(second);
  const good = swapCaused === 0 && first.state.end?.as === "completed" && second.state.end?.as === "rolled-back";
  const data: ReportData = {
    startedAt: found.startedAt,
    endedAt: Date.now(),
    good,
    verdict: good
      ? `No request failed because of a swap; the bad image was found and rolled back`
      : `The demo did not show what it is there to show`,
    numbers: {
      sent: summary.sent,
      failed: summary.failed,
      swapCaused,
      candidateCaused,
      detectMs,
      rollbackMs,
      longestStallMs: summary.longestStallMs,
    },
    swaps: [first, second],
    load: summary,
    samples: found.sampler.samples,
    facts: {
      engine: found.engine,
      profile: first.state.settings.profile,
      feed: "request feed of the local router, complete",
      rate: found.options.rate,
      ...machineFacts(),
    },
  };
  const report = await writeReport(composition, data);
  lines.line("");
  lines.line(
    `Requests                 ${count(summary.sent)} sent, ${count(summary.failed)} failed (${count(candidateCaused)} on the bad image)`,
  );
  lines.line(`Bad image                detected in ${time(detectMs)}, rolled back in ${time(rollbackMs)}`);
  lines.line(`Swap-caused failures     ${count(swapCaused)} of ${count(summary.sent)}`);
  lines.line(`Report                   ${report}`);
  lines.line(`Next                     npx switchyard swap why ${second.state.id} --env local     (what decided)`);
  const result: DemoResult = {
    swap: {
      id: first.state.id,
      state: first.state.end?.as ?? "unfinished",
      steps: first.state.settings.ramp,
      timings: phaseTimings(first.state),
    },
    rollback: {
      id: second.state.id,
      state: second.state.end?.as ?? "unfinished",
      detectMs,
      rollbackMs,
      reason: second.state.rollback?.reason ?? second.state.end?.reason ?? "none",
    },
    requests: { sent: summary.sent, failed: summary.failed, swapCaused, candidateCaused },
    latencyMs: Object.fromEntries(
      Object.entries(summary.sides).flatMap(([side, { latencyMs }]) =>
        latencyMs === undefined ? [] : [[side, latencyMs]],
      ),
    ),
    profile: first.state.settings.profile,
    report,
  };
  if (good) return result;
  throw new SwitchyardError("demo-failed", {
    message: `${count(swapCaused)} of ${count(summary.sent)} requests failed because of a swap; act 1 ended ${result.swap.state}, act 2 ${result.rollback.state} (run by ${userInfo().username} at ${dateAndTime(found.startedAt)})`,
    next: [`To see what happened:   open ${report}`],
    data: { ...result },
  });
}

function time(ms: number | undefined): string {
  return ms === undefined ? "unknown" : duration(ms);
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}

/** From the first user request on the bad side to the decision, and from there to the verified old weight. Pure. */
export function rollbackTimes(swap: ReportSwap): { detectMs: number | undefined; rollbackMs: number | undefined } {
  const { rollback, marks } = swap.state;
  if (rollback === undefined) return { detectMs: undefined, rollbackMs: undefined };
  const exposed = swap.events.find(
    (event) => event.kind === "outcome" && event.ok && event.at >= (shiftAt(marks) ?? Number.POSITIVE_INFINITY),
  );
  return {
    detectMs: exposed === undefined ? undefined : rollback.decidedAt - exposed.at,
    rollbackMs: rollback.verifiedAt === undefined ? undefined : rollback.verifiedAt - rollback.decidedAt,
  };
}

function shiftAt(marks: SwapState["marks"]): number | undefined {
  return marks.find((mark) => mark.phase === "shifting")?.at;
}

/** ms per phase, the steps of the ramp apart. Pure. */
export function phaseTimings(state: SwapState): Readonly<Record<string, number>> {
  const timings: Record<string, number> = {};
  for (const [index, mark] of state.marks.entries()) {
    const next = state.marks[index + 1];
    if (next === undefined) break;
    const name = mark.phase === "shifting" ? `shifting-${state.settings.ramp[mark.step] ?? 0}` : mark.phase;
    timings[name] = (timings[name] ?? 0) + next.at - mark.at;
  }
  return timings;
}
