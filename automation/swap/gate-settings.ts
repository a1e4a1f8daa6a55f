/** What the gates may be told, and the named profiles. */
import { z } from "zod";

export const gateProfileNames = ["demo", "standard"] as const;

/**
 * How much a step must show before the next one. Named, because the name is printed with every result:
 * a swap that passed `demo` has proven less than one that passed `standard`.
 */
export interface GateProfile {
  readonly name: (typeof gateProfileNames)[number];
  /** Requests that the candidate must have finished in a step, whatever the margin asks for. */
  readonly minimumRequests: number;
  /** Margin of non-inferiority below `lateFromPercent`, as a share of requests. */
  readonly earlyMargin: number;
  /** The same from `lateFromPercent` on: late steps carry the proof. */
  readonly lateMargin: number;
  readonly lateFromPercent: number;
  /** Whether probes count as requests of the side that answered them. */
  readonly countProbes: boolean;
  /** Time floor of a step, ms. */
  readonly holdMs: number;
  /** Bake at 100 %, ms. */
  readonly bakeMs: number;
  /** A step that has not met its sample by then pauses as inconclusive, ms. */
  readonly stepDeadlineMs: number;
  /** A latency of the candidate may be this many times the old side's in the same window … */
  readonly latencyRatio: number;
  /** … plus this much, ms, so that 2 ms against 1 ms is no failure. */
  readonly latencySlackMs: number;
  /** From the candidate's first user request until its latency is compared, ms. */
  readonly warmUpMs: number;
  /** So long without a user request on either side is silence, ms. */
  readonly silenceMs: number;
}

/**
 * Margins and the sizes that follow from them: shared research, hot swap 2.7 (342 requests show at 0.1 % base errors that
 * they grew by less than 0.5 points, 8,560 that they grew by less than 0.1). `demo`: enough to see the machinery work in two
 * minutes; it proves little about rates.
 */
export const gateProfiles: Readonly<Record<GateProfile["name"], GateProfile>> = Object.freeze({
  demo: {
    name: "demo",
    minimumRequests: 10,
    earlyMargin: 0.05,
    lateMargin: 0.05,
    lateFromPercent: 25,
    countProbes: false,
    holdMs: 3_000,
    bakeMs: 5_000,
    stepDeadlineMs: 120_000,
    latencyRatio: 3,
    latencySlackMs: 100,
    warmUpMs: 1_000,
    silenceMs: 30_000,
  },
  standard: {
    name: "standard",
    minimumRequests: 340,
    earlyMargin: 0.005,
    lateMargin: 0.001,
    lateFromPercent: 25,
    countProbes: false,
    holdMs: 60_000,
    bakeMs: 900_000,
    stepDeadlineMs: 3_600_000,
    latencyRatio: 1.5,
    latencySlackMs: 25,
    warmUpMs: 30_000,
    silenceMs: 300_000,
  },
});

const alpha = z.number().gt(0).max(0.05);
export const seconds = (least: number, most: number) => z.number().min(least).max(most);

/** What the gates look at and how sure they must be. Everything that is absent comes from the profile. */
export const gatesConfig = z
  .strictObject({
    error_alpha: alpha
      .default(0.006)
      .describe("Risk, per swap, of blaming a healthy candidate for errors. Default 0.006, up to 0.05."),
    latency_alpha: alpha
      .default(0.003)
      .describe("Risk, per swap, of blaming a healthy candidate for latency. Default 0.003, up to 0.05."),
    floor_alpha: alpha
      .default(0.001)
      .describe(
        "Risk, per swap, that a candidate at rollback_threshold counts as above it. Default 0.001, up to 0.05.",
      ),
    consecutive_gateway_errors: z
      .number()
      .int()
      .min(2)
      .max(1_000)
      .default(5)
      .describe("Gateway errors in a row on the candidate that stop the swap at once. Default 5, 2-1000."),
    base_error_rate: z
      .number()
      .gt(0)
      .max(0.5)
      .default(0.001)
      .describe("Share of failed requests that is normal here; sizes the samples. Default 0.001."),
    early_margin: z
      .number()
      .gt(0)
      .max(0.5)
      .optional()
      .describe("Growth of the failed share that a step below 25 % must rule out. Default: the profile's."),
    late_margin: z.number().gt(0).max(0.5).optional().describe("The same from 25 % on. Default: the profile's."),
    count_probes: z
      .boolean()
      .optional()
      .describe("Whether weight probes count as requests of the side that answers. Default: the profile's (no)."),
    latency_ratio: z
      .number()
      .min(1)
      .max(100)
      .optional()
      .describe("A latency of the candidate may be this many times the old side's. Default: the profile's."),
    latency_slack: z.number().min(0).max(60_000).optional().describe("Plus this much, ms. Default: the profile's."),
    warm_up: seconds(0, 3_600)
      .optional()
      .describe("Seconds from the candidate's first request until its latency is compared. Default: the profile's."),
    silence_after: seconds(1, 86_400)
      .optional()
      .describe("Seconds without a user request that count as silence. Default: the profile's."),
    on_silence: z
      .enum(["pause", "notify", "top-up"])
      .default("pause")
      .describe("What silence does: pause the swap, say so and wait, or send synthetic requests. Default pause."),
    top_up_rate: z
      .number()
      .gt(0)
      .max(1_000)
      .default(10)
      .describe("Synthetic requests a second for on_silence: top-up. Default 10."),
  })
  .prefault({})
  .describe("The gates' risks, margins and limits.");

