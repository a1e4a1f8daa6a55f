/** What a journal line may say. */
import { z } from "zod";
import { effect } from "./effects.ts";
import { gateSnapshot } from "./gates/snapshot.ts";
import { verdicts } from "./gates/verdict.ts";
import { type Reason, reasons } from "./reasons.ts";
import { swapSettings } from "./settings.ts";
import { complianceVerdicts } from "./stateless-settings.ts";

export const phases = [
  "deploying",
  "attaching",
  "adding-entry",
  "holding",
  "accepting",
  "shifting",
  "baking",
  "retaining",
  "draining",
  "removing-entry",
  "detaching",
  "removing",
  "returning",
  "draining-candidate",
  "withdrawing-entry",
  "detaching-candidate",
  "removing-candidate",
  "releasing",
  "ended",
] as const;

export type Phase = (typeof phases)[number];

export const endStates = ["completed", "rolled-back", "aborted", "failed"] as const;
export type EndState = (typeof endStates)[number];

const reason = z.enum(Object.keys(reasons) as [Reason, ...Reason[]]);
const evidence = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));

export const verbs = [
  "pause",
  "resume",
  "promote",
  "promote-full",
  "abort",
  "rollback",
  "extend-bake",
  "decommission",
] as const;
export type Verb = (typeof verbs)[number];

/** swap: by a ramp, and the side that is left goes. failover: all at once to a standby, and both sides stay. */
export const modes = ["swap", "failover"] as const;
export type Mode = (typeof modes)[number];

const failure = z.object({ code: z.string(), message: z.string() });

/** Rises when lines of an earlier version could be misread. */
export const journalFormat = 2;

/** What a journal line may say. `at` is ms since the epoch. */
export const swapEvent = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("started"),
    /** Of the journal; a journal of another format is refused, not guessed at. */
    format: z.literal(journalFormat),
    at: z.number(),
    id: z.string(),
    mode: z.enum(modes),
    environment: z.string(),
    from: z.string(),
    to: z.string(),
    image: z.string(),
    settings: swapSettings,
    by: z.string(),
    /** W3C traceparent of the command that started it, where that was traced: whoever goes on goes on with that trace. */
    trace: z.string().optional(),
  }),
  /** A process takes the swap over (also the first one). */
  z.object({
    kind: z.literal("engine"),
    at: z.number(),
    pid: z.number(),
    host: z.string(),
    /** What the stop gate looks at, in words. */
    feed: z.string(),
  }),
  z.object({ kind: z.literal("entered"), at: z.number(), phase: z.enum(phases), step: z.number(), reason, evidence }),
  z.object({ kind: z.literal("intent"), at: z.number(), effect }),
  z.object({
    kind: z.literal("outcome"),
    at: z.number(),
    ok: z.boolean(),
    /** The effect was found done already (after a crash). */
    found: z.boolean(),
    failure: failure.optional(),
    durationMs: z.number(),
    facts: evidence,
  }),
  /** What the gates know, and up to where the feed was read: an engine that takes over goes on from here. */
  z.object({ kind: z.literal("observed"), at: z.number(), cursor: z.number(), gates: gateSnapshot }),
  /** A process still drives the swap, though there was nothing else to say. */
  z.object({ kind: z.literal("alive"), at: z.number() }),
  /** A metric from outside was judged. */
  z.object({ kind: z.literal("measured"), at: z.number(), verdict: z.enum(verdicts), evidence }),
  /** What runs on the candidate was looked at by the stateless rules. */
  z.object({ kind: z.literal("complied"), at: z.number(), verdict: z.enum(complianceVerdicts), evidence }),
  /** Told to people; changes nothing. */
  z.object({ kind: z.literal("noticed"), at: z.number(), reason, evidence }),
  z.object({
    kind: z.literal("verified"),
    at: z.number(),
    /** From when on the probes were sent. */
    since: z.number(),
    weight: z.number(),
    evidence,
  }),
  /** The weight has to be seen again, with new probes. */
  z.object({ kind: z.literal("recheck"), at: z.number() }),
  z.object({
    kind: z.literal("requested"),
    at: z.number(),
    verb: z.enum(verbs),
    by: z.string(),
    number: z.number(),
    amountMs: z.number().optional(),
  }),
  z.object({ kind: z.literal("paused"), at: z.number(), reason, evidence }),
  z.object({ kind: z.literal("ended"), at: z.number(), as: z.enum(endStates), reason, evidence }),
]);

export type SwapEvent = z.infer<typeof swapEvent>;
