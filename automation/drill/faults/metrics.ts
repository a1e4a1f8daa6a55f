/** Metrics from outside that condemn the candidate, that are gone, or that say nothing. */
import type { Reason } from "../../swap/reasons.ts";
import type { SwapFault } from "../fault.ts";
import { candidate, oldSide, type Stage } from "../stage.ts";

/** Unreadable measurements in a row that pause a swap: one more than are let pass. */
const errorsInARow = 5;

const metrics = {
  sources: { prometheus: { url: "http://metrics.drill" } },
  checks: [
    { name: "latency", source: "prometheus", query: 'drill_latency{platform="{platform}"}', allowed_increase: 1.5 },
  ],
  interval: 15,
  step: 1,
  error_retry: 2,
  consecutive_error_limit: errorsInARow - 1,
};

const measured = (
  name: string,
  title: string,
  given: (stage: Stage) => void,
  expected: SwapFault["expected"],
): SwapFault => ({ name: `metric-${name}`, title, world: { swap: { metrics } }, given, expected });

/** A pause has to be for what the measurements were, and so many of them. */
function pausesAfter(stage: Stage, reason: Reason, kind: "errors" | "inconclusive", times: number): void {
  stage.when(
    (event) => event.kind === "paused" && event.reason === reason,
    () => {
      if (counted[kind] !== times) stage.findings.push(`it paused after ${counted[kind]} measurements, not ${times}`);
    },
  );
  const counted = { errors: 0, inconclusive: 0 };
  const count = (): void =>
    stage.when(
      (event) => event.kind === "measured" && (event.verdict === "error" || event.verdict === "inconclusive"),
      () => {
        counted[kind] += 1;
        count();
      },
    );
  count();
}

export const metricFaults: readonly SwapFault[] = [
  measured(
    "worse",
    "A metric from outside says that the candidate is three times as slow, while every request is answered well",
    (stage) => stage.atShare(5, () => stage.world.metrics.setLevel(candidate, 300)),
    { ends: "rolled-back", reasons: ["metric-failed"] },
  ),
  measured(
    "worse-on-both-sides",
    "A metric from outside is three times as high on both sides: it says nothing against the candidate",
    (stage) =>
      stage.atShare(5, () => {
        for (const side of [oldSide, candidate]) stage.world.metrics.setLevel(side, 300);
      }),
    { ends: "completed" },
  ),
  measured(
    "gone",
    "The metrics from outside cannot be read",
    (stage) => {
      stage.atShare(25, () => stage.world.metrics.failWith("connection refused"));
      pausesAfter(stage, "metric-unreadable", "errors", errorsInARow);
      stage.repair = () => stage.world.metrics.failWith(undefined);
    },
    { ends: "completed", stopsFor: ["metric-unreadable"] },
  ),
  measured(
    "silent",
    "The candidate's series from outside ends",
    (stage) => {
      stage.atShare(25, () => stage.world.metrics.setLevel(candidate, undefined));
      pausesAfter(stage, "metric-inconclusive", "inconclusive", 1);
      stage.repair = () => stage.world.metrics.setLevel(candidate, 100);
    },
    { ends: "completed", stopsFor: ["metric-inconclusive"] },
  ),
];
