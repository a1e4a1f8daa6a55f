/** From classified metrics to one score, 0-100 (shared research, hot swap 2.4). */
import type { Classification } from "./classify.ts";

export interface ScoredMetric {
  readonly name: string;
  readonly classification: Classification;
  readonly critical: boolean;
  readonly groups: readonly string[];
  /** Classified, but without a say in the score. */
  readonly muted: boolean;
}

export interface Score {
  /** 0-100, to two decimals. */
  readonly score: number;
  readonly groups: readonly { readonly name: string; readonly score: number; readonly noData: boolean }[];
  /** What made the score 0, whatever the groups say. */
  readonly forcedBy: "critical" | "no-data" | undefined;
  /** Names of the critical metrics that did not pass. */
  readonly criticalFailures: readonly string[];
}

/** Share of metrics without data from which the score is 0, percent. */
const mostWithoutData = 50;

/**
 * Per group: passed of all that passed or counted against it; a group without any data scores 100. Weights are percent; the
 * groups that have none share the rest of 100.
 */
export function scoreMetrics(all: readonly ScoredMetric[], weights: Readonly<Record<string, number>>): Score {
  const metrics = all.filter(({ muted }) => !muted);
  const names = [...new Set(metrics.flatMap(({ groups }) => groups))];
  const groups = names.map((name) => groupScore(name, metrics));
  const criticalFailures = metrics
    .filter(({ critical, classification }) => critical && classification !== "Pass")
    .map(({ name }) => name);
  if (criticalFailures.length > 0) return { score: 0, groups, forcedBy: "critical", criticalFailures };
  const withoutData = metrics.filter(({ classification }) => classification === "Nodata").length;
  if (metrics.length > 0 && (withoutData / metrics.length) * 100 >= mostWithoutData)
    return { score: 0, groups, forcedBy: "no-data", criticalFailures };

  const weightOf = new Map(Object.entries(weights));
  const given = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  const share = (100 - given) / Math.max(1, names.filter((name) => !weightOf.has(name)).length);
  const score = groups.reduce(
    (sum, group) => sum + (group.noData ? 100 : group.score) * ((weightOf.get(group.name) ?? share) / 100),
    0,
  );
  return { score: roundToCents(score), groups, forcedBy: undefined, criticalFailures };
}

function groupScore(name: string, metrics: readonly ScoredMetric[]): Score["groups"][number] {
  const counted = metrics.filter(
    ({ groups, classification }) =>
      groups.includes(name) && ["Pass", "High", "Low", "NodataFailMetric"].includes(classification),
  );
  const passed = counted.filter(({ classification }) => classification === "Pass").length;
  const noData = counted.length === 0;
  return { name, score: noData ? 0 : (passed / counted.length) * 100, noData };
}

/** Two decimals, half up on the decimal digits: 1.005 becomes 1.01, as in Kayenta, though its binary value lies below. */
function roundToCents(value: number): number {
  const shifted = Number(`${value}e2`);
  return Number.isFinite(shifted) ? Number(`${Math.round(shifted)}e-2`) : Math.round(value * 100) / 100;
}
