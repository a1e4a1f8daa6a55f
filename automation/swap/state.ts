/** A swap's state is the fold of its journal; nothing else is kept. */
import { z } from "zod";
import { type Effect, effect } from "./effects.ts";
import { type Reason, reasons } from "./reasons.ts";
import { type SwapSettings, swapSettings } from "./settings.ts";

export const phases = [
  "deploying",
  "attaching",
  "adding-entry",
  "accepting",
  "shifting",
  "baking",
  "draining",
  "removing-entry",
  "detaching",
  "removing",
  "returning",
  "draining-candidate",
  "withdrawing-entry",
  "detaching-candidate",
  "removing-candidate",
  "ended",
] as const;

export type Phase = (typeof phases)[number];

export const endStates = ["completed", "rolled-back", "aborted", "failed"] as const;
export type EndState = (typeof endStates)[number];

const reason = z.enum(Object.keys(reasons) as [Reason, ...Reason[]]);
const evidence = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));

export const verbs = ["pause", "resume", "promote", "abort", "rollback"] as const;
export type Verb = (typeof verbs)[number];

const failure = z.object({ code: z.string(), message: z.string() });

/** Rises when lines of an earlier version could be misread. */
export const journalFormat = 1;

/** What a journal line may say. `at` is ms since the epoch. */
export const swapEvent = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("started"),
    /** Of the journal; a journal of another format is refused, not guessed at. */
    format: z.literal(journalFormat),
    at: z.number(),
    id: z.string(),
    environment: z.string(),
    from: z.string(),
    to: z.string(),
    image: z.string(),
    settings: swapSettings,
    by: z.string(),
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
  z.object({ kind: z.literal("verified"), at: z.number(), weight: z.number(), evidence }),
  z.object({ kind: z.literal("requested"), at: z.number(), verb: z.enum(verbs), by: z.string(), number: z.number() }),
  z.object({ kind: z.literal("paused"), at: z.number(), reason, evidence }),
  z.object({ kind: z.literal("ended"), at: z.number(), as: z.enum(endStates), reason, evidence }),
]);

export type SwapEvent = z.infer<typeof swapEvent>;

/** Why and when traffic is going back. */
export interface Rollback {
  readonly reason: Reason;
  readonly evidence: Readonly<Record<string, number | string | boolean>>;
  readonly decidedAt: number;
  readonly acceptedAt?: number;
  readonly verifiedAt?: number;
}

export interface SwapState {
  readonly id: string;
  readonly environment: string;
  readonly from: string;
  readonly to: string;
  readonly image: string;
  readonly settings: SwapSettings;
  readonly startedAt: number;
  readonly phase: Phase;
  /** Index into the ramp while shifting; else the last one reached, -1 before the first. */
  readonly step: number;
  readonly phaseSince: number;
  readonly phaseReason: Reason;
  /** The candidate's weight that the balancer's API accepted last, percent; undefined before it has an entry. */
  readonly accepted: Readonly<Record<string, number>> | undefined;
  /** When it did. */
  readonly acceptedAt: number | undefined;
  /** Whether a write of weights was ever begun. */
  readonly touched: boolean;
  /** Whether the data plane was seen to follow it. */
  readonly verified: boolean;
  readonly pending: { readonly effect: Effect; readonly since: number } | undefined;
  /** Failed attempts at the present phase's effect, and when the last one failed. */
  readonly failures: number;
  readonly failedAt: number | undefined;
  readonly lastFailure: { readonly code: string; readonly message: string } | undefined;
  /** The phase's effect succeeded. */
  readonly done: boolean;
  readonly paused: { readonly reason: Reason; readonly at: number } | undefined;
  /** A person let the present step or the bake pass. */
  readonly promoted: boolean;
  readonly rollback: Rollback | undefined;
  /** A person's wish that has not been carried out yet. */
  readonly wish: "abort" | "rollback" | undefined;
  /** The number of the last request that was taken in. */
  readonly requestsSeen: number;
  readonly end: { readonly as: EndState; readonly reason: Reason; readonly at: number } | undefined;
  /** Where each phase and step began, for the report. */
  readonly marks: readonly { readonly phase: Phase; readonly step: number; readonly at: number }[];
}

/** Whether traffic can still be sent back to the old side: until its entry is gone. */
export function canReturn(state: Pick<SwapState, "phase" | "done">): boolean {
  return (
    ["deploying", "attaching", "adding-entry", "accepting", "shifting", "baking", "draining"].includes(state.phase) ||
    (state.phase === "removing-entry" && !state.done)
  );
}

/** Phases that count time or lean on what was seen of the data plane. */
const watchful: readonly Phase[] = ["shifting", "baking", "draining", "draining-candidate"];

