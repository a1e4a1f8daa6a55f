/** What a gate says, as the requirement's ValidationResult. Pure. */
import { z } from "zod";

export const verdictKinds = ["passed", "failed", "undecided"] as const;

const figure = z.number().nullable();

const signalVerdict = z.strictObject({
  /** `p99`, `p99 of reviews`, `monitor Mesh 5xx`. */
  name: z.string().min(1),
  /** observed: recorded, and judged by nobody. */
  kind: z.enum([...verdictKinds, "observed"]),
  /** null where it could not be had. */
  before: figure,
  now: figure,
  /** What `now`, or its rise, must not pass. */
  limit: figure,
  why: z.string().min(1),
});

export const verdictRecord = z.strictObject({
  kind: z.enum(verdictKinds),
  signals: z.array(signalVerdict).readonly(),
  /** Requests that were counted in the baseline and in the soak. */
  samples: z.strictObject({ before: z.number(), now: z.number() }),
});

export type SignalVerdict = z.output<typeof signalVerdict>;
export type Verdict = z.output<typeof verdictRecord>;

/** One failure fails all; what is undecided keeps the rest from passing; and a verdict on nothing is undecided. */
export function verdictOf(signals: readonly SignalVerdict[], samples: Verdict["samples"]): Verdict {
  const kinds = new Set(signals.map(({ kind }) => kind));
  const kind = kinds.has("failed") ? "failed" : kinds.has("undecided") || !kinds.has("passed") ? "undecided" : "passed";
  return { kind, signals: [...signals], samples };
}

/** One sentence for people: what failed, else what is not known, else that all passed. */
export function verdictText({ kind, signals }: Verdict): string {
  const told = signals.filter((one) => one.kind === kind);
  if (kind === "passed") return `${told.length} signals passed`;
  if (told.length === 0) return "nothing was judged";
  const first = told.slice(0, 3).map(({ name, why }) => `${name}: ${why}`);
  return `${first.join("; ")}${told.length > 3 ? `; and ${told.length - 3} more` : ""}`;
}

export const validationResult = z.strictObject({
  cluster_id: z.string().min(1),
  /** True for a verdict that passed, and for no other. */
  passed: z.boolean(),
  verdict: z.enum(verdictKinds),
  /** `NAME_before` and `NAME_now` of every signal that had them. */
  metrics: z.record(z.string(), z.number()),
  threshold_violations: z.array(z.string()),
  undecided: z.array(z.string()),
  samples: z.strictObject({ before: z.number(), now: z.number() }),
});

export type ValidationResult = z.output<typeof validationResult>;

export function validationOf(clusterId: string, verdict: Verdict): ValidationResult {
  const { kind, signals, samples } = verdict;
  const metrics = signals.flatMap(({ name, before, now }) => [
    ...(before === null ? [] : [[`${name}_before`, before] as const]),
    ...(now === null ? [] : [[`${name}_now`, now] as const]),
  ]);
  const said = (which: SignalVerdict["kind"]): string[] =>
    signals.filter((one) => one.kind === which).map(({ name, why }) => `${name}: ${why}`);
  return {
    cluster_id: clusterId,
    passed: kind === "passed",
    verdict: kind,
    metrics: Object.fromEntries(metrics),
    threshold_violations: said("failed"),
    undecided: said("undecided"),
    samples,
  };
}
