/** A plan of guard as people read it. */
import type { MeshPlan } from "../guard/plan/mesh-plan.ts";
import type { Plan, PlannedFile, PlannedStep } from "../guard/plan/plan.ts";
import type { Finding } from "../guard/rules/rule.ts";
import { plural, wrap } from "./text.ts";

const columns = 120;

function describeFinding({ rule, check, level, subject, evidence, fix, link }: Finding): readonly string[] {
  return [
    ...wrap(`    ${level} ${rule} ${check}: ${subject}: ${evidence}`, columns, 6),
    ...wrap(`      ${fix}`, columns, 6),
    `      ${link}`,
  ];
}

/** What was not collected, once, with who needs it. */
function describeMissing(
  findings: readonly Finding[],
  name: (finding: Finding) => string,
  indent: string,
): readonly string[] {
  const needed = new Map<string, Set<string>>();
  for (const finding of findings)
    for (const part of finding.missing ?? []) needed.set(part, (needed.get(part) ?? new Set()).add(name(finding)));
  if (needed.size === 0) return [];
  const parts = [...needed].map(([part, names]) => `${part} (${[...names].join(", ")})`);
  return wrap(`${indent}undecided, not collected: ${parts.join("; ")}`, columns, indent.length + 2);
}

function describeStep(step: PlannedStep, index: number): readonly string[] {
  if (step.kind === "kubernetes") return [`  ${index + 1}. EKS ${step.from} to ${step.to}: ${step.why}`];
  const requests = step.mergeRequests.map(({ title }) => title).join("; ");
  return [
    ...wrap(
      `  ${index + 1}. Istio ${step.from} to ${step.to} on Kubernetes ${step.kubernetes}, ${plural(step.mergeRequests.length, "merge request")}: ${requests}`,
      columns,
      5,
    ),
    ...step.notes
      .filter(({ missing }) => missing === undefined)
      .flatMap(({ level, evidence, subject, fix }) =>
        wrap(`     ${level}: ${evidence} (${subject}). ${fix}`, columns, 7),
      ),
    // The note's id stands before the colon.
    ...describeMissing(step.notes, ({ evidence }) => evidence.split(":")[0] ?? "", "     "),
  ];
}

/** Whoever reads it moves with it. */
function describeFile({ repository, path, readers }: PlannedFile, members: readonly string[]): readonly string[] {
  const names = readers.map((reader) => (members.includes(reader) ? reader : `${reader} (not in this plan)`));
  return wrap(`  ${repository} ${path}: ${names.join(", ")}`, columns, 4);
}

const verdicts = {
  blocked: "is blocked",
  undecided: "is undecided: what would decide is not known",
  passed: "may begin",
} as const;

export function describeGuardPlan({ hash, batch, target, strategy, verdict, clusters }: Plan): readonly string[] {
  const lines = [
    `Plan ${hash} of batch ${batch}: Istio ${target}, ${strategy === "revision" ? "by revision" : "in place"}, ${plural(clusters.length, "cluster")}`,
  ];
  const members = clusters.map(({ cluster }) => cluster);
  for (const { cluster, istio, kubernetes, startsOutside, steps, files = [], next } of clusters) {
    lines.push("", `${cluster}: Istio ${istio} on Kubernetes ${kubernetes}`);
    if (startsOutside) lines.push(`  It is outside the window of Istio ${istio} today.`);
    if (steps.length === 0) lines.push("  Nothing to do.");
    lines.push(...steps.flatMap(describeStep), ...files.flatMap((file) => describeFile(file, members)));
    if (next === undefined) continue;
    lines.push(`  Its next hop ${verdicts[next.kind]}.`);
    // Notes stand with their hop.
    const findings = next.findings.filter(({ rule }) => rule !== "G19");
    lines.push(...findings.filter(({ missing }) => missing === undefined).flatMap(describeFinding));
    lines.push(...describeMissing(findings, ({ rule }) => rule, "    "));
  }
  return [...lines, "", `The batch ${verdicts[verdict]}.`];
}

export function describeMeshPlan({ hash, mesh, batch, target, verdict, clusters }: MeshPlan): readonly string[] {
  const lines = [`Plan ${hash} of batch ${batch}: ${mesh} ${target}, in place, ${plural(clusters.length, "cluster")}`];
  for (const { cluster, version, kubernetes, startsOutside, steps, next } of clusters) {
    lines.push("", `${cluster}: ${mesh} ${version} on Kubernetes ${kubernetes}`);
    if (startsOutside) lines.push(`  It is outside the window of ${mesh} ${version} today.`);
    if (steps.length === 0) lines.push("  Nothing to do.");
    for (const [index, step] of steps.entries())
      lines.push(
        ...wrap(
          step.kind === "kubernetes"
            ? `  ${index + 1}. EKS ${step.from} to ${step.to}: ${step.why}`
            : `  ${index + 1}. ${mesh} ${step.from} to ${step.to} on Kubernetes ${step.kubernetes}, ` +
                `${plural(step.mergeRequests.length, "merge request")}: ${step.mergeRequests.map(({ title }) => title).join("; ")}; then its proxies restart`,
          columns,
          5,
        ),
      );
    if (next !== undefined)
      lines.push(`  Its next hop ${verdicts[next.kind]}.`, ...next.findings.flatMap(describeFinding));
  }
  return [...lines, "", `The batch ${verdicts[verdict]}.`];
}
