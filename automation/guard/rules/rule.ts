/** What a rule is, and how it is asked: evidence that is not there makes it undecided, never passed. Pure. */
import type { Evidence, EvidenceSection, Situation } from "./evidence.ts";

/** block: nothing goes on. undecided: what would decide is not known; nothing goes on either. manual: a person has to look. */
export type Level = "block" | "undecided" | "warn" | "manual";

export interface Hit {
  /** What it is about: a workload, a file, a version. */
  readonly subject: string;
  /** What was found, with values. */
  readonly evidence: string;
  /** What to do, one sentence. */
  readonly fix: string;
  /** Where it differs from the check's. */
  readonly level?: Level;
  /** Sections or facts that were not collected, where that is why it is undecided. */
  readonly missing?: readonly string[] | undefined;
}

export interface Finding extends Omit<Hit, "level"> {
  /** `G01` to `G31`. */
  readonly rule: string;
  readonly check: string;
  readonly level: Level;
  readonly link: string;
}

export interface Check {
  readonly name: string;
  readonly level: "block" | "warn";
  readonly needs: readonly EvidenceSection[];
  run(situation: Situation): readonly Hit[];
}

export interface Rule {
  readonly id: string;
  readonly title: string;
  /** Where to read about it. */
  readonly link: string;
  readonly checks: readonly Check[];
}

type Has<K extends EvidenceSection> = { readonly [S in K]: NonNullable<Evidence[S]> };

function hasAll<K extends EvidenceSection>(evidence: Evidence, needs: readonly K[]): evidence is Evidence & Has<K> {
  return needs.every((section) => evidence[section] !== undefined);
}

interface CheckSpec<K extends EvidenceSection> {
  readonly name: string;
  readonly level?: "block" | "warn";
  readonly needs: readonly K[];
  /** Whether it says anything of this hop; default always. Asked before the evidence. */
  applies?(situation: Situation): boolean;
  find(evidence: Has<K>, situation: Situation): readonly Hit[];
}

export function check<K extends EvidenceSection>(spec: CheckSpec<K>): Check {
  const { name, level = "block", needs } = spec;
  return {
    name,
    level,
    needs,
    run(situation) {
      if (spec.applies?.(situation) === false) return [];
      const { evidence } = situation;
      if (hasAll(evidence, needs)) return spec.find(evidence, situation);
      const missing = needs.filter((section) => evidence[section] === undefined);
      return [
        {
          subject: missing.join(", "),
          evidence: `${missing.join(" and ")} ${missing.length === 1 ? "was" : "were"} not collected`,
          fix: "Collect it: what is not known counts as not passed.",
          level: "undecided",
          missing,
        },
      ];
    },
  };
}

/** Everything that a rule has to say of a situation. */
export function ask(rule: Rule, situation: Situation): readonly Finding[] {
  return rule.checks.flatMap((one) =>
    one.run(situation).map(({ subject, evidence, fix, level, missing }) => ({
      rule: rule.id,
      check: one.name,
      level: level ?? one.level,
      subject,
      evidence,
      fix,
      link: rule.link,
      ...(missing === undefined ? {} : { missing }),
    })),
  );
}

/** `a, b and 3 more`: findings stay short however big the cluster is. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 3);
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(", ")} and ${rest} more` : shown.join(", ");
}
