/** Real swaps there and back on a local cloud of their own, under load that does not wait for answers. */
import type { Summary } from "../../../tools/load-generator/messages.ts";
import type { LocalCloud } from "../../adapters/local-cloud.ts";
import type { Composition } from "../compose.ts";
import { act, bringUp, type Stage } from "../demo/demo.ts";
import { clearDemo, enterDemo } from "../demo/demo-state.ts";
import { Load } from "../demo/load.ts";
import type { ReportSwap } from "../demo/report-data.ts";
import { Sampler } from "../demo/sampler.ts";
import { label, type ProgressLines } from "../progress.ts";

export interface RoundTripOptions {
  readonly roundTrips: number;
  /** Short, slow and streaming requests a second. */
  readonly rate: number;
  readonly seed: number;
  /** Beside them one long request begins every so many seconds and takes so long. */
  readonly long: { readonly everySeconds: number; readonly durationSeconds: number };
}

export interface RoundTripsResult {
  readonly swaps: readonly {
    readonly title: string;
    readonly end: string;
    readonly durationMs: number;
    readonly sent: number;
    readonly failed: number;
    readonly swapCaused: number;
  }[];
  readonly requests: {
    readonly sent: number;
    readonly failed: number;
    readonly swapCaused: number;
    readonly clientCaused: number;
    readonly agentCaused: number;
    readonly long: { readonly sent: number; readonly failed: number };
    /** Upper 95 % bound on the share of requests that fail because of a swap; with none failed 3 in the number sent. */
    readonly swapCausedBound: number;
  };
  /** What the router counted per side, and what the load generator saw answered by it: they must be equal. */
  readonly counts: readonly { readonly side: string; readonly router: number; readonly load: number }[];
  readonly problems: readonly string[];
}

/** Errors: environment-in-use, demo-failed, and those of everything that it runs. */
export async function runRoundTrips(
  composition: Composition,
  lines: ProgressLines,
  signal: AbortSignal,
  options: RoundTripOptions,
): Promise<RoundTripsResult> {
  await enterDemo(composition);
  let cloud: LocalCloud | undefined;
  let load: Load | undefined;
  let sampler: Sampler | undefined;
  try {
    cloud = await composition.localCloud();
    const environment = await composition.environment("local");
    await bringUp("cloud-run", environment, lines, signal);
    await bringUp("traffic", environment, lines, signal);
    const balancer = await environment.balancer();
    load = await Load.start({ root: composition.root, url: balancer.url, host: balancer.host, ...options });
    lines.line(
      label(
        "Load",
        `${options.rate} requests/s, and one of ${options.long.durationSeconds} s every ${options.long.everySeconds} s`,
      ),
    );
    sampler = new Sampler(cloud, load);
    sampler.start();
    const stage: Stage = { environment, lines, signal, load, sampler };
    const swaps: ReportSwap[] = [];
    for (let trip = 1; trip <= options.roundTrips; trip += 1) {
      swaps.push(await act(stage, `Trip ${trip} there`, "gke", undefined, { profile: "demo" }));
      swaps.push(await act(stage, `Trip ${trip} back`, "cloud-run", undefined, { profile: "demo" }));
    }
    await sampler.stop();
    const summary = await load.stop();
    load = undefined;
    const { sides } = await cloud.traffic();
    return judge(swaps, summary, sides);
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

/** Pure. */
export function judge(
  swaps: readonly Pick<ReportSwap, "title" | "state">[],
  summary: Summary,
  sides: Readonly<Record<string, { readonly requests: number }>>,
): RoundTripsResult {
  const { failures, sent, failed } = summary;
  const phases = summary.phases.filter(({ name }) => name.startsWith("trip"));
  const counts = Object.keys({ ...sides, ...summary.sides })
    .filter((side) => side !== "")
    .map((side) => ({ side, router: sides[side]?.requests ?? 0, load: summary.sides[side]?.ended ?? 0 }));
  const trips = swaps.map(({ title, state }, index) => {
    const phase = phases[index];
    return {
      title,
      end: state.end?.as ?? "unfinished",
      durationMs: (state.end?.at ?? state.startedAt) - state.startedAt,
      sent: phase?.sent ?? 0,
      failed: phase?.failed ?? 0,
      swapCaused: phase?.failures.swap ?? 0,
    };
  });
  const problems = [
    ...trips.filter(({ end }) => end !== "completed").map(({ title, end }) => `${title} ended ${end}`),
    ...(failures.swap > 0 ? [`${failures.swap} of ${sent} requests failed because of a swap`] : []),
    ...counts
      .filter(({ router, load }) => router !== load)
      .map(({ side, router, load }) => `the router counted ${router} requests on ${side}, the load generator ${load}`),
  ];
  return {
    swaps: trips,
    requests: {
      sent,
      failed,
      swapCaused: failures.swap,
      clientCaused: failures.client,
      agentCaused: [...Object.values(failures.agent), ...Object.values(failures.crash)].reduce((a, b) => a + b, 0),
      long: summary.kinds.long,
      swapCausedBound: upperBound(failures.swap, sent),
    },
    counts,
    problems,
  };
}

/** Upper 95 % bound of a share from its count: Poisson; 3 in n for none (research, hot swap 2.5). */
export function upperBound(count: number, of: number): number {
  if (of === 0) return 1;
  const bounds = [2.996, 4.744, 6.296, 7.754, 9.154, 10.513];
  return (bounds[count] ?? count + 1.645 * Math.sqrt(count) + 1.35) / of;
}
