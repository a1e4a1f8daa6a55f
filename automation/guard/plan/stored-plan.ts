/** Plans are stored as text; what comes back is checked, and its hash with it. Pure. */
import { z } from "zod";
import { SwitchyardError } from "../../errors.ts";
import { components } from "../rules/evidence.ts";
import { hashOf, type Plan } from "./plan.ts";
import { strategies } from "./support.ts";
import { type Minor, parseMinor } from "./versions.ts";

const minor = z.custom<Minor>((value) => typeof value === "string" && parseMinor(value) !== undefined);

const finding = z.object({
  rule: z.string(),
  check: z.string(),
  level: z.enum(["block", "undecided", "warn", "manual"]),
  subject: z.string(),
  evidence: z.string(),
  fix: z.string(),
  link: z.string(),
  missing: z.array(z.string()).optional(),
});

const stepKind = z.union([
  z.object({
    kind: z.enum([
      "all",
      "crds",
      "control-plane",
      "gateways",
      "new-revision",
      "canary-tag",
      "node-components",
      "default-revision",
      "remove-old",
    ]),
  }),
  z.object({ kind: z.literal("share"), share: z.number() }),
]);

const step = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("kubernetes"), from: minor, to: minor, why: z.string() }),
  z.object({
    kind: z.literal("istio"),
    from: z.string(),
    to: z.string(),
    kubernetes: minor,
    mergeRequests: z.array(z.object({ title: z.string(), step: stepKind, components: z.array(z.enum(components)) })),
    notes: z.array(finding),
  }),
]);

const plan = z.object({
  format: z.literal(1),
  batch: z.string(),
  target: z.string(),
  strategy: z.enum(strategies),
  verdict: z.enum(["blocked", "undecided", "passed"]),
  clusters: z.array(
    z.object({
      cluster: z.string(),
      istio: z.string(),
      kubernetes: minor,
      startsOutside: z.boolean(),
      steps: z.array(step),
      files: z
        .array(
          z.object({
            repository: z.string(),
            path: z.string(),
            readers: z.array(z.string()),
            changes: z.array(z.string()),
          }),
        )
        .optional(),
      next: z.object({ kind: z.enum(["blocked", "undecided", "passed"]), findings: z.array(finding) }).optional(),
    }),
  ),
  warnings: z.array(z.string()),
  hash: z.string(),
});

/** Errors: guard-plan-changed. */
export function readPlan(text: string, hash: string, digest: (text: string) => string): Plan {
  const parsed = plan.safeParse(json(text));
  if (!parsed.success) throw changed(`The stored plan ${hash} does not have the form of this version's plans`);
  const clusters = parsed.data.clusters.map(({ next, ...one }) => ({ ...one, next }));
  const read: Plan = { ...parsed.data, clusters };
  const now = hashOf(read, digest);
  if (now !== hash || read.hash !== hash) throw changed(`The stored plan ${hash} was changed: its hash is ${now}`);
  return read;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const changed = (message: string): SwitchyardError => new SwitchyardError("guard-plan-changed", { message });
