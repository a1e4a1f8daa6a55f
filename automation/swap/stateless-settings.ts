/** What a verdict of the stateless rules means for a swap. Pure. */
import { z } from "zod";
import type { StatelessVerdict } from "../stateless/finding.ts";

/** Verdicts that a person may let pass, in the words of `--accept`. Stateful is refused whoever asks. */
export const acceptable = ["cache-only", "session-bound", "cannot-tell"] as const;

export type Acceptable = (typeof acceptable)[number];

/** `stateless` of an environment in switchyard.yaml. */
export const statelessConfig = z
  .strictObject({
    compliance_every: z
      .number()
      .min(0)
      .max(604_800)
      .default(300)
      .describe(
        "Seconds between two checks of what really runs on the candidate, during bake and rollback window; the bake begins with one. 0: none. Default 300, up to a week.",
      ),
  })
  .describe("The stateless rules around a swap.");

/** In the start of a swap's journal. Absent in swaps that began before there were such rules, which are not held to them. */
export const statelessSettings = z.object({
  /** What the person who started the swap lets pass. */
  accepted: z.array(z.enum(acceptable)),
  /** How often what runs is checked during bake and rollback window, ms; 0: never. */
  complianceEveryMs: z.number(),
});

export type StatelessSettings = z.infer<typeof statelessSettings>;

/** Of a look at what runs. */
export const complianceVerdicts = [
  "stateless",
  "cache-only",
  "session-bound",
  "stateful",
  "cannot-tell",
  "unreadable",
] as const satisfies readonly (StatelessVerdict | "unreadable")[];

export type ComplianceVerdict = (typeof complianceVerdicts)[number];

/**
 * good: the swap may go on by itself, or a person let that pass. violation: it may not. unclear: nobody knows, which is no pass.
 */
export function standingOf(
  verdict: ComplianceVerdict,
  settings: StatelessSettings | undefined,
): "good" | "violation" | "unclear" {
  if (settings === undefined || verdict === "stateless") return "good";
  if (verdict === "unreadable") return "unclear";
  if (accepts(settings.accepted, verdict)) return "good";
  return verdict === "cannot-tell" ? "unclear" : "violation";
}

/** Whoever lets session-bound pass lets the lesser cache-only pass too; what cannot be told has to be named. */
function accepts(accepted: readonly Acceptable[], verdict: StatelessVerdict): boolean {
  return accepted.some((one) => one === verdict || (one === "session-bound" && verdict === "cache-only"));
}
