/** What the agent does with a request: a small deterministic computation on `data`, at once or as a stream of events. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { KiroRequest } from "./contract.ts";

const duration = z.int().min(0).max(60_000);

const pace = {
  /** How long the answer takes, ms: an agent mostly waits for others (models, tools). Default 0. */
  duration_ms: duration.optional(),
  /** For `accept: text/event-stream`: how many events, default 5. */
  events: z.int().min(1).max(10_000).optional(),
  /** For `accept: text/event-stream`: ms before each event, default 200. */
  interval_ms: duration.optional(),
};

const workSchema = z.discriminatedUnion("operation", [
  z.looseObject({ operation: z.literal("echo"), value: z.unknown().optional(), ...pace }),
  z.looseObject({ operation: z.literal("digest"), text: z.string(), ...pace }),
  z.looseObject({ operation: z.literal("summarize"), text: z.string(), ...pace }),
]);

type Work = z.infer<typeof workSchema>;

/** The values that `data.operation` takes. */
export const operations: readonly string[] = ["echo", "digest", "summarize"];

/** One thing that is wrong with a request; `path` is a dotted path into the body, empty for the body itself. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** What a request came to. */
export type Outcome =
  | { readonly kind: "answer"; readonly statusCode: number; readonly data: Readonly<Record<string, unknown>> }
  | {
      readonly kind: "events";
      readonly events: AsyncIterable<Readonly<Record<string, unknown>>>;
      /** The answer that ends the stream. */
      readonly data: Readonly<Record<string, unknown>>;
    };

export interface WorkContext {
  /** The client accepts server-sent events. */
  readonly stream: boolean;
  /** Resolves after ms; rejects when the client has gone away. */
  wait(ms: number): Promise<void>;
}

/** The agent's work. The request's data has passed `checkWork`. */
export type Process = (request: KiroRequest, context: WorkContext) => Promise<Outcome>;

/** All problems of a zod error, with paths below `prefix`. */
export function problemsOf(error: z.ZodError, prefix: string): readonly Problem[] {
  return error.issues.map((issue) => ({
    path: [prefix, ...issue.path.map(String)].filter((part) => part !== "").join("."),
    message: issue.message,
  }));
}

/** What is wrong with `data`; empty when nothing is. */
export function checkWork(data: unknown): readonly Problem[] {
  const known = z.looseObject({ operation: z.enum(["echo", "digest", "summarize"]) }).safeParse(data);
  // The union reports a wrong operation alone; the pace is checked beside it so that all problems come at once.
  if (!known.success) {
    const paced = z.looseObject(pace).safeParse(data);
    const more = paced.success ? [] : problemsOf(paced.error, "data");
    const first = problemsOf(known.error, "data");
    return [...first, ...more.filter((problem) => first.every((other) => other.path !== problem.path))];
  }
  const parsed = workSchema.safeParse(data);
  return parsed.success ? [] : problemsOf(parsed.error, "data");
}

function compute(work: Work): Record<string, unknown> {
  switch (work.operation) {
    case "echo":
      return { operation: "echo", value: work.value ?? null };
    case "digest":
      return {
        operation: "digest",
        algorithm: "sha256",
        digest: createHash("sha256").update(work.text).digest("hex"),
        bytes: Buffer.byteLength(work.text),
      };
    case "summarize":
      return { operation: "summarize", ...summarize(work.text) };
  }
}

function summarize(text: string): Record<string, unknown> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const uses = new Map<string, number>();
  for (const word of words) uses.set(word, (uses.get(word) ?? 0) + 1);
  const frequent = [...uses]
    .sort(([a, usesOfA], [b, usesOfB]) => usesOfB - usesOfA || (a < b ? -1 : 1))
    .slice(0, 5)
    .map(([word, times]) => ({ word, times }));
  return { characters: [...text].length, words: words.length, lines: text.split("\n").length, frequent };
}

async function* progress(
  work: Work,
  wait: WorkContext["wait"],
): AsyncGenerator<Readonly<Record<string, unknown>>, void, undefined> {
  const total = work.events ?? 5;
  for (let index = 1; index <= total; index += 1) {
    await wait(work.interval_ms ?? 200);
    yield { index, total };
  }
}

/** The service's own work. */
export const processRequest: Process = async (request, context) => {
  const work = workSchema.parse(request.data);
  if (work.duration_ms) await context.wait(work.duration_ms);
  const data = compute(work);
  return context.stream
    ? { kind: "events", events: progress(work, context.wait), data }
    : { kind: "answer", statusCode: 200, data };
};
