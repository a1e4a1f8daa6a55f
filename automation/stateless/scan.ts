/** The rules over resources: what they find, and the verdict. Pure. */
import {
  type Finding,
  type Path,
  type ScannedResource,
  type StatelessClass,
  type StatelessVerdict,
  statelessClasses,
} from "./finding.ts";
import { isKnownType } from "./known-types.ts";
import type { StatelessRule } from "./rule.ts";
import { unknownVolumeSources } from "./rules/storage.ts";
import { statelessRules } from "./rules.ts";
import { kindOf, type Surroundings, subjectOf } from "./subject.ts";
import { drawPath, type Value } from "./value.ts";

/** What a scan says. */
export interface StatelessReport {
  readonly verdict: StatelessVerdict;
  /** In the order of the resources, worst first in each. */
  readonly findings: readonly Finding[];
  /** How many resources were looked at. */
  readonly scanned: number;
}

/** Judges resources that stand or fall together, such as all of a stack or all of a chart. */
export function scan(resources: readonly ScannedResource[]): StatelessReport {
  const around = surroundings(resources);
  return reportOf(
    resources.flatMap((resource) => findingsIn(resource, around)),
    resources.length,
  );
}

/** The report of findings from several places, for example of files that could not be read besides. */
export function reportOf(findings: readonly Finding[], scanned: number): StatelessReport {
  return { verdict: verdictOf(findings), findings, scanned };
}

/** The worst class of the findings; cannot-tell where nothing is worse than something that could not be told. */
export function verdictOf(findings: readonly Finding[]): StatelessVerdict {
  let worst: StatelessClass = "stateless";
  for (const { class: found } of findings) {
    if (found !== undefined && statelessClasses.indexOf(found) > statelessClasses.indexOf(worst)) worst = found;
  }
  const untold = findings.some(({ level }) => level === "cannot-tell");
  return worst === "stateless" && untold ? "cannot-tell" : worst;
}

const levels: readonly Finding["level"][] = ["hard", "warning", "cannot-tell"];

function findingsIn(resource: ScannedResource, around: Surroundings): readonly Finding[] {
  const findings: Finding[] = [];
  const untold = new Map<string, { path: Path; rules: string[] }>();
  let asking = "";
  const subject = subjectOf(resource, around, (path) => addUntold(untold, path, asking));
  for (const rule of statelessRules) {
    asking = rule.id;
    const sights: { at: Value; reason: string }[] = [];
    rule.look(subject, (at, reason) => sights.push({ at, reason }));
    for (const { at, reason } of sights) {
      // What is not known reads as absent. Where absence is what a rule sees, the finding is that it cannot tell.
      const guessed =
        untold.size > 0 && [...untold.values()].some((one) => one.rules.includes(rule.id) && isIn(one.path, at.path));
      if (!guessed) findings.push(findingOf(rule, resource, at, reason));
    }
  }
  asking = unknownVolume;
  for (const source of unknownVolumeSources(subject)) {
    const reason = `No rule knows the volume source ${source.path.at(-1)}`;
    findings.push(cannotTell(resource, source.path, unknownVolume, reason, unknownVolumeFix));
  }
  for (const { path, rules } of untold.values()) {
    findings.push(cannotTell(resource, path, rules[0] ?? "", untoldReason(path, rules), untoldFix));
  }
  // A type that nobody knows but a rule found something in is judged by that.
  if (!isKnownType(resource.type) && !findings.some(({ class: found }) => found !== undefined)) {
    const reason = `No rule knows what a ${kindOf(resource.type).kind} holds`;
    findings.push(cannotTell(resource, [], "unknown-kind", reason, unknownKindFix));
  }
  return findings.toSorted((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level));
}

const unknownVolume = "unknown-volume";
const unknownVolumeFix = "Use a volume source of the Kubernetes or Cloud Run API.";
const untoldFix = "Judge it again when the value is known: after the deployment, or with the value given.";
const unknownKindFix = "Find out whether it keeps data on the platform; scan what is made from it, as it is applied.";

function untoldReason(path: Path, rules: readonly string[]): string {
  return `${drawPath(path) || "The object"} is not known, and decides ${rules.join(", ")}`;
}

/** Whether a path is that one or below it. */
function isIn(path: Path, outer: Path): boolean {
  return outer.every((part, index) => path[index] === part);
}

function findingOf(rule: StatelessRule, resource: ScannedResource, at: Value, reason: string): Finding {
  return {
    rule: rule.id,
    level: rule.level,
    resource: { type: resource.type, name: resource.name, where: resource.where },
    where: resource.whereIn?.(at.path) ?? resource.where,
    path: drawPath(at.path),
    reason: `${reason}.`,
    fix: rule.fix,
    class: rule.class,
  };
}

function addUntold(untold: Map<string, { path: Path; rules: string[] }>, path: Path, rule: string): void {
  const key = drawPath(path);
  const seen = untold.get(key);
  if (seen === undefined) untold.set(key, { path, rules: [rule] });
  else if (!seen.rules.includes(rule)) seen.rules.push(rule);
}

function cannotTell(resource: ScannedResource, path: Path, rule: string, reason: string, fix: string): Finding {
  return {
    rule,
    level: "cannot-tell",
    resource: { type: resource.type, name: resource.name, where: resource.where },
    where: resource.whereIn?.(path) ?? resource.where,
    path: drawPath(path),
    reason: `${reason}.`,
    fix,
    class: undefined,
  };
}

/** Claims and storage classes by name, which other objects refer to. */
function surroundings(resources: readonly ScannedResource[]): Surroundings {
  const objects = new Map<string, Readonly<Record<string, unknown>>>();
  for (const { type, object } of resources) {
    const { group, kind } = kindOf(type);
    const metadata = object["metadata"];
    if (typeof metadata !== "object" || metadata === null) continue;
    const { name, namespace } = metadata as { name?: unknown; namespace?: unknown };
    if (typeof name !== "string") continue;
    if (group === "" && kind === "PersistentVolumeClaim") {
      objects.set(`${kind}/${typeof namespace === "string" ? namespace : ""}/${name}`, object);
    }
    if (group === "storage.k8s.io" && kind === "StorageClass") objects.set(`${kind}/${name}`, object);
  }
  return { objects };
}