/** A risk of this much, per swap, is what one alpha alone may be; together they are the risk of the swap. */
const alphasAtMost = 0.05;
/** Sums of decimal fractions are not exact. */
const rounding = 1e-9;

/** For a time that a step would never get to. */
export function overdue({ name, stepDeadlineMs }: GateProfile): string {
  return `must be below what a step of profile ${name} may take (${stepDeadlineMs / 1_000} s)`;
}

/** What in the gates contradicts itself, the profile, or the ceiling on the candidate's failed share (0-1). Pure. */
export function gateContradictions(
  given: z.infer<typeof gatesConfig>,
  profile: GateProfile,
  rollbackThreshold: number,
): readonly { readonly path: readonly string[]; readonly message: string }[] {
  const margins = { early_margin: profile.earlyMargin, late_margin: profile.lateMargin };
  const alphas = given.error_alpha + given.latency_alpha + given.floor_alpha;
  return [
    ...(["early_margin", "late_margin"] as const).flatMap((name) => {
      const from = given[name] === undefined ? `; profile ${profile.name} has ${margins[name]}` : "";
      return (given[name] ?? margins[name]) > rollbackThreshold
        ? [{ path: [name], message: `must not be wider than rollback_threshold (${rollbackThreshold})${from}` }]
        : [];
    }),
    ...(["warm_up", "silence_after"] as const).flatMap((name) =>
      (given[name] ?? 0) * 1_000 >= profile.stepDeadlineMs ? [{ path: [name], message: overdue(profile) }] : [],
    ),
    ...(alphas > alphasAtMost + rounding
      ? [
          {
            path: [],
            message: `error_alpha, latency_alpha and floor_alpha add up to ${Number(alphas.toFixed(6))}; a swap may risk at most ${alphasAtMost}`,
          },
        ]
      : []),
  ];
}

/** What the gates run with, resolved to numbers. */
export const gateSettings = z.object({
  /** False risks of blaming a healthy candidate, per swap. */
  errorAlpha: z.number(),
  latencyAlpha: z.number(),
  /** False risk of the ceiling on failed requests, per swap. */
  floorAlpha: z.number(),
  /** Consecutive gateway errors on the candidate that stop the swap at once. */
  consecutiveGatewayErrors: z.number(),
  baseErrorRate: z.number(),
  earlyMargin: z.number(),
  lateMargin: z.number(),
  lateFromPercent: z.number(),
  countProbes: z.boolean(),
  minimumRequests: z.number(),
  latencyRatio: z.number(),
  latencySlackMs: z.number(),
  warmUpMs: z.number(),
  silenceMs: z.number(),
  onSilence: z.enum(["pause", "notify", "top-up"]),
  topUpPerSecond: z.number(),
});

export type GateSettings = z.infer<typeof gateSettings>;

/** The profile's numbers, where the configuration does not give its own. */
export function toGateSettings(given: z.infer<typeof gatesConfig>, profile: GateProfile): GateSettings {
  return {
    errorAlpha: given.error_alpha,
    latencyAlpha: given.latency_alpha,
    floorAlpha: given.floor_alpha,
    consecutiveGatewayErrors: given.consecutive_gateway_errors,
    baseErrorRate: given.base_error_rate,
    earlyMargin: given.early_margin ?? profile.earlyMargin,
    lateMargin: given.late_margin ?? profile.lateMargin,
    lateFromPercent: profile.lateFromPercent,
    countProbes: given.count_probes ?? profile.countProbes,
    minimumRequests: profile.minimumRequests,
    latencyRatio: given.latency_ratio ?? profile.latencyRatio,
    latencySlackMs: given.latency_slack ?? profile.latencySlackMs,
    warmUpMs: given.warm_up === undefined ? profile.warmUpMs : given.warm_up * 1_000,
    silenceMs: given.silence_after === undefined ? profile.silenceMs : given.silence_after * 1_000,
    onSilence: given.on_silence,
    topUpPerSecond: given.top_up_rate,
  };
}
