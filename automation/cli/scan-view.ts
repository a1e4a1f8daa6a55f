/** A stateless report as people read it. */
import type { StatelessVerdict } from "../stateless/finding.ts";
import type { StatelessReport } from "../stateless/scan.ts";
import type { StatelessValidation } from "../stateless/validation.ts";
import { plural, table, wrap } from "./text.ts";

/** What a person may accept in a scan. What is stateful cannot be accepted. */
export type Acceptable = Exclude<StatelessVerdict, "stateless" | "stateful">;

export interface ScanResult extends StatelessReport {
  readonly validation: StatelessValidation;
  /** Classes that were accepted by --allow and found. */
  readonly accepted: readonly Acceptable[];
  /** Files of folders that hold no manifest. */
  readonly skipped: readonly string[];
}

/** One table of what was found, and per finding its reason and fix. */
export function describeReport(report: StatelessReport, skipped: readonly string[] = []): readonly string[] {
  const rows = report.findings.map((finding) => [
    finding.where,
    `${kind(finding.resource.type)} ${finding.resource.name}`,
    finding.level,
    finding.class ?? "-",
    finding.path || "-",
  ]);
  const drawn = table(["where", "resource", "level", "class", "path"], rows);
  return [
    ...(rows.length > 0 ? drawn.slice(0, 1) : []),
    ...report.findings.flatMap(({ reason, fix }, index) => [
      drawn[index + 1] ?? "",
      ...wrap(`    ${reason}`, columns, 4),
      ...wrap(`    Fix: ${fix}`, columns, 4),
    ]),
    ...(skipped.length > 0 ? [`Left out, no manifest in them: ${skipped.join(", ")}`] : []),
    `${plural(report.scanned, "resource")} scanned, ${plural(report.findings.length, "finding")}: ${report.verdict}`,
  ];
}

const columns = 120;

function kind(type: string): string {
  return type.split(/[/:]/).at(-1) ?? type;
}
