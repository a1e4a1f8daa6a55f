/** What the pack has heard of one stack, and what it says of it. */
import { appendFileSync } from "node:fs";
import type { Finding, ScannedResource } from "../automation/stateless/finding.ts";
import { findingText } from "../automation/stateless/finding-text.ts";
import { type PulumiResource, scannedFromPulumi } from "../automation/stateless/from-pulumi.ts";
import { scan } from "../automation/stateless/scan.ts";

export interface Violation {
  readonly message: string;
  readonly urn: string;
}

/** The variable that names a file for what was found, one JSON document a line. For those who start the engine. */
export const reportVariable = "SWITCHYARD_POLICY_REPORT";

/** Declarations are collected here, since a stack's resources come to a pack as they are afterwards and not as declared. */
export class PackSession {
  readonly #reportFile: string | undefined;
  readonly #declared = new Map<string, ScannedResource>();
  /** Told already, before the resource's step. */
  readonly #told = new Set<string>();
  #doubts: readonly Violation[] = [];

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#reportFile = env[reportVariable];
  }

  /** Hard findings of one resource alone, in words. */
  declare(resource: PulumiResource): readonly string[] {
    const scanned = scannedFromPulumi(resource);
    if (scanned === undefined) return [];
    this.#declared.set(resource.urn, scanned);
    const hard = scan([scanned]).findings.filter(({ level }) => level === "hard");
    if (hard.length > 0) this.#report({ verdict: "stateful", findings: hard, scanned: 1, whole: false });
    for (const finding of hard) this.#told.add(keyOf(finding));
    return hard.map(findingText);
  }

  /** Hard findings that only the whole stack shows. Ends the stack: what is declared next is another one. */
  judge(): readonly Violation[] {
    const report = scan([...this.#declared.values()]);
    this.#report({ ...report, whole: true });
    const { findings } = report;
    const fresh = findings.filter((finding) => finding.level === "hard" && !this.#told.has(keyOf(finding)));
    this.#doubts = findings.filter(({ level }) => level !== "hard").map(violation);
    this.#declared.clear();
    this.#told.clear();
    return fresh.map(violation);
  }

  /** Warnings, and what cannot be told, of the stack that was judged last. */
  doubts(): readonly Violation[] {
    return this.#doubts;
  }

  #report(report: object): void {
    if (this.#reportFile !== undefined) appendFileSync(this.#reportFile, `${JSON.stringify(report)}\n`);
  }
}

function violation(finding: Finding): Violation {
  return { message: findingText(finding), urn: finding.resource.where };
}

function keyOf({ rule, path, resource }: Finding): string {
  return `${rule} ${resource.where} ${path}`;
}
