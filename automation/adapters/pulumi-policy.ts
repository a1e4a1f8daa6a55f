/** The engine with the policy pack of the stateless rules: what it needs to be started, and what it found. */
import { mkdir, readFile, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { z } from "zod";
import { StatelessViolationError, type SwitchyardError } from "../errors.ts";
import { findingText } from "../stateless/finding-text.ts";
import type { StatelessReport } from "../stateless/scan.ts";
import { parseJson } from "./json-text.ts";
import { isErrno } from "./process-facts.ts";
import type { Diagnostic } from "./pulumi-events.ts";
import type { Environment } from "./pulumi-process.ts";

/** Read by the pack (policy/session.ts). */
const reportVariable = "SWITCHYARD_POLICY_REPORT";

const finding = z.object({
  rule: z.string(),
  level: z.enum(["hard", "warning", "cannot-tell"]),
  resource: z.object({ type: z.string(), name: z.string(), where: z.string() }),
  where: z.string(),
  path: z.string(),
  reason: z.string(),
  fix: z.string(),
  class: z.enum(["cache-only", "session-bound", "stateful"]).optional(),
});

const reportLine = z.object({
  verdict: z.enum(["stateless", "cache-only", "session-bound", "stateful", "cannot-tell"]),
  findings: z.array(finding),
  scanned: z.number(),
  /** All of the stack was seen; else one resource, before its step. */
  whole: z.boolean(),
});

/** One operation under the pack. */
export class PolicyRun {
  readonly folder: string;
  readonly #file: string;

  private constructor(folder: string, file: string) {
    this.folder = folder;
    this.#file = file;
  }

  /** `name` tells apart what runs at the same time in one process. The scratch folder is made. */
  static async in(scratch: string, folder: string, name: string): Promise<PolicyRun> {
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    return new PolicyRun(folder, join(scratch, `policy-${process.pid}-${name}.jsonl`));
  }

  /** The engine's environment: it looks for the pack's starter on the PATH. */
  environment(env: Environment): Environment {
    const path = env["PATH"] ?? "";
    return { ...env, PATH: `${this.folder}${delimiter}${path}`, [reportVariable]: this.#file };
  }

  /** What the pack found, and forgets the file. Undefined: it did not come so far as to say anything. */
  async take(): Promise<StatelessReport | undefined> {
    try {
      return parseReport(await readFile(this.#file, "utf8"));
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    } finally {
      await rm(this.#file, { force: true });
    }
  }
}

/** Pure. The verdict on the whole stack, or, where the engine stopped before, what the single resources showed. */
export function parseReport(text: string): StatelessReport | undefined {
  const lines = text.split("\n").flatMap((line) => {
    const parsed = reportLine.safeParse(parseJson(line));
    return parsed.success ? [parsed.data] : [];
  });
  const whole = lines.findLast((line) => line.whole);
  const said = whole === undefined ? lines : [whole];
  const [first] = said;
  if (first === undefined) return undefined;
  const findings = said.flatMap((line) => line.findings).map((one) => ({ ...one, class: one.class }));
  return { verdict: first.verdict, findings, scanned: said.reduce((sum, { scanned }) => sum + scanned, 0) };
}

/** The engine refused what the pack forbids. `said` is the pack's word to the engine, where its report is not to be had. */
export function violationError(
  stack: string,
  report: StatelessReport | undefined,
  said: readonly Diagnostic[],
  cause: unknown,
): SwitchyardError {
  const hard = report?.findings.filter(({ level }) => level === "hard") ?? [];
  const lines = hard.length > 0 ? hard.map(findingText) : said.map(({ message }) => message);
  const unique = [...new Set(lines)];
  return new StatelessViolationError("stateless-violation", {
    platform: stack.slice(0, stack.indexOf(".")),
    message: `Stack ${stack} declares what keeps state on its platform:\n${unique.map((line) => `  ${line}`).join("\n")}`,
    violations: unique,
    data: { stack, verdict: report?.verdict ?? "stateful", violations: hard },
    cause,
  });
}
