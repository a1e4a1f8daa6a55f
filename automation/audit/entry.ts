/** One line of the audit log: who did what, when and where, and what came of it. Nothing in it is particular to one command. */
import { z } from "zod";
import { hashChain } from "../hash-chain.ts";

/** The whole hash: somebody may keep the newest one elsewhere and ask years later. */
export const auditChain = hashChain(64);

/** begun is written before anything happens; one of the others when it is over. */
export const auditPhases = ["begun", "done", "failed", "refused"] as const;

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const facts = z.strictObject({
  /** ISO 8601, UTC, by the writer's clock. */
  at: z.iso.datetime(),
  who: z.string(),
  host: z.string(),
  pid: z.number().int(),
  /** Shared by what one command writes. */
  run: z.string(),
  /** `swap start` */
  command: z.string(),
  /** As typed, without secrets. */
  arguments: z.array(z.string()),
  /** Absent for what concerns the whole checkout. */
  environment: z.string().optional(),
  phase: z.enum(auditPhases),
  /** Absent while it is begun. */
  exitCode: z.number().int().optional(),
  /** Of an error of the catalogue. */
  code: z.string().optional(),
  /** What names the result: ids, a stack, an image. */
  result: z.record(z.string(), scalar).optional(),
});

/** What is known of one line before it has its place in the log. */
export type AuditFacts = z.infer<typeof facts>;

const line = facts.extend({ n: z.number().int().min(1), prev: z.string(), hash: z.string() });

export type AuditEntry = z.infer<typeof line>;

export function auditLine(n: number, prev: string, given: AuditFacts): string {
  return auditChain.seal({ n, prev, ...given } satisfies Omit<AuditEntry, "hash">);
}

/** undefined for what is no line of an audit log. */
export function parseAuditLine(raw: string): AuditEntry | undefined {
  try {
    const parsed = line.safeParse(JSON.parse(raw));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