export function startState(event: Extract<SwapEvent, { kind: "started" }>): SwapState {
  return {
    id: event.id,
    environment: event.environment,
    from: event.from,
    to: event.to,
    image: event.image,
    settings: event.settings,
    startedAt: event.at,
    phase: "deploying",
    step: -1,
    phaseSince: event.at,
    phaseReason: "start-requested",
    accepted: undefined,
    acceptedAt: undefined,
    touched: false,
    verified: false,
    pending: undefined,
    failures: 0,
    failedAt: undefined,
    lastFailure: undefined,
    done: false,
    paused: undefined,
    promoted: false,
    rollback: undefined,
    wish: undefined,
    requestsSeen: 0,
    end: undefined,
    marks: [{ phase: "deploying", step: -1, at: event.at }],
  };
}

/** Pure: the state after one more line of the journal. */
export function applyEvent(state: SwapState, event: SwapEvent): SwapState {
  switch (event.kind) {
    case "started":
      return state;
    case "engine":
      // What an earlier process saw is not taken over, and the time in which nobody looked does not count.
      return { ...state, verified: false, phaseSince: watchful.includes(state.phase) ? event.at : state.phaseSince };
    case "entered":
      return enter(state, event);
    case "intent":
      return {
        ...state,
        pending: { effect: event.effect, since: event.at },
        touched: state.touched || event.effect.kind === "write-weights",
      };
    case "outcome":
      return outcome(state, event);
    case "verified":
      return {
        ...state,
        verified: true,
        rollback:
          state.rollback !== undefined && state.phase === "returning"
            ? { ...state.rollback, verifiedAt: event.at }
            : state.rollback,
      };
    case "requested":
      return request(state, event);
    case "paused":
      return { ...state, paused: { reason: event.reason, at: event.at } };
    case "ended":
      return {
        ...state,
        phase: "ended",
        phaseSince: event.at,
        phaseReason: event.reason,
        pending: undefined,
        end: { as: event.as, reason: event.reason, at: event.at },
        marks: [...state.marks, { phase: "ended", step: state.step, at: event.at }],
      };
  }
}

function enter(state: SwapState, event: Extract<SwapEvent, { kind: "entered" }>): SwapState {
  const startsReturn = event.phase === "returning";
  return {
    ...state,
    phase: event.phase,
    step: event.step,
    phaseSince: event.at,
    phaseReason: event.reason,
    // An effect that was begun belongs to the phase that is left; going back reads the world first.
    pending: undefined,
    failures: 0,
    failedAt: undefined,
    done: false,
    promoted: false,
    // Traffic going back does not wait for anybody.
    paused: startsReturn ? undefined : state.paused,
    wish: undefined,
    rollback: startsReturn ? { reason: event.reason, evidence: event.evidence, decidedAt: event.at } : state.rollback,
    marks: [...state.marks, { phase: event.phase, step: event.step, at: event.at }],
  };
}

function outcome(state: SwapState, event: Extract<SwapEvent, { kind: "outcome" }>): SwapState {
  const settled = { ...state, pending: undefined };
  if (!event.ok) return { ...settled, failures: state.failures + 1, failedAt: event.at, lastFailure: event.failure };
  if (state.pending?.effect.kind !== "write-weights") return { ...settled, done: true };
  return {
    ...settled,
    done: true,
    accepted: state.pending.effect.weights,
    acceptedAt: event.at,
    verified: false,
    rollback:
      state.rollback !== undefined && state.phase === "returning"
        ? { ...state.rollback, acceptedAt: event.at }
        : state.rollback,
  };
}

function request(state: SwapState, event: Extract<SwapEvent, { kind: "requested" }>): SwapState {
  const seen = { ...state, requestsSeen: Math.max(state.requestsSeen, event.number) };
  switch (event.verb) {
    case "pause":
      return { ...seen, paused: { reason: "requested-pause", at: event.at } };
    case "resume":
      // The step's deadline starts again, or a step that paused as inconclusive would pause at once.
      return state.paused === undefined
        ? seen
        : {
            ...seen,
            paused: undefined,
            phaseSince: event.at,
            failures: 0,
            failedAt: undefined,
            lastFailure: undefined,
            // The weight is asked for again, which finds out whether it is as this swap left it.
            done: state.paused.reason === "weights-moved-elsewhere" ? false : state.done,
          };
    case "promote":
      return { ...seen, paused: undefined, promoted: state.phase === "shifting" || state.phase === "baking" };
    case "abort":
    case "rollback":
      return canReturn(state) ? { ...seen, wish: event.verb } : seen;
  }
}

/** The state of a whole journal; undefined when it has no start. */
export function foldEvents(events: readonly SwapEvent[]): SwapState | undefined {
  const [first, ...rest] = events;
  return first?.kind === "started" ? rest.reduce(applyEvent, startState(first)) : undefined;
}
