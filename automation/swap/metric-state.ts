/** What the judged metrics of a step amount to. Pure. */
import type { Evidence } from "./decision.ts";
import type { SwapState } from "./state.ts";

export function metricLimits(state: SwapState) {
  const { failure_limit, inconclusive_limit, consecutive_error_limit } = state.settings.metrics;
  return {
    failureLimit: failure_limit,
    inconclusiveLimit: inconclusive_limit,
    consecutiveErrorLimit: consecutive_error_limit,
  };
}

export function metricEvidence(state: SwapState): Evidence {
  const { tally } = state.metrics;
  return { failed: tally.failed, inconclusive: tally.inconclusive, errors: tally.error, successful: tally.successful };
}
