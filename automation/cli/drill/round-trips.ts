/** Real swaps there and back on a local cloud of their own, under load that does not wait for answers. */
import type { Summary } from "../../../tools/load-generator/messages.ts";
import type { LocalCloud } from "../../adapters/local-cloud.ts";
import { SwitchyardError } from "../../errors.ts";
import type { Composition } from "../compose.ts";
import { act, bringUp, type Stage } from "../demo/demo.ts";
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
  /** Real time, ms. */
  readonly tookMs: number;
}

/** Errors: those of everything that it runs, before the first swap begins. */
export async function runRoundTrips(
  composition: Composition,
  lines: ProgressLines,
  signal: AbortSignal,
  options: RoundTripOptions,
): Promise<RoundTripsResult> {
  const beganAt = performance.now();
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
    const trips = await travel({ environment, lines, signal, load, sampler }, options.roundTrips);
    await sampler.stop();
    const summary = await load.stop();
    load = undefined;
    const { sides } = await cloud.traffic();
    return { ...judge(trips, summary, sides), tookMs: Math.round(performance.now() - beganAt) };
  } finally {
    await sampler?.abandon();
    load?.kill();
    await cloud?.stop();
  }
}

export interface Trips {
  readonly wanted: number;
  readonly swaps: readonly Pick<ReportSwap, "title" | "state">[];
  /** Why the rest was not travelled. */
  readonly broke: string | undefined;
}

/** A swap that does not come to its end is what is looked for: what was measured until then counts. */
async function travel(stage: Stage, roundTrips: number): Promise<Trips> {
  const swaps: ReportSwap[] = [];
  const wanted = 2 * roundTrips;
  try {
    for (let trip = 1; trip <= roundTrips; trip += 1) {
      swaps.push(await act(stage, `Trip ${trip} there`, "gke", undefined, { profile: "demo" }));
      swaps.push(await act(stage, `Trip ${trip} back`, "cloud-run", undefined, { profile: "demo" }));
    }
  } catch (error) {
    stage.signal.throwIfAborted();
    if (!(error instanceof SwitchyardError)) throw error;
    return { wanted, swaps, broke: `${error.code}: ${error.message}` };
  }
  return { wanted, swaps, broke: undefined };
}

/** Pure. */
export function judge(
  { wanted, swaps, broke }: Trips,
  summary: Pick<Summary, "sent" | "failed" | "failures" | "sides" | "kinds"> & {
    readonly phases: readonly Pick<Summary["phases"][number], "name" | "sent" | "failed" | "failures">[];
  },
  sides: Readonly<Record<string, { readonly requests: number }>>,
): Omit<RoundTripsResult, "tookMs"> {
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
  const agentCaused = [...Object.values(failures.agent), ...Object.values(failures.crash)].reduce((a, b) => a + b, 0);
  const problems = [
    ...(broke === undefined ? [] : [broke]),
    ...(trips.length === wanted ? [] : [`only ${trips.length} of ${wanted} swaps came to an end`]),
    ...trips.filter(({ end }) => end !== "completed").map(({ title, end }) => `${title} ended ${end}`),
    ...(failures.swap > 0 ? [`${failures.swap} of ${sent} requests failed because of a swap`] : []),
    // Both sides are healthy, and this machine's client has all that it needs.
    ...(agentCaused > 0 ? [`${agentCaused} requests failed by the agent or its crashes, which nobody asked for`] : []),
    ...(failures.client > 0 ? [`${failures.client} requests failed by the load generator itself`] : []),
    ...(sent > 0 ? [] : ["no request was sent"]),
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
      agentCaused,
      long: summary.kinds.long,
      swapCausedBound: upperBound(failures.swap, sent),
    },
    counts,
    problems,
  };
}

/** Of a Poisson count of so many, 95 %, one-sided. 3 for none (research, hot swap 2.5). */
const poissonBounds = [2.996, 4.744, 6.296, 7.754, 9.154, 10.513];

/** Upper 95 % bound of a share from its count, 0-1. */
export function upperBound(count: number, of: number): number {
  if (of === 0) return 1;
  const bound = poissonBounds[count] ?? wilsonHilferty(count);
  return Math.min(1, bound / of);
}

/** Half the 95 % quantile of chi squared with 2 (count + 1) degrees of freedom; within 0.1 % above five. */
function wilsonHilferty(count: number): number {
  const freedom = count + 1;
  const part = 1 / (9 * freedom);
  return freedom * (1 - part + 1.6449 * Math.sqrt(part)) ** 3;
}
