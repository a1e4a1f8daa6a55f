import type { RulePlatform } from "./rule.ts";
import { statelessRules } from "./rules.ts";
import type { StatelessReport } from "./scan.ts";

/** The requirement's type of that name, as it goes out in JSON. */
export interface StatelessValidation {
  readonly platform: RulePlatform;
  /** Kinds that may not be there at all. */
  readonly forbidden_resources: readonly string[];
  /** Ids of the rules that can find something on this platform. */
  readonly validation_rules: readonly string[];
  /** Stateless, and nothing that could not be told. */
  readonly compliance_status: boolean;
  /** One sentence per finding: resource, path, reason. */
  readonly violations: readonly string[];
}

export function validationOf(report: StatelessReport, platform: RulePlatform): StatelessValidation {
  const rules = statelessRules.filter(({ platforms }) => platforms.includes(platform));
  return {
    platform,
    forbidden_resources: [...new Set(rules.flatMap(({ forbids }) => forbids ?? []))],
    validation_rules: rules.map(({ id }) => id),
    compliance_status: report.verdict === "stateless",
    violations: report.findings.map(({ resource, path, reason }) => {
      const place = path === "" ? "" : `${path}: `;
      return `${resource.type} ${resource.name}: ${place}${reason}`;
    }),
  };
}
