/** The rule book, G01 to G31, and the verdict over all of them. Pure. */
import type { Situation } from "../evidence.ts";
import { clusterRules } from "./cluster.ts";
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

/** Every rule asked about one hop of one cluster. */
export function judge(situation: Situation): Verdict {
  const findings = ruleBook
    .flatMap((rule) => ask(rule, situation))
    .toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  const has = (level: Level): boolean => findings.some((finding) => finding.level === level);
  return { kind: has("block") ? "blocked" : has("undecided") ? "undecided" : "passed", findings };
}
