/** What the drill and the process of its simulated campaigns say to each other. */
import { z } from "zod";
import type { CrashRow, FalseAlarmRow, FaultRow } from "../../drill/results.ts";
import { catalogue, type ErrorCode } from "../../errors.ts";

/** What is to be played, in this order; the process's one argument, as JSON. */
export const simulationPlan = z.strictObject({
  seed: z.number(),
  /** Names. */
  faults: z.array(z.string()),
  /** Absent: none. */
  crashes: z.strictObject({ everywhere: z.boolean(), crashes: z.number() }).optional(),
  /** Swaps of equal sides. */
  aa: z.number(),
});

export type SimulationPlan = z.infer<typeof simulationPlan>;

const texts = z.array(z.string()).readonly();
const judged = { ok: z.boolean(), problems: texts };
const ms = z.number().optional();

const faultRow = z.strictObject({
  ...judged,
  name: z.string(),
  title: z.string(),
  expected: z.string(),
  ended: z.string(),
  reason: z.string().optional(),
  stops: texts,
  detectedInMs: ms,
  detectedAfterRequests: z.number().optional(),
  acceptedInMs: ms,
  verifiedInMs: ms,
  requests: z.number(),
  hurt: z.number(),
  slowed: z.number(),
  swapCaused: z.number(),
  resumedInMs: ms,
  alerts: texts,
  missedAlerts: texts,
  expectedAlerts: z.number(),
}) satisfies z.ZodType<FaultRow>;

const crashRow = z.strictObject({
  ...judged,
  swap: z.string(),
  kind: z.enum(["every point", "stopped at every point", "at random"]),
  points: z.number(),
  runs: z.number(),
  crashes: z.number(),
  divergences: z.number(),
  twice: z.number(),
  breaches: z.number(),
  swapCaused: z.number(),
  slowestHereMs: z.number(),
  slowestElsewhereMs: z.number(),
}) satisfies z.ZodType<CrashRow>;

const falseAlarmRow = z.strictObject({
  ...judged,
  profile: z.string(),
  traffic: z.string(),
  swaps: z.number(),
  requests: z.number(),
  falseRollbacks: z.number(),
  byReason: z.record(z.string(), z.number()),
  inconclusive: z.number(),
  miscounted: z.number(),
  falseAlerts: z.number(),
}) satisfies z.ZodType<FalseAlarmRow>;

function played<Name extends CampaignName, Row extends z.ZodType>(name: Name, row: Row) {
  return z.strictObject({
    name: z.literal(name),
    seed: z.number(),
    rows: z.array(row).readonly(),
    ok: z.boolean(),
    tookMs: z.number(),
  });
}

const campaignName = z.enum(["faults", "crashes", "false-alarms"]);

/** One for each campaign, in order. */
export const simulationMessage = z.discriminatedUnion("name", [
  played("faults", faultRow),
  played("crashes", crashRow),
  played("false-alarms", falseAlarmRow),
  /** One that could not be carried out, and why; the others are. */
  z.strictObject({
    name: z.literal("broken"),
    campaign: campaignName,
    code: z.custom<ErrorCode>((code) => typeof code === "string" && Object.hasOwn(catalogue, code)),
    message: z.string(),
  }),
]);

export type SimulationMessage = z.infer<typeof simulationMessage>;
export type CampaignName = z.infer<typeof campaignName>;
