/** The rule book, G01 to G31, and the verdict over all of them. Pure. */

import { clusterRules } from "./cluster.ts";
import type { EvidenceSection, Situation } from "./evidence.ts";
import { fleetRules } from "./fleet.ts";
import { installRules } from "./install.ts";
import { noteRule } from "./notes.ts";
import { ask, type Finding, type Level, type Rule } from "./rule.ts";
import { sourceRules } from "./sources.ts";
import { versionRules } from "./versions.ts";
import { workloadRules } from "./workloads.ts";

/** In the order of their ids. */
export const ruleBook: readonly Rule[] = [
  ...versionRules,
  ...sourceRules,
  ...installRules,
  ...workloadRules,
  noteRule,
  ...clusterRules,
  ...fleetRules,
].toSorted((a, b) => a.id.localeCompare(b.id));

export interface Verdict {
  /** blocked: a rule forbids it. undecided: none does, and something is not known. Only passed lets a hop begin. */
  readonly kind: "blocked" | "undecided" | "passed";
  /** The worst first, then by rule. */
  readonly findings: readonly Finding[];
}

const order: readonly Level[] = ["block", "undecided", "warn", "manual"];

/**
 * Asked again before each further merge request of a hop: its cluster is between two versions, so that rules about leaving the old one
 * say nothing any more.
 */
export const laterStepRules: readonly string[] = ["G11", "G20", "G21", "G22", "G26", "G27", "G28", "G29", "G30", "G31"];

export interface JudgeOptions {
  /** Default all. */
  readonly rules?: readonly string[];
  /** Sections that such a cluster cannot have: that they are missing says nothing. */
  readonly notApplicable?: readonly EvidenceSection[];
}

/** Every rule asked about one hop of one cluster. */
export function judge(situation: Situation, { rules, notApplicable = [] }: JudgeOptions = {}): Verdict {
  const besideThePoint = ({ missing }: Finding): boolean =>
    missing?.every((section) => notApplicable.some((one) => one === section)) ?? false;
  const findings = ruleBook
    .filter(({ id }) => rules?.includes(id) ?? true)
    .flatMap((rule) => ask(rule, situation))
    .filter((finding) => !besideThePoint(finding));
  return verdictOver(findings);
}

/** What findings come to, whoever made them. */
export function verdictOver(all: readonly Finding[]): Verdict {
  const findings = all.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  const has = (level: Level): boolean => findings.some((finding) => finding.level === level);
  return { kind: has("block") ? "blocked" : has("undecided") ? "undecided" : "passed", findings };
}
