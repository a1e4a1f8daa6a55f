/** How `guard check` is shown. Pure. */
import type { ClusterCheck } from "./guard-check.ts";
import { plural } from "./text.ts";

export function describeCheck({
  cluster,
  istio,
  target,
  verdict,
  findings,
  problems,
}: ClusterCheck): readonly string[] {
  return [
    `${cluster}: Istio ${istio}${target === istio ? "" : ` to ${target}`}: ${verdict}, ${plural(findings.length, "finding")}`,
    ...findings.map(
      ({ level, rule, check, subject, evidence, fix }) =>
        `  ${level} ${rule} ${check}: ${subject}: ${evidence}. ${fix}`,
    ),
    ...problems.map((problem) => `  not read: ${problem}`),
  ];
}
