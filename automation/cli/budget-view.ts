/** How the budget's decisions are written for people. */
import { type BudgetDecision, budgetReasons } from "../cost/budget-decide.ts";
import type { BudgetSettings } from "../cost/budget-settings.ts";
import type { BudgetResult } from "../cost/budget-watch.ts";
import { dateAndTime, duration, plural } from "./text.ts";

export interface BudgetOutcome extends BudgetResult {
  readonly environment: string;
  readonly policy: BudgetSettings["policy"];
}

export function describeBudget({ last, environment, moves, proposals, looks }: BudgetOutcome): readonly string[] {
  const counts = `${plural(looks, "look")}, ${plural(proposals, "proposal")}, ${plural(moves, "move")}.`;
  if (last === undefined) return [counts];
  const next =
    last.kind === "switch" && last.from !== undefined
      ? [`To undo:   ${swapCommand(last.from, environment)}`]
      : last.to !== undefined && (last.kind === "propose" || last.reason === "proposed")
        ? [`To do it:   ${swapCommand(last.to, environment)}`]
        : [];
  return [`${describeDecision(last)}.`, counts, ...next];
}

/** The exact command. */
export function swapCommand(to: string, environment: string): string {
  return `npx switchyard swap start --to ${to} --env ${environment}`;
}

export function describeDecision({ kind, reason, from, to, evidence }: BudgetDecision): string {
  const where = from === undefined ? "" : `${from} serves: `;
  const { projectedUsd, thresholdUsd, candidateUsd, watchedMs, until, by, window } = evidence;
  const numbers = [
    ...(projectedUsd === undefined ? [] : [`$${projectedUsd} a month, threshold $${thresholdUsd}`]),
    ...(candidateUsd === undefined ? [] : [`${to} $${candidateUsd}`]),
    ...(reason === "load-unknown" && typeof watchedMs === "number" ? [`${duration(watchedMs)} watched`] : []),
    ...(by === undefined ? [] : [`by ${by}`]),
    ...(window === undefined ? [] : [String(window)]),
    ...(typeof until === "number" ? [`until ${dateAndTime(until)}`] : []),
  ];
  const text = `${where}${budgetReasons[reason]}${numbers.length === 0 ? "" : ` (${numbers.join("; ")})`}`;
  if (kind === "switch") return `${text}; moving to ${to}`;
  if (kind === "propose") return `${text}; a swap to ${to} is proposed`;
  return kind === "vetoed" ? `${text}; nothing is moved` : text;
}
