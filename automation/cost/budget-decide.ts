/**
 * Whether an environment moves to a cheaper platform: a pure function of what was seen, what was done before, and the time.
 * What is not known is never taken for nothing: without a projection nothing moves.
 */
import { frozenAt } from "../swap/freeze.ts";
import type { BudgetSettings } from "./budget-settings.ts";

export interface BudgetSeen {
  /** The balancer's weights by platform, percent; undefined: they cannot be read. */
  readonly weights: Readonly<Record<string, number>> | undefined;
  /** cost_threshold by platform, USD a month; absent: none. */
  readonly thresholds: Readonly<Record<string, number>>;
  /** Expected USD a month by platform, as far as it can be said. */
  readonly projected: Readonly<Record<string, number>>;
  /** Whether the load is known well enough to project a month. */
  readonly loadKnown: boolean;
  /** Platforms that the environment could run on (selection). */
  readonly possible: readonly string[];
  /** Whether a swap has not ended; undefined: nobody can say. */
  readonly swapOpen: boolean | undefined;
  /** When swaps and failovers began, ms since the epoch; at least those of the dwell time. */
  readonly moves: readonly number[];
  /** A person's veto, until when (ms since the epoch; undefined: until it is lifted). */
  readonly veto: { readonly by: string; readonly until: number | undefined } | undefined;
  /** The calendar's time, ms since the epoch. */
  readonly wall: number;
}

/** What is kept between two decisions. */
export interface BudgetState {
  /** The move that people have been told of. */
  readonly proposed: { readonly from: string; readonly to: string } | undefined;
}

export const nothingProposed: BudgetState = Object.freeze({ proposed: undefined });

/** Machine's name and people's words. */
export const budgetReasons = {
  "policy-off": "the budget is switched off for this environment",
  "weights-unreadable": "the balancer's weights cannot be read",
  "traffic-split": "more than one platform has traffic, which is a swap's business",
  "no-threshold": "the serving platform has no cost_threshold",
  "load-unknown": "too little of the load was watched to project a month",
  "price-unknown": "the serving platform's cost is not known",
  "within-budget": "a month costs less than cost_threshold",
  "near-budget": "a month costs less than cost_threshold, by less than hysteresis",
  "state-unreadable": "the state of swaps cannot be read",
  "veto-window": "a veto window of the budget holds",
  "veto-person": "a person's veto holds",
  "swap-open": "a swap has not ended",
  "nothing-cheaper": "no other platform is possible, of known cost, cheaper by hysteresis and within its own threshold",
  dwell: "the last move is younger than dwell",
  proposed: "the move was proposed already",
  "over-budget": "a month costs more than cost_threshold, and another platform is cheaper",
} as const;

export type BudgetReason = keyof typeof budgetReasons;

export type BudgetEvidence = Readonly<Record<string, number | string | boolean>>;

export interface BudgetDecision {
  readonly kind: "none" | "vetoed" | "propose" | "switch";
  readonly reason: BudgetReason;
  /** The serving platform, where one has all the traffic. */
  readonly from: string | undefined;
  /** The cheaper platform, where the budget is passed and there is one. */
  readonly to: string | undefined;
  readonly evidence: BudgetEvidence;
}

export function decideBudget(settings: BudgetSettings, state: BudgetState, seen: BudgetSeen): BudgetDecision {
  const { weights, thresholds, projected, wall } = seen;
  const serving = Object.entries(weights ?? {}).filter(([, share]) => share > 0);
  const from = serving.length === 1 ? serving[0]?.[0] : undefined;
  const none = (reason: BudgetReason, evidence: BudgetEvidence = {}, to?: string): BudgetDecision => ({
    kind: "none",
    reason,
    from,
    to,
    evidence,
  });
  if (settings.policy === "off") return none("policy-off");
  if (weights === undefined) return none("weights-unreadable");
  if (from === undefined) return none("traffic-split");
  const threshold = thresholds[from];
  if (threshold === undefined) return none("no-threshold");
  if (seen.swapOpen === undefined) return none("state-unreadable");
  if (!seen.loadKnown) return none("load-unknown");
  const cost = projected[from];
  if (cost === undefined) return none("price-unknown");
  const evidence = { projectedUsd: cents(cost), thresholdUsd: threshold };
  if (cost <= threshold) return none(isWell(cost, threshold, settings) ? "within-budget" : "near-budget", evidence);

  const window = frozenAt(settings.veto, wall);
  const vetoed = (reason: "veto-window" | "veto-person", more: BudgetEvidence): BudgetDecision => ({
    ...none(reason, { ...evidence, ...more }),
    kind: "vetoed",
  });
  if (window !== undefined) return vetoed("veto-window", { window: window.name, until: window.until });
  const { veto } = seen;
  if (veto !== undefined && (veto.until === undefined || wall < veto.until))
    return vetoed("veto-person", { by: veto.by, ...(veto.until === undefined ? {} : { until: veto.until }) });
  if (seen.swapOpen) return none("swap-open", evidence);

  const candidate = cheaperThan(from, cost, settings, seen);
  if (candidate === undefined) return none("nothing-cheaper", evidence);
  const to = candidate.platform;
  const both = { ...evidence, candidateUsd: cents(candidate.usd) };
  // A move in the future was written before somebody set the clock back: it counts as made now.
  const sinceLastMoveMs = Math.min(Number.POSITIVE_INFINITY, ...seen.moves.map((at) => Math.max(0, wall - at)));
  if (sinceLastMoveMs < settings.dwellMs) return none("dwell", { ...both, sinceLastMoveMs }, to);
  if (settings.policy === "automatic") return { kind: "switch", reason: "over-budget", from, to, evidence: both };
  if (state.proposed?.from === from && state.proposed.to === to) return none("proposed", both, to);
  return { kind: "propose", reason: "over-budget", from, to, evidence: both };
}

/** People are told once of a crossing; when costs were well below the threshold in between, once more. */
export function afterBudgetDecision(state: BudgetState, { kind, reason, from, to }: BudgetDecision): BudgetState {
  if (kind === "propose" && from !== undefined && to !== undefined) return { proposed: { from, to } };
  if (kind === "switch" || reason === "within-budget") return nothingProposed;
  return state;
}

function isWell(cost: number, threshold: number, { hysteresis }: BudgetSettings): boolean {
  return cost <= threshold * (1 - hysteresis);
}

/** One that would be left again for its own threshold is no way out. */
function cheaperThan(
  from: string,
  cost: number,
  settings: BudgetSettings,
  { projected, thresholds, possible }: BudgetSeen,
): { readonly platform: string; readonly usd: number } | undefined {
  return possible
    .flatMap((platform) => {
      const usd = projected[platform];
      return platform === from || usd === undefined ? [] : [{ platform, usd }];
    })
    .filter(({ usd }) => usd < cost * (1 - settings.hysteresis))
    .filter(({ platform, usd }) => isWell(usd, thresholds[platform] ?? Number.POSITIVE_INFINITY, settings))
    .toSorted((a, b) => a.usd - b.usd)[0];
}

function cents(usd: number): number {
  return Number(usd.toFixed(2));
}
