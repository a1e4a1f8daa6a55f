/** What the load generator reads and writes: one JSON object a line on stdin and stdout. */
import { z } from "zod";
import { requestKinds } from "./plan.ts";

const count = z.int().min(0);
const ms = z.number();
/** ms since the epoch. */
const at = z.number();
/** Per platform, by the side header; "" where the balancer named none. */
const bySide = <Value extends z.ZodType>(value: Value) => z.record(z.string(), value);

export const latencySchema = z.object({ p50: ms, p95: ms, p99: ms, max: ms });

/** Failures by who caused them. A failure that is not the agent's, a crash's or the client's is the swap's. */
export const failuresSchema = z.object({
  swap: count,
  /** Faults of this machine's client (no file descriptors, no free port, stopped by the end of the run). */
  client: count,
  /** The side header and the agent's own marker prove that the agent of that platform made the failure. */
  agent: bySide(count),
  /** An instance of that platform crashed by itself while it had the request. */
  crash: bySide(count),
});

export const sideSchema = z.object({
  ended: count,
  failed: count,
  /** Short requests only, from the intended start to the last byte; absent when there was none. */
  latencyMs: latencySchema.optional(),
});

export const failureSchema = z.object({
  index: count,
  kind: z.enum(requestKinds),
  /** Whether it used a connection of its own. */
  fresh: z.boolean(),
  intendedAt: at,
  endedAt: at,
  /** 0 when no response began. */
  status: count,
  side: z.string(),
  /** Value of x-kiro-instance, "" when absent. */
  marker: z.string(),
  problem: z.string(),
  detail: z.string(),
  attribution: z.enum(["swap", "client", "agent", "crash"]),
});

export const readySchema = z.object({
  type: z.literal("ready"),
  at,
  pid: count,
  url: z.string(),
  rate: z.number(),
  seed: count,
});

/** Once a second; counts are since the start. */
export const progressSchema = z.object({
  type: z.literal("progress"),
  at,
  sent: count,
  ended: count,
  failed: count,
  failures: failuresSchema,
  inFlight: count,
  /** The longest that a request of the last second left later than intended. */
  lagMs: ms,
  /** The last second alone. */
  sides: bySide(sideSchema),
});

/** A failure when it happened; the first 1,000 only. */
export const failureMessageSchema = failureSchema.extend({ type: z.literal("failure") });

const totals = {
  sent: count,
  ended: count,
  failed: count,
  failures: failuresSchema,
  sides: bySide(sideSchema),
};

export const summarySchema = z.object({
  type: z.literal("summary"),
  startedAt: at,
  endedAt: at,
  ...totals,
  kinds: z.record(z.enum(requestKinds), z.object({ sent: count, failed: count })),
  /** The longest that any request, or any stream between two events, waited beyond its plan. */
  longestStallMs: ms,
  /** How late the generator itself sent, against the plan. */
  lagMs: latencySchema,
  /** Percent of one core and peak memory of the generator. */
  generator: z.object({ cpuPercent: z.number(), peakMemoryBytes: count }),
  /** One entry a second, oldest first: sent by intended time, the rest by the end of the request. */
  seconds: z.array(z.object({ at, sent: count, failures: failuresSchema, sides: bySide(sideSchema) })),
  /** A request belongs to the phase in which it was to start. */
  phases: z.array(z.object({ name: z.string(), from: at, to: at, ...totals })),
  /** The first 1,000 failures. */
  failureList: z.array(failureSchema),
});

/** What stdout carries. */
export const messageSchema = z.discriminatedUnion("type", [
  readySchema,
  progressSchema,
  failureMessageSchema,
  summarySchema,
]);

/** What stdin takes. The end of stdin means stop, unless --duration is given. */
export const commandSchema = z.discriminatedUnion("type", [
  /** From now on requests belong to this phase. */
  z.strictObject({ type: z.literal("phase"), name: z.string().min(1) }),
  /** An instance ended by itself; failures that it explains are not the swap's. */
  z.strictObject({ type: z.literal("crash"), instance: z.string(), platform: z.string(), at }),
  /** Send no more, wait for what is in flight, print the summary, end. */
  z.strictObject({ type: z.literal("stop") }),
]);

export type Latency = z.infer<typeof latencySchema>;
export type Failures = z.infer<typeof failuresSchema>;
export type Side = z.infer<typeof sideSchema>;
export type Failure = z.infer<typeof failureSchema>;
export type Progress = z.infer<typeof progressSchema>;
export type Summary = z.infer<typeof summarySchema>;
export type Message = z.infer<typeof messageSchema>;
export type Command = z.infer<typeof commandSchema>;
