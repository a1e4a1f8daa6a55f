/** How a plan is written for people. */
import { type Badness, type PlannedStep, stepsOverBudget } from "../swap/plan.ts";
import type { PlannedSwap } from "./swap-plan.ts";
import { count, dateAndTime, duration, plural, table } from "./text.ts";

export function describePlan(plan: PlannedSwap): readonly string[] {
  return [
    `Swap of ${plan.environment}: ${plan.from} -> ${plan.to}, gate profile ${plan.profile}.`,
    loadLine(plan),
    propagationLine(plan),
    instancesLine(plan),
    "",
    ...table(
      ["step", "weight", "requests", "probes", "at least", "expected", ""],
      plan.steps.map((step, index) => [
        String(index + 1),
        `${step.percent} %`,
        count(step.requestsNeeded),
        count(step.probes),
        duration(step.minimumMs),
        step.expectedMs === undefined ? "unknown" : duration(step.expectedMs),
        step.approval ? "waits for swap promote" : "",
      ]),
    ),
    durationLine(plan),
    "",
    "Should the new side be bad: requests until the stop gate decides, then requests lost until it is out of the traffic.",
    ...table(
      ["weight", "fails all: found in", "lost", "fails 5 %: found in", "lost", ""],
      plan.steps.map((step) => [
        `${step.percent} %`,
        foundIn(step.atTotalFailure),
        lostText(step.atTotalFailure),
        foundIn(step.atSmallFailure),
        lostText(step.atSmallFailure),
        step.overBudget ? "over the budget" : "",
      ]),
    ),
    "By formula (expected values; p95 is up to three times as many requests). Found by the stop gate; a step whose errors it does not find is held by the advance gate.",
    ...budgetLines(plan, stepsOverBudget(plan)),
    ...costLines(plan),
    ...(plan.frozen === undefined
      ? []
      : [
          `Frozen by "${plan.frozen.name}" until ${dateAndTime(Date.parse(plan.frozen.until))}: it cannot start before.`,
        ]),
    ...(plan.unreadable.length === 0
      ? []
      : [`Not learned from, because their journals cannot be read: swaps ${plan.unreadable.join(", ")}.`]),
    `To start:   npx switchyard swap start --to ${plan.to} --env ${plan.environment}`,
  ];
}

function loadLine({ loadFrom, requestsPerSecond }: PlannedSwap): string {
  if (requestsPerSecond === undefined)
    return "Load:          unknown here; give it with --rps, or durations and losses stay unknown.";
  if (requestsPerSecond === 0)
    return "Load:          none in the 2 s that were measured, so that durations and losses are unknown; give it with --rps.";
  return `Load:          ${count(requestsPerSecond)} requests/s, ${loadFrom === "given" ? "as given" : "measured over 2 s"}.`;
}

function propagationLine({ propagationMs, propagationFrom }: PlannedSwap): string {
  const from = {
    configured: "swap.propagation",
    "earlier swaps": "the median of earlier swaps",
    "local cloud": "local_cloud.propagation_delay",
    assumed: "assumed, nothing was measured here yet",
  }[propagationFrom];
  return `Propagation:   ${duration(propagationMs)} until requests follow a weight (${from}).`;
}

function instancesLine({ capacity, from, to }: PlannedSwap): string {
  if (capacity === undefined)
    return "Instances:     not held: they could not be counted, or swap.hold_capacity is off.";
  const old = capacity.holdOld
    ? `${from} is held at the ${capacity.old} that it has`
    : `${from} keeps the ${capacity.old} that it has`;
  return `Instances:     ${old} until the bake is over; ${to} gets ${capacity.candidate} at least.`;
}

function durationLine(plan: PlannedSwap): string {
  const window = plan.rollbackWindowMs > 0 ? `, rollback window ${duration(plan.rollbackWindowMs)}` : "";
  const expected =
    plan.expectedMs === undefined ? "expected duration unknown" : `expected ${duration(plan.expectedMs)}`;
  return `Bake ${duration(plan.bakeMs)}${window}. In all ${expected}, at least ${duration(plan.minimumMs)}, beside bringing ${plan.to} up and taking ${plan.from} down.`;
}

function foundIn(badness: Badness): string {
  if (badness.requestsToDetect === undefined) return "not found";
  const requests = `${count(badness.requestsToDetect)} requests`;
  return badness.detectMs === undefined ? requests : `${requests}, ${duration(badness.detectMs)}`;
}

function lostText({ failedRequests, requestsToDetect }: Badness): string {
  if (failedRequests !== undefined) return count(Math.ceil(Number(failedRequests.toPrecision(2))));
  return requestsToDetect === undefined ? "-" : "unknown";
}

function budgetLines(plan: PlannedSwap, over: readonly PlannedStep[]): readonly string[] {
  if (over.length === 0) return [`Budget:        ${plural(plan.errorBudget, "request")} a step (swap.error_budget).`];
  return [
    `Budget:        ${plural(plan.errorBudget, "request")} a step (swap.error_budget); ${over.map(({ percent }) => `${percent} %`).join(", ")} would lose more if the new side failed all (a late step: some of it, for it has been tried by then).`,
    "               swap start refuses that without --allow-over-budget.",
  ];
}

function costLines(plan: PlannedSwap): readonly string[] {
  const { cost, doubleRunning } = plan;
  if (cost === undefined || doubleRunning === undefined)
    return ["Double running: no price is known for these platforms."];
  const sizes = doubleRunning.platforms
    .map(({ platform, instances, vcpus, gib }) => `${platform} ${instances} x ${vcpus} vCPU, ${gib} GiB`)
    .join("; ");
  const certain =
    doubleRunning.confidence === "unverified"
      ? ` UNVERIFIED: no price of ${doubleRunning.region} was found for some of it.`
      : "";
  return [
    `Cost:          ${money(cost.total)} for the ${cost.of} duration with both platforms at their ${plan.capacity === undefined ? "smallest" : "instances of now"} (${money(cost.perHour)} an hour: ${sizes}).`,
    `               List prices of ${doubleRunning.pricesOf}, ${doubleRunning.region}, as on Google Cloud; without network, discounts and scaling.${certain}`,
  ];
}

/** Dollars, to the cent from ten cents on. */
function money(usd: number): string {
  return usd >= 0.1 ? `$${usd.toFixed(2)}` : `$${usd.toPrecision(2)}`;
}
