import type { StatelessClass } from "./finding.ts";
import type { Subject } from "./subject.ts";
import type { Value } from "./value.ts";

/** Platforms on which a rule can find something. */
export type RulePlatform = "gke" | "cloud-run";

/** Says what is wrong at a place: a sentence without a full stop, never a value that may be a secret. */
export type Sight = (at: Value, reason: string) => void;

/** One signal. */
export interface StatelessRule {
  readonly id: string;
  readonly level: "hard" | "warning";
  /** What a sight of it makes of the workload. */
  readonly class: Exclude<StatelessClass, "stateless">;
  /** What to do instead, one sentence. */
  readonly fix: string;
  /** Where the signal comes from. */
  readonly source: string;
  readonly platforms: readonly RulePlatform[];
  /** Kinds that the rule forbids as such. */
  readonly forbids?: readonly string[];
  /** Reads through the subject's values only, and tells of every sight. */
  readonly look: (subject: Subject, sight: Sight) => void;
}

/** The list of signals that the rules carry out. */
export const signals = "platform-kiro-reliability 60";

export const everywhere: readonly RulePlatform[] = ["gke", "cloud-run"];
export const kubernetesOnly: readonly RulePlatform[] = ["gke"];
export const cloudRunOnly: readonly RulePlatform[] = ["cloud-run"];

/** Rules whose sight is state itself: hard, stateful. */
export function hard(rule: Omit<StatelessRule, "level" | "class" | "source">): StatelessRule {
  return { ...rule, level: "hard", class: "stateful", source: signals };
}

/** Rules whose sight is a lean on one instance or on what it has at hand. */
export function warning(rule: Omit<StatelessRule, "level" | "source">): StatelessRule {
  return { ...rule, level: "warning", source: signals };
}
