/** What guard's drill and the processes of its campaigns say to each other. */
import { z } from "zod";
import type { CrashCampaign } from "../../drill/guard/crashes.ts";
import type { FaultyWave, FleetCampaign } from "../../drill/guard/fleet-campaign.ts";
import type { RivalRow } from "../../drill/guard/rivals.ts";
import type { PowerCampaign } from "../../guard/judge/campaign.ts";
import type { Strategy } from "../../guard/plan/support.ts";
import { guardStates } from "../../guard/registry/state-names.ts";

const campaignsByStrategy = {
  "in-place": ["fleet", "faulty-wave", "kills-upgrade", "kills-rollback", "rivals"],
  revision: ["revision-faulty-wave", "revision-kills-upgrade", "revision-kills-rollback", "revision-rivals"],
} as const satisfies Readonly<Record<Strategy, readonly string[]>>;

export const guardCampaigns = [...campaignsByStrategy["in-place"], ...campaignsByStrategy.revision, "judge"] as const;
export type GuardCampaignName = (typeof guardCampaigns)[number];

export type DrillStrategy = Strategy | "both";

/** The judge is the same for both strategies. */
export const campaignsOf = (strategy: DrillStrategy): readonly GuardCampaignName[] =>
  strategy === "both" ? guardCampaigns : [...campaignsByStrategy[strategy], "judge"];

/** What is to be played; the process's one argument, as JSON. */
export const guardDrillPlan = z.strictObject({
  campaign: z.enum(guardCampaigns),
  seed: z.number(),
  clusters: z.number(),
  waves: z.number(),
  kills: z.union([z.literal("all"), z.number()]),
});

export type GuardDrillPlan = z.infer<typeof guardDrillPlan>;

const texts = z.array(z.string()).readonly();

const fleet = z.strictObject({
  clusters: z.number(),
  waves: z.number(),
  upgraded: z.number(),
  mergeRequests: z.number(),
  requestsPerCluster: z.number(),
  polls: z.number(),
  calls: z.record(z.string(), z.number()).readonly(),
  virtualMs: z.number(),
  problems: texts,
}) satisfies z.ZodType<FleetCampaign>;

const faultyWave = z.strictObject({
  wave: z.string(),
  states: z.array(z.enum(guardStates)).readonly(),
  mergeRequests: z.number(),
  planes: texts,
  problems: texts,
}) satisfies z.ZodType<FaultyWave>;

const crashes = z.strictObject({
  moments: z.number(),
  points: z.number(),
  random: z.number(),
  rows: z
    .array(z.strictObject({ call: z.string(), before: z.number(), after: z.number(), problems: texts }))
    .readonly(),
}) satisfies z.ZodType<CrashCampaign>;

const rival = z.strictObject({
  seed: z.number(),
  processes: z.number(),
  pauses: z.number(),
  kills: z.number(),
  locks: z.number(),
  writes: z.number(),
  problems: texts,
}) satisfies z.ZodType<RivalRow>;

const scenario = z.strictObject({
  failed: z.number(),
  passed: z.number(),
  undecided: z.number(),
  // JSON leaves out what is undefined.
  medianMinutes: z
    .number()
    .optional()
    .transform((minutes) => minutes),
});

const judge = z
  .strictObject({
    seed: z.number(),
    runs: z.number(),
    slower: scenario,
    failing: scenario,
    quiet: scenario,
    met: z.boolean(),
  })
  .transform(
    ({ slower, failing, quiet, ...rest }): PowerCampaign => ({
      ...rest,
      slower: { ...slower, medianMinutes: slower.medianMinutes },
      failing: { ...failing, medianMinutes: failing.medianMinutes },
      quiet: { ...quiet, medianMinutes: quiet.medianMinutes },
    }),
  );

/** Of the campaign alone, without the start of its process: ms, ms of processor time, and how far its memory grew, MB. */
const cost = { tookMs: z.number(), processorMs: z.number(), memoryMb: z.number() };

function played<Name extends GuardCampaignName, Result extends z.ZodType>(name: Name, result: Result) {
  return z.strictObject({ name: z.literal(name), ...cost, result });
}

export const guardDrillMessage = z.discriminatedUnion("name", [
  played("fleet", fleet),
  played("faulty-wave", z.array(faultyWave).readonly()),
  played("kills-upgrade", crashes),
  played("kills-rollback", crashes),
  played("rivals", z.array(rival).readonly()),
  played("revision-faulty-wave", z.array(faultyWave).readonly()),
  played("revision-kills-upgrade", crashes),
  played("revision-kills-rollback", crashes),
  played("revision-rivals", z.array(rival).readonly()),
  played("judge", judge),
  /** It could not be carried out, and why. */
  z.strictObject({ name: z.literal("broken"), campaign: z.enum(guardCampaigns), message: z.string() }),
]);

export type GuardDrillMessage = z.output<typeof guardDrillMessage>;
export type Played = Exclude<GuardDrillMessage, { readonly name: "broken" }>;
