import { gateProfiles, type SwapSettings } from "../settings.ts";
import type { GateState } from "./stop.ts";
import { type Verdict, worst } from "./verdict.ts";
import { quantile, type SideWindow } from "./window.ts";

/** One thing that the advance gate looked at. */
export interface AdvanceLook {
  readonly name: "sample" | "errors" | "latency-ceiling" | "latency-compared";
  readonly verdict: Verdict;
  /** In words, with the numbers. */
  readonly text: string;
}

/** Requests per side from which medians are compared. */
const latencyFrom = 10;

/**
 * Whether the step may end: minimum sample, error share, latency against the ceiling and against the old side in the same
 * window. Never `failed`: stopping is the stop gate's; here what is not good enough keeps the step.
 */
export function lookAtStep(
  gates: GateState,
  settings: SwapSettings,
): { verdict: Verdict; looks: readonly AdvanceLook[] } {
  const profile = gateProfiles[settings.profile];
  const { candidate, old } = gates;
  const looks: AdvanceLook[] = [
    {
      name: "sample",
      verdict: candidate.requests >= profile.minimumRequests ? "successful" : "inconclusive",
      text: `${candidate.requests} of ${profile.minimumRequests} requests on the candidate`,
    },
    errorLook(candidate, old, settings),
    ceilingLook(candidate, settings),
  ];
  const compared = comparedLook(candidate, old, profile.latencyRatio, profile.latencySlackMs);
  if (compared !== undefined) looks.push(compared);
  return { verdict: worst(looks.map((look) => look.verdict)), looks };
}

function errorLook(candidate: SideWindow, old: SideWindow, settings: SwapSettings): AdvanceLook {
  const rate = candidate.requests === 0 ? 0 : candidate.errors / candidate.requests;
  const oldRate = old.requests === 0 ? 0 : old.errors / old.requests;
  const allowed = Math.max(settings.rollbackThreshold, oldRate);
  return {
    name: "errors",
    verdict: candidate.requests > 0 && rate <= allowed ? "successful" : "inconclusive",
    text: `${candidate.errors} of ${candidate.requests} failed on the candidate, ${old.errors} of ${old.requests} on the old side`,
  };
}

function ceilingLook(candidate: SideWindow, settings: SwapSettings): AdvanceLook {
  const p95 = quantile(candidate.latenciesMs, 0.95);
  return {
    name: "latency-ceiling",
    verdict: p95 !== undefined && p95 <= settings.performanceThresholdMs ? "successful" : "inconclusive",
    text:
      p95 === undefined
        ? "no latency of the candidate yet"
        : `candidate p95 ${p95.toFixed(0)} ms, ceiling ${settings.performanceThresholdMs} ms`,
  };
}

function comparedLook(candidate: SideWindow, old: SideWindow, ratio: number, slackMs: number): AdvanceLook | undefined {
  // At 100 % the old side has nothing in the window: only the ceiling speaks.
  if (old.requests < latencyFrom || candidate.requests < latencyFrom) return undefined;
  const candidateMedian = quantile(candidate.latenciesMs, 0.5);
  const oldMedian = quantile(old.latenciesMs, 0.5);
  if (candidateMedian === undefined || oldMedian === undefined) return undefined;
  return {
    name: "latency-compared",
    verdict: candidateMedian <= oldMedian * ratio + slackMs ? "successful" : "inconclusive",
    text: `median ${candidateMedian.toFixed(0)} ms on the candidate, ${oldMedian.toFixed(0)} ms on the old side`,
  };
}
