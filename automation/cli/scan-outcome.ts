/** What a scan ends with: the result, or an error when something was found that nobody accepted. */
import { StatelessViolationError, SwitchyardError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Finding } from "../stateless/finding.ts";
import type { RulePlatform } from "../stateless/rule.ts";
import type { StatelessReport } from "../stateless/scan.ts";
import { type StatelessValidation, validationOf } from "../stateless/validation.ts";
import type { Acceptable, ScanResult } from "./scan-view.ts";
import { plural } from "./text.ts";

const acceptable: readonly Acceptable[] = ["cache-only", "session-bound", "cannot-tell"];

/** `cache-only,cannot-tell`. Errors: usage-error. */
export function parseAllow(text: string | undefined): readonly Acceptable[] {
  const names = (text ?? "").split(",").map((name) => name.trim());
  return names
    .filter((name) => name !== "")
    .map((name) => {
      const known = acceptable.find((one) => one === name);
      if (known !== undefined) return known;
      const never = name === "stateful" ? "; what keeps state is never accepted" : nearest(name, acceptable);
      throw new SwitchyardError("usage-error", {
        message: `--allow ${name}: what can be accepted is ${acceptable.join(", ")}${never}`,
        next: "For example:   --allow cache-only,cannot-tell",
      });
    });
}

function outcomeOf(finding: Finding): Acceptable | "stateful" {
  return finding.class ?? "cannot-tell";
}

/** The result, where all that was found is accepted. Errors: stateless-violation. */
export function scanResult(
  report: StatelessReport,
  platform: RulePlatform,
  allow: readonly Acceptable[],
  skipped: readonly string[] = [],
): ScanResult {
  const validation = validationOf(report, platform);
  const found = new Set(report.findings.map(outcomeOf));
  const refused = report.findings.filter((finding) => !allow.some((name) => name === outcomeOf(finding)));
  if (refused.length > 0) throw violation(report, validation, refused);
  return { ...report, validation, accepted: allow.filter((name) => found.has(name)), skipped };
}

function violation(report: StatelessReport, validation: StatelessValidation, refused: readonly Finding[]): Error {
  const places = new Set(refused.map(({ resource }) => `${resource.where} ${resource.type} ${resource.name}`));
  const open = [...new Set(refused.map(outcomeOf))].filter((outcome) => outcome !== "stateful");
  const worstFirst = refused.toSorted((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level));
  const fixes = new Set(worstFirst.map(({ resource, fix }) => `${resource.name}: ${fix}`));
  const shown = [...fixes].slice(0, shownFixes);
  return new StatelessViolationError("stateless-violation", {
    platform: validation.platform,
    violations: validation.violations,
    message: `${plural(refused.length, "finding")} in ${plural(places.size, "resource")}: the verdict is ${report.verdict}`,
    next: [
      ...shown,
      ...(fixes.size > shown.length
        ? [`And ${plural(fixes.size - shown.length, "further fix").replace(/fixs$/, "fixes")}, see above.`]
        : []),
      ...(open.length > 0 ? [`To accept what keeps no state itself, add --allow ${open.join(",")}.`] : []),
    ],
    data: { verdict: report.verdict, scanned: report.scanned, findings: report.findings, validation },
  });
}

const shownFixes = 5;
const levels: readonly Finding["level"][] = ["hard", "warning", "cannot-tell"];
