/** How `guard check` is shown. Pure. */
import type { ClusterCheck } from "./guard-check.ts";
import { plural } from "./text.ts";

export function describeCheck({
  cluster,
  istio,
  target,
  strategy,
  verdict,
  findings,
  refusals,
  problems,
}: ClusterCheck): readonly string[] {
  return [
    `${cluster}: Istio ${istio}${target === istio ? "" : ` to ${target}, ${strategy}`}: ${verdict}, ${plural(findings.length, "finding")}`,
    ...findings.map(
      ({ level, rule, check, subject, evidence, fix }) =>
        `  ${level} ${rule} ${check}: ${subject}: ${evidence}. ${fix}`,
    ),
    ...refusals.map((refusal) => `  cannot be edited: ${refusal}`),
    ...problems.map((problem) => `  not read: ${problem}`),
  ];
}
